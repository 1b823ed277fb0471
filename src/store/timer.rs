//! Rows of `timers`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::cursor::{Timer, timers};
use crate::model::{CursorId, TenantId, TimerId};
use crate::store::conn::on;
use crate::store::{Claim, Conn};

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &TimerId) -> Result<Option<Timer>> {
    on!(conn, |c| timers::table.find((tenant, id)).select(Timer::as_select()).first(c).optional())
}

/// Returns the timers of an entry, or of all instances of a series. Uses `timers_by_series`.
pub fn of_series(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId, series: &str) -> Result<Vec<Timer>> {
    on!(conn, |c| timers::table
        .filter(timers::tenant_id.eq(tenant))
        .filter(timers::cursor_id.eq(cursor))
        .filter(timers::series.eq(series))
        .select(Timer::as_select())
        .load(c))
}

pub fn insert(conn: &mut Conn, timer: &Timer) -> Result<()> {
    on!(conn, |c| diesel::insert_into(timers::table).values(timer).execute(c)).map(|_| ())
}

/// Writes a timer's moment and content.
pub fn save(conn: &mut Conn, timer: &Timer) -> Result<()> {
    let update = diesel::update(timers::table.find((&timer.tenant_id, &timer.id))).set(timer);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Takes a due timer off the queue, unless somebody has, or has set it to another moment.
pub fn fire(conn: &mut Conn, timer: &Timer) -> Result<Claim> {
    let due = timers::table
        .find((&timer.tenant_id, &timer.id))
        .filter(timers::due_at.eq(timer.due_at))
        .filter(timers::due_at.is_not_null());
    on!(conn, |c| diesel::update(due).set(timers::due_at.eq(None::<Timestamp>)).execute(c))
        .map(Claim::from_count)
}

pub fn delete(conn: &mut Conn, tenant: &TenantId, id: &TimerId) -> Result<()> {
    on!(conn, |c| diesel::delete(timers::table.find((tenant, id))).execute(c)).map(|_| ())
}

/// Removes a cursor's timers that have not fired.
pub fn clear_due(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId) -> Result<()> {
    let ahead = timers::table
        .filter(timers::tenant_id.eq(tenant))
        .filter(timers::cursor_id.eq(cursor))
        .filter(timers::due_at.is_not_null());
    on!(conn, |c| diesel::delete(ahead).execute(c)).map(|_| ())
}

/// Removes a cursor's timers that fired before `before`.
pub fn forget_fired(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId, before: Timestamp) -> Result<()> {
    let old = timers::table
        .filter(timers::tenant_id.eq(tenant))
        .filter(timers::cursor_id.eq(cursor))
        .filter(timers::due_at.is_null())
        .filter(timers::fires_at.lt(before));
    on!(conn, |c| diesel::delete(old).execute(c)).map(|_| ())
}
