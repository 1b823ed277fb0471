//! An event: an immutable fact that arrived, with the key that makes a second copy a no-op.

use diesel::Queryable;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::address::EmailAddress;
use crate::model::connection::ConnectionKind;
use crate::model::cursor::Moment;
use crate::model::diary::{Entry, EntryChange};
use crate::model::mail::Mail;
use crate::model::sheet::{Cells, RowChange};
use crate::model::{ConnectionId, ContactId, EventId, LeadId, TenantId};

define_words! {
    /// What kind of fact it is.
    EventKind = "event kind" {
        LeadReceived = "lead.received",
        /// A mail came into a connected mailbox, or was given a label there.
        GmailMessage = "gmail.message",
        /// A mail came in from a contact, or into a thread with one.
        MessageReceived = "message.received",
        /// A calendar entry was made, changed or cancelled, or its time is near or past.
        CalendarEvent = "calendar.event",
        /// A row of a sheet was added or changed.
        SheetsRow = "sheets.row",
        /// A connection's credential was refused, and nothing goes through it any more.
        ConnectionFailing = "connection.failing",
    }

    /// What happened to a mail.
    MailChange = "mail change" { Received = "received", Labelled = "labelled" }

    /// Whether dispatch has looked at it. `ignored` carries the reason.
    EventState = "event state" { Pending = "pending", Dispatched = "dispatched", Ignored = "ignored" }
}

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Event {
    pub tenant_id: TenantId,
    pub id: EventId,
    pub kind: EventKind,
    pub dedupe_key: String,
    /// By kind: [`LeadReceived`], [`MailEvent`], [`CalendarEvent`], [`RowEvent`] or
    /// [`ConnectionFailing`].
    pub payload: Json,
    pub state: EventState,
    pub reason: Option<String>,
    pub received_at: Timestamp,
    /// When dispatch may take it; nothing once it has.
    pub due_at: Option<Timestamp>,
    /// Grows with every failed attempt to dispatch it, and spaces the next.
    pub attempt: i32,
}

impl Event {
    /// Returns a fact of `now` that dispatch has yet to look at.
    pub fn pending(
        tenant: &TenantId,
        kind: EventKind,
        dedupe_key: String,
        payload: Json,
        now: Timestamp,
    ) -> Event {
        Event {
            tenant_id: tenant.clone(),
            id: EventId::new(now),
            kind,
            dedupe_key,
            payload,
            state: EventState::Pending,
            reason: None,
            received_at: now,
            due_at: Some(now),
            attempt: 0,
        }
    }
}

/// The payload of `lead.received`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeadReceived {
    pub lead_id: LeadId,
    /// A hash of what was submitted, so that a key used again for something else is noticed.
    pub fingerprint: String,
}

/// What an event is about, where that is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
}

/// The payload of `gmail.message` and of `message.received`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailEvent {
    #[serde(flatten)]
    pub about: About,
    pub connection_id: ConnectionId,
    pub change: MailChange,
    /// The label's name, where `change` is about one.
    pub label: Option<String>,
    /// Gmail's id of the message.
    pub id: String,
    pub thread_id: String,
    /// The names of its labels when it was read.
    pub labels: Vec<String>,
    pub mail: Mail,
}

/// The payload of `calendar.event`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CalendarEvent {
    #[serde(flatten)]
    pub about: About,
    pub connection_id: ConnectionId,
    /// The calendar's id, as the automation names it.
    pub calendar: String,
    pub change: EntryChange,
    /// Which moment has come, where `change` is `before` or `after`.
    pub moment: Option<Moment>,
    pub entry: Entry,
    /// The entry as it was before the change.
    pub previous: Option<Entry>,
}

/// The payload of `sheets.row`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowEvent {
    #[serde(flatten)]
    pub about: About,
    pub connection_id: ConnectionId,
    pub spreadsheet: String,
    pub sheet: String,
    pub change: RowChange,
    pub number: u32,
    pub cells: Cells,
    /// The cells as they were before, where the row has changed.
    pub previous: Cells,
}

/// The payload of `connection.failing`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionFailing {
    pub connection_id: ConnectionId,
    pub name: String,
    pub kind: ConnectionKind,
    /// The mail address that it stands for.
    pub account: EmailAddress,
    /// Why the provider refused the credential.
    pub reason: String,
    pub since: Timestamp,
}
