//! Rows of `tasks`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::task::{Task, TaskState, tasks};
use nexora_core::model::{ContactId, TaskId};

pub fn insert(conn: &mut Conn, task: &Task) -> Result<()> {
    on!(conn, |c| diesel::insert_into(tasks::table).values(task).execute(c)).map(|_| ())
}

pub fn find(tx: &mut Tx, id: &TaskId) -> Result<Option<Task>> {
    on!(tx.conn, |c| tasks::table.find((tx.tenant, id)).select(Task::as_select()).first(c).optional())
}

/// Lists a tenant's tasks, newest first.
pub fn list(tx: &mut Tx, state: Option<TaskState>, before: Option<&TaskId>, limit: i64) -> Result<Vec<Task>> {
    on!(tx.conn, |c| {
        let mut query = tasks::table.filter(tasks::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(state) = state {
            query = query.filter(tasks::state.eq(state));
        }
        if let Some(before) = before {
            query = query.filter(tasks::id.lt(before));
        }
        query.order(tasks::id.desc()).limit(limit).select(Task::as_select()).load(c)
    })
}

/// Tells whether a contact has an open task with this title.
pub fn any_open(tx: &mut Tx, contact: &ContactId, title: &str) -> Result<bool> {
    let found: Option<TaskId> = on!(tx.conn, |c| tasks::table
        .filter(tasks::tenant_id.eq(tx.tenant))
        .filter(tasks::state.eq(TaskState::Open))
        .filter(tasks::contact_id.eq(contact))
        .filter(tasks::title.eq(title))
        .select(tasks::id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}

/// Notes that an open task is done.
pub fn finish(tx: &mut Tx, id: &TaskId, now: Timestamp) -> Result<Claim> {
    let open = tasks::table.find((tx.tenant, id)).filter(tasks::state.eq(TaskState::Open));
    let update = kept::update(open).set((tasks::state.eq(TaskState::Done), tasks::done_at.eq(now)));
    on!(tx.conn, |c| update.execute(c)).map(Claim::from_count)
}
