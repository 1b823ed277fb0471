//! Rows of `tasks`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::task::{Task, TaskState, tasks};
use crate::model::{TaskId, TenantId};
use crate::store::conn::on;
use crate::store::{Claim, Conn};

pub fn insert(conn: &mut Conn, task: &Task) -> Result<()> {
    on!(conn, |c| diesel::insert_into(tasks::table).values(task).execute(c)).map(|_| ())
}

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &TaskId) -> Result<Option<Task>> {
    on!(conn, |c| tasks::table.find((tenant, id)).select(Task::as_select()).first(c).optional())
}

/// Lists a tenant's tasks, newest first.
pub fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    state: Option<TaskState>,
    before: Option<&TaskId>,
    limit: i64,
) -> Result<Vec<Task>> {
    on!(conn, |c| {
        let mut query = tasks::table.filter(tasks::tenant_id.eq(tenant)).into_boxed();
        if let Some(state) = state {
            query = query.filter(tasks::state.eq(state));
        }
        if let Some(before) = before {
            query = query.filter(tasks::id.lt(before));
        }
        query.order(tasks::id.desc()).limit(limit).select(Task::as_select()).load(c)
    })
}

/// Notes that an open task is done.
pub fn finish(conn: &mut Conn, tenant: &TenantId, id: &TaskId, now: Timestamp) -> Result<Claim> {
    let open = tasks::table.find((tenant, id)).filter(tasks::state.eq(TaskState::Open));
    let update = diesel::update(open).set((tasks::state.eq(TaskState::Done), tasks::done_at.eq(now)));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}
