//! Effects reach the world: claim, act, settle.
//!
//! 1. *claim*: a short write leases what is due. The lease is the intent: should this process die
//!    in mid-call, the row says that an attempt had begun, and rescue makes it in doubt.
//! 2. *act*: outside any transaction, each delivery in a task of its own, so that a slow provider
//!    delays no other. The provider is first asked about an effect in doubt.
//! 3. *settle*: a short write records the outcomes that have come in, of each whose claim is still ours.

mod claim;
mod settle;

use std::collections::HashMap;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

use crate::app::{App, Deliveries, InFlight};
use crate::domain::automation::restored::{DECIDE, HELD};
use crate::domain::contact::link::SignedLinks;
use crate::pipeline::Round;
use crate::pipeline::Swept;
use crate::pipeline::deliver::claim::{Chosen, Claimed, Claims, Room, Taken};
use crate::pipeline::deliver::settle::{Settled, Settling};
use crate::pipeline::spacing;
use nexora_connector::port::{Connector, Delivery};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::connection::WhenInDoubt;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::outcome::Outcome;
use nexora_core::model::tenant::TenantMode;
use nexora_engine::delivery::retry::{self, Attempted, Policy, Resumption, Settlement, Spacing};
use nexora_store::due::{self, Queue, Share};
use nexora_store::{Claim, Conn, effect, restore};

/// Parts in which one attempt may be made at most; no connector needs more than three.
const PARTS: usize = 8;

/// Where the stage stands: its round, and the outcomes that are to be written.
#[derive(Default)]
pub struct Rounds {
    effects: Round,
    settling: Arc<Settling>,
}

/// Claims a share of the effects that are due and starts a task for each.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, rounds: &mut Rounds) -> Result<Swept> {
    let free = app.config.pipeline.parallel_deliveries().saturating_sub(app.deliveries.under_way());
    if free == 0 {
        // A delivery that ends nudges this stage; other processes may have room.
        app.db.tell_others();
        return Ok(Swept::default());
    }
    let now = app.clock.now();
    let limit = free.min(app.config.pipeline.sweep_limit());
    let lease = app.heart.lease(now + app.config.pipeline.lease());
    let linker = SignedLinks::of(app);
    let (after, connectors) = (rounds.effects.clone(), app.connectors().clone());
    let room = Room::new(connectors.clone(), app.deliveries.by_connection());
    let read = move |conn: &mut Conn| {
        let restore = restore::latest(conn)?.map(Arc::new);
        let share = due::take(conn, Queue::Effects, now, limit, after.as_ref())?;
        let chosen = room.choose(conn, &share.rows)?;
        if chosen.is_empty() {
            let next_due = if share.rows.is_empty() { due::next(conn, Queue::Effects)? } else { None };
            return Ok(ControlFlow::Break((share.after, Swept::nothing(next_due), Taken::default())));
        }
        Ok(ControlFlow::Continue((share, chosen, restore)))
    };
    let write = move |conn: &mut Conn, (share, chosen, restore): (Share, Chosen, _)| {
        let handled = chosen.len();
        let (connections, tenants, taken) = (HashMap::new(), HashMap::new(), Taken::default());
        let mut claims = Claims { now, lease, linker, connectors, connections, tenants, restore, taken };
        claims.take(conn, chosen)?;
        // What waits for a connection that is busy is taken up when a delivery ends, which nudges this stage.
        let swept = Swept { handled, more: share.more, next_due: None };
        Ok((share.after, swept, claims.taken))
    };
    let (after, swept, Taken { won, gate_results }) = app.db.decide(read, write).await?;
    rounds.effects = after;
    if gate_results.settled {
        app.nudges.advance.notify_one();
    }
    if gate_results.waits_for_reading {
        app.nudges.poll.notify_one();
    }
    for claimed in won {
        let in_flight = Deliveries::begin(app, &claimed.connection.id);
        let settling = Arc::clone(&rounds.settling);
        app.deliveries.tasks.spawn(deliver(Arc::clone(app), settling, claimed, in_flight));
    }
    Ok(swept)
}

/// Waits until no delivery of this process is under way.
pub async fn rest(app: &App) {
    app.deliveries.tasks.close();
    app.deliveries.tasks.wait().await;
    app.deliveries.tasks.reopen();
}

async fn deliver(app: Arc<App>, settling: Arc<Settling>, claimed: Claimed, in_flight: InFlight) {
    let started_at = app.clock.now();
    let attempt = AssertUnwindSafe(attempt(&app, &claimed)).catch_unwind().await;
    let settlement = match attempt {
        Ok(Some(settlement)) => settlement,
        // Another attempt has claimed the effect: what this one knows is out of date.
        Ok(None) => return,
        Err(_) => {
            let outcome = Outcome::InDoubt { reason: "the attempt broke down in mid-work".to_owned() };
            retry::settle(outcome, attempted(&app, &claimed), policy(&app, &claimed.effect))
        }
    };
    let finished_at = app.clock.now();
    // The provider has room for the next one while this outcome is written.
    drop(in_flight);
    settling.settle(&app, Settled { claimed, settlement, started_at, finished_at }).await;
}

/// Makes one attempt; nothing comes back when the claim was lost on the way.
async fn attempt(app: &App, claimed: &Claimed) -> Option<Settlement> {
    let effect = &claimed.effect;
    let (connector, mut delivery) = match prepare(app, claimed).await {
        Ok(ready) => ready,
        Err(error) => {
            let outcome = match error.kind() {
                nexora_core::base::Kind::Unavailable => {
                    Outcome::Retry { reason: error.report(), after: None }
                }
                nexora_core::base::Kind::Denied | nexora_core::base::Kind::Config => {
                    Outcome::Unauthorized { reason: error.report() }
                }
                _ => Outcome::Refused { reason: error.report() },
            };
            return Some(retry::settle(outcome, attempted(app, claimed), policy(app, effect)));
        }
    };
    let mut found = None;
    if claimed.in_doubt {
        match ask(app, claimed, &connector, &delivery).await {
            Resumption::Settle(settlement) => return Some(settlement),
            Resumption::Continue(evidence) => found = Some(evidence),
            Resumption::Restart if claimed.is_held() => return Some(held_back()),
            // It did not go out: whether it still should is asked again.
            Resumption::Restart if delivery.request.envelope().is_some() => {
                let reason = match connector.reconcile.is_some() {
                    true => "it did not happen, and is looked at once more",
                    false => "it may have gone out, and goes out once more under the same Message-ID",
                };
                return Some(retry_through_gate(app, reason));
            }
            Resumption::Restart => delivery.evidence = None,
        }
    }
    let settlement = carry_on(app, claimed, (&connector, &mut delivery), found).await?;
    Some(Settlement { is_seen: true, ..settlement })
}

/// Makes an attempt part after part, from what was found.
async fn carry_on(
    app: &App,
    claimed: &Claimed,
    (connector, delivery): (&Connector, &mut Delivery),
    mut found: Option<Json>,
) -> Option<Settlement> {
    let effect = &claimed.effect;
    let mut lease_until = effect.lease_until.unwrap_or(effect.created_at);
    for _ in 0..PARTS {
        let was_found = found.is_some();
        let outcome = match found.take() {
            Some(evidence) => Outcome::InProgress { evidence },
            None => perform(app, claimed, connector, delivery, lease_until).await,
        };
        let Outcome::InProgress { evidence } = outcome else {
            return Some(retry::settle(outcome, attempted(app, claimed), policy(app, effect)));
        };
        // Whatever was found or done is on disk before the next part rests on it.
        let (noted, row) = (evidence.clone(), effect.clone());
        lease_until = app.clock.now() + app.config.pipeline.lease();
        let written = app.db.write(move |conn| effect::note_evidence(conn, &row, &noted, lease_until)).await;
        match written {
            Ok(Claim::Won) if claimed.is_held() => return Some(held_back()),
            // A part of it is done: whether the rest still should be is asked again.
            Ok(Claim::Won) if was_found && delivery.request.envelope().is_some() => {
                return Some(retry_through_gate(app, "a part of it is done, and it is looked at once more"));
            }
            Ok(Claim::Won) => delivery.evidence = Some(evidence),
            Ok(Claim::Lost) => return None,
            Err(error) => {
                let outcome = Outcome::InDoubt { reason: error.report() };
                return Some(retry::settle(outcome, attempted(app, claimed), policy(app, effect)));
            }
        }
    }
    let outcome = Outcome::InDoubt { reason: format!("not done after {PARTS} parts") };
    Some(retry::settle(outcome, attempted(app, claimed), policy(app, effect)))
}

/// Puts an attempt back in the queue, so that the gate is asked once more.
fn retry_through_gate(app: &App, reason: &str) -> Settlement {
    let waiting = Settlement::waiting(EffectState::Retrying, Some(app.clock.now()), reason.to_owned());
    Settlement { is_seen: true, ..waiting }
}

/// Keeps an attempt that did not happen until the release.
fn held_back() -> Settlement {
    Settlement { is_seen: true, ..Settlement::parked(EffectState::Retrying, HELD.to_owned()) }
}

/// Makes one part of an attempt; where it may take longer than a lease, the lease is prolonged while it lasts.
async fn perform(
    app: &App,
    claimed: &Claimed,
    connector: &Connector,
    delivery: &Delivery,
    mut lease_until: Timestamp,
) -> Outcome {
    let lease = app.config.pipeline.lease();
    let Some(limit) = connector.perform.time_limit().filter(|limit| *limit > lease / 2) else {
        return in_time(app, lease_until, connector.perform.perform(delivery)).await;
    };
    let started_at = app.clock.now();
    let mut part = connector.perform.perform(delivery);
    loop {
        if let Ok(outcome) = tokio::time::timeout(lease / 3, &mut part).await {
            return outcome;
        }
        if app.clock.now().since(started_at) >= limit {
            return in_time(app, lease_until, part).await;
        }
        let (row, until) = (claimed.effect.clone(), app.clock.now() + lease);
        match app.db.write(move |conn| effect::prolong(conn, &row, until)).await {
            Ok(Claim::Won) => lease_until = until,
            // Another attempt has taken it over, or the database is gone: what is under way must end by the lease.
            Ok(Claim::Lost) | Err(_) => return in_time(app, lease_until, part).await,
        }
    }
}

/// Gives up a part of an attempt well before its lease ends, so that no work is under way any more
/// when rescue takes the effect over.
async fn in_time(app: &App, lease_until: Timestamp, part: impl Future<Output = Outcome>) -> Outcome {
    let margin = app.config.pipeline.lease() / 5;
    let left = lease_until.since(app.clock.now()).saturating_sub(margin);
    let doubt = |reason: &str| Outcome::InDoubt { reason: reason.to_owned() };
    let mut part = pin!(part);
    // Asked each time the part goes on, since the process may have been frozen in between.
    let ours = poll_fn(|context| match app.heart.may_act() {
        true => part.as_mut().poll(context),
        false => {
            Poll::Ready(doubt("this process was not heard of for too long, and another may have taken over"))
        }
    });
    let late = || doubt("the attempt took longer than its lease allows");
    tokio::time::timeout(left, ours).await.unwrap_or_else(|_| late())
}

async fn prepare(app: &App, claimed: &Claimed) -> Result<(Connector, Delivery)> {
    let delivery = Delivery {
        effect_id: claimed.effect.id.clone(),
        mark: claimed.effect.mark.clone().unwrap_or_else(|| claimed.effect.id.to_string()),
        request: claimed.effect.request.read()?,
        evidence: claimed.effect.evidence.clone(),
        created_at: claimed.effect.created_at,
        attempted_at: app.clock.now(),
        unseen_since: claimed.effect.unseen_since,
    };
    let connector = match claimed.mode {
        TenantMode::Live => app.connector(&claimed.connection)?,
        TenantMode::Rehearsal => app.rehearsing(&claimed.connection).await?,
    };
    Ok((connector, delivery))
}

/// Asks the provider what became of an earlier attempt. One that cannot be asked has its rule.
async fn ask(app: &App, claimed: &Claimed, connector: &Connector, delivery: &Delivery) -> Resumption {
    if let Some(reconcile) = &connector.reconcile {
        let finding = reconcile.reconcile(delivery).await;
        return retry::resume(finding, attempted(app, claimed), policy(app, &claimed.effect));
    }
    let connection = &claimed.connection;
    let rule = app.connectors().of(connection).and_then(|kind| kind.in_doubt(connection));
    if let Some(since) = claimed.effect.unseen_since
        && !claimed.is_new_since_release()
    {
        let reason = format!(
            "it may have happened after the backup of {since}, and the provider cannot be asked; {DECIDE}"
        );
        return Resumption::Settle(Settlement::parked(EffectState::InDoubt, reason));
    }
    let is_message = delivery.request.message().is_some();
    match rule.unwrap_or(WhenInDoubt::Hold) {
        // The receiver knows a second copy by its id.
        WhenInDoubt::Resend if !is_message => Resumption::Restart,
        WhenInDoubt::Resend => resend_once(app, claimed, delivery).await,
        WhenInDoubt::Hold => Resumption::Settle(held("the provider cannot be asked")),
    }
}

/// Noted before a message in doubt is sent a second time; there is no third.
#[derive(Serialize, Deserialize)]
struct Resent {
    resent_at: Timestamp,
}

async fn resend_once(app: &App, claimed: &Claimed, delivery: &Delivery) -> Resumption {
    if delivery.evidence.as_ref().is_some_and(|evidence| evidence.read::<Resent>().is_ok()) {
        return Resumption::Settle(held("it was sent twice, and both times no answer came"));
    }
    let (row, now) = (claimed.effect.clone(), app.clock.now());
    let lease_until = now + app.config.pipeline.lease();
    let noted = Json::of(&Resent { resent_at: now });
    let written = app.db.write(move |conn| effect::note_evidence(conn, &row, &noted?, lease_until)).await;
    match written {
        Ok(_) => Resumption::Restart,
        Err(error) => {
            let outcome = Outcome::InDoubt { reason: error.report() };
            let (attempted, policy) = (attempted(app, claimed), policy(app, &claimed.effect));
            Resumption::Settle(retry::settle(outcome, attempted, policy))
        }
    }
}

/// Leaves an effect in doubt to a person.
fn held(why: &str) -> Settlement {
    let reason = format!("{why}; decide with `nexora effect retry` or `nexora effect discard`");
    Settlement::parked(EffectState::InDoubt, reason)
}

fn attempted(app: &App, claimed: &Claimed) -> Attempted {
    let effect = &claimed.effect;
    let jitter = retry::jitter(effect.id.as_str(), effect.attempt);
    Attempted { number: effect.attempt, now: app.clock.now(), since: claimed.tried_since, jitter }
}

fn policy(app: &App, effect: &Effect) -> Policy {
    let Spacing { first, ceiling } = spacing(&app.config.pipeline);
    let give_up_after = app.config.pipeline.give_up_after();
    Policy { first, ceiling, attempt_limit: effect.attempt_limit, give_up_after }
}
