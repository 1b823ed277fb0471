//! The gate before every message to a customer: what is known at the moment it is to go out decides
//! whether it goes, waits, or never goes. The questions are asked in one order; the first that has
//! something against it decides.

use std::time::Duration;

use chrono_tz::Tz;

use crate::base::clock::Timestamp;
use crate::model::appointment::{Appointment, AppointmentState};
use crate::model::consent::Suppression;
use crate::model::hours::QuietHours;
use crate::model::message::MessageClass;
use crate::model::request::Letter;
use crate::model::run::RunState;
use crate::model::verdict::{Decision, Gate};

/// What is known when a message is to go out.
#[derive(Clone, Debug)]
pub struct Standing {
    pub now: Timestamp,
    pub run: RunState,
    /// Why the run has its state.
    pub run_reason: Option<String>,
    /// What suppresses the address.
    pub suppressions: Vec<Suppression>,
    /// The contact's last word: given or taken back.
    pub consent: Option<bool>,
    /// Commercial mail needs consent in so many words.
    pub explicit_consent: bool,
    /// Something arrived about the contact and was not looked at yet.
    pub news_waits: bool,
    /// Mailbox and calendar have not been read for a while, and can be.
    pub stale: bool,
    /// Its automation is paused.
    pub paused: bool,
    /// Another commercial message to the contact is on its way: when to look again.
    pub under_way_until: Option<Timestamp>,
    /// The appointment as it stands; nothing when it is not known.
    pub appointment: Option<Appointment>,
    /// Since when the contact's last message is without an answer.
    pub owed_since: Option<Timestamp>,
    pub quiet: QuietHours,
    /// The zone in which it is quiet, and whose zone that is.
    pub zone: Tz,
    pub zone_of: &'static str,
    /// When the contact was last sent commercial messages, latest first.
    pub commercial: Vec<Timestamp>,
    pub cap: u32,
    pub cap_window: Duration,
    pub spacing: Duration,
}

/// What was decided, by which gate, and why in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub gate: Gate,
    pub decision: Decision,
    pub reason: String,
    pub until: Option<Timestamp>,
}

/// How soon a message is looked at again that waits for something to be read.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long an answer is owed; then it was given in another way, or is not wanted any more.
const OWED: Duration = Duration::from_secs(7 * 86_400);

const LOOK_DAILY: Duration = Duration::from_secs(86_400);

/// How soon a message of a paused automation is looked at again.
const PAUSED: Duration = Duration::from_secs(30);

/// Decides about one message.
pub fn decide(letter: &Letter, standing: &Standing) -> Answer {
    run(standing)
        .or_else(|| suppression(letter, standing))
        .or_else(|| consent(letter, standing))
        .or_else(|| expiry(letter, standing))
        .or_else(|| appointment(letter, standing))
        .or_else(|| news(standing))
        .or_else(|| owed(letter, standing))
        .or_else(|| quiet(letter, standing))
        .or_else(|| cap(letter, standing))
        .unwrap_or_else(|| passed(letter, standing))
}

/// Writes a moment as clocks of the reader show it, for a reason.
fn clock(standing: &Standing, at: Timestamp) -> String {
    at.utc().with_timezone(&standing.zone).format("%a %-d %b %Y, %H:%M %Z").to_string()
}

fn drop(gate: Gate, reason: impl Into<String>) -> Answer {
    Answer { gate, decision: Decision::Drop, reason: reason.into(), until: None }
}

fn hold(gate: Gate, until: Timestamp, reason: impl Into<String>) -> Answer {
    Answer { gate, decision: Decision::Hold, reason: reason.into(), until: Some(until) }
}

fn run(standing: &Standing) -> Option<Answer> {
    if standing.run != RunState::Cancelled {
        let until = standing.now + PAUSED;
        return standing.paused.then(|| hold(Gate::Run, until, "its automation is paused"));
    }
    let reason = standing.run_reason.as_deref().unwrap_or("its run was cancelled");
    Some(drop(Gate::Run, format!("its run has ended: {reason}")))
}

fn suppression(letter: &Letter, standing: &Standing) -> Option<Answer> {
    let found = standing.suppressions.iter().find(|found| found.scope.covers(letter.class))?;
    Some(drop(
        Gate::Suppression,
        format!(
            "the address is suppressed for {} since {}: {}",
            found.scope,
            clock(standing, found.created_at),
            found.reason
        ),
    ))
}

fn consent(letter: &Letter, standing: &Standing) -> Option<Answer> {
    if letter.class == MessageClass::Transactional {
        return None;
    }
    match (standing.consent, standing.explicit_consent) {
        (Some(true), _) | (None, false) => None,
        (Some(false), _) => Some(drop(Gate::Consent, "the contact took back their consent")),
        (None, true) => {
            Some(drop(Gate::Consent, "the contact never gave consent, and this tenant asks for it"))
        }
    }
}

fn expiry(letter: &Letter, standing: &Standing) -> Option<Answer> {
    let expires_at = letter.expires_at.filter(|at| *at <= standing.now)?;
    Some(drop(Gate::Expiry, format!("it made sense until {} only", clock(standing, expires_at))))
}

fn appointment(letter: &Letter, standing: &Standing) -> Option<Answer> {
    let intent = letter.intent.as_ref()?;
    let current = standing.appointment.as_ref()?;
    let reason = match (intent.starts_at, current.state) {
        (Some(starts_at), AppointmentState::Booked) if starts_at == current.starts_at => return None,
        (None, AppointmentState::Cancelled) => return None,
        (Some(_), AppointmentState::Booked) => {
            format!("the appointment was moved to {}", clock(standing, current.starts_at))
        }
        (Some(_), AppointmentState::Cancelled) => "the appointment was cancelled".to_owned(),
        (None, AppointmentState::Booked) => "the appointment was booked again".to_owned(),
    };
    Some(drop(Gate::Appointment, reason))
}

fn news(standing: &Standing) -> Option<Answer> {
    if standing.news_waits {
        let why = "something arrived about the contact and is looked at first";
        return Some(hold(Gate::News, standing.now + LOOK_AGAIN, why));
    }
    if standing.stale {
        let why = "mailbox and calendar are read first, so that no reply or change is missed";
        return Some(hold(Gate::News, standing.now + LOOK_AGAIN, why));
    }
    None
}

fn owed(letter: &Letter, standing: &Standing) -> Option<Answer> {
    let owed_since = standing.owed_since.filter(|_| letter.class == MessageClass::Commercial)?;
    let settled_at = owed_since + OWED;
    if settled_at <= standing.now {
        return None;
    }
    let until = settled_at.min(standing.now + LOOK_DAILY);
    Some(hold(
        Gate::Reply,
        until,
        format!("the contact wrote at {}, and we owe them an answer", clock(standing, owed_since)),
    ))
}

fn is_at_once(letter: &Letter, standing: &Standing) -> bool {
    letter.at_once_until.is_some_and(|until| standing.now < until)
}

fn quiet(letter: &Letter, standing: &Standing) -> Option<Answer> {
    if is_at_once(letter, standing) {
        return None;
    }
    let ends_at = standing.quiet.end_of(standing.now, standing.zone)?;
    let (zone, whose) = (standing.zone, standing.zone_of);
    if let Some(expires_at) = letter.expires_at.filter(|at| *at <= ends_at) {
        let why = format!(
            "quiet hours in {zone} ({whose}) last until {}, and it makes sense until {} only",
            clock(standing, ends_at),
            clock(standing, expires_at)
        );
        return Some(drop(Gate::QuietHours, why));
    }
    Some(hold(Gate::QuietHours, ends_at, format!("quiet hours in {zone} ({whose})")))
}

fn cap(letter: &Letter, standing: &Standing) -> Option<Answer> {
    if letter.class == MessageClass::Transactional {
        return None;
    }
    let since = standing.now - standing.cap_window;
    let recent = standing.commercial.iter().filter(|at| **at > since).count();
    if u32::try_from(recent).unwrap_or(u32::MAX) >= standing.cap {
        let (cap, days) = (standing.cap, standing.cap_window.as_secs() / 86_400);
        return Some(drop(
            Gate::Cap,
            format!("the contact got {recent} commercial messages in {days} days; {cap} are allowed"),
        ));
    }
    if let Some(until) = standing.under_way_until {
        return Some(hold(Gate::News, until, "another message to the contact is on its way"));
    }
    let last = standing.commercial.first()?;
    let free_at = *last + standing.spacing;
    if free_at > standing.now {
        return Some(hold(
            Gate::Spacing,
            free_at,
            format!("the last commercial message went out at {}", clock(standing, *last)),
        ));
    }
    None
}

fn passed(letter: &Letter, standing: &Standing) -> Answer {
    let mut checked = vec!["not suppressed".to_owned()];
    match standing.consent {
        Some(true) => checked.push("consent given".to_owned()),
        _ if letter.class == MessageClass::Transactional => checked.push("no consent needed".to_owned()),
        _ => checked.push("consent not asked for".to_owned()),
    }
    if letter.intent.is_some() {
        checked.push("appointment as it was".to_owned());
    }
    checked.push(match is_at_once(letter, standing) {
        true => "answers at once".to_owned(),
        false => format!("no quiet hours in {} ({})", standing.zone, standing.zone_of),
    });
    if letter.class == MessageClass::Commercial {
        checked.push("no answer owed".to_owned());
        checked.push(format!("{} commercial before, {} allowed", standing.commercial.len(), standing.cap));
    }
    Answer { gate: Gate::All, decision: Decision::Send, reason: checked.join(", "), until: None }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
