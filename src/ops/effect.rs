//! Effects: listed, shown with their attempts, retried, discarded.

use serde::Serialize;

use crate::app::App;
use crate::base::{Error, Result};
use crate::model::EffectId;
use crate::model::audit::Actor;
use crate::model::effect::{Attempt, Effect, EffectState};
use crate::model::run::{RunState, Step, StepState};
use crate::model::tenant::Tenant;
use crate::ops::run::{reopen, revive_effect};
use crate::ops::{Subject, audited};
use crate::store::effect::Filter;
use crate::store::{Claim, Conn, effect, run};

/// An effect with its latest attempts.
#[derive(Clone, Debug, Serialize)]
pub struct EffectView {
    #[serde(flatten)]
    pub effect: Effect,
    pub attempts: Vec<Attempt>,
}

const ATTEMPTS_SHOWN: i64 = 50;

/// Lists a tenant's effects, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, filter: Filter, limit: i64) -> Result<Vec<Effect>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| effect::list(conn, &id, &filter, limit)).await
}

/// Shows an effect.
///
/// # Errors
/// `NotFound` when the tenant has no such effect.
pub async fn find(app: &App, tenant: &Tenant, id: &EffectId) -> Result<EffectView> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    app.db
        .read(move |conn| {
            let effect = effect::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
            let attempts = effect::attempts(conn, &tenant_id, &wanted, ATTEMPTS_SHOWN)?;
            Ok(EffectView { effect, attempts })
        })
        .await
}

/// Tries an effect again from the beginning: one that was given up, discarded, waits for its next
/// attempt, or is in doubt. One in doubt may then happen twice; the caller has asked about that.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it was delivered or is under way.
pub async fn retry(app: &App, actor: &Actor, tenant: &Tenant, id: &EffectId) -> Result<Effect> {
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    let retried = audited(&app.db, Some(tenant.id.clone()), actor, "effect.retry", now, move |conn| {
        let before = effect::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        if matches!(before.state, EffectState::Delivered | EffectState::Leased) {
            return Err(Error::conflict(format!("effect `{wanted}` is {}", before.state)));
        }
        let after = revive_effect(conn, &before, now)?;
        wait_for_it_again(conn, &after)?;
        if let Some(owner) = run::find(conn, &tenant_id, &after.run_id)?
            && owner.state == RunState::Failed
        {
            reopen(conn, &owner, now)?;
        }
        let subject = Subject::new(&wanted).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    });
    let effect = retried.await?;
    app.nudges.all();
    Ok(effect)
}

fn wait_for_it_again(conn: &mut Conn, effect: &Effect) -> Result<()> {
    for step in run::steps(conn, &effect.tenant_id, &effect.run_id)? {
        if step.effect_id.as_ref() == Some(&effect.id) {
            run::save_step(
                conn,
                &Step { state: StepState::Waiting, reason: None, finished_at: None, ..step },
            )?;
        }
    }
    Ok(())
}

/// Decides that an effect shall not happen; its run goes on without it.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it was delivered or is under way.
pub async fn discard(app: &App, actor: &Actor, tenant: &Tenant, id: &EffectId) -> Result<Effect> {
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    let discarded = audited(&app.db, Some(tenant.id.clone()), actor, "effect.discard", now, move |conn| {
        let before = effect::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        if matches!(before.state, EffectState::Delivered | EffectState::Leased | EffectState::Discarded) {
            return Err(Error::conflict(format!("effect `{wanted}` is {}", before.state)));
        }
        let after = Effect {
            state: EffectState::Discarded,
            reason: Some("discarded by an operator".to_owned()),
            due_at: None,
            settled_at: Some(now),
            ..before.clone()
        };
        if effect::save(conn, &after, before.epoch)? == Claim::Lost {
            return Err(Error::conflict(format!("effect `{wanted}` has just changed")));
        }
        run::wake(conn, &tenant_id, &after.run_id, now)?;
        let subject = Subject::new(&wanted).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    });
    let effect = discarded.await?;
    app.nudges.all();
    Ok(effect)
}

fn not_found(tenant: &Tenant, id: &EffectId) -> Error {
    Error::not_found(format!("no effect `{id}` in tenant `{}`", tenant.slug))
        .hint(format!("run `nexora effect list --tenant {}`", tenant.slug))
}
