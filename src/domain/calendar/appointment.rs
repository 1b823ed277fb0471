//! Appointments: entries of connected calendars in which a customer takes part, kept as they stand,
//! so that a message about one can be checked against it the moment before it goes out.

use chrono_tz::Tz;

use crate::domain::contact::{about_contact, resolve};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::{Country, EmailAddress};
use nexora_core::model::appointment::{Appointment, AppointmentState};
use nexora_core::model::calendar_entry::{Attendee, EFFECT_PROPERTY, Entry, When};
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::event::About;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AppointmentId, ConnectionId, ContactId};
use nexora_engine::automation::context::moment_of;
use nexora_engine::contact::contact_extraction;
use nexora_store::{Conn, Tx, appointment, contact};

/// Finds whom an entry is about: the customer who attends, who becomes a contact if they are none, or else a contact
/// whose address it holds.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn about(
    conn: &mut Conn,
    tenant: &Tenant,
    entry: &Entry,
    guest: Option<&Attendee>,
    now: Timestamp,
) -> Result<About> {
    let tx = &mut conn.of(&tenant.id);
    let contact_id = match guest {
        Some(guest) => attending(tx, entry, guest, now)?,
        None => mentioned(tx, tenant.country()?, entry)?,
    };
    contact_id.map_or(Ok(About::default()), |id| about_contact(tx, id))
}

fn attending(tx: &mut Tx, entry: &Entry, guest: &Attendee, now: Timestamp) -> Result<Option<ContactId>> {
    let Ok(email) = guest.email.parse::<EmailAddress>() else { return Ok(None) };
    // What an automation puts into the calendar is about a lead, and proves nothing of the address in it.
    if entry.properties.contains_key(EFFECT_PROPERTY) {
        return contact::find_by_address(tx, AddressKind::Email, &email.key());
    }
    let name = guest.name.clone().unwrap_or_default();
    resolve(tx, &name, (Some(&email), None), AddressProof::Calendar, now)
}

fn mentioned(tx: &mut Tx, country: Country, entry: &Entry) -> Result<Option<ContactId>> {
    let text = format!("{}\n{}\n{}", entry.title, entry.description, entry.location);
    for (kind, value) in contact_extraction::addresses(&text, country) {
        if let Some(id) = contact::find_by_address(tx, kind, &value)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Returns the first customer who attends and is a contact, or else a contact whose address the entry holds.
fn known(tx: &mut Tx, country: Country, entry: &Entry) -> Result<Option<ContactId>> {
    for attendee in entry.guests() {
        let key = EmailAddress::key_of(&attendee.email);
        if let Some(id) = contact::find_by_address(tx, AddressKind::Email, &key)? {
            return Ok(Some(id));
        }
    }
    mentioned(tx, country, entry)
}

/// Writes what an entry has become, where a customer takes part in it. A series itself is none; its
/// instances are.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn record(
    conn: &mut Conn,
    tenant: &Tenant,
    place: (&ConnectionId, &str),
    entry: &Entry,
    now: Timestamp,
) -> Result<()> {
    let tx = &mut conn.of(&tenant.id);
    if entry.is_series() {
        return Ok(());
    }
    let before = appointment::find_by_entry(tx, place, &entry.id)?;
    let zone = tenant.zone()?.tz();
    match (before, times(entry, zone)) {
        (Some(before), _) if entry.cancelled => cancel(tx, before, now),
        (None, _) if entry.cancelled => Ok(()),
        (_, None) => Ok(()),
        (before, Some((starts_at, ends_at))) => {
            let has_guest = entry.guests().next().is_some();
            let contact_id = known(tx, tenant.country()?, entry)?;
            if before.is_none() && !has_guest && contact_id.is_none() {
                return Ok(());
            }
            let moved = before.as_ref().is_none_or(|before| {
                before.starts_at != starts_at || before.state == AppointmentState::Cancelled
            });
            let fresh = Appointment {
                tenant_id: tenant.id.clone(),
                id: before.as_ref().map_or_else(|| AppointmentId::new(now), |before| before.id.clone()),
                connection_id: place.0.clone(),
                calendar: place.1.to_owned(),
                entry_id: entry.id.clone(),
                contact_id: contact_id.or(before.as_ref().and_then(|before| before.contact_id.clone())),
                title: entry.title.clone(),
                location: entry.location.clone(),
                state: AppointmentState::Booked,
                starts_at,
                ends_at,
                all_day: matches!(entry.start, Some(When::Day(_))),
                version: before.as_ref().map_or(0, |before| before.version) + i32::from(moved),
                created_at: before.as_ref().map_or(now, |before| before.created_at),
                updated_at: now,
            };
            match before {
                Some(_) => appointment::save(tx, &fresh),
                None => appointment::insert(tx, &fresh).map(|_| ()),
            }
        }
    }
}

/// Returns the occurrences of a series to come, as they are booked; nothing for an entry that is none.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn to_come(
    tx: &mut Tx,
    place: (&ConnectionId, &str),
    entry: &Entry,
    now: Timestamp,
) -> Result<Vec<Appointment>> {
    if entry.is_series() { appointment::of_series(tx, place, &entry.id, now) } else { Ok(Vec::new()) }
}

/// Writes the instances of a series, and cancels those to come that are not among them any more.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn record_series(
    conn: &mut Conn,
    tenant: &Tenant,
    place: (&ConnectionId, &str),
    (series, instances): (&str, &[Entry]),
    now: Timestamp,
) -> Result<()> {
    for instance in instances {
        record(conn, tenant, place, instance, now)?;
    }
    for known in appointment::of_series(&mut conn.of(&tenant.id), place, series, now)? {
        let is_there = instances.iter().any(|instance| instance.id == known.entry_id && !instance.cancelled);
        if !is_there {
            cancel(conn, known, now)?;
        }
    }
    Ok(())
}

fn cancel(conn: &mut Conn, before: Appointment, now: Timestamp) -> Result<()> {
    if before.state == AppointmentState::Cancelled {
        return Ok(());
    }
    let (state, version) = (AppointmentState::Cancelled, before.version + 1);
    appointment::save(conn, &Appointment { state, version, updated_at: now, ..before })
}

fn times(entry: &Entry, zone: Tz) -> Option<(Timestamp, Timestamp)> {
    let start = entry.start.as_ref().and_then(|when| moment_of(when, zone))?;
    let end = entry.end.as_ref().and_then(|when| moment_of(when, zone)).unwrap_or(start);
    Some((start, end))
}
