//! Rows of `schedules`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::schedule::{Schedule, schedules};
use crate::model::{ScheduleId, TenantId};
use crate::store::conn::on;
use crate::store::{Claim, Conn};

pub fn insert(conn: &mut Conn, schedule: &Schedule) -> Result<()> {
    on!(conn, |c| diesel::insert_into(schedules::table).values(schedule).execute(c)).map(|_| ())
}

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &ScheduleId) -> Result<Option<Schedule>> {
    on!(conn, |c| schedules::table.find((tenant, id)).select(Schedule::as_select()).first(c).optional())
}

/// Lists a tenant's schedules, the next first. An automation has few triggers, so there is no limit.
pub fn list(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<Schedule>> {
    on!(conn, |c| schedules::table
        .filter(schedules::tenant_id.eq(tenant))
        .order((schedules::planned_at, schedules::id))
        .select(Schedule::as_select())
        .load(c))
}

/// Writes a schedule's plan, unless somebody moved it on since `planned_at` was read.
pub fn save(conn: &mut Conn, schedule: &Schedule, planned_at: Timestamp) -> Result<Claim> {
    let unchanged = schedules::table
        .find((&schedule.tenant_id, &schedule.id))
        .filter(schedules::planned_at.eq(planned_at));
    let update = diesel::update(unchanged).set(schedule);
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

pub fn delete(conn: &mut Conn, tenant: &TenantId, id: &ScheduleId) -> Result<()> {
    on!(conn, |c| diesel::delete(schedules::table.find((tenant, id))).execute(c)).map(|_| ())
}
