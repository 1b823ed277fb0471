//! What happened, as an event that dispatch will look at: one place that stores it.

use serde::Serialize;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::ContactId;
use nexora_core::model::event::{About, Event, EventKind, Fact};
use nexora_store::{Inserted, Tx, event};

/// Stores an event, unless one with its key arrived before.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn tell(
    tx: &mut Tx,
    kind: EventKind,
    dedupe_key: String,
    payload: &impl Serialize,
    contact_id: Option<ContactId>,
    now: Timestamp,
) -> Result<Inserted> {
    let tenant = tx.tenant();
    let event = Event::pending(tenant, kind, dedupe_key, Json::of(payload)?, contact_id, now);
    event::insert(tx, &event)
}

/// What a fact says beside whom it is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail<'a> {
    pub to: &'a str,
    pub from: &'a str,
}

/// Stores that something happened to a contact, a lead or a job. `key` names it among facts of its kind.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn record_event(
    tx: &mut Tx,
    kind: EventKind,
    key: &str,
    about: About,
    detail: Detail<'_>,
    now: Timestamp,
) -> Result<Inserted> {
    let contact_id = about.contact_id.clone();
    let fact = Fact { about, detail: detail.to.to_owned(), previous: detail.from.to_owned() };
    tell(tx, kind, format!("{kind}:{key}"), &fact, contact_id, now)
}
