//! A run on a virtual clock: what an automation would do, days of waits in a moment, with nothing done.
//!
//! It goes through the same plans, stops and gates as a real run. What a provider would answer is made
//! up; what happens meanwhile is told beforehand.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::context::{Facts, Links, Operator, Person, Settings};
use crate::engine::definition::{Definition, Same};
use crate::engine::gate::{self, Standing};
use crate::engine::plan::{self, Situation};
use crate::engine::trigger::Watch;
use crate::model::address::Zone;
use crate::model::automation::MessageTemplates;
use crate::model::change::Change;
use crate::model::connection::Connection;
use crate::model::effect::{Effect, EffectState};
use crate::model::event::{Event, EventKind, Fact};
use crate::model::hours::QuietHours;
use crate::model::job::Job;
use crate::model::lead::{Lead, LeadState};
use crate::model::message::{Message, MessageClass};
use crate::model::request::{EffectRequest, Letter, SendMail};
use crate::model::run::{Run, RunState, Step, StepState};
use crate::model::slot;
use crate::model::tenant::Tenant;
use crate::model::verdict::Decision;

/// What a trial begins with.
pub struct Trial<'a> {
    pub tenant: &'a Tenant,
    pub definition: &'a Definition,
    pub settings: &'a Settings,
    pub templates: &'a MessageTemplates,
    pub stops: &'a [(Same, Watch)],
    pub connections: &'a [Connection],
    pub run: Run,
    pub event: &'a Event,
    pub lead: Option<Lead>,
    pub contact: Option<Person>,
    pub job: Option<Job>,
    pub operator: Option<Operator>,
    pub conversation: Vec<Message>,
    pub links: Links,
    pub digest: Option<serde_json::Value>,
    /// When the contact was sent commercial messages before, latest first.
    pub commercial: Vec<Timestamp>,
    /// What happens afterwards, in order.
    pub happenings: Vec<Happening>,
    /// How long it is looked at.
    pub length: Duration,
}

/// Something that happens while the run is under way.
#[derive(Clone, Debug)]
pub struct Happening {
    pub event: Event,
    /// What it is about, as a run's subject is named.
    pub subject: String,
}

/// One thing that a trial shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub at: Timestamp,
    /// The step, where it is about one.
    pub step: String,
    #[serde(flatten)]
    pub what: What,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    Skipped {
        reason: String,
    },
    Waits {
        until: Timestamp,
    },
    Held {
        gate: String,
        reason: String,
        until: Timestamp,
    },
    NotSent {
        gate: String,
        reason: String,
    },
    Sent {
        to: String,
        subject: String,
        text: String,
        html: Option<String>,
        class: Option<MessageClass>,
        why: String,
    },
    Does {
        kind: String,
        request: serde_json::Value,
    },
    Changes {
        change: serde_json::Value,
    },
    Happens {
        event: String,
    },
    Fails {
        reason: String,
    },
    Ends {
        state: RunState,
        reason: Option<String>,
    },
}

/// Moves of one trial at most, so that none goes on for ever.
const MOVES: usize = 2_000;

/// Runs the trial to its end, or for as long as it is to be looked at.
///
/// # Errors
/// `Internal` when a stored text of the tenant cannot be read.
pub fn run(trial: Trial<'_>) -> Result<Vec<Line>> {
    let until = trial.run.started_at + trial.length;
    let mut player = Player {
        now: trial.run.started_at,
        run: Run { due_at: Some(trial.run.started_at), ..trial.run.clone() },
        trial,
        journal: Vec::new(),
        effects: Vec::new(),
        owed_since: None,
        lines: Vec::new(),
    };
    for _ in 0..MOVES {
        let Some(at) = player.next().filter(|at| *at <= until) else { break };
        player.now = player.now.max(at);
        player.turn()?;
        if player.run.state.is_finished() && !player.effects.iter().any(|effect| !effect.state.is_settled()) {
            break;
        }
    }
    Ok(player.lines)
}

struct Player<'a> {
    trial: Trial<'a>,
    now: Timestamp,
    run: Run,
    journal: Vec<Step>,
    effects: Vec<Effect>,
    owed_since: Option<Timestamp>,
    lines: Vec<Line>,
}

impl Player<'_> {
    /// Returns when something comes next.
    fn next(&self) -> Option<Timestamp> {
        let happening = self.trial.happenings.first().map(|happening| happening.event.received_at);
        let open = self.effects.iter().filter(|effect| !effect.state.is_settled());
        let due = open.filter_map(|effect| effect.due_at).min();
        [happening.filter(|_| !self.run.state.is_finished()), due, self.run.due_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does the one thing that comes next: what happens comes before what is sent, and that before the
    /// next step.
    fn turn(&mut self) -> Result<()> {
        let has_come = |at: Timestamp| at <= self.now;
        if self.trial.happenings.first().is_some_and(|first| has_come(first.event.received_at)) {
            let happening = self.trial.happenings.remove(0);
            return self.happen(&happening);
        }
        let due = self
            .effects
            .iter()
            .position(|effect| !effect.state.is_settled() && effect.due_at.is_some_and(has_come));
        if let Some(index) = due {
            return self.deliver(index);
        }
        if self.run.due_at.is_some_and(has_come) {
            return self.advance();
        }
        Ok(())
    }

    fn say(&mut self, step: &str, what: What) {
        self.lines.push(Line { at: self.now, step: step.to_owned(), what });
    }

    fn advance(&mut self) -> Result<()> {
        let trial = &self.trial;
        let plan = plan::advance(&Situation {
            run: &self.run,
            facts: Facts {
                event: trial.event,
                tenant: trial.tenant,
                lead: trial.lead.as_ref(),
                contact: trial.contact.as_ref(),
                job: trial.job.as_ref(),
                operator: trial.operator.as_ref(),
                conversation: &trial.conversation,
                links: &trial.links,
            },
            definition: trial.definition,
            settings: trial.settings,
            templates: trial.templates,
            connections: trial.connections,
            journal: &self.journal,
            effects: &self.effects,
            digest: trial.digest.as_ref(),
            now: self.now,
        })?;
        self.run = plan.run;
        for step in plan.steps {
            self.note_step(&step);
            self.journal.retain(|line| line.position != step.position);
            self.journal.push(step);
        }
        for change in plan.changes {
            self.change(&change)?;
        }
        for promise in plan.effects {
            self.effects.push(promise.into_effect(&self.run, None, self.now)?);
        }
        if self.run.state.is_finished() {
            let (state, reason) = (self.run.state, self.run.reason.clone());
            self.say("", What::Ends { state, reason });
        }
        Ok(())
    }

    fn note_step(&mut self, step: &Step) {
        let reason = step.reason.clone().unwrap_or_default();
        match (step.state, step.effect_id.is_some()) {
            (StepState::Skipped, false) => self.say(&step.name, What::Skipped { reason }),
            (StepState::Failed, _) => self.say(&step.name, What::Fails { reason }),
            (StepState::Waiting, false) => {
                if let Some(until) = self.run.due_at {
                    self.say(&step.name, What::Waits { until });
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, change: &Change) -> Result<()> {
        let shown = serde_json::to_value(change)
            .map_err(|error| Error::internal("a change has no JSON form").source(error))?;
        self.say("", What::Changes { change: shown });
        if let (Change::SetLead { state, .. }, Some(lead)) = (change, &mut self.trial.lead) {
            lead.state = *state;
        }
        Ok(())
    }

    fn deliver(&mut self, index: usize) -> Result<()> {
        let Some(effect) = self.effects.get(index).cloned() else { return Ok(()) };
        let request: EffectRequest = effect.request.read()?;
        let mut why = String::new();
        if let EffectRequest::SendMail(SendMail { letter: Some(letter), .. }) = &request {
            let answer = gate::decide(letter, &self.standing()?);
            let gate = answer.gate.to_string();
            match (answer.decision, answer.until) {
                (Decision::Hold, Some(until)) => {
                    self.say(&effect.step, What::Held { gate, reason: answer.reason, until });
                    self.settle(index, Effect { due_at: Some(until), ..effect });
                    return Ok(());
                }
                (Decision::Send, _) => why = answer.reason,
                (Decision::Drop | Decision::Hold, _) => {
                    self.say(&effect.step, What::NotSent { gate, reason: answer.reason.clone() });
                    let reason = Some(answer.reason);
                    let state = EffectState::Discarded;
                    let settled_at = Some(self.now);
                    self.settle(index, Effect { state, reason, due_at: None, settled_at, ..effect });
                    return Ok(());
                }
            }
            if letter.class == MessageClass::Commercial {
                self.trial.commercial.insert(0, self.now);
            }
        }
        self.show(&effect.step, &request, why)?;
        let output = Some(Json::of(&made_up(&request))?);
        let (state, settled_at) = (EffectState::Delivered, Some(self.now));
        self.settle(index, Effect { state, output, due_at: None, settled_at, ..effect });
        Ok(())
    }

    fn show(&mut self, step: &str, request: &EffectRequest, why: String) -> Result<()> {
        let what = match request {
            EffectRequest::SendMail(mail) => What::Sent {
                to: mail.to.to_string(),
                subject: mail.subject.clone(),
                text: mail.text.clone(),
                html: mail.html.clone(),
                class: mail.letter.as_ref().map(|letter: &Letter| letter.class),
                why,
            },
            _ => What::Does {
                kind: request.kind().to_string(),
                request: serde_json::to_value(request)
                    .map_err(|error| Error::internal("a request has no JSON form").source(error))?,
            },
        };
        self.say(step, what);
        Ok(())
    }

    /// Writes an effect back; the last to settle lets the run go on.
    fn settle(&mut self, index: usize, after: Effect) {
        if let Some(place) = self.effects.get_mut(index) {
            *place = after;
        }
        let open = self.effects.iter().any(|effect| !effect.state.is_settled());
        if !open && !self.run.state.is_finished() {
            self.run.due_at = Some(self.now);
        }
    }

    /// Lets something happen: it may end the run, and it changes what is known.
    fn happen(&mut self, happening: &Happening) -> Result<()> {
        let event = &happening.event;
        self.say("", What::Happens { event: event.kind.to_string() });
        match event.kind {
            EventKind::MessageReceived => self.owed_since = Some(self.now),
            EventKind::MessageWritten => {
                self.owed_since = None;
                if let Some(lead) = &mut self.trial.lead {
                    lead.responded_at = lead.responded_at.or(Some(self.now));
                }
            }
            EventKind::LeadChanged => {
                let fact: Fact = event.payload.read()?;
                if let (Some(lead), Ok(state)) = (&mut self.trial.lead, LeadState::parse(&fact.detail)) {
                    lead.state = state;
                }
            }
            _ => {}
        }
        for (same, watch) in self.trial.stops {
            let concerns = match same {
                Same::Contact => true,
                Same::Subject => happening.subject == self.run.subject_id,
            };
            if concerns && watch.matches(event, "", self.trial.connections)? {
                return self.end(&format!("ended by {}", event.kind));
            }
        }
        Ok(())
    }

    fn end(&mut self, reason: &str) -> Result<()> {
        self.run.state = RunState::Cancelled;
        self.run.reason = Some(reason.to_owned());
        self.run.due_at = None;
        for index in 0..self.effects.len() {
            let Some(effect) = self.effects.get(index).cloned() else { break };
            let is_letter = effect.request.read::<EffectRequest>()?.letter().is_some();
            if is_letter && !effect.state.is_settled() {
                self.say(&effect.step, What::NotSent { gate: "run".to_owned(), reason: reason.to_owned() });
                let state = EffectState::Discarded;
                self.settle(index, Effect { state, due_at: None, settled_at: Some(self.now), ..effect });
            }
        }
        let (state, reason) = (self.run.state, self.run.reason.clone());
        self.say("", What::Ends { state, reason });
        Ok(())
    }

    fn standing(&self) -> Result<Standing> {
        let tenant = self.trial.tenant;
        let settings = tenant.settings()?;
        let own = self.trial.contact.as_ref().and_then(|person| person.contact.timezone.as_deref());
        let own = own.and_then(|name| Zone::parse(name).ok());
        let length = |text: &str| {
            humantime::parse_duration(text)
                .map_err(|_| Error::internal(format!("`{text}` is not a duration")))
        };
        Ok(Standing {
            now: self.now,
            run: self.run.state,
            run_reason: self.run.reason.clone(),
            suppressions: Vec::new(),
            consent: None,
            explicit_consent: settings.explicit_consent,
            news_waits: false,
            stale: false,
            paused: false,
            under_way_until: None,
            appointment: None,
            owed_since: self.owed_since,
            quiet: QuietHours::parse(&settings.quiet_hours)?,
            zone: own.map_or(tenant.zone()?.tz(), Zone::tz),
            zone_of: if own.is_some() { "the contact's zone" } else { "the business's zone" },
            commercial: self.trial.commercial.clone(),
            cap: settings.cap,
            cap_window: length(&settings.cap_window)?,
            spacing: length(&settings.spacing)?,
        })
    }
}

/// Returns what a provider might answer.
fn made_up(request: &EffectRequest) -> serde_json::Value {
    match request {
        EffectRequest::SendMail(_) | EffectRequest::DraftMail(_) => {
            json!({ "thread_id": "trial", "message_id": "trial@example.com" })
        }
        EffectRequest::CreateEvent(entry) => {
            json!({ "start": entry.start, "end": entry.end, "link": "https://calendar.example.com/trial" })
        }
        EffectRequest::UpdateEvent(entry) => {
            let (start, end) = entry.time.unzip();
            json!({ "start": start, "end": end, "link": "https://calendar.example.com/trial" })
        }
        EffectRequest::FindSlot(find) => match slot::first_free(find, &[]) {
            Some((start, end)) => json!({ "found": true, "start": start, "end": end }),
            None => json!({ "found": false, "start": null, "end": null }),
        },
        EffectRequest::UpdateRow(_) => json!({ "found": true }),
        EffectRequest::PostWebhook(_) => json!({ "status": 200 }),
        EffectRequest::LabelMail(_) | EffectRequest::CancelEvent(_) | EffectRequest::AppendRow(_) => {
            json!({})
        }
    }
}
