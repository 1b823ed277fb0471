//! The contact that an address belongs to, created when no contact has it yet.
//!
//! Contacts are one person only where a normalised address is the same; names never decide. A transaction that looks for
//! the contact of an address holds that address until the transaction ends, so that two never make the same
//! person twice.

pub mod consent;
pub mod erasure;
pub mod link;
pub mod opt_out;
pub mod person;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::contact::{AddressKind, AddressProof, Contact};
use nexora_core::model::event::About;
use nexora_core::model::tenant::Tenant;
use nexora_store::{Conn, Tx, contact, lead};

/// Returns what an event about a contact says: the contact, and the lead by which it came last.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn about_contact(tx: &mut Tx, contact_id: ContactId) -> Result<About> {
    let lead_id = lead::latest_of_contact(tx, &contact_id)?;
    Ok(About { contact_id: Some(contact_id), lead_id, job_id: None })
}

/// Finds the contact with a mail address or telephone number, in whatever way it is written.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn find_written(conn: &mut Conn, tenant: &Tenant, address: &str) -> Result<Option<ContactId>> {
    let tx = &mut conn.of(&tenant.id);
    // No address has these, and PostgreSQL compares no text with a zero in it.
    if address.contains(char::is_control) {
        return Ok(None);
    }
    let email = EmailAddress::key_of(address);
    if let Some(id) = contact::find_by_address(tx, AddressKind::Email, &email)? {
        return Ok(Some(id));
    }
    match PhoneNumber::parse_in(tenant.country()?, address) {
        Ok(phone) => contact::find_by_address(tx, AddressKind::Phone, &phone.key()),
        Err(_) => Ok(None),
    }
}

/// Returns the addresses in the form that matching uses, the e-mail address first.
pub fn keys(email: Option<&EmailAddress>, phone: Option<&PhoneNumber>) -> Vec<(AddressKind, String)> {
    let email = email.map(|email| (AddressKind::Email, email.key()));
    let phone = phone.map(|phone| (AddressKind::Phone, phone.key()));
    email.into_iter().chain(phone).collect()
}

/// Returns the contact with one of these addresses, made or completed; nothing without an address.
///
/// The mail address decides: one that is not known makes a contact of its own, even where the telephone number is
/// known, as people share numbers, and as anyone can fill in another's. An address of another contact stays with
/// it, and one that is only claimed is added to no contact that was there before.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn resolve(
    tx: &mut Tx,
    name: &str,
    (email, phone): (Option<&EmailAddress>, Option<&PhoneNumber>),
    proof: AddressProof,
    now: Timestamp,
) -> Result<Option<ContactId>> {
    let addresses = keys(email, phone);
    if addresses.is_empty() {
        return Ok(None);
    }
    contact::hold_addresses(tx, &addresses)?;
    let mut owners = Vec::with_capacity(addresses.len());
    for (kind, value) in addresses {
        let owner = contact::restore_by_address(tx, kind, &value, now)?;
        owners.push((kind, value, owner));
    }
    let of_email = owners.iter().find(|(kind, ..)| *kind == AddressKind::Email);
    let of_phone = owners.iter().find(|(kind, ..)| *kind == AddressKind::Phone);
    let by_phone = of_phone.and_then(|(.., owner)| owner.clone());
    let known = match (of_email, by_phone) {
        (Some((.., Some(id))), _) => Some(id.clone()),
        (Some((.., None)), Some(id)) => {
            proof.is_proven().then(|| without_email(tx, id)).transpose()?.flatten()
        }
        (None, by_phone) => by_phone,
        (Some((.., None)), None) => None,
    };
    let is_new = known.is_none();
    let id = match known {
        Some(id) => id,
        None => create(tx, name, now)?,
    };
    for (kind, value, owner) in &owners {
        let address = (*kind, value.as_str());
        match owner {
            None if is_new || proof.is_proven() => {
                let _ = contact::add_address(tx, &id, address, proof, now)?;
            }
            Some(owner) if *owner == id && proof.is_proven() => {
                contact::prove_address(tx, &id, address, proof, now)?;
            }
            _ => {}
        }
    }
    Ok(Some(id))
}

/// Returns the contact if it has no mail address yet.
fn without_email(tx: &mut Tx, id: ContactId) -> Result<Option<ContactId>> {
    let has_email = contact::addresses(tx, &id)?.iter().any(|(kind, _)| *kind == AddressKind::Email);
    Ok((!has_email).then_some(id))
}

fn create(tx: &mut Tx, name: &str, now: Timestamp) -> Result<ContactId> {
    let new = Contact::named(tx.tenant(), name, now);
    contact::insert(tx, &new)?;
    Ok(new.id)
}
