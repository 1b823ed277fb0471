//! Rows of `cursors`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::cursor::{Cursor, CursorKind, cursors, items, timers};
use nexora_core::model::daemon::Lease;
use nexora_core::model::{ConnectionId, CursorId};

pub fn insert(conn: &mut Conn, cursor: &Cursor) -> Result<()> {
    on!(conn, |c| diesel::insert_into(cursors::table).values(cursor).execute(c)).map(|_| ())
}

pub fn find(tx: &mut Tx, id: &CursorId) -> Result<Option<Cursor>> {
    on!(tx.conn, |c| cursors::table.find((tx.tenant, id)).select(Cursor::as_select()).first(c).optional())
}

/// Lists a tenant's cursors, those of one connection where it is given.
pub fn list(tx: &mut Tx, connection: Option<&ConnectionId>, limit: i64) -> Result<Vec<Cursor>> {
    on!(tx.conn, |c| {
        let mut query = cursors::table.filter(cursors::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(connection) = connection {
            query = query.filter(cursors::connection_id.eq(connection));
        }
        query.order(cursors::id).limit(limit).select(Cursor::as_select()).load(c)
    })
}

/// Lists connection and kind of every cursor of all tenants.
pub fn watched(conn: &mut Conn) -> Result<Vec<(ConnectionId, CursorKind)>> {
    on!(conn, |c| cursors::table.select((cursors::connection_id, cursors::kind)).load(c))
}

/// Counts the cursors of all tenants by what they read.
pub fn count(conn: &mut Conn, kind: CursorKind) -> Result<i64> {
    on!(conn, |c| cursors::table.filter(cursors::kind.eq(kind)).count().get_result(c))
}

/// Counts those of them that were read at least once.
pub fn count_polled(conn: &mut Conn, kind: CursorKind) -> Result<i64> {
    let polled = cursors::table.filter(cursors::kind.eq(kind)).filter(cursors::polled_at.is_not_null());
    on!(conn, |c| polled.count().get_result(c))
}

/// Takes a due cursor for one poll that counts as lost when its lease ends.
pub fn claim(conn: &mut Conn, cursor: &Cursor, lease: &Lease) -> Result<Claim> {
    let unchanged = cursors::table
        .find((&cursor.tenant_id, &cursor.id))
        .filter(cursors::epoch.eq(cursor.epoch))
        .filter(cursors::due_at.is_not_null());
    let update = kept::update(unchanged).set((
        cursors::epoch.eq(cursor.epoch + 1),
        cursors::due_at.eq(Some(lease.until)),
        cursors::lease_until.eq(Some(lease.until)),
        cursors::leased_by.eq(&lease.holder),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Writes what a poll came to, unless another writer changed the cursor since `epoch`.
pub fn save(conn: &mut Conn, cursor: &Cursor, epoch: i64) -> Result<Claim> {
    let unchanged = cursors::table.find((&cursor.tenant_id, &cursor.id)).filter(cursors::epoch.eq(epoch));
    let update = kept::update(unchanged).set((
        cursor,
        cursors::epoch.eq(epoch + 1),
        cursors::lease_until.eq(None::<Timestamp>),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Notes what the automations want now, and has it read at once. A poll under way settles nothing.
pub fn set_wish(tx: &mut Tx, id: &CursorId, wish: &Json, due_at: Option<Timestamp>) -> Result<()> {
    let update = kept::update(cursors::table.find((tx.tenant, id))).set((
        cursors::wish.eq(wish),
        cursors::due_at.eq(due_at),
        cursors::lease_until.eq(None::<Timestamp>),
        cursors::epoch.eq(cursors::epoch + 1),
    ));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Makes a connection's cursors due at `due_at`, or parks them with nothing.
pub fn set_due(tx: &mut Tx, connection: &ConnectionId, due_at: Option<Timestamp>) -> Result<()> {
    let own =
        cursors::table.filter(cursors::tenant_id.eq(tx.tenant)).filter(cursors::connection_id.eq(connection));
    let update = kept::update(own).set((
        cursors::due_at.eq(due_at),
        cursors::lease_until.eq(None::<Timestamp>),
        cursors::epoch.eq(cursors::epoch + 1),
        cursors::attempt.eq(0),
    ));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Removes a cursor with everything it knows.
pub fn delete(tx: &mut Tx, id: &CursorId) -> Result<()> {
    let seen = items::table.filter(items::tenant_id.eq(tx.tenant)).filter(items::cursor_id.eq(id));
    on!(tx.conn, |c| diesel::delete(seen).execute(c))?;
    let set = timers::table.filter(timers::tenant_id.eq(tx.tenant)).filter(timers::cursor_id.eq(id));
    on!(tx.conn, |c| diesel::delete(set).execute(c))?;
    on!(tx.conn, |c| diesel::delete(cursors::table.find((tx.tenant, id))).execute(c)).map(|_| ())
}

/// Has a cursor read at once, unless it is being read.
pub fn poll_now(tx: &mut Tx, id: &CursorId, now: Timestamp) -> Result<()> {
    let resting = cursors::table.find((tx.tenant, id)).filter(cursors::lease_until.is_null());
    on!(tx.conn, |c| kept::update(resting).set(cursors::due_at.eq(Some(now))).execute(c)).map(|_| ())
}
