//! Claiming: which due effects this process takes, and what the gate says of messages before they are taken.

use super::wake_run;
use crate::domain::contact::link::SignedLinks;
use crate::domain::message::gate;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::outbound::Audience;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::tenant::{TenantMode, TenantState};
use nexora_core::model::verdict::{Decision, Gate};
use nexora_core::model::{ConnectionId, EffectId, TenantId};
use nexora_store::due::Due;
use nexora_store::{Claim, Conn, Tx, connection, effect, tenant};
use std::collections::HashMap;

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
}

pub(super) struct Claims {
    pub(super) now: Timestamp,
    pub(super) lease_until: Timestamp,
    /// Deliveries under way through each connection: when the sweep began, and now.
    pub(super) was_busy: HashMap<ConnectionId, usize>,
    pub(super) busy: HashMap<ConnectionId, usize>,
    pub(super) linker: SignedLinks,
    pub(super) connectors: Connectors,
    pub(super) connections: HashMap<ConnectionId, Connection>,
    pub(super) tenants: HashMap<TenantId, (TenantState, TenantMode)>,
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
    /// Claims an effect that is due; false when it is left as it is, until its connection has room for it.
    pub(super) fn claim(&mut self, conn: &mut Conn, due: &Due) -> Result<bool> {
        let tx = &mut conn.of(&due.tenant_id);
        let id = EffectId::parse(&due.id)?;
        let connection = self.connection(tx, &ConnectionId::parse(&due.connection_id)?)?;
        let most = self.connectors.parallel(&connection);
        let under_way = |counts: &HashMap<_, _>| counts.get(&connection.id).copied().unwrap_or_default();
        if under_way(&self.busy) >= most {
            // One that was full already is slow: what waits for it makes room for others.
            let is_slow = under_way(&self.was_busy) >= most;
            if is_slow {
                effect::put_off(tx, &id, self.now + STEP_ASIDE)?;
            }
            return Ok(is_slow);
        }
        if let Some(effect) = effect::find(tx, &id)? {
            self.claim_effect(tx, effect, connection)?;
        }
        Ok(true)
    }

    fn claim_effect(&mut self, conn: &mut Conn, effect: Effect, connection: Connection) -> Result<()> {
        let (state, mode) = self.tenant(conn, &effect.tenant_id)?;
        let suspended = state == TenantState::Suspended;
        if suspended || connection.state != ConnectionState::Active {
            let reason = match suspended {
                true => "the tenant is suspended".to_owned(),
                false => format!("connection `{}` is {}", connection.name, connection.state),
            };
            let parked = Effect { due_at: None, reason: Some(reason), ..effect.clone() };
            let _ = effect::save(conn, &parked, effect.epoch)?;
            return Ok(());
        }
        let in_doubt = effect.state == EffectState::InDoubt;
        if !in_doubt && !self.passes(conn, &effect)? {
            return Ok(());
        }
        if effect::claim(conn, &effect, self.lease_until)? == Claim::Won {
            *self.busy.entry(connection.id.clone()).or_default() += 1;
            let effect = Effect {
                state: EffectState::Leased,
                attempt: effect.attempt + 1,
                epoch: effect.epoch + 1,
                due_at: None,
                lease_until: Some(self.lease_until),
                ..effect
            };
            let account = self.connectors.account(&connection);
            // How long it was tried counts only once it was tried often enough.
            let is_often = effect.attempt_limit.is_some_and(|limit| effect.attempt >= limit);
            let first = match is_often {
                true => effect::first_attempt(&mut conn.of(&effect.tenant_id), &effect.id)?,
                false => None,
            };
            let tried_since = first.unwrap_or(self.now);
            self.won.push(Claimed { effect, in_doubt, connection, account, tried_since, mode });
        }
        Ok(())
    }

    /// Asks the gate about a message to a customer; what does not pass is put off, or settled.
    fn passes(&mut self, conn: &mut Conn, effect: &Effect) -> Result<bool> {
        let request: EffectRequest = effect.request.read()?;
        let Some(message) = request.message() else { return Ok(true) };
        let envelope = match &message.audience {
            Audience::Customer(envelope) => envelope,
            Audience::Business => return Ok(true),
        };
        let to = (message.content.recipient(), envelope);
        let decided = gate::pass(conn, &self.linker, effect, to, self.now)?;
        self.gate_results.waits_for_reading |= decided.gate == Gate::Freshness;
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
            self.gate_results.settled |= wake_run(conn, effect, self.now)?;
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
        let found = connection::find(tx, id)?;
        let found = found.ok_or_else(|| Error::internal(format!("connection `{id}` is gone")))?;
        self.connections.insert(found.id.clone(), found.clone());
        Ok(found)
    }
}
