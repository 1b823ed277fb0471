//! Runs: listed, shown with their journal, retried, cancelled.

use serde::Serialize;

use crate::app::App;
use crate::domain::automation::stop::{self, Drops};
use crate::ops::Subject;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::RunId;
use nexora_core::model::audit::Actor;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::run::{Run, RunState, Step, StepState};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, Conn, Tx, automation, connection, effect, run};

pub const RETRY: Operation = Operation::new("run.retry", Noun::Run, Verb::Update);
pub const CANCEL: Operation = Operation::new("run.cancel", Noun::Run, Verb::Update);

/// A run with the name of its automation, its journal and its effects.
#[derive(Clone, Debug, Serialize)]
pub struct RunView {
    #[serde(flatten)]
    pub run: Run,
    pub automation: String,
    pub steps: Vec<Step>,
    pub effects: Vec<Effect>,
}

impl RunView {
    /// Loads what belongs to a run.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub fn load(conn: &mut Conn, run: Run) -> Result<RunView> {
        let tx = &mut conn.of(&run.tenant_id);
        let automation = automation::find(tx, &run.automation_id)?;
        Ok(RunView {
            automation: automation.map_or_else(|| run.automation_id.to_string(), |found| found.name),
            steps: run::steps(tx, &run.id)?,
            effects: effect::of_run(tx, &run.id)?,
            run,
        })
    }
}

/// Shows a run.
///
/// # Errors
/// `NotFound` when the tenant has no such run.
pub async fn find(app: &App, tenant: &Tenant, id: &RunId) -> Result<RunView> {
    let id = id.clone();
    app.view(tenant, move |tx| {
        let run = run::find(tx, &id)?.ok_or_else(|| tx.missing("run", &id))?;
        RunView::load(tx, run)
    })
    .await
}

/// Takes up a failed run at the steps that failed; what was delivered is not done again.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it has not failed.
pub async fn retry(app: &App, actor: &Actor, tenant: &Tenant, id: &RunId) -> Result<Run> {
    let id = id.clone();
    app.change(actor, tenant, RETRY, move |tx, now| {
        let before = run::find(tx, &id)?.ok_or_else(|| tx.missing("run", &id))?;
        if before.state != RunState::Failed {
            return Err(Error::conflict(format!("run `{id}` is {}, not failed", before.state)));
        }
        for step in run::steps(tx, &id)? {
            if step.state == StepState::Failed {
                revive_step(tx, step, now)?;
            }
        }
        let after = reopen(tx, &before, now)?;
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

fn revive_step(tx: &mut Tx, step: Step, now: Timestamp) -> Result<()> {
    let Some(id) = &step.effect_id else {
        // It promised nothing: the run goes back to it.
        return run::find(tx, &step.run_id)?.map_or(Ok(()), |run| {
            let back = Run { position: step.position.min(run.position), ..run.clone() };
            run::save(tx, &back, run.epoch).map(|_| ())
        });
    };
    if let Some(found) = effect::find(tx, id)? {
        revive_effect(tx, &found, now)?;
    }
    run::save_steps(tx, &[&Step { state: StepState::Waiting, reason: None, finished_at: None, ..step }])
}

/// Makes an effect due once more, with all its attempts before it, from the beginning.
pub(in crate::ops) fn revive_effect(conn: &mut Conn, before: &Effect, now: Timestamp) -> Result<Effect> {
    let through = connection::find(&mut conn.of(&before.tenant_id), &before.connection_id)?;
    if through.is_none_or(|connection| connection.retired_at.is_some()) {
        let id = &before.id;
        return Err(Error::conflict(format!("the connection of effect `{id}` was deleted"))
            .hint(format!("run `nexora effect discard {id}`; what it was about can be begun anew")));
    }
    let after = Effect {
        state: EffectState::Pending,
        reason: None,
        evidence: None,
        attempt: 0,
        due_at: Some(now),
        settled_at: None,
        // Whoever says so knows that it may have happened.
        unseen_since: None,
        ..before.clone()
    };
    match effect::save(conn, &after, before.epoch)? {
        Claim::Won => Ok(after),
        Claim::Lost => Err(Error::conflict(format!("effect `{}` has just changed", before.id))),
    }
}

/// Makes a finished run go on, because something it promised goes on.
pub(in crate::ops) fn reopen(conn: &mut Conn, before: &Run, now: Timestamp) -> Result<Run> {
    let fresh = run::find(&mut conn.of(&before.tenant_id), &before.id)?.unwrap_or_else(|| before.clone());
    stop::reopen(conn, &fresh, now)
}

/// Cancels a run: no further step begins, and what it promised and is not under way is discarded.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it is finished.
pub async fn cancel(app: &App, actor: &Actor, tenant: &Tenant, id: &RunId) -> Result<Run> {
    let id = id.clone();
    app.change(actor, tenant, CANCEL, move |tx, now| {
        let before = run::find(tx, &id)?.ok_or_else(|| tx.missing("run", &id))?;
        if before.state.is_finished() {
            return Err(Error::conflict(format!("run `{id}` is {} already", before.state)));
        }
        let stopped = stop::stop(tx, &id, "cancelled by an operator", Drops::All, now)?;
        let after = stopped.ok_or_else(|| Error::conflict(format!("run `{id}` has just ended")))?;
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}
