//! Effects: listed, shown with their attempts, retried, discarded.

use serde::Serialize;

use crate::app::App;
use crate::ops::Subject;
use crate::ops::automation::run::{reopen, revive_effect};
use nexora_core::base::{Error, Result};
use nexora_core::model::EffectId;
use nexora_core::model::audit::Actor;
use nexora_core::model::effect::{Attempt, Effect, EffectState};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::run::{RunState, Step, StepState};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, Tx, batch, effect, run};

pub const RETRY: Operation = Operation::new("effect.retry", Noun::Effect, Verb::Update);
pub const DISCARD: Operation = Operation::new("effect.discard", Noun::Effect, Verb::Update);

/// An effect with its latest attempts.
#[derive(Clone, Debug, Serialize)]
pub struct EffectView {
    #[serde(flatten)]
    pub effect: Effect,
    pub attempts: Vec<Attempt>,
}

const ATTEMPTS_SHOWN: i64 = 50;

/// Shows an effect.
///
/// # Errors
/// `NotFound` when the tenant has no such effect.
pub async fn find(app: &App, tenant: &Tenant, id: &EffectId) -> Result<EffectView> {
    let id = id.clone();
    app.view(tenant, move |tx| {
        let effect = effect::find(tx, &id)?.ok_or_else(|| tx.missing("effect", &id))?;
        let attempts = effect::attempts(tx, &id, ATTEMPTS_SHOWN)?;
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
    let id = id.clone();
    app.change(actor, tenant, RETRY, move |tx, now| {
        let before = effect::find(tx, &id)?.ok_or_else(|| tx.missing("effect", &id))?;
        if matches!(before.state, EffectState::Delivered | EffectState::Leased) {
            return Err(Error::conflict(format!("effect `{id}` is {}", before.state)));
        }
        let after = revive_effect(tx, &before, now)?;
        wait_for_it_again(tx, &after)?;
        if let Some(owner) = run::find(tx, &after.run_id)?
            && owner.state == RunState::Failed
        {
            reopen(tx, &owner, now)?;
        }
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

fn wait_for_it_again(tx: &mut Tx, effect: &Effect) -> Result<()> {
    for step in run::steps(tx, &effect.run_id)? {
        if step.effect_id.as_ref() == Some(&effect.id) {
            run::save_steps(
                tx,
                &[&Step { state: StepState::Waiting, reason: None, finished_at: None, ..step }],
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
    let id = id.clone();
    app.change(actor, tenant, DISCARD, move |tx, now| {
        let before = effect::find(tx, &id)?.ok_or_else(|| tx.missing("effect", &id))?;
        if matches!(before.state, EffectState::Delivered | EffectState::Leased | EffectState::Discarded) {
            return Err(Error::conflict(format!("effect `{id}` is {}", before.state)));
        }
        let after = Effect {
            state: EffectState::Discarded,
            reason: Some("discarded by an operator".to_owned()),
            due_at: None,
            settled_at: Some(now),
            ..before.clone()
        };
        if effect::save(tx, &after, before.epoch)? == Claim::Lost {
            return Err(Error::conflict(format!("effect `{id}` has just changed")));
        }
        batch::wake_settled(tx, &[(after.tenant_id.clone(), after.run_id.clone())], now)?;
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}
