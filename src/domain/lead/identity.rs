//! Which lead a second copy belongs to: its sender's id alone never decides, since senders reuse ids.

use nexora_core::base::{Error, Result};
use nexora_core::model::LeadId;
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::event::LeadReceived;
use nexora_core::model::lead::{Lead, NewLead};
use nexora_store::{Tx, event};

/// By what a lead is known that comes a second time; it becomes the dedupe key of its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The same key promises the same lead: with other content it is a conflict.
    Key(String),
    /// The sender's own id of the lead. Senders use one id for several leads, so with other content it is another.
    SenderId(String),
}

/// What a lead's identity says.
pub enum Claim {
    /// It is stored already.
    Repeat(LeadId),
    /// It is to be stored with this key. An `earlier` lead came by the same id of its sender, with other content.
    New { key: Option<String>, earlier: Option<LeadId> },
}

/// Looks for an earlier copy. Two copies at the same moment come one after the other, so that the second does not
/// create another contact.
///
/// # Errors
/// `Conflict` when a key was used for another lead.
pub fn claim(tx: &mut Tx, identity: Identity, fingerprint: &str) -> Result<Claim> {
    let (Identity::Key(key) | Identity::SenderId(key)) = &identity;
    event::hold_key(tx, key)?;
    let Some(earlier) = received_by(tx, key)? else {
        return Ok(Claim::New { key: Some(key.clone()), earlier: None });
    };
    if earlier.fingerprint == fingerprint {
        return Ok(Claim::Repeat(earlier.lead_id));
    }
    match identity {
        Identity::Key(_) => Err(Error::conflict("this idempotency key was used for another lead")
            .hint("send each new lead with a new `Idempotency-Key`")),
        Identity::SenderId(id) => {
            let key = format!("{id}:{fingerprint}");
            Ok(match received_by(tx, &key)? {
                Some(repeated) => Claim::Repeat(repeated.lead_id),
                None => Claim::New { key: Some(key), earlier: Some(earlier.lead_id) },
            })
        }
    }
}

fn received_by(tx: &mut Tx, key: &str) -> Result<Option<LeadReceived>> {
    event::find_by_dedupe_key(tx, key)?.map(|event| event.payload.read()).transpose()
}

/// Tells whether two leads name the same address or number.
pub fn is_same_person(earlier: &Lead, new: &NewLead) -> bool {
    let (email, phone) = (EmailAddress::key, PhoneNumber::key);
    let same_email =
        earlier.email.is_some() && earlier.email.as_ref().map(email) == new.email.as_ref().map(email);
    let same_phone =
        earlier.phone.is_some() && earlier.phone.as_ref().map(phone) == new.phone.as_ref().map(phone);
    same_email || same_phone
}
