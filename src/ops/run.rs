//! Runs: listed, shown with their journal, retried, cancelled.

use serde::Serialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::model::RunId;
use crate::model::audit::Actor;
use crate::model::effect::{Effect, EffectState};
use crate::model::run::{Run, RunState, Step, StepState};
use crate::model::tenant::Tenant;
use crate::ops::{Subject, audited};
use crate::pipeline::stop::{self, Drops};
use crate::store::run::Filter;
use crate::store::{Claim, Conn, automation, effect, run};

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
        let automation = automation::find(conn, &run.tenant_id, &run.automation_id)?;
        Ok(RunView {
            automation: automation.map_or_else(|| run.automation_id.to_string(), |found| found.name),
            steps: run::steps(conn, &run.tenant_id, &run.id)?,
            effects: effect::of_run(conn, &run.tenant_id, &run.id)?,
            run,
        })
    }
}

/// Lists a tenant's runs, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, filter: Filter, limit: i64) -> Result<Vec<Run>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| run::list(conn, &id, &filter, limit)).await
}

/// Shows a run.
///
/// # Errors
/// `NotFound` when the tenant has no such run.
pub async fn find(app: &App, tenant: &Tenant, id: &RunId) -> Result<RunView> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    app.db
        .read(move |conn| {
            let run = run::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
            RunView::load(conn, run)
        })
        .await
}

/// Takes up a failed run at the steps that failed; what was delivered is not done again.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it has not failed.
pub async fn retry(app: &App, actor: &Actor, tenant: &Tenant, id: &RunId) -> Result<Run> {
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    let retried = audited(&app.db, Some(tenant.id.clone()), actor, "run.retry", now, move |conn| {
        let before = run::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        if before.state != RunState::Failed {
            return Err(Error::conflict(format!("run `{wanted}` is {}, not failed", before.state)));
        }
        for step in run::steps(conn, &tenant_id, &wanted)? {
            if step.state == StepState::Failed {
                revive_step(conn, step, now)?;
            }
        }
        let after = reopen(conn, &before, now)?;
        let subject = Subject::new(&wanted).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    });
    let run = retried.await?;
    app.nudges.all();
    Ok(run)
}

fn revive_step(conn: &mut Conn, step: Step, now: Timestamp) -> Result<()> {
    let Some(id) = &step.effect_id else {
        // It promised nothing: the run goes back to it.
        return run::find(conn, &step.tenant_id, &step.run_id)?.map_or(Ok(()), |run| {
            let back = Run { position: step.position.min(run.position), ..run.clone() };
            run::save(conn, &back, run.epoch).map(|_| ())
        });
    };
    if let Some(found) = effect::find(conn, &step.tenant_id, id)? {
        revive_effect(conn, &found, now)?;
    }
    run::save_step(conn, &Step { state: StepState::Waiting, reason: None, finished_at: None, ..step })
}

/// Makes an effect due once more, with all its attempts before it, from the beginning.
pub(super) fn revive_effect(conn: &mut Conn, before: &Effect, now: Timestamp) -> Result<Effect> {
    let after = Effect {
        state: EffectState::Pending,
        reason: None,
        evidence: None,
        attempt: 0,
        due_at: Some(now),
        settled_at: None,
        ..before.clone()
    };
    match effect::save(conn, &after, before.epoch)? {
        Claim::Won => Ok(after),
        Claim::Lost => Err(Error::conflict(format!("effect `{}` has just changed", before.id))),
    }
}

/// Makes a finished run go on, because something it promised goes on.
pub(super) fn reopen(conn: &mut Conn, before: &Run, now: Timestamp) -> Result<Run> {
    let fresh = run::find(conn, &before.tenant_id, &before.id)?.unwrap_or_else(|| before.clone());
    let after = Run {
        state: RunState::Running,
        reason: None,
        due_at: Some(now),
        attempt: 0,
        finished_at: None,
        ..fresh.clone()
    };
    match run::save(conn, &after, fresh.epoch)? {
        Claim::Won => Ok(after),
        Claim::Lost => Err(Error::conflict(format!("run `{}` has just changed", before.id))),
    }
}

/// Cancels a run: no further step begins, and what it promised and is not under way is discarded.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it is finished.
pub async fn cancel(app: &App, actor: &Actor, tenant: &Tenant, id: &RunId) -> Result<Run> {
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    audited(&app.db, Some(tenant.id.clone()), actor, "run.cancel", now, move |conn| {
        let before = run::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        if before.state.is_finished() {
            return Err(Error::conflict(format!("run `{wanted}` is {} already", before.state)));
        }
        let reason = "cancelled by an operator";
        let stopped = stop::stop(conn, &tenant_id, &wanted, reason, Drops::All, now)?;
        let after = stopped.ok_or_else(|| Error::conflict(format!("run `{wanted}` has just ended")))?;
        let subject = Subject::new(&wanted).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

fn not_found(tenant: &Tenant, id: &RunId) -> Error {
    Error::not_found(format!("no run `{id}` in tenant `{}`", tenant.slug))
        .hint(format!("run `nexora run list --tenant {}`", tenant.slug))
}
