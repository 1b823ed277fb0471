//! A credential that is refused: its connection alone stops, once, and the fact becomes an event.
//!
//! Several deliveries and polls may learn of it at the same time. One of them wins the change of
//! state and stores the event in the same write, so that people are told once.

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::event::{ConnectionFailing, Event, EventKind};
use nexora_store::{Claim, Conn, connection, cursor, event};

/// What became of the refusal of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Refusal {
    /// This call made the connection fail, and stored the event.
    Failed,
    /// The connection was stopped already; what waits for it stays where it is.
    Stopped,
    /// The credential has been replaced since: what was refused may be tried again.
    Replaced,
}

/// Marks a connection as failing, as it was read when the refused call began, with the address that it
/// stands for.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn credential_refused(
    conn: &mut Conn,
    (as_used, account): (&Connection, &str),
    reason: &str,
    now: Timestamp,
) -> Result<Refusal> {
    if connection::fail(conn, as_used, reason, now)? == Claim::Won {
        let (tenant, id) = (&as_used.tenant_id, &as_used.id);
        tracing::error!(connection.id = %id, tenant.id = %tenant, reason, "connection {id} fails");
        event::insert(conn, &failing(as_used, account, reason, now)?)?;
        cursor::set_due(&mut conn.of(tenant), id, None)?;
        return Ok(Refusal::Failed);
    }
    let current = connection::find(&mut conn.of(&as_used.tenant_id), &as_used.id)?;
    Ok(match current {
        Some(current) if current.state == ConnectionState::Active => Refusal::Replaced,
        Some(_) | None => Refusal::Stopped,
    })
}

fn failing(connection: &Connection, account: &str, reason: &str, now: Timestamp) -> Result<Event> {
    let payload = ConnectionFailing {
        connection_id: connection.id.clone(),
        name: connection.name.clone(),
        kind: connection.kind.clone(),
        account: account.to_owned(),
        reason: reason.to_owned(),
        since: now,
    };
    let kind = EventKind::ConnectionFailing;
    let mut event =
        Event::pending(&connection.tenant_id, kind, String::new(), Json::of(&payload)?, None, now);
    event.dedupe_key = format!("{kind}:{}", event.id);
    Ok(event)
}
