//! What happened lately: leads, messages, runs and automations, a row each.

use crate::http::status::owner::{NAME, TEXT, Tag, tag};
use crate::http::status::time::TimeElement as _;
use crate::ops::report::dashboard::{self, AutomationLine, Fate, MessageRow, RunLine};
use nexora_core::base::wording::{self, LocalClock};
use nexora_core::model::address::Country;
use nexora_core::model::automation::AutomationState;
use nexora_core::model::lead::{Details, Lead, LeadState};
use nexora_engine::report::owner_words;

pub struct LeadRow {
    pub name: String,
    /// `spam` and `test` are not leads like others.
    pub mark: Option<Tag>,
    pub received: String,
    /// The number to dial, and as people write it.
    pub phone: Option<(String, String)>,
    pub email: Option<String>,
    pub service: String,
    pub source: String,
    /// Answers that have no column of their own.
    pub details: Vec<(String, String)>,
    pub state: Tag,
    pub automatic: String,
    pub personal: String,
}

impl LeadRow {
    pub fn new(lead: &Lead, country: Country, clock: &LocalClock) -> LeadRow {
        let after = |at: Option<_>, otherwise: &str| match at {
            Some(at) => {
                format!(
                    "in {}",
                    wording::length(nexora_core::base::clock::Timestamp::since(at, lead.received_at))
                )
            }
            None => otherwise.to_owned(),
        };
        let is_real = !lead.is_test && lead.state != LeadState::Spam;
        LeadRow {
            name: wording::cut(&lead.name, NAME),
            mark: lead.is_test.then_some(tag("", "Test")),
            received: clock.when(lead.received_at),
            phone: lead.phone.as_ref().map(|phone| (phone.to_string(), phone.shown_in(country))),
            email: lead.email.as_ref().map(ToString::to_string),
            service: wording::cut(lead.service.as_deref().unwrap_or_default(), TEXT),
            source: wording::cut(&owner_words::source(&lead.source), NAME),
            details: details(lead),
            state: tag(
                match lead.state {
                    LeadState::Booked | LeadState::Won => "good",
                    LeadState::Spam | LeadState::NeedsReview => "warn",
                    LeadState::New | LeadState::Contacted | LeadState::Lost => "",
                },
                owner_words::lead_state(lead.state),
            ),
            automatic: after(lead.answered_at, if is_real { "not yet" } else { "none" }),
            personal: after(lead.responded_at, if is_real { "not yet" } else { "none" }),
        }
    }
}

/// Answers of a lead that are shown at most.
const DETAILS: usize = 8;

fn details(lead: &Lead) -> Vec<(String, String)> {
    let details: Details = lead.details.read().unwrap_or_default();
    let shown = details.into_iter().take(DETAILS);
    shown
        .map(|(name, value)| (wording::cut(&name.replace('_', " "), NAME), wording::cut(&value, TEXT)))
        .collect()
}

pub struct MessageView {
    pub when: String,
    pub who: String,
    pub subject: String,
    pub is_reply: bool,
    pub state: Tag,
    pub why: String,
    pub until: Option<String>,
}

impl MessageView {
    pub fn new(message: MessageRow, clock: &LocalClock) -> MessageView {
        let (state, why, until) = match message.fate {
            Fate::Received => (tag("brand", "Reply"), String::new(), None),
            Fate::Sent => (tag("good", "Sent"), String::new(), None),
            Fate::Leaving => (tag("", "On its way"), String::new(), None),
            Fate::Waiting { why, until } => (tag("warn", "Waiting"), why, until),
            Fate::Retrying { at } => {
                (tag("warn", "Trying again"), "it did not go through the first time".to_owned(), at)
            }
            Fate::Checking => (
                tag("warn", "Being checked"),
                "it may have gone out; we are asking the mail service".to_owned(),
                None,
            ),
            Fate::NotSent { why } => (tag("", "Not sent"), why, None),
            Fate::GivenUp { why } => (tag("bad", "Given up"), why, None),
        };
        MessageView {
            when: clock.when(message.at),
            is_reply: state.word == "Reply",
            who: wording::cut(&message.who, NAME),
            subject: wording::cut(&message.subject, TEXT),
            state,
            why: wording::cut(&why, TEXT),
            until: until.map(|at| clock.when(at)),
        }
    }
}

pub struct Runs {
    pub succeeded: i64,
    pub ended_early: i64,
    pub failed: i64,
    pub failures: Vec<RunRow>,
    pub waiting: Vec<RunRow>,
}

pub struct RunRow {
    pub automation: String,
    pub who: Option<String>,
    pub why: String,
    pub when: String,
}

impl Runs {
    pub fn new(runs: dashboard::Runs, clock: &LocalClock) -> Runs {
        let rows = |lines: Vec<RunLine>| {
            let row = |line: RunLine| RunRow {
                automation: wording::cut(&line.automation, NAME),
                who: line.who.map(|who| wording::cut(&who, NAME)),
                why: wording::cut(&line.why, TEXT),
                when: clock.when(line.at),
            };
            lines.into_iter().map(row).collect()
        };
        Runs {
            succeeded: runs.succeeded,
            ended_early: runs.ended_early,
            failed: runs.failed,
            failures: rows(runs.failures),
            waiting: rows(runs.waiting),
        }
    }
}

pub struct AutomationRow {
    pub title: String,
    pub description: String,
    pub state: Tag,
    pub ran: String,
    pub failed: i64,
    pub next: Option<String>,
}

impl AutomationRow {
    pub fn new(line: AutomationLine, clock: &LocalClock) -> AutomationRow {
        AutomationRow {
            title: wording::cut(&line.title, NAME),
            description: wording::cut(&line.description, TEXT),
            state: match line.state {
                AutomationState::Enabled => tag("good", "On"),
                AutomationState::Paused => tag("warn", "Paused"),
                AutomationState::Disabled => tag("", "Off"),
            },
            ran: match line.ran {
                0 => "nothing to do this week".to_owned(),
                1 => "ran once this week".to_owned(),
                times => format!("ran {times} times this week"),
            },
            failed: line.failed,
            next: line.next_at.map(|at| clock.when(at)),
        }
    }
}
