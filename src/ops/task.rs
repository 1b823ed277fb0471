//! Tasks: what people of the business are to do.

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::model::audit::Actor;
use crate::model::task::{Task, TaskState};
use crate::model::tenant::Tenant;
use crate::model::{ContactId, TaskId};
use crate::ops::{Subject, audited};
use crate::store::{Claim, task};

/// Makes a task.
///
/// # Errors
/// `Usage` when it has no title.
pub async fn add(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    (title, detail): (String, String),
    contact_id: Option<ContactId>,
    due_at: Option<Timestamp>,
) -> Result<Task> {
    if title.trim().is_empty() {
        return Err(Error::usage("a task needs a title").hint("add `--title \"Call Jo Miller\"`"));
    }
    let now = app.clock.now();
    let new = Task {
        tenant_id: tenant.id.clone(),
        id: TaskId::new(now),
        title: title.trim().to_owned(),
        detail,
        state: TaskState::Open,
        contact_id,
        lead_id: None,
        run_id: None,
        due_at,
        created_at: now,
        done_at: None,
    };
    audited(&app.db, Some(tenant.id.clone()), actor, "task.add", now, move |conn| {
        task::insert(conn, &new)?;
        let subject = Subject::new(&new.id).after(&new)?;
        Ok((new, subject))
    })
    .await
}

/// Notes that a task is done. The same again changes nothing.
///
/// # Errors
/// `NotFound` when the tenant has no such task.
pub async fn finish(app: &App, actor: &Actor, tenant: &Tenant, id: &TaskId) -> Result<Task> {
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = Error::not_found(format!("no task `{id}` in tenant `{}`", tenant.slug))
        .hint(format!("run `nexora task list --tenant {}`", tenant.slug));
    audited(&app.db, Some(tenant.id.clone()), actor, "task.done", now, move |conn| {
        let before = task::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        let after = match task::finish(conn, &tenant_id, &wanted, now)? {
            Claim::Won => Task { state: TaskState::Done, done_at: Some(now), ..before.clone() },
            Claim::Lost => before.clone(),
        };
        let subject = Subject::new(&wanted).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Lists a tenant's tasks, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    state: Option<TaskState>,
    before: Option<TaskId>,
    limit: i64,
) -> Result<Vec<Task>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| task::list(conn, &id, state, before.as_ref(), limit)).await
}
