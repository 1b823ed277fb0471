//! Attempts that ended without a word: their leases ran out, because a process died or froze.
//!
//! Such an effect may or may not have happened, so it becomes in doubt, and deliver asks the provider.

use std::sync::Arc;

use crate::app::App;
use crate::pipeline::Swept;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::effect::{Attempt, Effect, EffectState};
use nexora_store::{Claim, Conn, effect};

const LIMIT: i64 = 128;

/// Makes the effects whose lease has ended in doubt, and due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<Swept> {
    let now = app.clock.now();
    let next_due = app.db.read(effect::next_lease_end).await?;
    if next_due.is_none_or(|end| end > now) {
        return Ok(Swept::nothing(next_due));
    }
    let handled = app
        .db
        .write(move |conn| {
            let expired = effect::expired_leases(conn, now, LIMIT)?;
            for effect in &expired {
                rescue(conn, effect, now)?;
            }
            Ok(expired.len())
        })
        .await?;
    app.nudges.deliver.notify_one();
    Ok(Swept { handled, more: i64::try_from(handled).unwrap_or(0) >= LIMIT, next_due: None })
}

fn rescue(conn: &mut Conn, effect: &Effect, now: Timestamp) -> Result<()> {
    const REASON: &str = "the attempt ended without a word; its process may have stopped";
    let doubtful = Effect {
        state: EffectState::InDoubt,
        reason: Some(REASON.to_owned()),
        due_at: Some(now),
        ..effect.clone()
    };
    if effect::save(conn, &doubtful, effect.epoch)? == Claim::Lost {
        return Ok(());
    }
    tracing::warn!(effect.id = %effect.id, tenant.id = %effect.tenant_id, "effect {} in doubt: {REASON}", effect.id);
    let attempt = Attempt {
        tenant_id: effect.tenant_id.clone(),
        effect_id: effect.id.clone(),
        number: i32::try_from(effect.epoch).unwrap_or(i32::MAX),
        outcome: EffectState::InDoubt.name().to_owned(),
        reason: Some(REASON.to_owned()),
        started_at: now,
        finished_at: now,
    };
    effect::insert_attempts(conn, &[&attempt])
}
