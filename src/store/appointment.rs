//! Rows of `appointments`.

use std::time::Duration;

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted, Tx, Whose, whose};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::appointment::{Appointment, AppointmentState, appointments};
use nexora_core::model::{AppointmentId, ConnectionId, ContactId, TenantId};

/// Inserts the appointment, unless its entry has one.
pub fn insert(conn: &mut Conn, appointment: &Appointment) -> Result<Inserted> {
    let insert = diesel::insert_into(appointments::table).values(appointment).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &AppointmentId) -> Result<Option<Appointment>> {
    on!(tx.conn, |c| appointments::table
        .find((tx.tenant, id))
        .select(Appointment::as_select())
        .first(c)
        .optional())
}

/// Finds the appointment of a calendar's entry.
pub fn find_by_entry(
    tx: &mut Tx,
    (connection, calendar): (&ConnectionId, &str),
    entry: &str,
) -> Result<Option<Appointment>> {
    on!(tx.conn, |c| appointments::table
        .filter(appointments::tenant_id.eq(tx.tenant))
        .filter(appointments::connection_id.eq(connection))
        .filter(appointments::calendar.eq(calendar))
        .filter(appointments::entry_id.eq(entry))
        .select(Appointment::as_select())
        .first(c)
        .optional())
}

/// How long an appointment lasts at most that is found among those under way.
const LONGEST: Duration = Duration::from_secs(62 * 86_400);

/// Lists the appointments that are under way at some time between two moments and are to take place, in order.
pub fn between(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Appointment>> {
    on!(tx.conn, |c| appointments::table
        .filter(appointments::tenant_id.eq(tx.tenant))
        .filter(appointments::starts_at.gt(from - LONGEST))
        .filter(appointments::starts_at.lt(until))
        .filter(appointments::ends_at.gt(from).or(appointments::starts_at.ge(from)))
        .filter(appointments::state.eq(AppointmentState::Booked))
        .order((appointments::starts_at, appointments::id))
        .limit(limit)
        .select(Appointment::as_select())
        .load(c))
}

/// Lists a tenant's appointments from a moment on, in order, cancelled ones too.
pub fn list(tx: &mut Tx, from: Timestamp, limit: i64) -> Result<Vec<Appointment>> {
    on!(tx.conn, |c| appointments::table
        .filter(appointments::tenant_id.eq(tx.tenant))
        .filter(appointments::starts_at.ge(from))
        .order((appointments::starts_at, appointments::id))
        .limit(limit)
        .select(Appointment::as_select())
        .load(c))
}

/// Returns the next appointment of a contact that begins after a moment.
pub fn next_of_contact(tx: &mut Tx, contact: &ContactId, after: Timestamp) -> Result<Option<Appointment>> {
    on!(tx.conn, |c| appointments::table
        .filter(appointments::tenant_id.eq(tx.tenant))
        .filter(appointments::contact_id.eq(contact))
        .filter(appointments::starts_at.gt(after))
        .filter(appointments::state.eq(AppointmentState::Booked))
        .order((appointments::starts_at, appointments::id))
        .select(Appointment::as_select())
        .first(c)
        .optional())
}

/// Lists the instances of a series that are to take place after a moment. The provider's id of an
/// instance is the series' own, an underscore, and when it would be.
pub fn of_series(
    tx: &mut Tx,
    (connection, calendar): (&ConnectionId, &str),
    series: &str,
    after: Timestamp,
) -> Result<Vec<Appointment>> {
    let mut found: Vec<Appointment> = on!(tx.conn, |c| appointments::table
        .filter(appointments::tenant_id.eq(tx.tenant))
        .filter(appointments::connection_id.eq(connection))
        .filter(appointments::calendar.eq(calendar))
        .filter(appointments::entry_id.ge(format!("{series}_")))
        .filter(appointments::entry_id.lt(format!("{series}_~")))
        .filter(appointments::starts_at.gt(after))
        .filter(appointments::state.eq(AppointmentState::Booked))
        .select(Appointment::as_select())
        .load(c))?;
    // A series that was split off begins with the same id, and a letter.
    let is_own = |id: &str| {
        id.get(series.len() + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    found.retain(|appointment| is_own(&appointment.entry_id));
    Ok(found)
}

/// Writes everything about an appointment that can change.
pub fn save(conn: &mut Conn, appointment: &Appointment) -> Result<()> {
    let update =
        kept::update(appointments::table.find((&appointment.tenant_id, &appointment.id))).set(appointment);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Deletes at most `limit` appointments that ended before a moment; returns how many.
pub fn prune(conn: &mut Conn, whose: &Whose, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<(TenantId, AppointmentId)> = on!(conn, |c| {
        let mut query = appointments::table.filter(appointments::ends_at.lt(before)).into_boxed();
        whose!(query, appointments, whose);
        let query = query.order(appointments::id).limit(limit);
        query.select((appointments::tenant_id, appointments::id)).load(c)
    })?;
    for (tenant, id) in &old {
        on!(conn, |c| diesel::delete(appointments::table.find((tenant, id))).execute(c))?;
    }
    Ok(old.len())
}
