//! Rows of `connections`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Inserted, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::ConnectionId;
use nexora_core::model::connection::{Connection, ConnectionState, Purpose, connections};
use nexora_core::model::connector::ConnectionKind;

/// Inserts the connection, unless its name is taken in the tenant.
pub fn insert(conn: &mut Conn, connection: &Connection) -> Result<Inserted> {
    let insert = diesel::insert_into(connections::table).values(connection).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &ConnectionId) -> Result<Option<Connection>> {
    on!(tx.conn, |c| connections::table
        .find((tx.tenant, id))
        .select(Connection::as_select())
        .first(c)
        .optional())
}

pub fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Connection>> {
    on!(tx.conn, |c| connections::table
        .filter(connections::tenant_id.eq(tx.tenant))
        .filter(connections::name.eq(name))
        .filter(connections::retired_at.is_null())
        .select(Connection::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's connections, oldest first.
pub fn list(tx: &mut Tx, limit: i64) -> Result<Vec<Connection>> {
    on!(tx.conn, |c| connections::table
        .filter(connections::tenant_id.eq(tx.tenant))
        .filter(connections::retired_at.is_null())
        .order(connections::id)
        .limit(limit)
        .select(Connection::as_select())
        .load(c))
}

/// Lists the connections of one kind, of all tenants.
pub fn of_kind(conn: &mut Conn, kind: &ConnectionKind) -> Result<Vec<Connection>> {
    on!(conn, |c| connections::table
        .filter(connections::kind.eq(kind))
        .filter(connections::retired_at.is_null())
        .select(Connection::as_select())
        .load(c))
}

pub fn set_state(tx: &mut Tx, id: &ConnectionId, state: ConnectionState, now: Timestamp) -> Result<()> {
    let update = kept::update(connections::table.find((tx.tenant, id)))
        .set((connections::state.eq(state), connections::updated_at.eq(now)));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Marks an active connection as failing, unless it has changed since `connection` was read: a
/// refusal of a credential that was since replaced says nothing about the new one.
pub fn fail(conn: &mut Conn, connection: &Connection, reason: &str, now: Timestamp) -> Result<Claim> {
    let as_read = connections::table
        .find((&connection.tenant_id, &connection.id))
        .filter(connections::state.eq(ConnectionState::Active))
        .filter(connections::updated_at.eq(connection.updated_at));
    let update = kept::update(as_read).set((
        connections::state.eq(ConnectionState::Failing),
        connections::last_error.eq(reason),
        connections::last_error_at.eq(now),
        connections::updated_at.eq(now),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Writes settings, credential, state and last error, unless the row has changed since `updated_at`.
pub fn save(conn: &mut Conn, connection: &Connection, updated_at: Timestamp) -> Result<Claim> {
    let as_read = connections::table
        .find((&connection.tenant_id, &connection.id))
        .filter(connections::updated_at.eq(updated_at));
    let update = kept::update(as_read).set(connection);
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Has a connection be the one of its tenant for a purpose, in the place of any other, or be it no longer.
pub fn choose(tx: &mut Tx, id: &ConnectionId, purpose: Purpose, is_chosen: bool) -> Result<()> {
    let own = connections::table.filter(connections::tenant_id.eq(tx.tenant));
    let one = connections::table.find((tx.tenant, id));
    on!(tx.conn, |c| match purpose {
        Purpose::Customers => {
            diesel::update(own).set(connections::for_customers.eq(false)).execute(c)?;
            diesel::update(one).set(connections::for_customers.eq(is_chosen)).execute(c)
        }
        Purpose::Alerts => {
            diesel::update(own).set(connections::for_alerts.eq(false)).execute(c)?;
            diesel::update(one).set(connections::for_alerts.eq(is_chosen)).execute(c)
        }
    })
    .map(|_| ())
}

/// Notes which addresses its mailbox may send from.
pub fn set_send_as(tx: &mut Tx, id: &ConnectionId, addresses: &Json) -> Result<()> {
    let update =
        diesel::update(connections::table.find((tx.tenant, id))).set(connections::send_as.eq(addresses));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Notes that the connection worked at `now`.
pub fn note_success(tx: &mut Tx, id: &ConnectionId, now: Timestamp) -> Result<()> {
    let update = kept::update(connections::table.find((tx.tenant, id))).set(connections::last_ok_at.eq(now));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Notes why the connection failed at `now`.
pub fn note_failure(tx: &mut Tx, id: &ConnectionId, reason: &str, now: Timestamp) -> Result<()> {
    let update = kept::update(connections::table.find((tx.tenant, id)))
        .set((connections::last_error.eq(reason), connections::last_error_at.eq(now)));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Keeps a connection for its history alone: under another name, without its credential, and in no list.
pub fn retire(tx: &mut Tx, id: &ConnectionId, name: &str, now: Timestamp) -> Result<()> {
    let update = diesel::update(connections::table.find((tx.tenant, id))).set((
        connections::name.eq(name),
        connections::state.eq(ConnectionState::Paused),
        connections::sealed.eq(None::<Vec<u8>>),
        connections::for_customers.eq(false),
        connections::for_alerts.eq(false),
        connections::retired_at.eq(Some(now)),
        connections::updated_at.eq(now),
    ));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Removes a connection that nothing refers to.
///
/// # Errors
/// `Conflict` when an effect was ever made through it.
pub fn delete(tx: &mut Tx, id: &ConnectionId) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(connections::table.find((tx.tenant, id))).execute(c)).map(|_| ())
}
