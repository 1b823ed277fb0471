//! Rows of `automations` and `automation_versions`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::automation::{Automation, AutomationState, Version, automation_versions, automations};
use crate::model::{AutomationId, TenantId};
use crate::store::conn::on;
use crate::store::{Conn, Inserted};

/// Inserts the automation, unless the tenant has one of its name.
pub fn insert(conn: &mut Conn, automation: &Automation) -> Result<Inserted> {
    let insert = diesel::insert_into(automations::table).values(automation).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &AutomationId) -> Result<Option<Automation>> {
    on!(conn, |c| automations::table.find((tenant, id)).select(Automation::as_select()).first(c).optional())
}

pub fn find_by_name(conn: &mut Conn, tenant: &TenantId, name: &str) -> Result<Option<Automation>> {
    on!(conn, |c| automations::table
        .filter(automations::tenant_id.eq(tenant))
        .filter(automations::name.eq(name))
        .select(Automation::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's automations by name.
pub fn list(conn: &mut Conn, tenant: &TenantId, limit: i64) -> Result<Vec<Automation>> {
    on!(conn, |c| automations::table
        .filter(automations::tenant_id.eq(tenant))
        .order(automations::name)
        .limit(limit)
        .select(Automation::as_select())
        .load(c))
}

pub fn set_state(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &AutomationId,
    state: AutomationState,
    now: Timestamp,
) -> Result<()> {
    let update = diesel::update(automations::table.find((tenant, id)))
        .set((automations::state.eq(state), automations::updated_at.eq(now)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Adds a version and makes it the one that new runs are pinned to.
pub fn insert_version(conn: &mut Conn, version: &Version) -> Result<()> {
    on!(conn, |c| diesel::insert_into(automation_versions::table).values(version).execute(c))?;
    let update = diesel::update(automations::table.find((&version.tenant_id, &version.automation_id)))
        .set((automations::live_version.eq(version.number), automations::updated_at.eq(version.created_at)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

pub fn find_version(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &AutomationId,
    number: i32,
) -> Result<Option<Version>> {
    on!(conn, |c| automation_versions::table
        .find((tenant, id, number))
        .select(Version::as_select())
        .first(c)
        .optional())
}

/// Lists an automation's versions, latest first.
pub fn versions(conn: &mut Conn, tenant: &TenantId, id: &AutomationId, limit: i64) -> Result<Vec<Version>> {
    on!(conn, |c| automation_versions::table
        .filter(automation_versions::tenant_id.eq(tenant))
        .filter(automation_versions::automation_id.eq(id))
        .order(automation_versions::number.desc())
        .limit(limit)
        .select(Version::as_select())
        .load(c))
}
