//! A task: something that a person of the business is to do.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{ContactId, LeadId, TaskId, TenantId};

define_words! {
    /// Whether a task is still to be done.
    TaskState = "task state" { Open = "open", Done = "done" }
}

diesel::table! {
    tasks (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        title -> Text,
        detail -> Text,
        state -> Text,
        contact_id -> Nullable<Text>,
        lead_id -> Nullable<Text>,
        run_id -> Nullable<Text>,
        due_at -> Nullable<BigInt>,
        created_at -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub struct Task {
    pub tenant_id: TenantId,
    pub id: TaskId,
    pub title: String,
    pub detail: String,
    pub state: TaskState,
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
    /// The run that made it.
    pub run_id: Option<String>,
    pub due_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub done_at: Option<Timestamp>,
}
