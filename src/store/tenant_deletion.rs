//! Rows of `tenant_deletions`, every row of a tenant as text, and how all of them go.
//!
//! [`TABLES`] names every table with rows of tenants, what refers to a row before the row. `tests/it/leaving.rs` holds it
//! against the schema.

use diesel::prelude::*;

use crate::conn::on;
use crate::rows::{self, Kind};
use crate::{Claim, Conn, Inserted, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::TenantId;
use nexora_core::model::tenant::tenants;
use nexora_core::model::tenant_deletion::{TenantDeletion, tenant_deletions};

/// A table with rows of tenants, and the column by which a share of a tenant's rows is taken.
pub const TABLES: &[(&str, &str)] = &[
    ("photos", "id"),
    ("verdicts", "effect_id"),
    ("attempts", "effect_id"),
    ("effects", "id"),
    ("steps", "run_id"),
    ("runs", "id"),
    ("events", "id"),
    ("tasks", "id"),
    ("jobs", "id"),
    ("timers", "id"),
    ("items", "key"),
    ("cursors", "id"),
    ("appointments", "id"),
    ("messages", "id"),
    ("notices", "id"),
    ("sources", "id"),
    ("consents", "id"),
    ("suppressions", "hash"),
    ("contact_addresses", "value"),
    ("leads", "id"),
    ("group_members", "contact_id"),
    ("assets", "id"),
    ("contacts", "id"),
    ("companies", "id"),
    ("locations", "id"),
    ("contact_groups", "id"),
    ("custom_fields", "name"),
    ("schedules", "id"),
    ("automation_versions", "automation_id"),
    ("automations", "id"),
    ("api_keys", "id"),
    ("forms", "tenant_id"),
    ("wordings", "channel"),
    ("connections", "id"),
    ("findings", "key"),
    ("audit_people", "person"),
    ("erasures", "id"),
    ("sessions", "id"),
    ("memberships", "user_id"),
    ("tenant_deletions", "tenant_id"),
];

/// Tables that are of use to nobody elsewhere: keys, and what is true of this installation alone.
pub const NOT_EXPORTED: &[&str] = &["api_keys", "audit_people", "findings", "sessions", "tenant_deletions"];

/// Rows of a table that go in one write, so that no other write waits long.
const SHARE: i64 = 200;

/// Notes that a tenant is to be deleted, unless that is noted already.
pub fn insert(conn: &mut Conn, deletion: &TenantDeletion) -> Result<Inserted> {
    let insert = diesel::insert_into(tenant_deletions::table).values(deletion).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(conn: &mut Conn, tenant: &TenantId) -> Result<Option<TenantDeletion>> {
    on!(conn, |c| tenant_deletions::table
        .find(tenant)
        .select(TenantDeletion::as_select())
        .first(c)
        .optional())
}

/// Takes a deletion back.
pub fn clear(conn: &mut Conn, tenant: &TenantId) -> Result<Claim> {
    on!(conn, |c| diesel::delete(tenant_deletions::table.find(tenant)).execute(c)).map(Claim::from_count)
}

/// Lists the tenants whose time has come. There are few.
pub fn due(conn: &mut Conn, now: Timestamp) -> Result<Vec<TenantDeletion>> {
    on!(conn, |c| tenant_deletions::table
        .filter(tenant_deletions::purge_at.le(now))
        .order(tenant_deletions::tenant_id)
        .select(TenantDeletion::as_select())
        .load(c))
}

/// Counts what is being delivered of a tenant.
pub fn under_way(conn: &mut Conn, tenant: &TenantId, now: Timestamp) -> Result<i64> {
    let now = now.millis();
    let sql = format!(
        "SELECT count(*) AS tables FROM effects
          WHERE tenant_id = '{tenant}' AND state = 'leased' AND settled_at IS NULL AND lease_until > {now}"
    );
    dialect::number(conn, &sql)
}

/// Hands out every row of a tenant as JSON, table by table, without columns of bytes.
///
/// # Errors
/// Those of `take`, and `Unavailable` when the database cannot be read.
pub fn rows(
    conn: &mut Conn,
    tenant: &TenantId,
    take: &mut dyn FnMut(&str, &str) -> Result<()>,
) -> Result<()> {
    for table in rows::tables(conn)? {
        let own = match table.name.as_str() {
            "tenants" => format!("id = '{tenant}'"),
            name if NOT_EXPORTED.contains(&name) || !table.has("tenant_id") => continue,
            _ => format!("tenant_id = '{tenant}'"),
        };
        let table = table.without(|column| column.kind == Kind::Bytes);
        rows::each(conn, &table, &own, &mut |row| take(&table.name, row))?;
    }
    Ok(())
}

/// Deletes a share of a tenant's rows of a table; returns whether more are left.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn purge_share(conn: &mut Conn, tenant: &TenantId, (table, column): (&str, &str)) -> Result<bool> {
    let own = format!("tenant_id = '{tenant}'");
    if table == "effects" {
        // Counted over all tenants, they have none of their own.
        dialect::run(
            conn,
            &format!(
                "DELETE FROM automatic_answers WHERE effect_id IN (SELECT id FROM effects WHERE {own} LIMIT {SHARE})"
            ),
        )?;
    }
    let share = format!("{own} AND {column} IN (SELECT {column} FROM {table} WHERE {own} LIMIT {SHARE})");
    dialect::run(conn, &format!("DELETE FROM {table} WHERE {share}"))?;
    let left = format!("SELECT count(*) AS tables FROM (SELECT 1 FROM {table} WHERE {own} LIMIT 1) AS rest");
    Ok(dialect::number(conn, &left)? > 0)
}

/// Deletes what is left of a tenant, the tenant itself, and users who were of no other; returns whether it was there.
///
/// # Errors
/// `Unavailable` when the database cannot be written, or something of the tenant comes in at the same moment.
pub fn finish(conn: &mut Conn, tenant: &TenantId) -> Result<bool> {
    let own = format!("tenant_id = '{tenant}'");
    let members = dialect::texts(conn, &format!("SELECT user_id AS said FROM memberships WHERE {own}"))?;
    dialect::run(
        conn,
        &format!(
            "DELETE FROM alerts WHERE tenant = (SELECT slug FROM tenants WHERE id = '{tenant}');
             DELETE FROM automatic_answers WHERE effect_id IN (SELECT id FROM effects WHERE {own})"
        ),
    )?;
    for (table, _) in TABLES {
        dialect::run(conn, &format!("DELETE FROM {table} WHERE {own}"))?;
    }
    for user in members {
        let alone = format!(
            "'{user}' AND NOT EXISTS (SELECT 1 FROM memberships WHERE user_id = '{user}')
             AND NOT EXISTS (SELECT 1 FROM users WHERE id = '{user}' AND operator)"
        );
        let tables = [
            ("sessions", "user_id"),
            ("sign_ins", "user_id"),
            ("password_links", "user_id"),
            ("users", "id"),
        ];
        for (table, column) in tables {
            dialect::run(conn, &format!("DELETE FROM {table} WHERE {column} = {alone}"))?;
        }
    }
    on!(conn, |c| diesel::delete(tenants::table.find(tenant)).execute(c)).map(|rows| rows > 0)
}
