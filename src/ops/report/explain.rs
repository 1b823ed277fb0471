//! Why something was sent, and why it was not: everything that is on record about a run, a lead or a
//! message, in the order in which it happened.

mod about;

use serde::Serialize;

use crate::app::App;
use crate::domain::contact::link::SignedLinks;
use crate::ops::unit::Unit;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::event::Event;
use nexora_core::model::lead::Lead;
use nexora_core::model::message::Message;
use nexora_core::model::outbound::Content;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::{Run, StepState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::verdict::Decision;
use nexora_core::model::{EffectId, EventId, LeadId, MessageId, RunId};
use nexora_store::{Tx, automation, effect, event, lead, message, run, verdict};

/// What is on record, in order.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub subject: String,
    pub lines: Vec<Line>,
}

/// One thing that happened or was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub at: Timestamp,
    /// What it is about: an automation, a step of it, a message.
    pub what: String,
    /// `arrived`, `began`, `skipped`, `waits`, `held`, `sent`, `not sent`, `failed`, `done` or `ended`.
    pub became: &'static str,
    pub why: String,
}

const RUNS: i64 = 100;
const ATTEMPTS: i64 = 20;

/// Explains what is named: a run, lead, event, effect, message, contact, job, task, appointment, cursor or connection by
/// its id; a person by an address or telephone number; an automation or a connection by its name; or a day, by what did not go out on it.
///
/// # Errors
/// `Usage` when it is none of these; `NotFound` when there is none.
pub async fn explain(app: &App, tenant: &Tenant, id: &str) -> Result<Explanation> {
    let id = id.trim().to_owned();
    let (linker, now) = (SignedLinks::of(app), app.clock.now());
    app.view(tenant, move |tx| {
        let mut lines = Vec::new();
        if !about::explain(tx, &id, (&linker, now), &mut lines)? {
            of(tx, &id, &mut lines)?;
        }
        lines.sort_by_key(|line| line.at);
        Ok(Explanation { subject: id, lines })
    })
    .await
}

fn of(tx: &mut Unit<'_>, id: &str, lines: &mut Vec<Line>) -> Result<()> {
    let tenant = tx.tenant;
    let missing = || Error::not_found(format!("no `{id}` in tenant `{}`", tenant.slug));
    if let Ok(wanted) = RunId::parse(id) {
        let found = run::find(tx, &wanted)?.ok_or_else(missing)?;
        return of_run(tx, &found, lines);
    }
    if let Ok(wanted) = EffectId::parse(id) {
        let found = effect::find(tx, &wanted)?.ok_or_else(missing)?;
        return of_effect(tx, &found, lines);
    }
    if let Ok(wanted) = LeadId::parse(id) {
        let found = lead::find(tx, &wanted)?.ok_or_else(missing)?;
        return of_lead(tx, &found, lines);
    }
    if let Ok(wanted) = EventId::parse(id) {
        let found = event::find(tx, &wanted)?.ok_or_else(missing)?;
        lines.push(arrived(&found));
        return of_runs(tx, run::Filter { event: Some(wanted), ..Default::default() }, lines);
    }
    if let Ok(wanted) = MessageId::parse(id) {
        let found = message::find(tx, &wanted)?.ok_or_else(missing)?;
        return of_message(tx, &found, lines);
    }
    Err(Error::usage(format!("`{id}` is nothing that can be explained")).hint(
        "give the id of a run, lead, event, effect, message, contact, job, task, appointment, cursor or connection; an address, a telephone \
         number, a day such as 2026-12-01, or the name of an automation or a connection",
    ))
}

fn of_message(tx: &mut Tx, found: &Message, lines: &mut Vec<Line>) -> Result<()> {
    let id = found.effect_id.as_deref().and_then(|id| EffectId::parse(id).ok());
    match id.map(|id| effect::find(tx, &id)).transpose()?.flatten() {
        Some(sent) => of_effect(tx, &sent, lines),
        None => {
            let why = format!("from {} to {}", found.sender, found.recipient);
            let what = format!("message by the {}: {}", found.author, found.subject);
            lines.push(Line { at: found.sent_at, what, became: "arrived", why });
            Ok(())
        }
    }
}

fn of_lead(tx: &mut Tx, found: &Lead, lines: &mut Vec<Line>) -> Result<()> {
    let (at, why) = (found.received_at, format!("from {}", found.source));
    lines.push(Line { at, what: format!("lead {}", found.name), became: "arrived", why });
    for (moment, who) in [(found.answered_at, "Nexora"), (found.responded_at, "a person")] {
        if let Some(at) = moment {
            let why = format!("{} s after it came in", at.since(found.received_at).as_secs());
            lines.push(Line { at, what: format!("first answer by {who}"), became: "done", why });
        }
    }
    let subject = run::Filter { subject: Some(found.id.to_string()), ..Default::default() };
    of_runs(tx, subject, lines)
}

fn of_runs(tx: &mut Tx, filter: run::Filter, lines: &mut Vec<Line>) -> Result<()> {
    for found in run::list(tx, &filter, RUNS)? {
        of_run(tx, &found, lines)?;
    }
    Ok(())
}

fn arrived(found: &Event) -> Line {
    let why = found.reason.clone().unwrap_or_default();
    Line { at: found.received_at, what: found.kind.to_string(), became: "arrived", why }
}

fn of_run(tx: &mut Tx, found: &Run, lines: &mut Vec<Line>) -> Result<()> {
    let name = automation::find(tx, &found.automation_id)?.map(|automation| automation.name);
    let name = name.unwrap_or_else(|| found.automation_id.to_string());
    let started_by = event::find(tx, &found.event_id)?;
    let why = started_by.map(|event| format!("because of {}, {}", event.kind, event.id)).unwrap_or_default();
    let what = format!("{name}, version {}", found.version);
    lines.push(Line { at: found.started_at, what: what.clone(), became: "began", why });
    for step in run::steps(tx, &found.id)? {
        let what = format!("{name}, {}", step.name);
        let reason = step.reason.clone().unwrap_or_default();
        let (became, at) = match (step.state, &step.effect_id) {
            // The effect itself says more.
            (_, Some(_)) => continue,
            (StepState::Skipped, None) => ("skipped", step.finished_at),
            (StepState::Failed, None) => ("failed", step.finished_at),
            (StepState::Succeeded, None) => ("done", step.finished_at),
            (StepState::Waiting, None) => ("waits", Some(step.started_at)),
        };
        let until = step.output.value();
        let until = until.get("until").and_then(serde_json::Value::as_str).map(|at| format!("until {at}"));
        let why = [Some(reason).filter(|reason| !reason.is_empty()), until];
        let why = why.into_iter().flatten().collect::<Vec<_>>().join(", ");
        lines.push(Line { at: at.unwrap_or(step.started_at), what, became, why });
    }
    for promised in effect::of_run(tx, &found.id)? {
        of_effect(tx, &promised, lines)?;
    }
    if let Some(at) = found.finished_at {
        let why = found.reason.clone().unwrap_or_default();
        let why = if why.is_empty() { found.state.to_string() } else { format!("{}: {why}", found.state) };
        lines.push(Line { at, what, became: "ended", why });
    }
    Ok(())
}

fn of_effect(tx: &mut Tx, found: &Effect, lines: &mut Vec<Line>) -> Result<()> {
    let request: EffectRequest = found.request.read()?;
    let what = match request.message().map(|message| &message.content) {
        Some(Content::Mail(mail)) => format!("{}: mail to {}, \"{}\"", found.step, mail.to, mail.subject),
        None => format!("{}: {}", found.step, found.kind),
    };
    for decided in verdict::of_effect(tx, &found.id)? {
        let (became, why) = match decided.decision {
            Decision::Send => ("let through", decided.reason),
            Decision::Hold => {
                let until = decided.until.map(|until| format!(" until {until}")).unwrap_or_default();
                ("held", format!("{}{until}: {}", decided.gate, decided.reason))
            }
            Decision::Drop => ("not sent", format!("{}: {}", decided.gate, decided.reason)),
        };
        lines.push(Line { at: decided.at, what: what.clone(), became, why });
    }
    for attempt in effect::attempts(tx, &found.id, ATTEMPTS)? {
        if attempt.outcome != EffectState::Delivered.name() {
            let why = format!("attempt: {}, {}", attempt.outcome, attempt.reason.unwrap_or_default());
            lines.push(Line { at: attempt.finished_at, what: what.clone(), became: "failed", why });
        }
    }
    let reason = found.reason.clone().unwrap_or_default();
    let (became, why) = match found.state {
        EffectState::Delivered => ("sent", found.provider_id.clone().unwrap_or_default()),
        EffectState::Discarded => ("not sent", reason),
        EffectState::Dead => ("failed", reason),
        EffectState::Pending | EffectState::Leased | EffectState::Retrying | EffectState::InDoubt => {
            let due = found.due_at.map(|at| format!("due {at}")).unwrap_or_default();
            (
                "waits",
                [reason, due].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
            )
        }
    };
    lines.push(Line { at: found.settled_at.unwrap_or(found.created_at), what, became, why });
    Ok(())
}
