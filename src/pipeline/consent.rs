//! Words of consent: what a person agreed to, or took back, as it was put to them.

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::consent::Consent;
use crate::model::lead::Agreed;
use crate::model::{ConsentId, ContactId, TenantId};
use crate::store::{Conn, consent};

/// Where a word was given, and who noted it.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub source: &'a str,
    pub actor: &'a str,
}

/// Writes one word of consent.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn note(
    conn: &mut Conn,
    tenant: &TenantId,
    contact_id: &ContactId,
    word: Agreed,
    given: Given<'_>,
    now: Timestamp,
) -> Result<Consent> {
    let new = Consent {
        tenant_id: tenant.clone(),
        id: ConsentId::new(now),
        contact_id: contact_id.clone(),
        channel: word.channel,
        given: word.given,
        wording: word.wording,
        source: given.source.to_owned(),
        actor: given.actor.to_owned(),
        at: now,
    };
    consent::insert(conn, &new)?;
    Ok(new)
}
