//! The gate before every message to a customer: what is known at the moment of sending decides
//! whether the message goes out, waits, or never goes out. The checks run in one order; the first
//! that objects decides.

use std::time::Duration;

use chrono_tz::Tz;

use crate::message::quiet;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::appointment::{Appointment, AppointmentState};
use nexora_core::model::consent::Suppression;
use nexora_core::model::hours::QuietHours;
use nexora_core::model::message::MessageClass;
use nexora_core::model::outbound::Envelope;
use nexora_core::model::run::RunState;
use nexora_core::model::verdict::{Decision, Gate};

/// What is known when a message is to go out.
#[derive(Clone, Debug)]
pub struct GateInput {
    pub now: Timestamp,
    pub run: RunState,
    /// Why the run has its state.
    pub run_reason: Option<String>,
    /// What suppresses the recipient's address.
    pub suppressions: Vec<Suppression>,
    /// The contact's last consent for the message's channel: given or withdrawn.
    pub consent: Option<bool>,
    /// Commercial messages need a consent that was given explicitly.
    pub explicit_consent: bool,
    /// An event about the contact has arrived and is not dispatched yet.
    pub news_waits: bool,
    /// Mailbox and calendar have not been read for a while, and can be.
    pub stale: bool,
    /// Its automation is paused.
    pub paused: bool,
    /// Where the message answers a lead at an address that has not proven itself: when other such messages, of any
    /// tenant, went to it within [`STRANGER_DAY`].
    pub to_stranger: Option<Vec<Timestamp>>,
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
pub struct GateDecision {
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

/// Anyone can type another's address into a form: so many automatic answers an address gets in an hour, and in a day.
const STRANGER_HOUR: Duration = Duration::from_secs(3_600);
pub const STRANGER_DAY: Duration = Duration::from_secs(86_400);
const IN_AN_HOUR: usize = 1;
const IN_A_DAY: usize = 3;

/// Decides about one message.
pub fn decide(envelope: &Envelope, input: &GateInput) -> GateDecision {
    run(input)
        .or_else(|| suppression(envelope, input))
        .or_else(|| consent(envelope, input))
        .or_else(|| expiry(envelope, input))
        .or_else(|| appointment(envelope, input))
        .or_else(|| freshness(input))
        .or_else(|| owed(envelope, input))
        .or_else(|| quiet(envelope, input))
        .or_else(|| stranger(input))
        .or_else(|| cap(envelope, input))
        .unwrap_or_else(|| passed(envelope, input))
}

/// Writes a moment as clocks of the reader show it, for a reason.
fn clock(input: &GateInput, at: Timestamp) -> String {
    at.utc().with_timezone(&input.zone).format("%a %-d %b %Y, %H:%M %Z").to_string()
}

fn drop(gate: Gate, reason: impl Into<String>) -> GateDecision {
    GateDecision { gate, decision: Decision::Drop, reason: reason.into(), until: None }
}

fn hold(gate: Gate, until: Timestamp, reason: impl Into<String>) -> GateDecision {
    GateDecision { gate, decision: Decision::Hold, reason: reason.into(), until: Some(until) }
}

fn run(input: &GateInput) -> Option<GateDecision> {
    if input.run != RunState::Cancelled {
        let until = input.now + PAUSED;
        return input.paused.then(|| hold(Gate::Run, until, "its automation is paused"));
    }
    let reason = input.run_reason.as_deref().unwrap_or("its run was cancelled");
    Some(drop(Gate::Run, format!("its run has ended: {reason}")))
}

fn suppression(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    let found = input.suppressions.iter().find(|found| found.scope.covers(envelope.class))?;
    Some(drop(
        Gate::Suppression,
        format!(
            "the address is suppressed for {} since {}: {}",
            found.scope,
            clock(input, found.created_at),
            found.reason
        ),
    ))
}

fn consent(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    if envelope.class == MessageClass::Transactional {
        return None;
    }
    match (input.consent, input.explicit_consent) {
        (Some(true), _) | (None, false) => None,
        (Some(false), _) => Some(drop(Gate::Consent, "the contact took back their consent")),
        (None, true) => {
            Some(drop(Gate::Consent, "the contact never gave consent, and this tenant asks for it"))
        }
    }
}

fn expiry(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    let expires_at = envelope.expires_at.filter(|at| *at <= input.now)?;
    Some(drop(Gate::Expiry, format!("it made sense until {} only", clock(input, expires_at))))
}

fn appointment(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    let intent = envelope.intent.as_ref()?;
    let current = input.appointment.as_ref()?;
    let reason = match (intent.starts_at, current.state) {
        (Some(starts_at), AppointmentState::Booked) if starts_at == current.starts_at => return None,
        (None, AppointmentState::Cancelled) => return None,
        (None, AppointmentState::Booked) if intent.for_one => return None,
        (Some(_), AppointmentState::Booked) => {
            format!("the appointment was moved to {}", clock(input, current.starts_at))
        }
        (Some(_), AppointmentState::Cancelled) => "the appointment was cancelled".to_owned(),
        (None, AppointmentState::Booked) => "the appointment was booked again".to_owned(),
    };
    Some(drop(Gate::Appointment, reason))
}

fn freshness(input: &GateInput) -> Option<GateDecision> {
    if input.news_waits {
        let why = "something arrived about the contact and is looked at first";
        return Some(hold(Gate::Freshness, input.now + LOOK_AGAIN, why));
    }
    if input.stale {
        let why = "mailbox and calendar are read first, so that no reply or change is missed";
        return Some(hold(Gate::Freshness, input.now + LOOK_AGAIN, why));
    }
    None
}

fn owed(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    let owed_since = input.owed_since.filter(|_| envelope.class == MessageClass::Commercial)?;
    let settled_at = owed_since + OWED;
    if settled_at <= input.now {
        return None;
    }
    let until = settled_at.min(input.now + LOOK_DAILY);
    Some(hold(
        Gate::Reply,
        until,
        format!("the contact wrote at {}, and we owe them an answer", clock(input, owed_since)),
    ))
}

fn is_at_once(envelope: &Envelope, input: &GateInput) -> bool {
    envelope.at_once_until.is_some_and(|until| input.now < until)
}

fn quiet(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    if is_at_once(envelope, input) {
        return None;
    }
    let ends_at = quiet::end_of(&input.quiet, input.now, input.zone)?;
    let (zone, whose) = (input.zone, input.zone_of);
    if let Some(expires_at) = envelope.expires_at.filter(|at| *at <= ends_at) {
        let why = format!(
            "quiet hours in {zone} ({whose}) last until {}, and it makes sense until {} only",
            clock(input, ends_at),
            clock(input, expires_at)
        );
        return Some(drop(Gate::QuietHours, why));
    }
    Some(hold(Gate::QuietHours, ends_at, format!("quiet hours in {zone} ({whose})")))
}

fn stranger(input: &GateInput) -> Option<GateDecision> {
    let times = input.to_stranger.as_ref()?;
    let within = |window| times.iter().filter(|at| **at > input.now - window).count();
    if within(STRANGER_HOUR) >= IN_AN_HOUR {
        return Some(drop(
            Gate::Cap,
            "the address had an automatic answer within the hour, and has not written to us",
        ));
    }
    let why = format!("the address had {IN_A_DAY} automatic answers within a day, and has not written to us");
    (within(STRANGER_DAY) >= IN_A_DAY).then(|| drop(Gate::Cap, why))
}

fn cap(envelope: &Envelope, input: &GateInput) -> Option<GateDecision> {
    if envelope.class == MessageClass::Transactional {
        return None;
    }
    let since = input.now - input.cap_window;
    let recent = input.commercial.iter().filter(|at| **at > since).count();
    if u32::try_from(recent).unwrap_or(u32::MAX) >= input.cap {
        let (cap, days) = (input.cap, input.cap_window.as_secs() / 86_400);
        return Some(drop(
            Gate::Cap,
            format!("the contact got {recent} commercial messages in {days} days; {cap} are allowed"),
        ));
    }
    if let Some(until) = input.under_way_until {
        return Some(hold(Gate::Freshness, until, "another message to the contact is on its way"));
    }
    let last = input.commercial.first()?;
    let free_at = *last + input.spacing;
    if free_at > input.now {
        return Some(hold(
            Gate::Spacing,
            free_at,
            format!("the last commercial message went out at {}", clock(input, *last)),
        ));
    }
    None
}

fn passed(envelope: &Envelope, input: &GateInput) -> GateDecision {
    let mut checked = vec!["not suppressed".to_owned()];
    match input.consent {
        Some(true) => checked.push("consent given".to_owned()),
        _ if envelope.class == MessageClass::Transactional => checked.push("no consent needed".to_owned()),
        _ => checked.push("consent not asked for".to_owned()),
    }
    if envelope.intent.is_some() {
        checked.push("appointment as it was".to_owned());
    }
    checked.push(match is_at_once(envelope, input) {
        true => "answers at once".to_owned(),
        false => format!("no quiet hours in {} ({})", input.zone, input.zone_of),
    });
    if envelope.class == MessageClass::Commercial {
        checked.push("no answer owed".to_owned());
        checked.push(format!("{} commercial before, {} allowed", input.commercial.len(), input.cap));
    }
    GateDecision { gate: Gate::All, decision: Decision::Send, reason: checked.join(", "), until: None }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
