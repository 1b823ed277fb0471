//! The rows of one tenant, out of one installation and into another.
//!
//! Which tables and columns there are says the schema (`rows`), so that a new table comes along, unless it is named here or in
//! `tenant_deletion::NOT_EXPORTED`. What is sealed stays behind: another installation has another key.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::rows::{self, Column, Filling, Kind, Table};
use crate::tenant_deletion::NOT_EXPORTED;
use crate::{Conn, dialect, migration};
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;

/// The table of the tenant itself.
pub const TENANTS: &str = "tenants";
pub const SUPPRESSIONS: &str = "suppressions";

/// Tables of tenants that stay behind: users are made by the text of the tenant.
const STAY: [&str; 1] = ["memberships"];

/// Columns that say who works on a row just now.
const OF_WORK: [&str; 2] = ["leased_by", "lease_until"];

/// Lists what travels of a tenant, each table after those that it refers to.
///
/// # Errors
/// `Unavailable` when the schema cannot be read.
pub fn tables(conn: &mut Conn) -> Result<Vec<Table>> {
    let travels = |table: &Table| {
        let name = table.name.as_str();
        let stays = NOT_EXPORTED.contains(&name) || STAY.contains(&name);
        name == TENANTS || (table.has("tenant_id") && !stays)
    };
    let left_out = |column: &Column| {
        let is_sealed = column.kind == Kind::Bytes && column.name.contains("sealed");
        is_sealed || OF_WORK.contains(&column.name.as_str())
    };
    Ok(rows::tables(conn)?.into_iter().filter(travels).map(|table| table.without(left_out)).collect())
}

/// Returns the schema that rows are of.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn schema(conn: &mut Conn) -> Result<String> {
    Ok(migration::latest(conn)?.unwrap_or_default())
}

/// Reads as of one moment, on a connection that is in no transaction.
///
/// # Errors
/// Those of `work`.
pub fn as_of_one_moment<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    conn.transaction(|conn| {
        dialect::read_as_of_now(conn)?;
        work(conn)
    })
}

fn own(table: &Table, tenant: &TenantId) -> String {
    let column = if table.name == TENANTS { "id" } else { "tenant_id" };
    format!("{column} = '{tenant}'")
}

/// Hands out the rows of a tenant in one table, in an order that stays the same.
///
/// # Errors
/// Those of `take`, and `Unavailable` when the database cannot be read.
pub fn each(
    conn: &mut Conn,
    table: &Table,
    tenant: &TenantId,
    take: &mut dyn FnMut(Map<String, Value>) -> Result<()>,
) -> Result<()> {
    rows::each(conn, table, &own(table, tenant), &mut |row| take(read(row)?))
}

fn read(row: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(row).map_err(|error| Error::internal("a row is no JSON").source(error))
}

/// Puts rows into a table. Each has to be the tenant's own, and to have nothing but the columns of the table.
///
/// # Errors
/// `Usage` when one is not; `Conflict` when it is there already.
pub fn put(
    conn: &mut Conn,
    table: &Table,
    tenant: &TenantId,
    given: &mut dyn Iterator<Item = Result<Map<String, Value>>>,
) -> Result<u64> {
    let column = if table.name == TENANTS { "id" } else { "tenant_id" };
    let mut filling = Filling::new(conn, table);
    for (number, row) in given.enumerate() {
        let row = row?;
        let wrong = |what: String| Error::usage(format!("row {} of `{}` {what}", number + 1, table.name));
        if row.get(column).and_then(Value::as_str) != Some(tenant.as_str()) {
            return Err(wrong("is not the tenant's".to_owned()));
        }
        if let Some(other) = row.keys().find(|key| !table.has(key)) {
            return Err(wrong(format!("has `{other}`, which is no column")));
        }
        if let Some(missing) = table.columns.iter().find(|column| !row.contains_key(&column.name)) {
            return Err(wrong(format!("lacks `{}`", missing.name)));
        }
        filling.add(&Value::Object(row).to_string())?;
    }
    filling.end()
}

/// Tells whether a tenant is there.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn is_there(conn: &mut Conn, tenant: &TenantId) -> Result<bool> {
    Ok(rows::count(conn, TENANTS, &format!("id = '{tenant}'"))? > 0)
}

/// Lists every address that is written down of a tenant's people.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn addresses(conn: &mut Conn, tenant: &TenantId) -> Result<BTreeSet<String>> {
    const PLACES: [(&str, &str); 8] = [
        ("contact_addresses", "value"),
        ("leads", "email"),
        ("leads", "phone"),
        ("leads", "reply_to"),
        ("messages", "sender"),
        ("messages", "recipient"),
        ("consents", "address"),
        ("suppressions", "detail"),
    ];
    let mut all = BTreeSet::new();
    for (table, column) in PLACES {
        let sql = format!(
            "SELECT DISTINCT {column} AS said FROM {table} WHERE tenant_id = '{tenant}' AND {column} IS NOT NULL"
        );
        all.extend(dialect::texts(conn, &sql)?);
    }
    Ok(all)
}
