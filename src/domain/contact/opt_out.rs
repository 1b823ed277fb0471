//! A contact who wants no more commercial mail: by the link in a mail, by an answer that says so, or by calling
//! a mail spam. One place that notes it, so that each has the same effect.

use crate::domain::automation::fact::{self, Detail};
use crate::domain::contact::about_contact;
use crate::domain::contact::consent::{Given, note};
use crate::domain::contact::link::SignedLinks;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::consent::{Channel, Scope, Suppression, SuppressionReason};
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::EventKind;
use nexora_core::model::lead::ConsentRecord;
use nexora_store::{Inserted, Tx, consent, contact};

/// The name of the operation in the audit trail.
pub const UNSUBSCRIBE: &str = "contact.unsubscribe";

/// How it became known that a contact wants no more.
#[derive(Clone, Copy, Debug)]
pub struct OptOut<'a> {
    pub contact_id: &'a ContactId,
    /// The hash of the address that it was said for or from.
    pub hash: &'a str,
    pub reason: SuppressionReason,
    /// By what way, in words.
    pub detail: &'a str,
    /// The same as a source of consent: `unsubscribe`, `reply`, `complaint`.
    pub source: &'a str,
}

/// Ends commercial mail to all addresses of a contact: a person with several means all of them. Tells of it, unless
/// it was known before; returns whether it is new.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn opt_out(tx: &mut Tx, linker: &SignedLinks, asked: OptOut<'_>, now: Timestamp) -> Result<bool> {
    let OptOut { contact_id, hash, reason, detail, source } = asked;
    let mut hashes = vec![hash.to_owned()];
    for (kind, address) in contact::addresses(tx, contact_id)? {
        if kind == AddressKind::Email {
            hashes.push(linker.hash_of(tx.tenant(), &address));
        }
    }
    let mut is_new = false;
    for hash in hashes {
        is_new |= suppress(tx, hash, reason, detail, now)? == Inserted::New;
    }
    let is_known = contact::find(tx, contact_id)?.is_some();
    let word = consent::latest(tx, contact_id, Channel::Email)?;
    is_new |= word.is_none_or(|word| word.given);
    if is_new && is_known {
        let wording = "No more of these mails".to_owned();
        let word = ConsentRecord { channel: Channel::Email, given: false, wording };
        note(tx, contact_id, word, Given { source, actor: "contact", lead: None }, now)?;
        tell(tx, contact_id.clone(), (hash, reason), now)?;
    }
    Ok(is_new)
}

/// Ends commercial mail to the address of a hash, whether or not a contact has it.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn suppress(
    tx: &mut Tx,
    hash: String,
    reason: SuppressionReason,
    detail: &str,
    now: Timestamp,
) -> Result<Inserted> {
    let suppression = Suppression {
        tenant_id: tx.tenant().clone(),
        hash,
        scope: Scope::Commercial,
        reason,
        detail: detail.to_owned(),
        actor: "contact".to_owned(),
        created_at: now,
    };
    consent::suppress(tx, &suppression)
}

/// Tells that a contact wants no more mail at the address of this hash, and why.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn tell(
    tx: &mut Tx,
    contact_id: ContactId,
    (hash, reason): (&str, SuppressionReason),
    now: Timestamp,
) -> Result<()> {
    let about = about_contact(tx, contact_id)?;
    let detail = Detail { to: reason.name(), from: "" };
    let key = format!("{hash}:{}", now.millis());
    fact::record_event(tx, EventKind::ContactUnsubscribed, &key, about, detail, now).map(|_| ())
}
