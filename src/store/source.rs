//! Rows of `sources`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Inserted, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::SourceId;
use nexora_core::model::source::{Source, notices, sources};

/// Inserts the source, unless its name is taken in the tenant.
pub fn insert(conn: &mut Conn, source: &Source) -> Result<Inserted> {
    let insert = diesel::insert_into(sources::table).values(source).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &SourceId) -> Result<Option<Source>> {
    on!(tx.conn, |c| sources::table.find((tx.tenant, id)).select(Source::as_select()).first(c).optional())
}

pub fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Source>> {
    on!(tx.conn, |c| sources::table
        .filter(sources::tenant_id.eq(tx.tenant))
        .filter(sources::name.eq(name))
        .select(Source::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's sources, oldest first.
pub fn list(tx: &mut Tx, limit: i64) -> Result<Vec<Source>> {
    on!(tx.conn, |c| sources::table
        .filter(sources::tenant_id.eq(tx.tenant))
        .order(sources::id)
        .limit(limit)
        .select(Source::as_select())
        .load(c))
}

/// Writes settings, secrets and state, unless the row has changed since `updated_at`.
pub fn save(conn: &mut Conn, source: &Source, updated_at: Timestamp) -> Result<Claim> {
    let as_read =
        sources::table.find((&source.tenant_id, &source.id)).filter(sources::updated_at.eq(updated_at));
    let update = kept::update(as_read).set(source);
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Notes that a call of the source was taken at `now`.
pub fn note_received(tx: &mut Tx, id: &SourceId, now: Timestamp) -> Result<()> {
    let update = kept::update(sources::table.find((tx.tenant, id)))
        .set((sources::last_received_at.eq(now), sources::last_error.eq(None::<String>)));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// How the reason begins for which a call was refused.
pub const REFUSED: &str = "a call was refused: ";

/// Notes why a call was refused, unless something weightier is noted: any client can make a call.
pub fn note_refusal(tx: &mut Tx, id: &SourceId, reason: &str) -> Result<()> {
    let refused = sources::last_error.like(format!("{REFUSED}%"));
    let update =
        kept::update(sources::table.find((tx.tenant, id)).filter(sources::last_error.is_null().or(refused)))
            .set(sources::last_error.eq(reason));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Forgets why a lead could not be fetched: one was since. That calls are refused stays.
pub fn clear_error(tx: &mut Tx, id: &SourceId) -> Result<()> {
    let other = sources::last_error.not_like(format!("{REFUSED}%"));
    let update = kept::update(sources::table.find((tx.tenant, id)).filter(other))
        .set(sources::last_error.eq(None::<String>));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Notes why a lead could not be fetched.
pub fn note_error(tx: &mut Tx, id: &SourceId, reason: &str) -> Result<()> {
    let update = kept::update(sources::table.find((tx.tenant, id))).set(sources::last_error.eq(reason));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Removes a source with its notices; the leads that came of them stay.
pub fn delete(tx: &mut Tx, id: &SourceId) -> Result<()> {
    let own = notices::table.filter(notices::tenant_id.eq(tx.tenant)).filter(notices::source_id.eq(id));
    on!(tx.conn, |c| diesel::delete(own).execute(c))?;
    on!(tx.conn, |c| diesel::delete(sources::table.find((tx.tenant, id))).execute(c)).map(|_| ())
}
