//! Rows of `api_keys`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::source::{ApiKey, api_keys};
use crate::model::{KeyId, TenantId};
use crate::store::Conn;
use crate::store::conn::on;

pub fn insert(conn: &mut Conn, key: &ApiKey) -> Result<()> {
    on!(conn, |c| diesel::insert_into(api_keys::table).values(key).execute(c)).map(|_| ())
}

/// Finds a key of the tenant by its hash, good or not. Uses `api_keys_by_hash`.
pub fn find_by_hash(conn: &mut Conn, tenant: &TenantId, hash: &str) -> Result<Option<ApiKey>> {
    on!(conn, |c| api_keys::table
        .filter(api_keys::tenant_id.eq(tenant))
        .filter(api_keys::hash.eq(hash))
        .select(ApiKey::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's keys, oldest first.
pub fn list(conn: &mut Conn, tenant: &TenantId, limit: i64) -> Result<Vec<ApiKey>> {
    on!(conn, |c| api_keys::table
        .filter(api_keys::tenant_id.eq(tenant))
        .order(api_keys::id)
        .limit(limit)
        .select(ApiKey::as_select())
        .load(c))
}

pub fn note_use(conn: &mut Conn, tenant: &TenantId, id: &KeyId, now: Timestamp) -> Result<()> {
    let update = diesel::update(api_keys::table.find((tenant, id))).set(api_keys::last_used_at.eq(now));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Writes when a key ends, and when it was taken back.
pub fn set_end(conn: &mut Conn, key: &ApiKey) -> Result<()> {
    let update = diesel::update(api_keys::table.find((&key.tenant_id, &key.id)))
        .set((api_keys::expires_at.eq(key.expires_at), api_keys::revoked_at.eq(key.revoked_at)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}
