//! Forgetting one person: everything that is kept of them goes, and a receipt stays.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::contact::link::SignedLinks;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::consent::{Channel, Scope, Suppression, SuppressionReason};
use nexora_core::model::erasure::{Erasure, Outside};
use nexora_core::model::{ErasureId, LeadId};
use nexora_store::erasure::{self, Person};
use nexora_store::{Tx, consent};

/// What was forgotten, or would be.
#[derive(Clone, Debug, Serialize)]
pub struct Forgotten {
    /// The receipt's id; nothing where nothing was done.
    pub receipt: Option<ErasureId>,
    pub at: Timestamp,
    pub by: String,
    /// How many rows of each kind.
    pub erased: BTreeMap<String, i64>,
    /// What is in other places, where a person has to remove it.
    pub outside: Vec<Outside>,
}

/// Forgets a person in the transaction; returns what went, and the id that stood for them.
///
/// # Errors
/// `NotFound` when nothing is kept of them; `Conflict` when something is just being sent to them.
pub fn forget(
    tx: &mut Tx,
    person: &Person,
    linker: &SignedLinks,
    by: &str,
    now: Timestamp,
) -> Result<(Forgotten, String)> {
    let found = erasure::gather(tx, person)?;
    if found.is_nothing() {
        return Err(nothing());
    }
    keep_refusal(tx, person, linker, now)?;
    erasure::erase(tx, now)?;
    erasure::release(tx)?;
    let (id, of) = (ErasureId::new(now), subject_of(person));
    let receipt = Erasure {
        tenant_id: tx.tenant().clone(),
        id: id.clone(),
        subject: of.clone(),
        at: now,
        actor: by.to_owned(),
        erased: Json::of(&found.counts)?,
        outside: Json::of(&found.outside)?,
    };
    erasure::insert(tx, &receipt)?;
    let told = Forgotten {
        receipt: Some(id),
        at: now,
        by: by.to_owned(),
        erased: found.counts,
        outside: found.outside,
    };
    Ok((told, of))
}

/// Says that nothing is kept of a person.
pub fn nothing() -> Error {
    Error::not_found("nothing is kept of this person")
        .hint("name them by contact id, lead id, mail address or telephone number")
}

/// Returns the id that stands for a person.
pub fn subject_of(person: &Person) -> String {
    let lead = person.leads.first().map(LeadId::to_string);
    person.contact.as_ref().map(ToString::to_string).or(lead).unwrap_or_else(|| "address".to_owned())
}

/// Has a person who took their consent back not written to, as a hash: the word itself goes.
fn keep_refusal(tx: &mut Tx, person: &Person, linker: &SignedLinks, now: Timestamp) -> Result<()> {
    let Some(contact_id) = &person.contact else { return Ok(()) };
    if consent::latest(tx, contact_id, Channel::Email)?.is_none_or(|last| last.given) {
        return Ok(());
    }
    for address in person.addresses.iter().filter(|address| address.contains('@')) {
        let refused = Suppression {
            tenant_id: tx.tenant().clone(),
            hash: linker.hash_of(tx.tenant(), address),
            scope: Scope::Commercial,
            reason: SuppressionReason::Unsubscribed,
            detail: String::new(),
            actor: "system:forget".to_owned(),
            created_at: now,
        };
        let _ = consent::suppress(tx, &refused)?;
    }
    Ok(())
}
