//! Settling: what came of attempts is written, together for those that end while another write is under way.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::claim::Claimed;
use crate::app::{App, metric};
use crate::domain::connection::credential_failure::{self, Refusal};
use crate::domain::contact::about_contact;
use crate::domain::contact::link::SignedLinks;
use crate::domain::message::bounce::{self, HardBounce};
use crate::domain::message::sent;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::ConnectionId;
use nexora_core::model::connection::Connection;
use nexora_core::model::effect::{Attempt, Effect, EffectState};
use nexora_core::model::message::DeliveryState;
use nexora_core::model::outcome::Receipt;
use nexora_core::model::request::EffectRequest;
use nexora_engine::delivery::retry::Settlement;
use nexora_engine::message::mail::delivery_status;
use nexora_store::{Conn, batch, connection, effect};

/// What came of an attempt.
pub(super) struct Settled {
    pub(super) claimed: Claimed,
    pub(super) settlement: Settlement,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Timestamp,
}

/// Outcomes that are to be written.
#[derive(Default)]
pub(super) struct Settling {
    waiting: Mutex<Vec<Settled>>,
    /// Held by the one that writes.
    turn: tokio::sync::Mutex<()>,
}

impl Settling {
    /// Returns once the outcome is written, with all that came in while another write was under way. Where it cannot
    /// be, the lease ends by itself, and rescue takes it from there.
    pub(super) async fn settle(&self, app: &Arc<App>, settled: Settled) {
        log(&settled);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(settled);
        let _turn = self.turn.lock().await;
        let batch = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if batch.is_empty() {
            return;
        }
        let fails = batch.iter().any(|one| one.settlement.connection_failing);
        let linker = SignedLinks::of(app);
        match app.db.write(move |conn| record_all(conn, &linker, &batch)).await {
            Ok(woken) if woken > 0 => app.nudges.advance.notify_one(),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(reason = %error.report(), "outcomes could not be recorded");
                return;
            }
        }
        if fails {
            app.nudges.dispatch.notify_one();
        }
    }
}

fn log(settled: &Settled) {
    let Settled { claimed, settlement, started_at, finished_at } = settled;
    let effect = &claimed.effect;
    let duration = finished_at.since(*started_at);
    let (id, state, reason) = (&effect.id, settlement.state, settlement.reason.as_deref());
    metrics::counter!(metric::ATTEMPTS, "kind" => effect.kind.name(), "outcome" => state.name()).increment(1);
    metrics::histogram!(metric::ATTEMPT_SECONDS, "kind" => effect.kind.name()).record(duration.as_secs_f64());
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

/// Returns how many runs go on.
fn record_all(conn: &mut Conn, linker: &SignedLinks, batch: &[Settled]) -> Result<usize> {
    let woken = conn.batch(
        batch,
        |conn, some| record(conn, linker, some).map(|woken| vec![woken]),
        |_, one, error| {
            let id = &one.claimed.effect.id;
            tracing::error!(effect.id = %id, reason = %error.report(), "the outcome of effect {id} could not be recorded");
            Ok(0)
        },
    )?;
    Ok(woken.iter().sum())
}

fn record(conn: &mut Conn, linker: &SignedLinks, batch: &[Settled]) -> Result<usize> {
    let mut outcomes = Vec::with_capacity(batch.len());
    for one in batch {
        let refusal = refusal(conn, one)?;
        outcomes.push((one, refusal, after(one, refusal)?));
    }
    let guarded: Vec<_> = outcomes.iter().map(|(one, _, after)| (after, one.claimed.effect.epoch)).collect();
    let written = batch::settle(conn, &guarded)?;
    outcomes.retain(|(.., after)| written.contains(&(after.tenant_id.clone(), after.id.clone())));
    let attempts: Vec<Attempt> = outcomes.iter().map(|(one, ..)| attempt(one)).collect();
    effect::insert_attempts(conn, &attempts.iter().collect::<Vec<_>>())?;
    let (mut noted, mut settled) = (HashSet::new(), HashSet::new());
    for (one, refusal, after) in &outcomes {
        let Settled { claimed, settlement, finished_at: now, .. } = one;
        if refusal.is_none() {
            note_connection(conn, &mut noted, &claimed.connection, settlement, *now)?;
        }
        if settlement.state == EffectState::Delivered {
            sent::record(conn, (&claimed.connection, &claimed.account), after, *now)?;
        }
        if settlement.recipient_refused {
            note_refused(conn, linker, after, *now)?;
        }
        if settlement.state.is_settled() {
            settled.insert((after.tenant_id.clone(), after.run_id.clone()));
        }
    }
    match batch.iter().map(|one| one.finished_at).max() {
        Some(now) if !settled.is_empty() => {
            batch::wake_settled(conn, &settled.into_iter().collect::<Vec<_>>(), now)
        }
        _ => Ok(0),
    }
}

/// Stops the connection whose credential was refused.
fn refusal(conn: &mut Conn, settled: &Settled) -> Result<Option<Refusal>> {
    let Settled { claimed, settlement, finished_at, .. } = settled;
    if !settlement.connection_failing {
        return Ok(None);
    }
    let through = (&claimed.connection, claimed.account.as_str());
    let reason = settlement.reason.as_deref().unwrap_or_default();
    credential_failure::credential_refused(conn, through, reason, *finished_at).map(Some)
}

/// Returns the effect as it stands after the attempt.
fn after(settled: &Settled, refusal: Option<Refusal>) -> Result<Effect> {
    let Settled { claimed, settlement, finished_at, .. } = settled;
    let before = &claimed.effect;
    Ok(Effect {
        state: settlement.state,
        due_at: if refusal == Some(Refusal::Replaced) { Some(*finished_at) } else { settlement.due_at },
        reason: settlement.reason.clone(),
        provider_id: settlement.receipt.provider_id.clone(),
        output: output_of(&settlement.receipt)?,
        attempt: if settlement.counts { before.attempt } else { before.attempt - 1 },
        settled_at: settlement.state.is_settled().then_some(*finished_at),
        unseen_since: before.unseen_since.filter(|_| !settlement.state.is_settled() && !settlement.is_seen),
        ..before.clone()
    })
}

fn attempt(settled: &Settled) -> Attempt {
    let effect = &settled.claimed.effect;
    Attempt {
        tenant_id: effect.tenant_id.clone(),
        effect_id: effect.id.clone(),
        number: i32::try_from(effect.epoch).unwrap_or(i32::MAX),
        outcome: settled.settlement.state.name().to_owned(),
        reason: settled.settlement.reason.clone(),
        started_at: settled.started_at,
        finished_at: settled.finished_at,
    }
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

/// Notes what an attempt tells of its connection; that it works, once for a batch.
fn note_connection(
    conn: &mut Conn,
    noted: &mut HashSet<ConnectionId>,
    connection: &Connection,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<()> {
    let tx = &mut conn.of(&connection.tenant_id);
    let is_fresh = |at: &Timestamp| now.since(*at) < NOTED_FOR && connection.last_error_at < Some(*at);
    match settlement.reason.as_deref() {
        Some(reason) => connection::note_failure(tx, &connection.id, reason, now),
        None if settlement.state == EffectState::Delivered
            && !connection.last_ok_at.as_ref().is_some_and(is_fresh)
            && noted.insert(connection.id.clone()) =>
        {
            connection::note_success(tx, &connection.id, now)
        }
        None => Ok(()),
    }
}

fn output_of(receipt: &Receipt) -> Result<Option<Json>> {
    (!receipt.output.is_empty()).then(|| Json::of(&receipt.output)).transpose()
}
