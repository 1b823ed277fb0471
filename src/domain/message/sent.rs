//! A message to a customer that has gone out: kept with its contact, so that an answer finds it, and
//! noted as the first answer to its lead.

use serde::Deserialize;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::connection::Connection;
use nexora_core::model::effect::Effect;
use nexora_core::model::message::{Author, Message};
use nexora_core::model::outbound::{Audience, OutboundMessage};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::{LeadId, MessageId};
use nexora_store::{Conn, contact, lead, message, run};

/// The provider's names for a sent message, where it gives them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    thread_id: Option<String>,
    message_id: Option<String>,
}

/// Records a delivered effect, if it has sent a message to a customer; an alert to the business is
/// no message. It went out from `account`, the address that the connection stands for.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn record(
    conn: &mut Conn,
    (connection, account): (&Connection, &str),
    effect: &Effect,
    now: Timestamp,
) -> Result<()> {
    let request: EffectRequest = effect.request.read()?;
    let Some(OutboundMessage { content, audience }) = request.message() else { return Ok(()) };
    let envelope = match audience {
        Audience::Customer(envelope) => envelope,
        Audience::Business => return Ok(()),
    };
    let tenant = &effect.tenant_id;
    let tx = &mut conn.of(tenant);
    let Some(run) = run::find(tx, &effect.run_id)? else { return Ok(()) };
    let names: Names = effect.output.as_ref().map(Json::read).transpose()?.unwrap_or_default();
    let recipient = content.recipient();
    let sent = Message {
        tenant_id: tenant.clone(),
        id: MessageId::new(now),
        connection_id: connection.id.clone(),
        author: Author::Nexora,
        contact_id: match &envelope.contact_id {
            Some(id) => Some(id.clone()),
            None => contact::find_by_address(tx, recipient.address_kind(), &recipient.key())?,
        },
        class: Some(envelope.class),
        run_id: Some(run.id.to_string()),
        delivery: None,
        lead_id: LeadId::parse(&run.subject_id).is_ok().then(|| run.subject_id.clone()),
        effect_id: Some(effect.id.to_string()),
        provider_id: effect.provider_id.clone(),
        thread_id: names.thread_id,
        rfc_id: names.message_id,
        sender: account.to_owned(),
        recipient: recipient.to_string(),
        subject: content.subject().to_owned(),
        body: content.text().to_owned(),
        sent_at: now,
        stored_at: now,
    };
    let _ = message::insert(tx, &sent)?;
    lead::note_answered(tx, &run.subject_id, now)
}
