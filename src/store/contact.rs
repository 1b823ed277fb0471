//! Rows of `contacts` and `contact_addresses`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted, Tx, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::contact::{
    AddressKind, AddressProof, Contact, ContactAddress, contact_addresses, contacts,
};

pub fn insert(conn: &mut Conn, contact: &Contact) -> Result<()> {
    on!(conn, |c| diesel::insert_into(contacts::table).values(contact).execute(c)).map(|_| ())
}

pub fn find(tx: &mut Tx, id: &ContactId) -> Result<Option<Contact>> {
    on!(tx.conn, |c| contacts::table.find((tx.tenant, id)).select(Contact::as_select()).first(c).optional())
}

/// Returns the contact that an address belongs to. `value` is the form that matching uses.
pub fn find_by_address(tx: &mut Tx, kind: AddressKind, value: &str) -> Result<Option<ContactId>> {
    for form in EmailAddress::kept_forms(value) {
        let found = on!(tx.conn, |c| contact_addresses::table
            .find((tx.tenant, kind, &form))
            .select(contact_addresses::contact_id)
            .first(c)
            .optional())?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Returns the contact that an address belongs to, as [`find_by_address`], and makes it a contact again if it was deleted.
pub fn restore_by_address(
    tx: &mut Tx,
    kind: AddressKind,
    value: &str,
    now: Timestamp,
) -> Result<Option<ContactId>> {
    for form in EmailAddress::kept_forms(value) {
        let found: Option<(ContactId, Option<Timestamp>)> = on!(tx.conn, |c| contact_addresses::table
            .inner_join(
                contacts::table.on(contacts::tenant_id
                    .eq(contact_addresses::tenant_id)
                    .and(contacts::id.eq(contact_addresses::contact_id)))
            )
            .filter(contact_addresses::tenant_id.eq(tx.tenant))
            .filter(contact_addresses::kind.eq(kind))
            .filter(contact_addresses::value.eq(&form))
            .select((contacts::id, contacts::deleted_at))
            .first(c)
            .optional())?;
        let Some((id, deleted_at)) = found else { continue };
        if deleted_at.is_some() {
            let update = kept::update(contacts::table.find((tx.tenant, &id)))
                .set((contacts::deleted_at.eq(None::<Timestamp>), contacts::updated_at.eq(now)));
            on!(tx.conn, |c| update.execute(c))?;
        }
        return Ok(Some(id));
    }
    Ok(None)
}

/// Holds addresses until the transaction ends: no other transaction can look for their contact and make one.
pub fn hold_addresses(tx: &mut Tx, addresses: &[(AddressKind, String)]) -> Result<()> {
    let tenant = tx.tenant;
    let names: Vec<String> =
        addresses.iter().map(|(kind, value)| format!("address|{tenant}|{kind}|{value}")).collect();
    dialect::lock_all(tx.conn, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Gives the contact an address, unless another contact has it.
pub fn add_address(
    tx: &mut Tx,
    id: &ContactId,
    (kind, value): (AddressKind, &str),
    proof: AddressProof,
    now: Timestamp,
) -> Result<Inserted> {
    let row = ContactAddress {
        tenant_id: tx.tenant.clone(),
        kind,
        value: value.to_owned(),
        contact_id: id.clone(),
        proof,
        added_at: now,
    };
    let insert = diesel::insert_into(contact_addresses::table).values(&row).on_conflict_do_nothing();
    on!(tx.conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Notes that an address has shown that it is the contact's, if it is one of theirs that had not.
pub fn prove_address(
    tx: &mut Tx,
    id: &ContactId,
    (kind, value): (AddressKind, &str),
    proof: AddressProof,
    now: Timestamp,
) -> Result<()> {
    let claimed = contact_addresses::table
        .find((tx.tenant, kind, value))
        .filter(contact_addresses::contact_id.eq(id))
        .filter(contact_addresses::proof.eq(AddressProof::Claimed));
    let update =
        kept::update(claimed).set((contact_addresses::proof.eq(proof), contact_addresses::added_at.eq(now)));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Has an address of the contact's be the one that is shown and written to first.
pub fn prefer_address(
    tx: &mut Tx,
    id: &ContactId,
    (kind, value): (AddressKind, &str),
    now: Timestamp,
) -> Result<()> {
    let own =
        contact_addresses::table.find((tx.tenant, kind, value)).filter(contact_addresses::contact_id.eq(id));
    let proof = contact_addresses::proof.eq(AddressProof::Person);
    let update = kept::update(own).set((proof, contact_addresses::added_at.eq(now)));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Takes an address from the contact.
pub fn remove_address(tx: &mut Tx, id: &ContactId, (kind, value): (AddressKind, &str)) -> Result<()> {
    let own =
        contact_addresses::table.find((tx.tenant, kind, value)).filter(contact_addresses::contact_id.eq(id));
    on!(tx.conn, |c| diesel::delete(own).execute(c)).map(|_| ())
}

/// Lists a contact's addresses, the mail addresses first, and the better proven first of each kind: those that were
/// proven, latest first; those that are only claimed, earliest first; those that are lent.
pub fn addresses(tx: &mut Tx, id: &ContactId) -> Result<Vec<(AddressKind, String)>> {
    let mut rows: Vec<ContactAddress> = on!(tx.conn, |c| contact_addresses::table
        .filter(contact_addresses::tenant_id.eq(tx.tenant))
        .filter(contact_addresses::contact_id.eq(id))
        .order((contact_addresses::kind, contact_addresses::value))
        .select(ContactAddress::as_select())
        .load(c))?;
    rows.sort_by_key(|row| {
        let age = row.added_at.millis();
        match row.proof {
            proof if proof.is_proven() => (row.kind, 0, -age),
            AddressProof::Relay => (row.kind, 2, age),
            _ => (row.kind, 1, age),
        }
    });
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// Tells how an address has shown that it is the contact's.
pub fn proof_of(tx: &mut Tx, kind: AddressKind, value: &str) -> Result<Option<AddressProof>> {
    on!(tx.conn, |c| contact_addresses::table
        .find((tx.tenant, kind, value))
        .select(contact_addresses::proof)
        .first(c)
        .optional())
}

/// Writes what can change about a contact.
pub fn save(conn: &mut Conn, contact: &Contact) -> Result<()> {
    let update = kept::update(contacts::table.find((&contact.tenant_id, &contact.id))).set(contact);
    on!(conn, |c| update.execute(c)).map(|_| ())
}
