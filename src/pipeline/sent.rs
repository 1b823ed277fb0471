//! A mail of ours that has gone out: kept with its contact, so that an answer finds it, and noted as
//! the first answer to its lead.

use serde::Deserialize;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::model::connection::Connection;
use crate::model::contact::AddressKind;
use crate::model::effect::Effect;
use crate::model::message::{Author, Message};
use crate::model::request::EffectRequest;
use crate::model::{LeadId, MessageId};
use crate::store::{Conn, contact, lead, message, run};

/// The actions that write to a customer; an alert to the owner is no message.
const TO_CUSTOMERS: [&str; 2] = ["message.send", "message.reply"];

/// What a sent mail is called, where the provider says so.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    thread_id: Option<String>,
    message_id: Option<String>,
}

/// Notes an effect that has sent a mail.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn note(conn: &mut Conn, connection: &Connection, effect: &Effect, now: Timestamp) -> Result<()> {
    let tenant = &effect.tenant_id;
    let journal = run::steps(&mut conn.of(tenant), &effect.run_id)?;
    let is_to_customer = |action: &str| TO_CUSTOMERS.contains(&action);
    if !journal.iter().any(|step| step.name == effect.step && is_to_customer(&step.action)) {
        return Ok(());
    }
    let EffectRequest::SendMail(mail) = effect.request.read()? else { return Ok(()) };
    let letter = mail.letter.as_ref();
    let Some(run) = run::find(&mut conn.of(tenant), &effect.run_id)? else { return Ok(()) };
    let names: Names = effect.output.as_ref().map(Json::read).transpose()?.unwrap_or_default();
    let lead_id = LeadId::parse(&run.subject_id).is_ok().then(|| run.subject_id.clone());
    let sent = Message {
        tenant_id: tenant.clone(),
        id: MessageId::new(now),
        connection_id: connection.id.clone(),
        author: Author::Nexora,
        contact_id: match letter.and_then(|letter| letter.contact_id.clone()) {
            Some(id) => Some(id),
            None => contact::find_by_address(&mut conn.of(tenant), AddressKind::Email, &mail.to.key())?,
        },
        class: letter.map(|letter| letter.class),
        run_id: Some(run.id.to_string()),
        lead_id,
        effect_id: Some(effect.id.to_string()),
        provider_id: effect.provider_id.clone(),
        thread_id: names.thread_id,
        rfc_id: names.message_id,
        sender: connection.typed()?.account().to_string(),
        recipient: mail.to.to_string(),
        subject: mail.subject,
        body: mail.text,
        sent_at: now,
        stored_at: now,
    };
    let _ = message::insert(conn, &sent)?;
    lead::note_answered(&mut conn.of(tenant), &run.subject_id, now)
}
