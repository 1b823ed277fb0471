//! What is to be read, and when: the cursors and schedules of a tenant, as its connections and
//! automations want them.
//!
//! A mailbox is read as soon as it is connected, since leads and replies come in by mail. A calendar
//! or a sheet is read while an automation that is not switched off waits for it.

use std::collections::BTreeMap;

use crate::domain::AUTOMATION_LIMIT;
use crate::domain::CONNECTION_LIMIT;
use crate::domain::automation::version;
use crate::domain::calendar::schedule;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::automation::AutomationState;
use nexora_core::model::connection::{Ability, Connection, ConnectionState};
use nexora_core::model::cursor::{CalendarWatch, Cursor, CursorKind, SheetWish};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ConnectionId, CursorId};
use nexora_engine::automation::trigger::{EventSource, Watch};
use nexora_store::{Conn, automation, connection, cursor};

/// Cursors that one tenant can have at most.
pub const CURSOR_LIMIT: i64 = 1_000;

/// Milliseconds between polls before anything is known of what happens there.
const FIRST_INTERVAL_MS: i64 = 10_000;

type Place = (ConnectionId, CursorKind, String);

/// Brings a tenant's schedules and cursors to what is wanted now. A new one begins at what is there: only what
/// happens from then on is told.
///
/// # Errors
/// `Conflict` when two automations know the rows of one sheet by different keys.
pub fn reconcile(conn: &mut Conn, connectors: &Connectors, tenant: &Tenant, now: Timestamp) -> Result<()> {
    let tx = &mut conn.of(&tenant.id);
    schedule::reconcile(tx, tenant, now)?;
    let connections = connection::list(tx, CONNECTION_LIMIT)?;
    let wanted = wanted(tx, connectors, tenant, &connections)?;
    let mut existing = BTreeMap::new();
    for cursor in cursor::list(tx, None, CURSOR_LIMIT)? {
        existing.insert((cursor.connection_id.clone(), cursor.kind, cursor.target.clone()), cursor);
    }
    for (place, wish) in &wanted {
        let is_active = connections
            .iter()
            .any(|connection| connection.id == place.0 && connection.state == ConnectionState::Active);
        let due_at = is_active.then_some(now);
        match existing.remove(place) {
            Some(cursor) if cursor.wish == *wish => {}
            Some(cursor) => cursor::set_wish(tx, &cursor.id, wish, due_at)?,
            None => cursor::insert(tx, &new_cursor(tenant, place, wish.clone(), due_at, now))?,
        }
    }
    for cursor in existing.into_values() {
        cursor::delete(tx, &cursor.id)?;
    }
    Ok(())
}

fn new_cursor(
    tenant: &Tenant,
    (connection, kind, target): &Place,
    wish: Json,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Cursor {
    Cursor {
        tenant_id: tenant.id.clone(),
        id: CursorId::new(now),
        connection_id: connection.clone(),
        kind: *kind,
        target: target.clone(),
        wish,
        position: None,
        interval_ms: FIRST_INTERVAL_MS,
        due_at,
        lease_until: None,
        epoch: 0,
        attempt: 0,
        polled_at: None,
        changed_at: None,
        error: None,
        created_at: now,
    }
}

fn wanted(
    conn: &mut Conn,
    connectors: &Connectors,
    tenant: &Tenant,
    connections: &[Connection],
) -> Result<BTreeMap<Place, Json>> {
    let tx = &mut conn.of(&tenant.id);
    let mut calendars: BTreeMap<(ConnectionId, String), CalendarWatch> = BTreeMap::new();
    let mut sheets: BTreeMap<(ConnectionId, String), SheetWish> = BTreeMap::new();
    for automation in automation::list(tx, AUTOMATION_LIMIT)? {
        if automation.state == AutomationState::Disabled {
            continue;
        }
        let version = version::parsed(tx, &automation.id, automation.live_version)?;
        // What ends a run has to be read, too.
        let stops = version.stops(tenant)?.into_iter().map(|(_, watch)| watch);
        for watch in version.watches(tenant)?.into_iter().chain(stops) {
            for connection in watched(&watch, connectors, connections) {
                match watch.filter.source() {
                    EventSource::Told | EventSource::Schedule { .. } => {}
                    EventSource::Calendar { calendar, moment } => {
                        let wish = calendars.entry((connection.clone(), calendar.to_owned())).or_default();
                        wish.moments.extend(moment);
                    }
                    EventSource::Sheet { target, key } => {
                        let place = (connection.clone(), Json::of(target)?.as_str().to_owned());
                        let new = || SheetWish { key: key.map(str::to_owned) };
                        let wish = sheets.entry(place).or_insert_with(new);
                        if wish.key.as_deref() != key {
                            return Err(Error::conflict(format!(
                                "two automations know the rows of sheet `{}` by different keys",
                                target.sheet
                            ))
                            .hint("give both triggers the same `key`"));
                        }
                    }
                }
            }
        }
    }
    let mut wanted = BTreeMap::new();
    for connection in
        connections.iter().filter(|connection| may(connectors, connection, &[Ability::MailRead]))
    {
        wanted.insert((connection.id.clone(), CursorKind::Mail, String::new()), Json::empty_object());
    }
    for ((connection, calendar), mut wish) in calendars {
        wish.moments.sort_unstable();
        wish.moments.dedup();
        wanted.insert((connection, CursorKind::Calendar, calendar), Json::of(&wish)?);
    }
    for ((connection, target), wish) in sheets {
        wanted.insert((connection, CursorKind::Sheet, target), Json::of(&wish)?);
    }
    Ok(wanted)
}

fn watched<'a>(
    watch: &'a Watch,
    connectors: &'a Connectors,
    connections: &'a [Connection],
) -> impl Iterator<Item = &'a ConnectionId> {
    connections
        .iter()
        .filter(|connection| may(connectors, connection, watch.on.kind().needs))
        .filter(|connection| watch.connection.as_ref().is_none_or(|name| *name == connection.name))
        .map(|connection| &connection.id)
}

/// Tells whether a connection has all of these abilities.
fn may(connectors: &Connectors, connection: &Connection, needed: &[Ability]) -> bool {
    let needed = needed.iter().copied().collect();
    Ability::missing(&needed, &connectors.abilities(connection)).is_empty()
}
