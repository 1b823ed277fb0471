//! An answer that says no more than that its writer wants no more mail.

use super::{Claimed, bounce};
use crate::domain::contact::opt_out::{self, OptOut};
use crate::domain::message::author;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::consent::SuppressionReason;
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::MailEvent;
use nexora_engine::message::mail::opt_out::is_opt_out;
use nexora_store::{Conn, Inserted, contact};

/// Ends commercial mail to the sender of an answer that asks for it, and to the contact's other addresses if the
/// sender's is one of them. The same again changes nothing.
pub fn note(conn: &mut Conn, claimed: &Claimed, payload: &MailEvent, now: Timestamp) -> Result<()> {
    let mail = &payload.mail;
    let (Some(contact_id), Some(address)) = (&payload.about.contact_id, author::sender(mail)) else {
        return Ok(());
    };
    if !is_opt_out(&mail.subject, mail.own_text()) {
        return Ok(());
    }
    let tx = &mut conn.of(&claimed.tenant.id);
    let hash = claimed.linker.hash_of(tx.tenant(), &address);
    let (reason, detail) = (SuppressionReason::Unsubscribed, "by an answer");
    let is_contacts = contact::addresses(tx, contact_id)?.contains(&(AddressKind::Email, address));
    let is_new = if is_contacts {
        let asked = OptOut { contact_id, hash: &hash, reason, detail, source: "reply" };
        opt_out::opt_out(tx, &claimed.linker, asked, now)?
    } else {
        opt_out::suppress(tx, hash.clone(), reason, detail, now)? == Inserted::New
    };
    if is_new { bounce::record(tx, hash, now) } else { Ok(()) }
}
