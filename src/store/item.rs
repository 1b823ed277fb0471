//! Rows of `items`: what a cursor has seen.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::CursorId;
use nexora_core::model::cursor::{Item, items};

/// Returns everything a cursor knows, by key.
pub fn all(tx: &mut Tx, cursor: &CursorId) -> Result<HashMap<String, Item>> {
    let rows: Vec<Item> = on!(tx.conn, |c| items::table
        .filter(items::tenant_id.eq(tx.tenant))
        .filter(items::cursor_id.eq(cursor))
        .select(Item::as_select())
        .load(c))?;
    Ok(rows.into_iter().map(|item| (item.key.clone(), item)).collect())
}

pub fn find(tx: &mut Tx, cursor: &CursorId, key: &str) -> Result<Option<Item>> {
    on!(tx.conn, |c| items::table
        .find((tx.tenant, cursor, key))
        .select(Item::as_select())
        .first(c)
        .optional())
}

/// Writes an item, whether it is new or was known.
pub fn save(conn: &mut Conn, item: &Item) -> Result<()> {
    let same = items::table.find((&item.tenant_id, &item.cursor_id, &item.key));
    if on!(conn, |c| kept::update(same).set(item).execute(c))? > 0 {
        return Ok(());
    }
    on!(conn, |c| diesel::insert_into(items::table).values(item).execute(c)).map(|_| ())
}

/// Forgets everything a cursor knows.
pub fn clear(tx: &mut Tx, cursor: &CursorId) -> Result<()> {
    let own = items::table.filter(items::tenant_id.eq(tx.tenant)).filter(items::cursor_id.eq(cursor));
    on!(tx.conn, |c| diesel::delete(own).execute(c)).map(|_| ())
}

/// Forgets what was gone before `before`, but for the keys in `spared`.
pub fn forget_gone(tx: &mut Tx, cursor: &CursorId, before: Timestamp, spared: &[&str]) -> Result<()> {
    let old = items::table
        .filter(items::tenant_id.eq(tx.tenant))
        .filter(items::cursor_id.eq(cursor))
        .filter(items::gone_at.lt(before))
        .filter(items::key.ne_all(spared));
    on!(tx.conn, |c| diesel::delete(old).execute(c)).map(|_| ())
}

/// Forgets what was seen before `before`.
pub fn forget_seen(tx: &mut Tx, cursor: &CursorId, before: Timestamp) -> Result<()> {
    let old = items::table
        .filter(items::tenant_id.eq(tx.tenant))
        .filter(items::cursor_id.eq(cursor))
        .filter(items::seen_at.lt(before));
    on!(tx.conn, |c| diesel::delete(old).execute(c)).map(|_| ())
}
