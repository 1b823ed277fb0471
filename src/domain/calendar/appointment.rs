//! Appointments: entries of connected calendars in which a customer takes part, kept as they stand,
//! so that a message about one can be checked against it the moment before it goes out.

use chrono_tz::Tz;

use crate::domain::contact::{about_contact, resolve};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::Country;
use nexora_core::model::appointment::{Appointment, AppointmentState};
use nexora_core::model::calendar_entry::{EFFECT_PROPERTY, Entry, When};
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::About;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AppointmentId, ConnectionId, ContactId};
use nexora_engine::automation::context::moment_of;
use nexora_engine::contact::contact_extraction;
use nexora_store::{Conn, Tx, appointment, contact};

/// Finds whom an entry is about: somebody who attends, or a contact whose address it holds. Somebody
/// who attends and is not known becomes a contact when the entry is told.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn about(conn: &mut Conn, tenant: &Tenant, entry: &Entry, now: Timestamp) -> Result<About> {
    let tx = &mut conn.of(&tenant.id);
    let contact_id = match known(tx, tenant.country()?, entry)? {
        Some(id) => Some(id),
        None => new_attendee(tx, tenant, entry, now)?,
    };
    contact_id.map_or(Ok(About::default()), |id| about_contact(tx, id))
}

fn known(tx: &mut Tx, country: Country, entry: &Entry) -> Result<Option<ContactId>> {
    for attendee in entry.attendees.iter().filter(|attendee| !attendee.is_own) {
        let key = attendee.email.to_lowercase();
        if let Some(id) = contact::find_by_address(tx, AddressKind::Email, &key)? {
            return Ok(Some(id));
        }
    }
    let text = format!("{}\n{}\n{}", entry.title, entry.description, entry.location);
    for (kind, value) in contact_extraction::addresses(&text, country) {
        if let Some(id) = contact::find_by_address(tx, kind, &value)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn new_attendee(
    conn: &mut Conn,
    tenant: &Tenant,
    entry: &Entry,
    now: Timestamp,
) -> Result<Option<ContactId>> {
    let ours = entry.properties.contains_key(EFFECT_PROPERTY);
    let Some(attendee) = entry.attendees.iter().find(|attendee| !attendee.is_own && !ours) else {
        return Ok(None);
    };
    let Ok(email) = attendee.email.parse() else { return Ok(None) };
    let name = attendee.name.clone().unwrap_or_default();
    resolve(&mut conn.of(&tenant.id), &name, Some(&email), None, now)
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
            let has_guest = entry.attendees.iter().any(|attendee| !attendee.is_own);
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
