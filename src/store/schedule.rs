//! Rows of `schedules`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ScheduleId;
use nexora_core::model::schedule::{Schedule, schedules};

pub fn insert(conn: &mut Conn, schedule: &Schedule) -> Result<()> {
    on!(conn, |c| diesel::insert_into(schedules::table).values(schedule).execute(c)).map(|_| ())
}

pub fn find(tx: &mut Tx, id: &ScheduleId) -> Result<Option<Schedule>> {
    on!(tx.conn, |c| schedules::table.find((tx.tenant, id)).select(Schedule::as_select()).first(c).optional())
}

/// Lists a tenant's schedules, the next first. An automation has few triggers, so there is no limit.
pub fn list(tx: &mut Tx) -> Result<Vec<Schedule>> {
    on!(tx.conn, |c| schedules::table
        .filter(schedules::tenant_id.eq(tx.tenant))
        .order((schedules::planned_at, schedules::id))
        .select(Schedule::as_select())
        .load(c))
}

/// Writes a schedule's plan, unless another daemon moved it on since `planned_at` was read.
pub fn save(conn: &mut Conn, schedule: &Schedule, planned_at: Timestamp) -> Result<Claim> {
    let unchanged = schedules::table
        .find((&schedule.tenant_id, &schedule.id))
        .filter(schedules::planned_at.eq(planned_at));
    let update = kept::update(unchanged).set(schedule);
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

pub fn delete(tx: &mut Tx, id: &ScheduleId) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(schedules::table.find((tx.tenant, id))).execute(c)).map(|_| ())
}
