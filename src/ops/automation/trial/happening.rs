//! Something that happens in a scratch world: an event, and what it leaves in the tenant's records.

use crate::domain::calendar::appointment;
use crate::domain::contact::consent::{Given, note};
use crate::domain::contact::link::SignedLinks;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::consent::{Channel, Scope, Suppression, SuppressionReason};
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::{About, CalendarEvent, Event, EventKind, Fact, MailEvent};
use nexora_core::model::lead::{ConsentRecord, LeadState};
use nexora_core::model::message::{Author, Message};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ConnectionId, ContactId, MessageId};
use nexora_store::{Conn, connection, consent, contact, event, lead, message};

/// Has something that was made up happen: it leaves in the records what the same leaves in reality.
///
/// # Errors
/// `Internal` when its payload cannot be read.
pub fn invent(conn: &mut Conn, linker: &SignedLinks, tenant: &Tenant, made_up: &Event) -> Result<()> {
    let about: About = made_up.payload.read()?;
    if let Some(contact_id) = &about.contact_id {
        let person = Invented { linker, tenant, contact_id, at: made_up.received_at };
        match made_up.kind {
            EventKind::MessageReceived => person.wrote(conn, &about, &made_up.payload.read()?)?,
            EventKind::MessageWritten => person.was_answered(conn, &about)?,
            EventKind::ContactUnsubscribed => {
                person.suppress(conn, Scope::Commercial, SuppressionReason::Unsubscribed)?;
                let wording = "No more of these mails".to_owned();
                let word = ConsentRecord { channel: Channel::Email, given: false, wording };
                let given = Given { source: "unsubscribe", actor: "contact", lead: None };
                note(&mut conn.of(&tenant.id), contact_id, word, given, made_up.received_at)?;
            }
            EventKind::MessageBounced => person.suppress(conn, Scope::All, SuppressionReason::Bounced)?,
            EventKind::LeadReceived
            | EventKind::GmailMessage
            | EventKind::CalendarEvent
            | EventKind::SheetsRow
            | EventKind::ConnectionFailing
            | EventKind::LeadChanged
            | EventKind::LinkOpened
            | EventKind::JobCreated
            | EventKind::JobStage
            | EventKind::JobCompleted
            | EventKind::JobCancelled
            | EventKind::JobReopened
            | EventKind::WebhookReceived
            | EventKind::Schedule
            | EventKind::Manual
            | EventKind::Forgotten => {}
        }
    }
    happen(conn, tenant, made_up)
}

/// Has an event happen: lead and appointment become what it says, and dispatch has yet to look at it.
///
/// # Errors
/// As `invent`.
pub fn happen(conn: &mut Conn, tenant: &Tenant, event: &Event) -> Result<()> {
    follow(conn, tenant, event)?;
    event::insert(conn, event).map(|_| ())
}

/// Brings lead and appointment to what an event says of them.
///
/// # Errors
/// As `invent`.
pub fn follow(conn: &mut Conn, tenant: &Tenant, event: &Event) -> Result<()> {
    let tx = &mut conn.of(&tenant.id);
    let at = event.received_at;
    match event.kind {
        EventKind::LeadChanged => {
            let fact: Fact = event.payload.read()?;
            if let (Some(id), Ok(state)) = (&fact.about.lead_id, LeadState::parse(&fact.detail)) {
                lead::set_state(tx, id, state)?;
            }
        }
        EventKind::MessageWritten => {
            let about: About = event.payload.read()?;
            if let Some(id) = &about.lead_id {
                lead::note_responded(tx, id, at)?;
            }
        }
        EventKind::CalendarEvent => {
            let told: CalendarEvent = event.payload.read()?;
            let place = (&told.connection_id, told.calendar.as_str());
            // The connection may be gone by now.
            if connection::find(tx, place.0)?.is_some() {
                appointment::record(tx, tenant, place, &told.entry, at)?;
            }
        }
        EventKind::LeadReceived
        | EventKind::GmailMessage
        | EventKind::MessageReceived
        | EventKind::SheetsRow
        | EventKind::ConnectionFailing
        | EventKind::MessageBounced
        | EventKind::ContactUnsubscribed
        | EventKind::LinkOpened
        | EventKind::JobCreated
        | EventKind::JobStage
        | EventKind::JobCompleted
        | EventKind::JobCancelled
        | EventKind::JobReopened
        | EventKind::WebhookReceived
        | EventKind::Schedule
        | EventKind::Manual
        | EventKind::Forgotten => {}
    }
    Ok(())
}

/// A contact to whom something happens that was made up.
struct Invented<'a> {
    linker: &'a SignedLinks,
    tenant: &'a Tenant,
    contact_id: &'a ContactId,
    at: Timestamp,
}

impl Invented<'_> {
    fn wrote(&self, conn: &mut Conn, about: &About, event: &MailEvent) -> Result<()> {
        let (author, connection_id) = (Author::Contact, event.connection_id.clone());
        let message = Message {
            subject: event.mail.subject.clone(),
            body: event.mail.own_text().to_owned(),
            thread_id: Some(event.thread_id.clone()),
            ..self.message(author, connection_id, about)
        };
        message::insert(conn, &message).map(|_| ())
    }

    fn was_answered(&self, conn: &mut Conn, about: &About) -> Result<()> {
        let connections = connection::list(&mut conn.of(&self.tenant.id), 1)?;
        let Some(connection) = connections.first() else { return Ok(()) };
        message::insert(conn, &self.message(Author::Person, connection.id.clone(), about)).map(|_| ())
    }

    fn message(&self, author: Author, connection_id: ConnectionId, about: &About) -> Message {
        Message {
            tenant_id: self.tenant.id.clone(),
            id: MessageId::new(self.at),
            connection_id,
            author,
            contact_id: Some(self.contact_id.clone()),
            lead_id: about.lead_id.as_ref().map(ToString::to_string),
            effect_id: None,
            provider_id: None,
            thread_id: None,
            rfc_id: None,
            sender: String::new(),
            recipient: String::new(),
            subject: String::new(),
            body: String::new(),
            sent_at: self.at,
            stored_at: self.at,
            class: None,
            run_id: None,
            delivery: None,
        }
    }

    fn suppress(&self, conn: &mut Conn, scope: Scope, reason: SuppressionReason) -> Result<()> {
        let tenant = &self.tenant.id;
        for (kind, address) in contact::addresses(&mut conn.of(tenant), self.contact_id)? {
            if kind != AddressKind::Email {
                continue;
            }
            let suppression = Suppression {
                tenant_id: tenant.clone(),
                hash: self.linker.hash_of(tenant, &address),
                scope,
                reason,
                detail: "made up for the trial".to_owned(),
                actor: "contact".to_owned(),
                created_at: self.at,
            };
            let _ = consent::suppress(conn, &suppression)?;
        }
        Ok(())
    }
}
