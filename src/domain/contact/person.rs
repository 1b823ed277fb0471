//! Who is meant by a contact, a lead or an address, and by which addresses what refers to nobody is known as theirs.

use std::collections::BTreeSet;

use crate::domain::contact::find_written;
use crate::domain::contact::link::SignedLinks;
use nexora_connector::kind::Connectors;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, LeadId};
use nexora_store::Tx;
use nexora_store::erasure::Person;
use nexora_store::{connection, contact, lead, user};

/// Leads of one person, connections and users of a business, that are looked at.
const ROWS: i64 = 1_000;

/// How the operator names a person.
#[derive(Clone, Debug)]
pub enum Named {
    /// By the id of a contact, or by an address, whether or not a contact has it.
    Contact(String),
    /// By a lead of theirs.
    Lead(LeadId),
}

/// The shortest name that is looked for in composed texts: a shorter one is a part of too many.
const NAME_LENGTH: usize = 5;

/// Finds everything by which the rows of a person are known.
///
/// # Errors
/// `NotFound` when there is no such contact or lead, and the text is no address.
pub fn find(
    tx: &mut Tx,
    tenant: &Tenant,
    named: &Named,
    (linker, connectors): (&SignedLinks, &Connectors),
) -> Result<Person> {
    let mut person = Person::default();
    let mut addresses = BTreeSet::new();
    match named {
        Named::Lead(id) => {
            let found = lead::find(tx, id)?.ok_or_else(|| missing(tenant, "lead", id))?;
            person.contact = found.contact_id;
            person.leads.push(found.id);
        }
        Named::Contact(text) => match ContactId::parse(text) {
            Ok(id) => {
                let found = contact::find(tx, &id)?.ok_or_else(|| missing(tenant, "contact", &id))?;
                person.contact = Some(found.id);
            }
            Err(_) => {
                person.contact = find_written(tx, tenant, text)?;
                if person.contact.is_none() {
                    addresses.insert(address(tenant, text)?);
                }
            }
        },
    }
    let mut names = BTreeSet::new();
    if let Some(id) = person.contact.clone() {
        for (kind, value) in contact::addresses(tx, &id)? {
            // A marketplace's relay may be lent to others, too.
            if contact::proof_of(tx, kind, &value)? != Some(AddressProof::Relay) {
                addresses.insert(value);
            }
        }
        names.extend(contact::find(tx, &id)?.map(|found| found.name));
        person.leads.extend(lead::of_contact(tx, &id, ROWS)?.into_iter().map(|lead| lead.id));
        person.leads.sort();
        person.leads.dedup();
    }
    let country = tenant.country()?;
    for id in person.leads.clone() {
        let Some(found) = lead::find(tx, &id)? else { continue };
        let phone = found.phone.as_ref().filter(|_| !found.masked_phone);
        let email = found.email.as_ref().map(|email| (AddressKind::Email, email.key()));
        for (kind, value) in email.into_iter().chain(phone.map(|phone| (AddressKind::Phone, phone.key()))) {
            // Anybody can fill in the address of another.
            let owner = contact::find_by_address(tx, kind, &value)?;
            if owner.is_none() || owner == person.contact {
                addresses.insert(value);
            }
        }
        names.insert(found.name);
    }
    let own = addresses_of_business(tx, tenant, connectors)?;
    addresses.retain(|address| !own.contains(address));
    for address in &addresses {
        if let Ok(phone) = PhoneNumber::parse(address) {
            person.written.push(phone.shown_in(country));
        }
        person.hashes.extend(linker.hashes_of(tx.tenant(), address));
    }
    // One word is a name of many.
    let is_telling = |name: &String| name.len() >= NAME_LENGTH && name.trim().contains(' ');
    person.written.extend(names.into_iter().filter(is_telling));
    person.addresses = addresses.into_iter().collect();
    Ok(person)
}

/// Reads an address that belongs to no contact.
fn address(tenant: &Tenant, text: &str) -> Result<String> {
    let email = EmailAddress::parse(text).map(|email| email.key());
    let phone = || PhoneNumber::parse_in(tenant.country()?, text).map(|phone| phone.key());
    email.or_else(|_| phone()).map_err(|_: Error| missing(tenant, "contact", text))
}

/// Returns the addresses of the business itself: who tries a form out fills them in, and they are in every mail.
fn addresses_of_business(tx: &mut Tx, tenant: &Tenant, connectors: &Connectors) -> Result<BTreeSet<String>> {
    let mut own = BTreeSet::from([tenant.owner_email.key()]);
    own.extend(tenant.phone.as_ref().map(PhoneNumber::key));
    for found in connection::list(tx, ROWS)? {
        own.extend(EmailAddress::parse(&connectors.account(&found)).map(|email| email.key()));
        own.extend(found.send_as()?.iter().map(|address| address.to_lowercase()));
    }
    own.extend(user::list_members(tx, ROWS)?.into_iter().map(|(user, _)| user.email.key()));
    Ok(own)
}

fn missing(tenant: &Tenant, noun: &str, name: impl std::fmt::Display) -> Error {
    let slug = &tenant.slug;
    Error::not_found(format!("no {noun} `{name}` in tenant `{slug}`"))
        .hint(format!("run `nexora {noun} list --tenant {slug}`"))
}
