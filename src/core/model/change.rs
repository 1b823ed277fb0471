//! What a step changes in our own records: written with the run's new state, so it happens once.

use std::fmt;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::lead::LeadState;
use crate::model::{ContactId, JobId, LeadId, TaskId};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    CreateTask(NewTask),
    SetLead { lead_id: LeadId, state: LeadState },
    UpdateContact(ContactUpdate),
    SaveJob(JobChange),
}

/// Says what is changed, for the step's journal.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::CreateTask(task) => write!(f, "new task: {}", task.title),
            Change::SetLead { state, .. } => write!(f, "lead becomes {state}"),
            Change::UpdateContact(ContactUpdate { name, timezone, .. }) => {
                let name = name.as_deref().map(|name| format!("name {name}"));
                let timezone = timezone.as_deref().map(|timezone| format!("time zone {timezone}"));
                let known = [name, timezone].into_iter().flatten().collect::<Vec<_>>().join(", ");
                write!(f, "contact: {}", if known.is_empty() { "unchanged" } else { &known })
            }
            Change::SaveJob(JobChange { title, step, .. }) => match step {
                JobStep::Create => write!(f, "job: {title}"),
                JobStep::Stage(stage) => write!(f, "job: {title}, {stage}"),
                JobStep::Complete => write!(f, "job: {title}, completed"),
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewTask {
    pub id: TaskId,
    pub title: String,
    pub detail: String,
    pub due_at: Option<Timestamp>,
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
}

/// What becomes known of a contact; nothing stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContactUpdate {
    pub contact_id: ContactId,
    pub name: Option<String>,
    pub timezone: Option<String>,
}

/// A job that is made, or moved on where there is one already with the same key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobChange {
    /// The id it gets if it is made.
    pub id: JobId,
    pub key: String,
    pub title: String,
    pub step: JobStep,
    pub person: JobPerson,
    pub address: Option<String>,
    pub amount_cents: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStep {
    Create,
    Stage(String),
    Complete,
}

/// Whom a job is for: a contact that is known, or the addresses by which one is found or made.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JobPerson {
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
    pub name: String,
    pub email: Option<EmailAddress>,
    pub phone: Option<PhoneNumber>,
}
