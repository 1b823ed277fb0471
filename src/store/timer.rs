//! Rows of `timers`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::cursor::{Timer, timers};
use nexora_core::model::{CursorId, TimerId};

pub fn find(tx: &mut Tx, id: &TimerId) -> Result<Option<Timer>> {
    on!(tx.conn, |c| timers::table.find((tx.tenant, id)).select(Timer::as_select()).first(c).optional())
}

/// Returns the timers of an entry, or of all instances of a series. Uses `timers_by_series`.
pub fn of_series(tx: &mut Tx, cursor: &CursorId, series: &str) -> Result<Vec<Timer>> {
    on!(tx.conn, |c| timers::table
        .filter(timers::tenant_id.eq(tx.tenant))
        .filter(timers::cursor_id.eq(cursor))
        .filter(timers::series.eq(series))
        .select(Timer::as_select())
        .load(c))
}

/// Lists the moments of a calendar entry that are to come, or were, in their order.
pub fn of_entry(tx: &mut Tx, entry: &str, limit: i64) -> Result<Vec<Timer>> {
    on!(tx.conn, |c| timers::table
        .filter(timers::tenant_id.eq(tx.tenant))
        .filter(timers::entry_id.eq(entry))
        .order((timers::fires_at, timers::id))
        .limit(limit)
        .select(Timer::as_select())
        .load(c))
}

pub fn insert(conn: &mut Conn, timer: &Timer) -> Result<()> {
    on!(conn, |c| diesel::insert_into(timers::table).values(timer).execute(c)).map(|_| ())
}

/// Writes a timer's moment and content.
pub fn save(conn: &mut Conn, timer: &Timer) -> Result<()> {
    let update = kept::update(timers::table.find((&timer.tenant_id, &timer.id))).set(timer);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Takes a due timer off the queue, unless another daemon has, or it was set to another moment.
pub fn fire(conn: &mut Conn, timer: &Timer) -> Result<Claim> {
    let due = timers::table
        .find((&timer.tenant_id, &timer.id))
        .filter(timers::due_at.eq(timer.due_at))
        .filter(timers::due_at.is_not_null());
    on!(conn, |c| kept::update(due).set(timers::due_at.eq(None::<Timestamp>)).execute(c))
        .map(Claim::from_count)
}

pub fn delete(tx: &mut Tx, id: &TimerId) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(timers::table.find((tx.tenant, id))).execute(c)).map(|_| ())
}

/// Removes a cursor's timers that have not fired.
pub fn clear_due(tx: &mut Tx, cursor: &CursorId) -> Result<()> {
    let ahead = timers::table
        .filter(timers::tenant_id.eq(tx.tenant))
        .filter(timers::cursor_id.eq(cursor))
        .filter(timers::due_at.is_not_null());
    on!(tx.conn, |c| diesel::delete(ahead).execute(c)).map(|_| ())
}

/// Removes a cursor's timers that fired before `before`.
pub fn forget_fired(tx: &mut Tx, cursor: &CursorId, before: Timestamp) -> Result<()> {
    let old = timers::table
        .filter(timers::tenant_id.eq(tx.tenant))
        .filter(timers::cursor_id.eq(cursor))
        .filter(timers::due_at.is_null())
        .filter(timers::fires_at.lt(before));
    on!(tx.conn, |c| diesel::delete(old).execute(c)).map(|_| ())
}
