//! Rows of `alerts`, which belong to the installation and to no tenant.

use diesel::prelude::*;

use crate::conn::on;
use crate::{Claim, Conn, Inserted};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::AlertId;
use nexora_core::model::alert::{Alert, alerts};

/// Inserts the alert, unless one of the same trouble is open.
pub fn insert(conn: &mut Conn, alert: &Alert) -> Result<Inserted> {
    let insert = diesel::insert_into(alerts::table).values(alert).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Writes how far an alert has come.
pub fn save(conn: &mut Conn, alert: &Alert) -> Result<()> {
    let update = diesel::update(alerts::table.find(&alert.id)).set(alert);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Lists what has not ended, oldest first. Uses `alerts_open`.
pub fn open(conn: &mut Conn, limit: i64) -> Result<Vec<Alert>> {
    on!(conn, |c| alerts::table
        .filter(alerts::ended_at.is_null())
        .order(alerts::id)
        .limit(limit)
        .select(Alert::as_select())
        .load(c))
}

/// Lists alerts, latest first.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Alert>> {
    on!(conn, |c| alerts::table.order(alerts::id.desc()).limit(limit).select(Alert::as_select()).load(c))
}

/// Returns when somebody was last told of anything. Uses `alerts_told`.
pub fn last_told(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let told = alerts::table.filter(alerts::told_at.is_not_null());
    on!(conn, |c| told.select(diesel::dsl::max(alerts::told_at)).first(c))
}

/// Takes an alert to tell it, unless another daemon has.
pub fn claim(conn: &mut Conn, id: &AlertId, now: Timestamp, lease_until: Timestamp) -> Result<Claim> {
    let free = alerts::table
        .find(id)
        .filter(alerts::ended_at.is_null())
        .filter(alerts::lease_until.is_null().or(alerts::lease_until.lt(now)));
    let update = diesel::update(free).set(alerts::lease_until.eq(lease_until));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Deletes what ended before `before`.
pub fn prune(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    on!(conn, |c| diesel::delete(alerts::table.filter(alerts::ended_at.lt(before))).execute(c))
}
