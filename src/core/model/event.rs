//! An event: an immutable fact that arrived, with the key that makes a second copy a no-op.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::calendar_entry::{Attendee, Entry, EntryChange};
use crate::model::connector::ConnectionKind;
use crate::model::cursor::Moment;
use crate::model::mail::Mail;
use crate::model::sheet::{Cells, RowChange};
use crate::model::{ConnectionId, ContactId, EventId, JobId, LeadId, TenantId};

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
        /// A person in the business wrote to a contact by hand.
        MessageWritten = "message.written",
        /// A mail to a contact came back.
        MessageBounced = "message.bounced",
        /// A lead's state was changed.
        LeadChanged = "lead.changed",
        /// A contact asked for no more commercial mail.
        ContactUnsubscribed = "contact.unsubscribed",
        /// A contact opened a link that we count, such as the review link.
        LinkOpened = "link.opened",
        JobCreated = "job.created",
        JobStage = "job.stage",
        JobCompleted = "job.completed",
        JobCancelled = "job.cancelled",
        /// A job that was completed or cancelled goes on.
        JobReopened = "job.reopened",
        /// Another program told us something.
        WebhookReceived = "webhook.received",
        /// A moment of a schedule has come.
        Schedule = "schedule",
        /// An operator started it.
        Manual = "manual",
        /// It was about a person who was forgotten; what it was is kept from coming in again.
        Forgotten = "contact.forgotten",
    }

    /// What happened to a mail.
    MailChange = "mail change" { Received = "received", Labelled = "labelled" }

    /// Whether dispatch has looked at it. `ignored` carries the reason.
    EventState = "event state" { Pending = "pending", Dispatched = "dispatched", Ignored = "ignored" }
}

/// What an event's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A [`LeadReceived`].
    Lead,
    /// A [`MailEvent`].
    Mail,
    /// A [`CalendarEvent`].
    Calendar,
    /// A [`RowEvent`].
    Row,
    /// A [`ConnectionFailing`].
    Connection,
    /// A [`WebhookEvent`].
    Webhook,
    /// A [`ScheduleEvent`].
    Schedule,
    /// A [`Fact`].
    Fact,
    /// An empty object: what it said was forgotten.
    Nothing,
}

impl Shape {
    /// Tells whether such an event is about a person, rather than about the business itself.
    pub fn is_about_somebody(self) -> bool {
        match self {
            Shape::Lead | Shape::Mail | Shape::Calendar | Shape::Row | Shape::Webhook | Shape::Fact => true,
            Shape::Connection | Shape::Schedule | Shape::Nothing => false,
        }
    }
}

impl EventKind {
    pub fn shape(self) -> Shape {
        match self {
            EventKind::LeadReceived => Shape::Lead,
            EventKind::GmailMessage | EventKind::MessageReceived => Shape::Mail,
            EventKind::CalendarEvent => Shape::Calendar,
            EventKind::SheetsRow => Shape::Row,
            EventKind::ConnectionFailing => Shape::Connection,
            EventKind::WebhookReceived => Shape::Webhook,
            EventKind::Schedule => Shape::Schedule,
            EventKind::MessageWritten
            | EventKind::MessageBounced
            | EventKind::LeadChanged
            | EventKind::ContactUnsubscribed
            | EventKind::LinkOpened
            | EventKind::JobCreated
            | EventKind::JobStage
            | EventKind::JobCompleted
            | EventKind::JobCancelled
            | EventKind::JobReopened
            | EventKind::Manual => Shape::Fact,
            EventKind::Forgotten => Shape::Nothing,
        }
    }
}

diesel::table! {
    events (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        kind -> Text,
        dedupe_key -> Text,
        payload -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        received_at -> BigInt,
        due_at -> Nullable<BigInt>,
        attempt -> Integer,
        contact_id -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct Event {
    pub tenant_id: TenantId,
    pub id: EventId,
    pub kind: EventKind,
    pub dedupe_key: String,
    /// What the kind's [`Shape`] says.
    pub payload: Json,
    pub state: EventState,
    pub reason: Option<String>,
    pub received_at: Timestamp,
    /// When dispatch may take it; nothing once it has.
    pub due_at: Option<Timestamp>,
    /// Grows with every failed attempt to dispatch it, and spaces the next.
    pub attempt: i32,
    /// Whom it is about. It outlives the contact.
    pub contact_id: Option<ContactId>,
}

impl Event {
    /// Returns a fact of `now` that dispatch has yet to look at.
    pub fn pending(
        tenant: &TenantId,
        kind: EventKind,
        dedupe_key: String,
        payload: Json,
        contact_id: Option<ContactId>,
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
            contact_id,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
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
    /// The customer whom this is for, by mail address: each who attends is told for themselves. Nothing where none
    /// attends, or where the change concerns none of them in the same way.
    #[serde(default)]
    pub guest: Option<String>,
    /// False for the further customers of the same change: what looks at entries and not at customers sees it once.
    #[serde(default = "first")]
    pub is_first: bool,
}

fn first() -> bool {
    true
}

impl CalendarEvent {
    /// Returns the attendee whom this is for: also one who was taken off the entry.
    pub fn customer(&self) -> Option<&Attendee> {
        let entries = std::iter::once(&self.entry).chain(&self.previous);
        let mut attendees = entries.flat_map(|entry| &entry.attendees).filter(|attendee| !attendee.is_own);
        match &self.guest {
            Some(guest) => attendees.find(|attendee| attendee.email == *guest),
            None => attendees.next(),
        }
    }
}

/// The payload of `sheets.row`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowEvent {
    #[serde(flatten)]
    pub about: About,
    pub connection_id: ConnectionId,
    pub spreadsheet: String,
    pub sheet: String,
    /// What names the row for as long as it is watched, wherever it is moved and however it changes.
    #[serde(default)]
    pub id: String,
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
    /// The mail address, or the address on the web, that it stands for.
    pub account: String,
    /// Why the provider refused the credential.
    pub reason: String,
    pub since: Timestamp,
}

/// The payload of what happened to a contact, a lead or a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fact {
    #[serde(flatten)]
    pub about: About,
    /// What became of it: a state, a stage, a link, the words of a mail system.
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub previous: String,
}

/// The payload of `webhook.received`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookEvent {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
    pub data: serde_json::Value,
}

/// The payload of `schedule`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScheduleEvent {
    pub automation: String,
    /// Which of its triggers, from 0.
    pub number: i32,
    pub planned_at: Timestamp,
    /// The day in the schedule's zone, `2026-11-20`.
    pub day: String,
}
