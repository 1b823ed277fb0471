//! An event: an immutable fact that arrived, with the key that makes a second copy a no-op.

use diesel::Queryable;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::connection::ConnectionKind;
use crate::model::{ConnectionId, EventId, LeadId, TenantId};

define_words! {
    /// What kind of fact it is.
    EventKind = "event kind" {
        LeadReceived = "lead.received",
        /// A connection's credential was refused, and nothing goes through it any more.
        ConnectionFailing = "connection.failing",
    }

    /// Whether dispatch has looked at it. `ignored` carries the reason.
    EventState = "event state" { Pending = "pending", Dispatched = "dispatched", Ignored = "ignored" }
}

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Event {
    pub tenant_id: TenantId,
    pub id: EventId,
    pub kind: EventKind,
    pub dedupe_key: String,
    /// By kind: a [`LeadReceived`] for `lead.received`, a [`ConnectionFailing`] for
    /// `connection.failing`.
    pub payload: Json,
    pub state: EventState,
    pub reason: Option<String>,
    pub received_at: Timestamp,
    /// When dispatch may take it; nothing once it has.
    pub due_at: Option<Timestamp>,
    /// Grows with every failed attempt to dispatch it, and spaces the next.
    pub attempt: i32,
}

/// The payload of `lead.received`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeadReceived {
    pub lead_id: LeadId,
    /// A hash of what was submitted, so that a key used again for something else is noticed.
    pub fingerprint: String,
}

/// The payload of `connection.failing`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionFailing {
    pub connection_id: ConnectionId,
    pub name: String,
    pub kind: ConnectionKind,
    /// Why the provider refused the credential.
    pub reason: String,
    pub since: Timestamp,
}
