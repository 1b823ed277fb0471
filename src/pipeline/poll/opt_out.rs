//! An answer that says no more than that its writer wants no more mail.

use super::{Claimed, bounce};
use crate::domain::contact::opt_out::{self, OptOut};
use crate::domain::message::author;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::consent::SuppressionReason;
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::MailEvent;
use nexora_engine::lead::lead_format::parsed_lead::ParsedLead;
use nexora_engine::message::mail::opt_out::is_opt_out;
use nexora_store::{Conn, Inserted, contact};

/// Ends commercial mail to the sender of an answer that asks for it, and to the contact's other addresses if the
/// sender's is one of them. The same again changes nothing.
pub fn note(conn: &mut Conn, claimed: &Claimed, payload: &MailEvent, now: Timestamp) -> Result<()> {
    let mail = &payload.mail;
    match (&payload.about.contact_id, author::sender(mail)) {
        (Some(contact_id), Some(address)) if is_opt_out(&mail.subject, mail.own_text()) => {
            end(conn, claimed, (Some(contact_id), address), now)
        }
        _ => Ok(()),
    }
}

/// Ends commercial mail to a homeowner who asks for it through a marketplace, and tells whether they did: the subject
/// is the marketplace's, and the address is the one that it relays through, whether or not it is a contact's.
pub fn note_relayed(
    conn: &mut Conn,
    claimed: &Claimed,
    payload: &MailEvent,
    lead: &ParsedLead,
    now: Timestamp,
) -> Result<bool> {
    let relay = lead.reply_to.as_ref().map(EmailAddress::key).or_else(|| author::sender(&payload.mail));
    let Some(relay) = relay.filter(|_| is_opt_out("", &lead.enquiry.message)) else { return Ok(false) };
    end(conn, claimed, (payload.about.contact_id.as_ref(), relay), now).map(|()| true)
}

fn end(
    conn: &mut Conn,
    claimed: &Claimed,
    (contact_id, address): (Option<&ContactId>, String),
    now: Timestamp,
) -> Result<()> {
    let tx = &mut conn.of(&claimed.tenant.id);
    let hash = claimed.linker.hash_of(tx.tenant(), &address);
    let (reason, detail) = (SuppressionReason::Unsubscribed, "by an answer");
    let forms = EmailAddress::kept_forms(&address);
    let is_theirs = |(kind, own): &(AddressKind, String)| *kind == AddressKind::Email && forms.contains(own);
    let owner = match contact_id {
        Some(id) if contact::addresses(tx, id)?.iter().any(is_theirs) => Some(id),
        _ => None,
    };
    let is_new = match owner {
        Some(contact_id) => {
            let asked = OptOut { contact_id, hash: &hash, reason, detail, source: "reply" };
            opt_out::opt_out(tx, &claimed.linker, asked, now)?
        }
        None => opt_out::suppress(tx, hash.clone(), reason, detail, now)? == Inserted::New,
    };
    if is_new { bounce::record(tx, &claimed.ledger, hash, now) } else { Ok(()) }
}
