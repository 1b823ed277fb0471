//! What a run in a scratch world did, read back from its rows as lines in the order of time.

use serde::Serialize;

use crate::domain::automation::version;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::message::MessageClass;
use nexora_core::model::outbound::Content;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::{Run, RunState, Step, StepState};
use nexora_core::model::verdict::{Decision, GateDecisionRow};
use nexora_engine::automation::action::{Action, EndsRun};
use nexora_store::{Conn, effect, run, verdict};

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
    /// It waits for something that no time brings about, such as a connection that is paused.
    Parked {
        reason: String,
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
        change: String,
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

/// Returns what a run did, oldest first; of what happened at one moment, step by step.
///
/// # Errors
/// `Internal` when its rows cannot be read.
pub fn of_run(conn: &mut Conn, run: &Run) -> Result<Vec<Line>> {
    let tx = &mut conn.of(&run.tenant_id);
    let version = version::parsed(tx, &run.automation_id, run.version)?;
    let effects = effect::of_run(tx, &run.id)?;
    let mut lines = Vec::new();
    for step in run::steps(tx, &run.id)? {
        let promised = step.effect_id.as_ref().and_then(|id| effects.iter().find(|effect| effect.id == *id));
        if let Some(promised) = promised {
            of_effect(tx, promised, &mut lines)?;
            continue;
        }
        let position = usize::try_from(step.position).unwrap_or(usize::MAX);
        let action = version.definition.steps.get(position).map(|step| step.action.as_ref());
        lines.extend(of_step(step, action)?);
    }
    if let Some(at) = run.finished_at {
        let what = What::Ends { state: run.state, reason: run.reason.clone() };
        lines.push(Line { at, step: String::new(), what });
    }
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn of_step(step: Step, action: Option<&dyn Action>) -> Result<Option<Line>> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Waited {
        until: Option<Timestamp>,
        passed: bool,
    }
    let reason = step.reason.unwrap_or_default();
    let done_at = step.finished_at.unwrap_or(step.started_at);
    let waited: Waited = step.output.read()?;
    let changes = action.is_some_and(|action| action.ends_run() == EndsRun::Never) && !reason.is_empty();
    let (at, what) = match (step.state, waited.until) {
        (StepState::Skipped, _) => (done_at, What::Skipped { reason }),
        (StepState::Failed, _) => (done_at, What::Fails { reason }),
        (StepState::Waiting | StepState::Succeeded, Some(until)) if !waited.passed => {
            (step.started_at, What::Waits { until })
        }
        (StepState::Succeeded, None) if changes => (done_at, What::Changes { change: reason }),
        (StepState::Waiting | StepState::Succeeded, _) => return Ok(None),
    };
    Ok(Some(Line { at, step: step.name, what }))
}

fn of_effect(conn: &mut Conn, promised: &Effect, lines: &mut Vec<Line>) -> Result<()> {
    let decided = verdict::of_effect(&mut conn.of(&promised.tenant_id), &promised.id)?;
    let mut say = |at, what| lines.push(Line { at, step: promised.step.clone(), what });
    let dropped = decided.iter().any(|verdict| verdict.decision == Decision::Drop);
    let why = decided.last().map(|verdict| verdict.reason.clone()).unwrap_or_default();
    for GateDecisionRow { at, gate, decision, reason, until, .. } in decided {
        match (decision, until) {
            (Decision::Hold, Some(until)) => say(at, What::Held { gate: gate.to_string(), reason, until }),
            (Decision::Drop, _) => say(at, What::NotSent { gate: gate.to_string(), reason }),
            (Decision::Hold | Decision::Send, _) => {}
        }
    }
    let reason = promised.reason.clone().unwrap_or_default();
    let at = promised.settled_at.unwrap_or(promised.created_at);
    match promised.state {
        EffectState::Delivered => say(at, done(promised, why)?),
        EffectState::Discarded if dropped => {}
        EffectState::Discarded => say(at, What::NotSent { gate: "run".to_owned(), reason }),
        EffectState::Dead => say(at, What::Fails { reason }),
        EffectState::Pending | EffectState::Leased | EffectState::Retrying | EffectState::InDoubt => {
            if promised.due_at.is_none() {
                say(at, What::Parked { reason });
            }
        }
    }
    Ok(())
}

fn done(promised: &Effect, why: String) -> Result<What> {
    let request: EffectRequest = promised.request.read()?;
    Ok(match request.message().map(|message| (message, &message.content)) {
        Some((message, Content::Mail(mail))) => What::Sent {
            to: mail.to.to_string(),
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            html: mail.html.clone(),
            class: message.envelope().map(|envelope| envelope.class),
            why,
        },
        None => What::Does {
            kind: request.kind().to_string(),
            request: serde_json::to_value(&request)
                .map_err(|error| Error::internal("a request has no JSON form").source(error))?,
        },
    })
}
