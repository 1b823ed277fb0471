//! Rows of `items`: what a cursor has seen.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::cursor::{Item, items};
use crate::model::{CursorId, TenantId};
use crate::store::Conn;
use crate::store::conn::on;

/// Returns everything a cursor knows, by key.
pub fn all(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId) -> Result<HashMap<String, Item>> {
    let rows: Vec<Item> = on!(conn, |c| items::table
        .filter(items::tenant_id.eq(tenant))
        .filter(items::cursor_id.eq(cursor))
        .select(Item::as_select())
        .load(c))?;
    Ok(rows.into_iter().map(|item| (item.key.clone(), item)).collect())
}

pub fn find(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId, key: &str) -> Result<Option<Item>> {
    on!(conn, |c| items::table.find((tenant, cursor, key)).select(Item::as_select()).first(c).optional())
}

/// Writes an item, whether it is new or was known.
pub fn save(conn: &mut Conn, item: &Item) -> Result<()> {
    let same = items::table.find((&item.tenant_id, &item.cursor_id, &item.key));
    if on!(conn, |c| diesel::update(same).set(item).execute(c))? > 0 {
        return Ok(());
    }
    on!(conn, |c| diesel::insert_into(items::table).values(item).execute(c)).map(|_| ())
}

/// Forgets everything a cursor knows.
pub fn clear(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId) -> Result<()> {
    let own = items::table.filter(items::tenant_id.eq(tenant)).filter(items::cursor_id.eq(cursor));
    on!(conn, |c| diesel::delete(own).execute(c)).map(|_| ())
}

/// Forgets what was gone before `before`, but for the keys in `spared`.
pub fn forget_gone(
    conn: &mut Conn,
    tenant: &TenantId,
    cursor: &CursorId,
    before: Timestamp,
    spared: &[&str],
) -> Result<()> {
    let old = items::table
        .filter(items::tenant_id.eq(tenant))
        .filter(items::cursor_id.eq(cursor))
        .filter(items::gone_at.lt(before))
        .filter(items::key.ne_all(spared));
    on!(conn, |c| diesel::delete(old).execute(c)).map(|_| ())
}

/// Forgets what was seen before `before`.
pub fn forget_seen(conn: &mut Conn, tenant: &TenantId, cursor: &CursorId, before: Timestamp) -> Result<()> {
    let old = items::table
        .filter(items::tenant_id.eq(tenant))
        .filter(items::cursor_id.eq(cursor))
        .filter(items::seen_at.lt(before));
    on!(conn, |c| diesel::delete(old).execute(c)).map(|_| ())
}
