//! Words of consent: what a person agreed to, or took back, as it was put to them.

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::PhoneNumber;
use nexora_core::model::consent::{Channel, Consent};
use nexora_core::model::lead::{ConsentRecord, Lead};
use nexora_core::model::{ConsentId, ContactId};
use nexora_store::{Tx, consent};

/// Where a word was given, and who noted it.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub source: &'a str,
    pub actor: &'a str,
    /// The lead with which it came.
    pub lead: Option<&'a Lead>,
}

/// Writes one word of consent, given at `at`.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn note(
    tx: &mut Tx,
    contact_id: &ContactId,
    word: ConsentRecord,
    given: Given<'_>,
    at: Timestamp,
) -> Result<Consent> {
    let tenant = tx.tenant();
    let new = Consent {
        tenant_id: tenant.clone(),
        id: ConsentId::new(at),
        contact_id: contact_id.clone(),
        channel: word.channel,
        given: word.given,
        wording: word.wording,
        source: given.source.to_owned(),
        actor: given.actor.to_owned(),
        at,
        lead_id: given.lead.map(|lead| lead.id.clone()),
        address: given.lead.and_then(|lead| match word.channel {
            Channel::Email => lead.email.as_ref().map(ToString::to_string),
            Channel::Sms => lead.phone.as_ref().map(PhoneNumber::key),
        }),
    };
    consent::insert(tx, &new)?;
    Ok(new)
}
