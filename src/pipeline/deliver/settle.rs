//! Settling: what came of an attempt is written, if the claim is still ours, and lets the run go on.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::domain::connection::credential_failure::{self, Refusal};
use crate::domain::contact::about_contact;
use crate::domain::contact::link::SignedLinks;
use crate::domain::message::bounce::{self, HardBounce};
use crate::domain::message::sent;
use crate::pipeline::deliver::claim::Claimed;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::connection::Connection;
use nexora_core::model::effect::{Attempt, Effect, EffectState};
use nexora_core::model::message::DeliveryState;
use nexora_core::model::outcome::Receipt;
use nexora_core::model::request::EffectRequest;
use nexora_engine::delivery::retry::Settlement;
use nexora_engine::message::mail::delivery_status;
use nexora_store::{Claim, Conn, connection, effect, run};

/// Writes what came of an attempt, and wakes the stages that go on from there.
///
/// # Errors
/// `Unavailable` when it cannot be written.
pub(super) async fn settle(
    app: &Arc<App>,
    claimed: Claimed,
    settlement: Settlement,
    started_at: Timestamp,
) -> Result<()> {
    let now = app.clock.now();
    log_settlement(&claimed, &settlement, started_at, now);
    let fails = settlement.connection_failing;
    let linker = SignedLinks::of(app);
    let wakes = app
        .db
        .write_repeatable(move |conn| record(conn, &linker, &claimed, &settlement, started_at, now))
        .await?;
    if fails {
        app.nudges.dispatch.notify_one();
    }
    if wakes {
        app.nudges.advance.notify_one();
    }
    Ok(())
}

fn log_settlement(claimed: &Claimed, settlement: &Settlement, started_at: Timestamp, now: Timestamp) {
    let effect = &claimed.effect;
    let duration = now.since(started_at);
    let (id, state, reason) = (&effect.id, settlement.state, settlement.reason.as_deref());
    metrics::counter!("nexora_attempts_total", "kind" => effect.kind.name(), "outcome" => state.name())
        .increment(1);
    metrics::histogram!("nexora_attempt_seconds", "kind" => effect.kind.name())
        .record(duration.as_secs_f64());
    let (tenant, attempt, millis) = (&effect.tenant_id, effect.attempt, duration.as_millis());
    match state {
        EffectState::Delivered => {
            tracing::info!(effect.id = %id, tenant.id = %tenant, connector = %claimed.connection.kind, attempt, duration_ms = millis, "effect {id} delivered");
        }
        EffectState::Dead => {
            tracing::error!(effect.id = %id, tenant.id = %tenant, connector = %claimed.connection.kind, attempt, reason, "effect {id} dead");
        }
        _ => {
            tracing::warn!(effect.id = %id, tenant.id = %tenant, connector = %claimed.connection.kind, attempt, reason, "effect {id} {state}");
        }
    }
}

/// Writes what came of an attempt; returns whether that lets the run go on.
fn record(
    conn: &mut Conn,
    linker: &SignedLinks,
    claimed: &Claimed,
    settlement: &Settlement,
    started_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let (before, connection) = (&claimed.effect, &claimed.connection);
    let settled = settlement.state.is_settled();
    let reason = settlement.reason.as_deref();
    let refusal = match settlement.connection_failing {
        true => Some(credential_failure::credential_refused(
            conn,
            (connection, &claimed.account),
            reason.unwrap_or_default(),
            now,
        )?),
        false => None,
    };
    let after = Effect {
        state: settlement.state,
        due_at: if refusal == Some(Refusal::Replaced) { Some(now) } else { settlement.due_at },
        reason: settlement.reason.clone(),
        provider_id: settlement.receipt.provider_id.clone(),
        output: output_of(&settlement.receipt)?,
        attempt: if settlement.counts { before.attempt } else { before.attempt - 1 },
        settled_at: settled.then_some(now),
        unseen_since: before.unseen_since.filter(|_| !settled && !settlement.is_seen),
        ..before.clone()
    };
    if effect::settle(conn, &after, before.epoch)? == Claim::Lost {
        return Ok(false);
    }
    let attempt = Attempt {
        tenant_id: before.tenant_id.clone(),
        effect_id: before.id.clone(),
        number: i32::try_from(before.epoch).unwrap_or(i32::MAX),
        outcome: settlement.state.name().to_owned(),
        reason: settlement.reason.clone(),
        started_at,
        finished_at: now,
    };
    effect::insert_attempt(conn, &attempt)?;
    if refusal.is_none() {
        note_connection(conn, connection, reason, settlement.state, now)?;
    }
    if settlement.state == EffectState::Delivered {
        sent::record(conn, (connection, &claimed.account), &after, now)?;
    }
    if settlement.recipient_refused {
        note_refused(conn, linker, &after, now)?;
    }
    if settled {
        return wake_run(conn, before, now);
    }
    Ok(false)
}

/// Notes that a relay refused the recipient of a message to a customer, as a mail system's report would have it.
fn note_refused(conn: &mut Conn, linker: &SignedLinks, effect: &Effect, now: Timestamp) -> Result<()> {
    let request: EffectRequest = effect.request.read()?;
    let diagnostic = effect.reason.as_deref().unwrap_or_default();
    let (Some(message), Some(envelope)) = (request.message(), request.envelope()) else { return Ok(()) };
    if delivery_status::failure(None, diagnostic) != DeliveryState::HardBounced {
        return Ok(());
    }
    let tx = &mut conn.of(&effect.tenant_id);
    let about = envelope.contact_id.clone().map(|id| about_contact(tx, id)).transpose()?.unwrap_or_default();
    let (address, key) = (message.content.recipient().key(), effect.id.as_str());
    let bounced = HardBounce { about, address: &address, key, diagnostic, actor: "system:deliver" };
    bounce::hard(tx, linker, bounced, now)
}

/// For how long it is not noted again that a connection works.
const NOTED_FOR: Duration = Duration::from_secs(5);

fn note_connection(
    conn: &mut Conn,
    connection: &Connection,
    reason: Option<&str>,
    state: EffectState,
    now: Timestamp,
) -> Result<()> {
    let tx = &mut conn.of(&connection.tenant_id);
    let is_noted = || {
        let is_fresh = |at: &Timestamp| now.since(*at) < NOTED_FOR && connection.last_error_at < Some(*at);
        connection.last_ok_at.as_ref().is_some_and(is_fresh)
    };
    match reason {
        Some(reason) => connection::note_failure(tx, &connection.id, reason, now),
        None if state == EffectState::Delivered && !is_noted() => {
            connection::note_success(tx, &connection.id, now)
        }
        None => Ok(()),
    }
}

fn output_of(receipt: &Receipt) -> Result<Option<Json>> {
    (!receipt.output.is_empty()).then(|| Json::of(&receipt.output)).transpose()
}

/// A run waits for all it promised: the last of its effects to settle wakes it.
///
/// # Errors
/// `Unavailable` when it cannot be written.
pub(super) fn wake_run(conn: &mut Conn, effect: &Effect, now: Timestamp) -> Result<bool> {
    let tx = &mut conn.of(&effect.tenant_id);
    effect::lock_run(tx, &effect.run_id)?;
    if effect::any_unsettled(tx, &effect.run_id)? {
        return Ok(false);
    }
    run::wake(tx, &effect.run_id, now)?;
    Ok(true)
}
