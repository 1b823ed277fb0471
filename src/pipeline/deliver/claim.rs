//! Claiming: which due effects this process takes, and what the gate says of messages before they are taken.

use crate::domain::automation::restored::HELD;
use crate::domain::contact::link::SignedLinks;
use crate::domain::message::gate;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::daemon::Lease;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::restore::Restore;
use nexora_core::model::tenant::{TenantMode, TenantState};
use nexora_core::model::verdict::{Decision, Gate};
use nexora_core::model::{ConnectionId, EffectId, TenantId};
use nexora_store::batch::{self, Key};
use nexora_store::due::Due;
use nexora_store::{Claim, Conn, Tx, connection, effect, tenant};
use std::collections::HashMap;
use std::sync::Arc;

/// How long an effect steps aside while its connection is busy.
const STEP_ASIDE: std::time::Duration = std::time::Duration::from_millis(250);

/// An effect that is ours until its lease ends.
pub(super) struct Claimed {
    /// As it stands after the claim: leased, with the new epoch and attempt.
    pub(super) effect: Effect,
    /// It may have happened: ask before doing anything.
    pub(super) in_doubt: bool,
    pub(super) connection: Connection,
    /// The address that the connection stands for.
    pub(super) account: String,
    /// When it was first tried.
    pub(super) tried_since: Timestamp,
    pub(super) mode: TenantMode,
    /// The restore of this database, if it was restored.
    pub(super) restore: Option<Arc<Restore>>,
}

impl Claimed {
    /// Tells whether the provider may be asked, and nothing done to the world.
    pub(super) fn is_held(&self) -> bool {
        self.restore.as_ref().is_some_and(|restore| restore.is_held())
    }

    /// Tells whether it was promised after an operator had let deliveries go on.
    pub(super) fn is_new_since_release(&self) -> bool {
        let released = self.restore.as_ref().and_then(|restore| restore.released_at);
        released.is_some_and(|at| self.effect.created_at >= at)
    }
}

/// What is to be done with the effects that are due.
#[derive(Default)]
pub(super) struct Chosen {
    claims: Vec<Effect>,
    /// They wait for a slow connection, and make room for others meanwhile.
    aside: Vec<Key<EffectId>>,
}

impl Chosen {
    pub(super) fn len(&self) -> usize {
        self.claims.len() + self.aside.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Chooses among what is due by how busy the connections are.
pub(super) struct Room {
    connectors: Connectors,
    /// Deliveries under way through each connection: when the sweep began, and with those that were chosen.
    was_busy: HashMap<ConnectionId, usize>,
    busy: HashMap<ConnectionId, usize>,
    /// How many may be under way through each.
    most: HashMap<ConnectionId, usize>,
}

impl Room {
    pub(super) fn new(connectors: Connectors, busy: HashMap<ConnectionId, usize>) -> Room {
        Room { connectors, was_busy: busy.clone(), busy, most: HashMap::new() }
    }

    /// Leaves as they are those for which their connection has no room just now.
    pub(super) fn choose(mut self, conn: &mut Conn, due: &[Due]) -> Result<Chosen> {
        let (mut wanted, mut aside) = (Vec::new(), Vec::new());
        for due in due {
            let key = (due.tenant_id.clone(), EffectId::parse(&due.id)?);
            let connection = ConnectionId::parse(&due.connection_id)?;
            let most = self.most(&mut conn.of(&due.tenant_id), &connection)?;
            let under_way = |counts: &HashMap<_, _>| counts.get(&connection).copied().unwrap_or_default();
            if under_way(&self.busy) < most {
                wanted.push(key);
                *self.busy.entry(connection).or_default() += 1;
            } else if under_way(&self.was_busy) >= most {
                aside.push(key);
            }
        }
        if wanted.is_empty() {
            return Ok(Chosen { claims: Vec::new(), aside });
        }
        let mut found = batch::effects(conn, &wanted)?;
        Ok(Chosen { claims: wanted.iter().filter_map(|key| found.remove(key)).collect(), aside })
    }

    fn most(&mut self, tx: &mut Tx, id: &ConnectionId) -> Result<usize> {
        if let Some(most) = self.most.get(id) {
            return Ok(*most);
        }
        let most = self.connectors.parallel(&find_connection(tx, id)?);
        self.most.insert(id.clone(), most);
        Ok(most)
    }
}

/// An effect that may go out.
struct Candidate {
    effect: Effect,
    in_doubt: bool,
    is_to_customer: bool,
    connection: Connection,
    mode: TenantMode,
}

pub(super) struct Claims {
    pub(super) now: Timestamp,
    pub(super) lease: Lease,
    pub(super) linker: SignedLinks,
    pub(super) connectors: Connectors,
    pub(super) connections: HashMap<ConnectionId, Connection>,
    pub(super) tenants: HashMap<TenantId, (TenantState, TenantMode)>,
    pub(super) restore: Option<Arc<Restore>>,
    pub(super) taken: Taken,
}

/// What one sweep took.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) won: Vec<Claimed>,
    pub(super) gate_results: GateResults,
}

/// What the gate decided, for the stages that go on from there.
#[derive(Default)]
pub(super) struct GateResults {
    /// An effect is settled, and its run may go on.
    pub(super) settled: bool,
    /// A message waits until a mailbox or a calendar has been read.
    pub(super) waits_for_reading: bool,
}

impl Claims {
    /// Claims what is due, and has the others step aside.
    pub(super) fn take(&mut self, conn: &mut Conn, chosen: Chosen) -> Result<()> {
        if !chosen.aside.is_empty() {
            batch::put_off(conn, &chosen.aside, self.now + STEP_ASIDE)?;
        }
        let mut together = Vec::with_capacity(chosen.claims.len());
        for effect in chosen.claims {
            let Some(candidate) = self.candidate(conn, effect)? else { continue };
            // What the gate says of the next message to the same person rests on this one.
            match candidate.is_to_customer {
                true => self.claim(conn, vec![candidate])?,
                false => together.push(candidate),
            }
        }
        match together.is_empty() {
            true => Ok(()),
            false => self.claim(conn, together),
        }
    }

    /// Returns nothing for an effect that cannot go out now.
    fn candidate(&mut self, conn: &mut Conn, effect: Effect) -> Result<Option<Candidate>> {
        let connection = self.connection(&mut conn.of(&effect.tenant_id), &effect.connection_id)?;
        let (state, mode) = self.tenant(conn, &effect.tenant_id)?;
        let suspended = state == TenantState::Suspended;
        if suspended || connection.state != ConnectionState::Active {
            let reason = match suspended {
                true => "the tenant is suspended".to_owned(),
                false => format!("connection `{}` is {}", connection.name, connection.state),
            };
            let parked = Effect { due_at: None, reason: Some(reason), ..effect.clone() };
            let _ = effect::save(conn, &parked, effect.epoch)?;
            return Ok(None);
        }
        let in_doubt = effect.state == EffectState::InDoubt || effect.unseen_since.is_some();
        if !in_doubt && self.restore.as_ref().is_some_and(|restore| restore.is_held()) {
            let parked = Effect { due_at: None, reason: Some(HELD.to_owned()), ..effect.clone() };
            let _ = effect::save(conn, &parked, effect.epoch)?;
            return Ok(None);
        }
        let request: EffectRequest = effect.request.read()?;
        let is_to_customer = request.envelope().is_some();
        if !in_doubt && is_to_customer && !self.passes(conn, &effect, &request)? {
            return Ok(None);
        }
        Ok(Some(Candidate { effect, in_doubt, is_to_customer, connection, mode }))
    }

    fn claim(&mut self, conn: &mut Conn, candidates: Vec<Candidate>) -> Result<()> {
        let wanted: Vec<&Effect> = candidates.iter().map(|candidate| &candidate.effect).collect();
        let begun = batch::claim(conn, &wanted, &self.lease)?;
        for candidate in candidates {
            let Candidate { effect, in_doubt, connection, mode, .. } = candidate;
            if !begun.contains(&(effect.tenant_id.clone(), effect.id.clone())) {
                continue;
            }
            let effect = Effect {
                state: EffectState::Leased,
                attempt: effect.attempt + 1,
                epoch: effect.epoch + 1,
                due_at: None,
                lease_until: Some(self.lease.until),
                ..effect
            };
            let account = self.connectors.account(&connection);
            // How long it was tried counts only once it was tried often enough.
            let is_often = effect.attempt_limit.is_some_and(|limit| effect.attempt > limit);
            let first = match is_often {
                true => effect::first_attempt(&mut conn.of(&effect.tenant_id), &effect.id)?,
                false => None,
            };
            let tried_since = first.unwrap_or(self.now);
            let restore = self.restore.clone();
            self.taken.won.push(Claimed {
                effect,
                in_doubt,
                connection,
                account,
                tried_since,
                mode,
                restore,
            });
        }
        Ok(())
    }

    /// Asks the gate about a message to a customer; what does not pass is put off, or settled.
    fn passes(&mut self, conn: &mut Conn, effect: &Effect, request: &EffectRequest) -> Result<bool> {
        let (Some(message), Some(envelope)) = (request.message(), request.envelope()) else {
            return Ok(true);
        };
        let to = (message.content.recipient(), envelope);
        let decided = gate::pass(conn, &self.linker, effect, to, self.now)?;
        self.taken.gate_results.waits_for_reading |= decided.gate == Gate::Freshness;
        let after = match decided.decision {
            Decision::Send => return Ok(true),
            Decision::Hold => {
                Effect { due_at: decided.until, reason: Some(decided.reason), ..effect.clone() }
            }
            Decision::Drop => Effect {
                state: EffectState::Discarded,
                due_at: None,
                reason: Some(decided.reason),
                settled_at: Some(self.now),
                ..effect.clone()
            },
        };
        if effect::save(conn, &after, effect.epoch)? == Claim::Won && after.state.is_settled() {
            let run = (effect.tenant_id.clone(), effect.run_id.clone());
            self.taken.gate_results.settled |= batch::wake_settled(conn, &[run], self.now)? > 0;
        }
        Ok(false)
    }

    /// Returns whether the tenant's work goes on, and where it goes.
    fn tenant(&mut self, conn: &mut Conn, id: &TenantId) -> Result<(TenantState, TenantMode)> {
        if let Some(known) = self.tenants.get(id) {
            return Ok(*known);
        }
        let found =
            tenant::find(conn, id)?.ok_or_else(|| Error::internal(format!("tenant `{id}` is gone")))?;
        let known = (found.state, found.mode);
        self.tenants.insert(id.clone(), known);
        Ok(known)
    }

    fn connection(&mut self, tx: &mut Tx, id: &ConnectionId) -> Result<Connection> {
        if let Some(connection) = self.connections.get(id) {
            return Ok(connection.clone());
        }
        let found = find_connection(tx, id)?;
        self.connections.insert(found.id.clone(), found.clone());
        Ok(found)
    }
}

fn find_connection(tx: &mut Tx, id: &ConnectionId) -> Result<Connection> {
    connection::find(tx, id)?.ok_or_else(|| Error::internal(format!("connection `{id}` is gone")))
}
