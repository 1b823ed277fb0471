//! Rows of `api_keys`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::KeyId;
use nexora_core::model::source::{ApiKey, api_keys};

pub fn insert(conn: &mut Conn, key: &ApiKey) -> Result<()> {
    on!(conn, |c| diesel::insert_into(api_keys::table).values(key).execute(c)).map(|_| ())
}

/// Finds a key of the tenant by its hash, good or not. Uses `api_keys_by_hash`.
pub fn find_by_hash(tx: &mut Tx, hash: &str) -> Result<Option<ApiKey>> {
    on!(tx.conn, |c| api_keys::table
        .filter(api_keys::tenant_id.eq(tx.tenant))
        .filter(api_keys::hash.eq(hash))
        .select(ApiKey::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's keys, oldest first.
pub fn list(tx: &mut Tx, limit: i64) -> Result<Vec<ApiKey>> {
    on!(tx.conn, |c| api_keys::table
        .filter(api_keys::tenant_id.eq(tx.tenant))
        .order(api_keys::id)
        .limit(limit)
        .select(ApiKey::as_select())
        .load(c))
}

pub fn note_use(tx: &mut Tx, id: &KeyId, now: Timestamp) -> Result<()> {
    let update = kept::update(api_keys::table.find((tx.tenant, id))).set(api_keys::last_used_at.eq(now));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Writes when a key ends, and when it was taken back.
pub fn set_end(conn: &mut Conn, key: &ApiKey) -> Result<()> {
    let update = kept::update(api_keys::table.find((&key.tenant_id, &key.id)))
        .set((api_keys::expires_at.eq(key.expires_at), api_keys::revoked_at.eq(key.revoked_at)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}
