//! Rows of `automations` and `automation_versions`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::AutomationId;
use nexora_core::model::automation::{
    Automation, AutomationState, Version, automation_versions, automations,
};

/// Inserts the automation, unless the tenant has one of its name.
pub fn insert(conn: &mut Conn, automation: &Automation) -> Result<Inserted> {
    let insert = diesel::insert_into(automations::table).values(automation).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &AutomationId) -> Result<Option<Automation>> {
    on!(tx.conn, |c| automations::table
        .find((tx.tenant, id))
        .select(Automation::as_select())
        .first(c)
        .optional())
}

pub fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Automation>> {
    on!(tx.conn, |c| automations::table
        .filter(automations::tenant_id.eq(tx.tenant))
        .filter(automations::name.eq(name))
        .select(Automation::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's automations by name.
pub fn list(tx: &mut Tx, limit: i64) -> Result<Vec<Automation>> {
    on!(tx.conn, |c| automations::table
        .filter(automations::tenant_id.eq(tx.tenant))
        .order(automations::name)
        .limit(limit)
        .select(Automation::as_select())
        .load(c))
}

pub fn set_state(tx: &mut Tx, id: &AutomationId, state: AutomationState, now: Timestamp) -> Result<()> {
    let update = kept::update(automations::table.find((tx.tenant, id)))
        .set((automations::state.eq(state), automations::updated_at.eq(now)));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Adds a version and makes it the one that new runs are pinned to.
pub fn insert_version(conn: &mut Conn, version: &Version) -> Result<()> {
    on!(conn, |c| diesel::insert_into(automation_versions::table).values(version).execute(c))?;
    let update = kept::update(automations::table.find((&version.tenant_id, &version.automation_id)))
        .set((automations::live_version.eq(version.number), automations::updated_at.eq(version.created_at)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

pub fn find_version(tx: &mut Tx, id: &AutomationId, number: i32) -> Result<Option<Version>> {
    on!(tx.conn, |c| automation_versions::table
        .find((tx.tenant, id, number))
        .select(Version::as_select())
        .first(c)
        .optional())
}

/// Lists an automation's versions, latest first.
pub fn versions(tx: &mut Tx, id: &AutomationId, limit: i64) -> Result<Vec<Version>> {
    on!(tx.conn, |c| automation_versions::table
        .filter(automation_versions::tenant_id.eq(tx.tenant))
        .filter(automation_versions::automation_id.eq(id))
        .order(automation_versions::number.desc())
        .limit(limit)
        .select(Version::as_select())
        .load(c))
}
