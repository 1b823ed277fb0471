//! Tasks: what people of the business are to do.

use crate::app::App;
use crate::ops::Subject;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::task::{Task, TaskState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, TaskId};
use nexora_store::{Claim, task};

pub const ADD: Operation = Operation::new("task.add", Noun::Task, Verb::Create);
pub const DONE: Operation = Operation::new("task.done", Noun::Task, Verb::Update);

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
    app.change(actor, tenant, ADD, move |tx, now| {
        let new = Task {
            tenant_id: tx.tenant.id.clone(),
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
        task::insert(tx, &new)?;
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
    let id = id.clone();
    app.change(actor, tenant, DONE, move |tx, now| {
        let before = task::find(tx, &id)?.ok_or_else(|| tx.missing("task", &id))?;
        let after = match task::finish(tx, &id, now)? {
            Claim::Won => Task { state: TaskState::Done, done_at: Some(now), ..before.clone() },
            Claim::Lost => before.clone(),
        };
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}
