//! The contact that an address belongs to, created when no contact has it yet.
//!
//! Contacts are one person only where a normalised address is the same; names never decide. A transaction that looks for
//! the contact of an address holds that address until the transaction ends, so that two never make the same
//! person twice.

pub mod consent;
pub mod link;
pub mod opt_out;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::contact::{AddressKind, Contact};
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
    let email = address.trim().to_lowercase();
    if let Some(id) = contact::find_by_address(tx, AddressKind::Email, &email)? {
        return Ok(Some(id));
    }
    match PhoneNumber::parse_in(tenant.country()?, address) {
        Ok(phone) => contact::find_by_address(tx, AddressKind::Phone, phone.as_str()),
        Err(_) => Ok(None),
    }
}

/// Returns the addresses in the form that matching uses, the e-mail address first.
pub fn keys(email: Option<&EmailAddress>, phone: Option<&PhoneNumber>) -> Vec<(AddressKind, String)> {
    let email = email.map(|email| (AddressKind::Email, email.key()));
    let phone = phone.map(|phone| (AddressKind::Phone, phone.to_string()));
    email.into_iter().chain(phone).collect()
}

/// Returns the contact with one of these addresses, made or completed; nothing without an address.
/// An address of another contact stays with it; the e-mail address decides.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn resolve(
    tx: &mut Tx,
    name: &str,
    email: Option<&EmailAddress>,
    phone: Option<&PhoneNumber>,
    now: Timestamp,
) -> Result<Option<ContactId>> {
    let tenant = tx.tenant();
    let addresses = keys(email, phone);
    if addresses.is_empty() {
        return Ok(None);
    }
    // A fixed lock order avoids deadlock: `keys` always lists addresses in the same order.
    for (kind, value) in &addresses {
        contact::hold_address(tx, *kind, value)?;
    }
    let mut known = None;
    let mut unclaimed = Vec::new();
    for (kind, value) in &addresses {
        match contact::find_by_address(tx, *kind, value)? {
            Some(id) => known = known.or(Some(id)),
            None => unclaimed.push((*kind, value)),
        }
    }
    let id = match known {
        Some(id) => id,
        None => {
            let id = ContactId::new(now);
            let new = Contact {
                tenant_id: tenant.clone(),
                id: id.clone(),
                name: name.to_owned(),
                created_at: now,
                updated_at: now,
                timezone: None,
            };
            contact::insert(tx, &new)?;
            id
        }
    };
    for (kind, value) in unclaimed {
        let _ = contact::add_address(tx, &id, kind, value)?;
    }
    Ok(Some(id))
}
