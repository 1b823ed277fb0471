//! What kinds of records have of their own: how else one is found, and what else happens when it is written.

use crate::domain::contact::find_written;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::ContactId;
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::principal::Noun;
use nexora_core::model::record::Record;
use nexora_core::model::tenant::Tenant;
use nexora_store::{Tx, contact};

struct Hooks {
    noun: Noun,
    /// Finds the id of a record by what a person writes.
    find: fn(tx: &mut Tx, tenant: &Tenant, written: &str) -> Result<Option<String>>,
    /// Is told what a record was, where there was one, and what it has become.
    written: fn(tx: &mut Tx, before: Option<&Record>, after: &Record, now: Timestamp) -> Result<()>,
}

const HOOKS: [Hooks; 1] = [Hooks { noun: Noun::Contact, find: find_contact, written: contact_written }];

fn hooks(noun: Noun) -> Option<&'static Hooks> {
    HOOKS.iter().find(|hooks| hooks.noun == noun)
}

/// Finds the id of a record in a way of its kind's own, beside its id and its name.
///
/// # Errors
/// Those of the kind's own code.
pub fn find(tx: &mut Tx, tenant: &Tenant, noun: Noun, written: &str) -> Result<Option<String>> {
    hooks(noun).map_or(Ok(None), |hooks| (hooks.find)(tx, tenant, written))
}

/// A contact is found by each of its addresses.
fn find_contact(tx: &mut Tx, tenant: &Tenant, written: &str) -> Result<Option<String>> {
    Ok(find_written(tx, tenant, written)?.map(|id| id.to_string()))
}

/// Does what belongs to a record of a kind, in the transaction that writes it.
///
/// # Errors
/// Those of the kind's own code.
pub fn written(
    tx: &mut Tx,
    noun: Noun,
    before: Option<&Record>,
    after: &Record,
    now: Timestamp,
) -> Result<()> {
    hooks(noun).map_or(Ok(()), |hooks| (hooks.written)(tx, before, after, now))
}

/// Keeps a contact's addresses where leads and mails look for them. What a person of the business writes down counts as
/// proven.
fn contact_written(tx: &mut Tx, before: Option<&Record>, after: &Record, now: Timestamp) -> Result<()> {
    let id = ContactId::parse(&after.id)?;
    for (kind, name) in [(AddressKind::Email, "email"), (AddressKind::Phone, "phone")] {
        let (was, is) = (before.and_then(|before| before.text(name)), after.text(name));
        if was == is {
            continue;
        }
        match (was, is) {
            (_, Some(address)) => give(tx, &id, kind, address, now)?,
            (Some(address), None) => contact::remove_address(tx, &id, (kind, &key_of(kind, address)?))?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// Returns an address in the form that matching uses.
fn key_of(kind: AddressKind, address: &str) -> Result<String> {
    Ok(match kind {
        AddressKind::Email => EmailAddress::parse(address)?.key(),
        AddressKind::Phone => PhoneNumber::parse(address)?.key(),
    })
}

fn give(tx: &mut Tx, id: &ContactId, kind: AddressKind, address: &str, now: Timestamp) -> Result<()> {
    let key = key_of(kind, address)?;
    contact::hold_addresses(tx, &[(kind, key.clone())])?;
    match contact::find_by_address(tx, kind, &key)? {
        Some(owner) if owner != *id => {
            Err(Error::conflict(format!("`{address}` is the address of contact `{owner}`"))
                .hint(format!("run `nexora contact show {owner}`")))
        }
        Some(_) => contact::prefer_address(tx, id, (kind, &key), now),
        None => contact::add_address(tx, id, (kind, &key), AddressProof::Person, now).map(|_| ()),
    }
}
