//! What mail systems and mailbox providers report of the mails that we sent.
//!
//! Anybody can write a report. It is believed of a message of ours alone, which it has to name by what only its
//! recipient and the systems on the way have seen, and of that message's recipient alone.

use super::Claimed;
use crate::domain::contact::opt_out::{self, OptOut};
use crate::domain::message::bounce::{self, HardBounce};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::audit::Actor;
use nexora_core::model::consent::SuppressionReason;
use nexora_core::model::event::{About, MailEvent};
use nexora_core::model::mail::{Mail, MailKind, MailReport, ReportedRecipient};
use nexora_core::model::message::{DeliveryState, Message};
use nexora_core::model::tenant::AlertBounce;
use nexora_core::model::{EffectId, LeadId};
use nexora_store::audit::{Change, Ledger};
use nexora_store::{Conn, Tx, audit, effect, message, tenant};

/// Notes what a report says of a message of ours, and whom it is about.
pub fn note(conn: &mut Conn, claimed: &Claimed, payload: &mut MailEvent, now: Timestamp) -> Result<()> {
    let Some(report) = payload.mail.report.clone() else { return Ok(()) };
    let tx = &mut conn.of(&claimed.tenant.id);
    let is_complaint = payload.mail.kind == MailKind::Complaint;
    let Some((sent, recipient)) = reported(tx, &report, is_complaint)? else {
        if is_failed_alert(tx, &payload.mail)? {
            note_failed_alert(tx, &report, now)?;
            tracing::warn!(tenant.id = %claimed.tenant.id, mail.id = payload.id, "a mail to the business did not arrive: look at the address that alerts go to");
        } else {
            tracing::info!(tenant.id = %claimed.tenant.id, mail.id = payload.id, "a report names no message to a contact with its recipient: it changes nothing");
        }
        return Ok(());
    };
    let lead_id = sent.lead_id.as_deref().map(LeadId::parse).transpose()?;
    payload.about = About { contact_id: sent.contact_id.clone(), lead_id, job_id: None };
    match recipient {
        None => complained(tx, claimed, &sent, now),
        Some(recipient) => delivered(tx, claimed, &sent, recipient, now),
    }
}

/// Finds the message that a report is about, and what it says of its recipient. A complaint need not say, since
/// providers hide who complained.
fn reported<'a>(
    tx: &mut Tx,
    report: &'a MailReport,
    is_complaint: bool,
) -> Result<Option<(Message, Option<&'a ReportedRecipient>)>> {
    let mut candidates = Vec::new();
    if let Some(effect) = &report.effect {
        candidates.extend(message::of_effect(tx, effect)?);
    }
    for id in &report.message_ids {
        candidates.extend(message::sent_with_rfc_id(tx, id)?);
    }
    for sent in candidates {
        if is_complaint {
            return Ok(Some((sent, None)));
        }
        if let Some(recipient) = recipient_of(report, &sent) {
            return Ok(Some((sent, Some(recipient))));
        }
    }
    Ok(None)
}

/// Tells whether a mail of an effect came back that is kept as no message, since it was for the business.
fn is_failed_alert(tx: &mut Tx, mail: &Mail) -> Result<bool> {
    let effect = mail.report.as_ref().and_then(|report| report.effect.as_deref());
    let Some(id) = effect.and_then(|id| EffectId::parse(id).ok()).filter(|_| mail.kind == MailKind::Bounce)
    else {
        return Ok(false);
    };
    Ok(effect::find(tx, &id)?.is_some() && message::of_effect(tx, id.as_str())?.is_none())
}

/// Keeps that a mail to the business came back, for the operator and the owner to see.
fn note_failed_alert(tx: &mut Tx, report: &MailReport, now: Timestamp) -> Result<()> {
    let failed = report.recipients.last();
    let bounce = AlertBounce {
        address: failed.and_then(|recipient| recipient.addresses.first()).cloned().unwrap_or_default(),
        diagnostic: failed.map(|recipient| recipient.diagnostic.clone()).unwrap_or_default(),
        at: now,
    };
    let id = tx.tenant().clone();
    tenant::set_alert_bounce(tx, &id, &Json::of(&bounce)?)
}

/// Returns what a report says of a message's recipient; the last word counts. One that names no address can
/// only mean the one there is.
fn recipient_of<'a>(report: &'a MailReport, sent: &Message) -> Option<&'a ReportedRecipient> {
    let address = sent.recipient.trim().to_lowercase();
    let named = report.recipients.iter().rfind(|recipient| recipient.addresses.contains(&address));
    let unnamed = match report.recipients.as_slice() {
        [only] if only.addresses.is_empty() => Some(only),
        _ => None,
    };
    named.or(unnamed)
}

fn delivered(
    tx: &mut Tx,
    claimed: &Claimed,
    sent: &Message,
    recipient: &ReportedRecipient,
    now: Timestamp,
) -> Result<()> {
    // States are in the order of their finality: a late "delayed" does not take back what came after it.
    if sent.delivery >= Some(recipient.state) {
        return Ok(());
    }
    message::note_delivery(tx, &sent.id, recipient.state)?;
    match recipient.state {
        DeliveryState::Delivered | DeliveryState::Relayed | DeliveryState::Delayed => Ok(()),
        DeliveryState::SoftBounced => bounce::soft(tx, sent, &recipient.diagnostic, now),
        DeliveryState::HardBounced => {
            let lead_id = sent.lead_id.as_deref().map(LeadId::parse).transpose()?;
            let bounced = HardBounce {
                about: About { contact_id: sent.contact_id.clone(), lead_id, job_id: None },
                address: &sent.recipient,
                key: sent.effect_id.as_deref().unwrap_or(sent.id.as_str()),
                diagnostic: &recipient.diagnostic,
                actor: "system:poll",
            };
            bounce::hard(tx, &claimed.linker, bounced, now)
        }
    }
}

fn complained(tx: &mut Tx, claimed: &Claimed, sent: &Message, now: Timestamp) -> Result<()> {
    let hash = claimed.linker.hash_of(tx.tenant(), &sent.recipient);
    let (reason, detail) = (SuppressionReason::Complained, "called a mail spam");
    let is_new = match &sent.contact_id {
        Some(contact_id) => {
            let asked = OptOut { contact_id, hash: &hash, reason, detail, source: "complaint" };
            opt_out::opt_out(tx, &claimed.linker, asked, now)?
        }
        None => opt_out::suppress(tx, hash.clone(), reason, detail, now)? == nexora_store::Inserted::New,
    };
    if is_new { record(tx, &claimed.ledger, hash, now) } else { Ok(()) }
}

/// Records in the audit trail that an address is not sent commercial mail any more.
pub fn record(tx: &mut Tx, ledger: &Ledger, hash: String, now: Timestamp) -> Result<()> {
    let change = Change::new(Actor::System("unsubscribe"), opt_out::UNSUBSCRIBE, hash);
    let tenant = tx.tenant().clone();
    audit::append(tx, ledger, Some(&tenant), change, now)
}
