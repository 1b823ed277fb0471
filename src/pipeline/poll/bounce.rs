//! A mail that came back: the address is not written to any more, and what waited for the contact ends.

use super::Claimed;
use crate::domain::automation::fact::{self, Detail};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::consent::{Scope, Suppression, SuppressionReason};
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::{EventKind, MailEvent};
use nexora_engine::contact::contact_extraction;
use nexora_store::{Conn, consent, contact};

/// Notes a bounce. One that says only that delivery is late changes nothing: the mail system goes on.
pub fn note(conn: &mut Conn, claimed: &Claimed, payload: &MailEvent, now: Timestamp) -> Result<()> {
    let Some(contact_id) = &payload.about.contact_id else { return Ok(()) };
    let mail = &payload.mail;
    let is_late = ["delay", "warning"].iter().any(|word| mail.subject.to_lowercase().contains(word));
    if is_late {
        return Ok(());
    }
    let tenant = &claimed.tenant;
    let tx = &mut conn.of(&tenant.id);
    let own = contact::addresses(tx, contact_id)?;
    let emails: Vec<String> =
        own.into_iter().filter(|(kind, _)| *kind == AddressKind::Email).map(|(_, value)| value).collect();
    let mentioned = contact_extraction::addresses(&mail.text, tenant.country()?);
    let failed = mentioned.iter().map(|(_, value)| value).find(|value| emails.contains(value));
    // A mail system that does not say which address it means can only mean the one there is.
    let Some(address) = failed.or(emails.first().filter(|_| emails.len() == 1)) else { return Ok(()) };
    let suppression = Suppression {
        tenant_id: tenant.id.clone(),
        hash: claimed.linker.hash_of(&tenant.id, address),
        scope: Scope::All,
        reason: SuppressionReason::Bounced,
        detail: mail.subject.clone(),
        actor: "system:poll".to_owned(),
        created_at: now,
    };
    let _ = consent::suppress(tx, &suppression)?;
    let detail = Detail { to: &mail.subject, from: "" };
    let about = payload.about.clone();
    fact::record_event(tx, EventKind::MessageBounced, &payload.id, about, detail, now).map(|_| ())
}
