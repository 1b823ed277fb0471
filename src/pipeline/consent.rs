//! Words of consent: what a person agreed to, or took back, as it was put to them.

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::consent::{Channel, Consent};
use crate::model::lead::{Agreed, Lead};
use crate::model::{ConsentId, ContactId};
use crate::store::{Tx, consent};

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
    word: Agreed,
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
            Channel::Sms => lead.phone.as_ref().map(ToString::to_string),
        }),
    };
    consent::insert(tx, &new)?;
    Ok(new)
}
