//! Classifies an incoming mail: a reply of a contact, a lead that a marketplace sent, or neither.

use super::{Claimed, bounce, opt_out};
use crate::domain::automation::change;
use crate::domain::message::author;
use crate::pipeline::intake::{self, Arrival, Identity};
use nexora_connector::poll::FetchedMail;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::Connection;
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::event::{About, MailEvent};
use nexora_core::model::lead::LeadState;
use nexora_core::model::mail::{Mail, Mailbox};
use nexora_core::model::message::{Author, Message};
use nexora_core::model::{ContactId, LeadId, MessageId};
use nexora_engine::lead::enquiry;
use nexora_engine::lead::lead_format::formats;
use nexora_engine::lead::lead_format::mail::{self as lead_mail, IncomingMail, MailResult, Rules};
use nexora_engine::lead::lead_format::parsed_lead::ParsedLead;
use nexora_engine::lead::lead_format::value::lead_id;
use nexora_engine::message::mail::from_parts;
use nexora_store::{Conn, Inserted, Tx, contact, lead, message};

/// Why a lead that came by mail is for a person to look at.
const NOT_GENUINE: &str = "the receiving server found that its sender did not send the mail";
const NO_ANSWER: &str = "There is neither a mail address nor a telephone number that can be read.";

/// What a mail turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailOrigin {
    /// A person who is a contact wrote it.
    Reply,
    /// It brought a lead, its sender is unknown, or no person wrote it.
    Other,
}

/// Finds the contact that a mail is from, or that its thread belongs to, and the latest lead.
///
/// The thread comes first, then the mails that it answers, then the sender's address.
pub fn about(conn: &mut Conn, connection: &Connection, thread_id: &str, mail: &Mail) -> Result<About> {
    let tenant = &connection.tenant_id;
    let answered: Vec<String> = mail.in_reply_to.iter().chain(&mail.references).cloned().collect();
    let mut earlier = message::latest_of_thread(&mut conn.of(tenant), &connection.id, thread_id)?;
    if earlier.is_none() && !answered.is_empty() {
        earlier = message::latest_of_rfc_ids(&mut conn.of(tenant), &answered)?;
    }
    if let Some(message) = earlier {
        let lead_id = message.lead_id.as_deref().map(LeadId::parse).transpose()?;
        return completed(&mut conn.of(tenant), message.contact_id, lead_id);
    }
    // Anyone can write any Reply-To: only the sender is asked for.
    let Some(from) = author::sender(mail) else { return Ok(About::default()) };
    let id = contact::find_by_address(&mut conn.of(tenant), AddressKind::Email, &from)?;
    completed(&mut conn.of(tenant), id, None)
}

fn completed(tx: &mut Tx, contact_id: Option<ContactId>, lead_id: Option<LeadId>) -> Result<About> {
    let lead_id = match (&contact_id, lead_id) {
        (_, Some(lead)) => Some(lead),
        (Some(contact), None) => lead::latest_of_contact(tx, contact)?,
        (None, None) => None,
    };
    Ok(About { contact_id, lead_id, job_id: None })
}

/// Takes a mail in: stores the lead that it brings, or the message that it is, and says in the
/// payload whom it is about.
pub fn take_in(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &mut MailEvent,
    received_at: Timestamp,
    now: Timestamp,
) -> Result<MailOrigin> {
    if payload.mail.kind.is_report() {
        bounce::note(conn, claimed, payload, now)?;
        keep(conn, claimed, payload, (Author::Machine, received_at), now)?;
        return Ok(MailOrigin::Other);
    }
    let rules = Rules::of(&claimed.connection)?;
    let of_customer = if payload.mail.is_spoofed { Author::Unverified } else { Author::Contact };
    let is_contacts = payload.about.contact_id.is_some();
    match formats::read_mail(IncomingMail { mail: &payload.mail, rules: &rules, is_contacts }) {
        MailResult::Leads(leads) => {
            for (number, lead) in leads.into_iter().enumerate().rev() {
                // The mail belongs to its first lead, which is therefore stored last.
                store_lead(conn, claimed, payload, lead, number, now)?;
            }
            keep(conn, claimed, payload, (of_customer, received_at), now)?;
            Ok(MailOrigin::Other)
        }
        // A message on a lead that is not known, as after a restart with another system, is a lead.
        MailResult::Message(lead) => {
            add_relay(conn, claimed, payload, &lead, now)?;
            let wants_no_more =
                of_customer == Author::Contact && opt_out::note_relayed(conn, claimed, payload, &lead, now)?;
            if payload.about.contact_id.is_none() && !wants_no_more {
                store_lead(conn, claimed, payload, *lead, 0, now)?;
                keep(conn, claimed, payload, (of_customer, received_at), now)?;
                return Ok(MailOrigin::Other);
            }
            keep(conn, claimed, payload, (of_customer, received_at), now)?;
            Ok(MailOrigin::Reply)
        }
        MailResult::Unreadable { source, reason } => {
            tracing::warn!(tenant.id = %claimed.tenant.id, source, reason, "a lead mail needs review");
            store_unreadable(conn, claimed, payload, source, reason, now)?;
            Ok(MailOrigin::Other)
        }
        MailResult::NotALead { .. } => Ok(MailOrigin::Other),
        MailResult::Unrelated if !is_contacts => Ok(MailOrigin::Other),
        MailResult::Unrelated => {
            let tx = &mut conn.of(&claimed.tenant.id);
            let author = author::of_mail(tx, &claimed.connectors, &claimed.tenant, &payload.mail)?;
            keep(tx, claimed, payload, (author, received_at), now)?;
            if author == Author::Contact {
                prove(conn, claimed, payload, now)?;
                opt_out::note(conn, claimed, payload, now)?;
            }
            Ok(if author == Author::Contact { MailOrigin::Reply } else { MailOrigin::Other })
        }
    }
}

/// Stores the lead that is the mail's by this number, counted from 0. One that nobody can be answered by is for a
/// person to look at.
fn store_lead(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &mut MailEvent,
    parsed: ParsedLead,
    number: usize,
    now: Timestamp,
) -> Result<()> {
    let key = lead_key(claimed, payload, &parsed, number);
    let reply_to = parsed.reply_to.clone();
    let mut lead = enquiry::salvage(parsed.enquiry, claimed.tenant.country()?);
    let is_answerable =
        lead.email.is_some() || lead.phone.is_some() || reply_to.is_some() || parsed.answered_there;
    let (state, reasons) = match (is_answerable, payload.mail.is_spoofed) {
        (true, false) => (LeadState::New, Vec::new()),
        (true, true) => (LeadState::NeedsReview, vec![NOT_GENUINE.to_owned()]),
        (false, _) => (LeadState::NeedsReview, vec![NO_ANSWER.to_owned()]),
    };
    if !is_answerable && lead.name.is_empty() {
        lead.name = format!("Mail from {}", lead.source);
    }
    let arrival = Arrival {
        identity: Some(key),
        reply_to: reply_to.clone(),
        original: Some(original(&payload.mail)),
        masked_phone: parsed.masked_phone,
        state,
        reasons,
        ..Arrival::of(lead)
    };
    store(conn, claimed, payload, arrival, now)?;
    if let (Some(contact_id), Some(relay)) = (&payload.about.contact_id, reply_to) {
        let tx = &mut conn.of(&claimed.tenant.id);
        let _ = contact::add_address(
            tx,
            contact_id,
            (AddressKind::Email, &relay.key()),
            AddressProof::Relay,
            now,
        )?;
    }
    Ok(())
}

/// Returns the key of a mail's lead: the sender's id of it, within the domain that gave it, or the mail's own.
fn lead_key(claimed: &Claimed, payload: &MailEvent, parsed: &ParsedLead, number: usize) -> Identity {
    let from = payload.mail.from.as_ref().map(|from| from.address.to_lowercase()).unwrap_or_default();
    let domain = parsed.id_domain.unwrap_or_else(|| from.rsplit('@').next().unwrap_or_default());
    match (lead_id(parsed.external_id.as_deref()), number) {
        (Some(id), _) => Identity::SenderId(format!("lead:{}:{domain}:{id}", parsed.enquiry.source)),
        (None, 0) => Identity::SenderId(format!("lead-mail:{}:{}", claimed.cursor.id, payload.id)),
        (None, number) => {
            Identity::SenderId(format!("lead-mail:{}:{}:{number}", claimed.cursor.id, payload.id))
        }
    }
}

fn store_unreadable(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &mut MailEvent,
    source: &str,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let mail = &payload.mail;
    let enquiry = enquiry::Enquiry {
        name: format!("Mail from {source}"),
        source: source.to_owned(),
        message: format!("{}\n\nThis mail could not be read as a lead: {reason}.", mail.subject),
        ..enquiry::Enquiry::default()
    };
    let arrival = Arrival {
        identity: Some(Identity::SenderId(format!("lead-mail:{}:{}", claimed.cursor.id, payload.id))),
        state: LeadState::NeedsReview,
        original: Some(original(mail)),
        ..Arrival::of(enquiry::salvage(enquiry, claimed.tenant.country()?))
    };
    store(conn, claimed, payload, arrival, now)
}

fn store(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &mut MailEvent,
    arrival: Arrival,
    now: Timestamp,
) -> Result<()> {
    let stored = conn.transaction(|conn| intake::store(&mut conn.of(&claimed.tenant.id), arrival, now));
    let (id, _) = stored?;
    let found = lead::find(&mut conn.of(&claimed.tenant.id), &id)?;
    payload.about =
        About { contact_id: found.and_then(|lead| lead.contact_id), lead_id: Some(id), job_id: None };
    Ok(())
}

/// Notes the address that a marketplace relays through as one of the contact's: each homeowner has another.
fn add_relay(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &mut MailEvent,
    lead: &ParsedLead,
    now: Timestamp,
) -> Result<()> {
    let tenant = &claimed.tenant.id;
    let tx = &mut conn.of(tenant);
    let address = lead.enquiry.email.parse::<EmailAddress>().ok();
    let known = match (&payload.about.contact_id, address) {
        (None, Some(address)) => contact::find_by_address(tx, AddressKind::Email, &address.key())?,
        _ => None,
    };
    if known.is_some() {
        payload.about = completed(tx, known, None)?;
    }
    if let (Some(id), Some(relay)) = (&payload.about.contact_id, &lead.reply_to) {
        let _ = contact::add_address(tx, id, (AddressKind::Email, &relay.key()), AddressProof::Relay, now)?;
    }
    Ok(())
}

fn original(mail: &Mail) -> String {
    let from = mail.from.as_ref().map(|from| from.address.as_str()).unwrap_or_default();
    format!("From: {from}\nSubject: {}\n\n{}", mail.subject, lead_mail::shown(mail))
}

/// Notes that a contact has written from an address of theirs. A form's mail is no such proof, whoever it is from.
fn prove(conn: &mut Conn, claimed: &Claimed, payload: &MailEvent, now: Timestamp) -> Result<()> {
    let tx = &mut conn.of(&claimed.tenant.id);
    match (&payload.about.contact_id, author::sender(&payload.mail)) {
        (Some(contact_id), Some(from)) => {
            contact::prove_address(tx, contact_id, (AddressKind::Email, &from), AddressProof::Wrote, now)
        }
        _ => Ok(()),
    }
}

/// Stores a mail that is about a contact. What a colleague wrote in the conversation is an answer of the business.
fn keep(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &MailEvent,
    (author, received_at): (Author, Timestamp),
    now: Timestamp,
) -> Result<()> {
    let mail = &payload.mail;
    let tx = &mut conn.of(&claimed.tenant.id);
    if payload.about.contact_id.is_none() {
        return Ok(());
    }
    let message = Message {
        author,
        provider_id: Some(payload.id.clone()),
        thread_id: Some(payload.thread_id.clone()),
        sent_at: received_at,
        ..of_mail(&claimed.connection, &payload.about, mail, now)
    };
    if message::insert(tx, &message)? == Inserted::New && author == Author::Person {
        change::responded(tx, payload.about.clone(), message.id.as_str(), message.sent_at, now)?;
    }
    Ok(())
}

/// Stores a mail that a person of the business wrote to a contact by hand.
pub fn note_sent(conn: &mut Conn, claimed: &Claimed, fetched: &FetchedMail, now: Timestamp) -> Result<()> {
    let mail = from_parts(&fetched.headers, &fetched.parts);
    let connection = &claimed.connection;
    let mut about = About::default();
    for to in mail.to.iter().chain(&mail.cc) {
        let key = EmailAddress::key_of(&to.address);
        let id = contact::find_by_address(&mut conn.of(&connection.tenant_id), AddressKind::Email, &key)?;
        if id.is_some() {
            about = completed(&mut conn.of(&connection.tenant_id), id, None)?;
            break;
        }
    }
    if about.contact_id.is_none() {
        return Ok(());
    }
    let message = Message {
        author: Author::Person,
        provider_id: Some(fetched.id.clone()),
        thread_id: Some(fetched.thread_id.clone()),
        sent_at: fetched.received_at.unwrap_or(now),
        ..of_mail(connection, &about, &mail, now)
    };
    if message::insert(conn, &message)? == Inserted::New {
        change::responded(
            &mut conn.of(&connection.tenant_id),
            about,
            message.id.as_str(),
            message.sent_at,
            now,
        )?;
    }
    Ok(())
}

fn of_mail(connection: &Connection, about: &About, mail: &Mail, now: Timestamp) -> Message {
    let address = |mailbox: Option<&Mailbox>| mailbox.map(|m| m.address.clone()).unwrap_or_default();
    Message {
        tenant_id: connection.tenant_id.clone(),
        id: MessageId::new(now),
        connection_id: connection.id.clone(),
        author: Author::Contact,
        contact_id: about.contact_id.clone(),
        lead_id: about.lead_id.as_ref().map(ToString::to_string),
        effect_id: None,
        provider_id: None,
        thread_id: None,
        rfc_id: mail.message_id.clone(),
        sender: address(mail.from.as_ref()),
        recipient: address(mail.to.first()),
        subject: mail.subject.clone(),
        body: mail.own_text().to_owned(),
        sent_at: now,
        stored_at: now,
        class: None,
        run_id: None,
        delivery: None,
    }
}
