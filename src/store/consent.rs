//! Rows of `consents` and `suppressions`.

use diesel::prelude::*;

use crate::conn::on;
use crate::{Claim, Conn, Inserted, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::consent::{Channel, Consent, Scope, Suppression, consents, suppressions};

pub fn insert(conn: &mut Conn, consent: &Consent) -> Result<()> {
    on!(conn, |c| diesel::insert_into(consents::table).values(consent).execute(c)).map(|_| ())
}

/// Returns a contact's last word about a channel. Uses `consents_by_contact`.
pub fn latest(tx: &mut Tx, contact: &ContactId, channel: Channel) -> Result<Option<Consent>> {
    on!(tx.conn, |c| consents::table
        .filter(consents::tenant_id.eq(tx.tenant))
        .filter(consents::contact_id.eq(contact))
        .filter(consents::channel.eq(channel))
        .order(consents::id.desc())
        .select(Consent::as_select())
        .first(c)
        .optional())
}

/// Lists a contact's words of consent, latest first.
pub fn of_contact(tx: &mut Tx, contact: &ContactId, limit: i64) -> Result<Vec<Consent>> {
    on!(tx.conn, |c| consents::table
        .filter(consents::tenant_id.eq(tx.tenant))
        .filter(consents::contact_id.eq(contact))
        .order(consents::id.desc())
        .limit(limit)
        .select(Consent::as_select())
        .load(c))
}

/// Suppresses an address, unless it is in this scope already.
pub fn suppress(conn: &mut Conn, suppression: &Suppression) -> Result<Inserted> {
    let insert = diesel::insert_into(suppressions::table).values(suppression).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Returns what suppresses an address; the wider scope first.
pub fn suppressions_of(tx: &mut Tx, hash: &str) -> Result<Vec<Suppression>> {
    on!(tx.conn, |c| suppressions::table
        .filter(suppressions::tenant_id.eq(tx.tenant))
        .filter(suppressions::hash.eq(hash))
        .order(suppressions::scope)
        .select(Suppression::as_select())
        .load(c))
}

/// Lists a tenant's suppressions, latest first.
pub fn list_suppressions(tx: &mut Tx, limit: i64) -> Result<Vec<Suppression>> {
    on!(tx.conn, |c| suppressions::table
        .filter(suppressions::tenant_id.eq(tx.tenant))
        .order((suppressions::created_at.desc(), suppressions::hash, suppressions::scope))
        .limit(limit)
        .select(Suppression::as_select())
        .load(c))
}

/// Lifts a suppression.
pub fn lift(tx: &mut Tx, hash: &str, scope: Scope) -> Result<Claim> {
    let row = suppressions::table.find((tx.tenant, hash, scope));
    on!(tx.conn, |c| diesel::delete(row).execute(c)).map(Claim::from_count)
}

/// Lists the words of consent of a span of time, oldest first.
pub fn between(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Consent>> {
    on!(tx.conn, |c| consents::table
        .filter(consents::tenant_id.eq(tx.tenant))
        .filter(consents::at.gt(from))
        .filter(consents::at.le(until))
        .order(consents::id)
        .limit(limit)
        .select(Consent::as_select())
        .load(c))
}

/// Lists the suppressions of a span of time, oldest first.
pub fn suppressions_between(
    tx: &mut Tx,
    (from, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Suppression>> {
    on!(tx.conn, |c| suppressions::table
        .filter(suppressions::tenant_id.eq(tx.tenant))
        .filter(suppressions::created_at.gt(from))
        .filter(suppressions::created_at.le(until))
        .order((suppressions::created_at, suppressions::hash, suppressions::scope))
        .limit(limit)
        .select(Suppression::as_select())
        .load(c))
}
