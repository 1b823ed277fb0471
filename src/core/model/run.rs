//! A run: one automation version applied to one event, with a journal of its steps.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::{AutomationId, ContactId, EffectId, EventId, RunId, TenantId};

define_words! {
    /// How far a run has come. `running` waits for effects, `waiting` for a moment.
    RunState = "run state" {
        Pending = "pending",
        Running = "running",
        Waiting = "waiting",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }

    /// What became of a step.
    StepState = "step state" {
        /// Its effect is promised and not yet settled, or its moment has not come.
        Waiting = "waiting",
        Succeeded = "succeeded",
        /// Its condition was false.
        Skipped = "skipped",
        Failed = "failed",
    }
}

impl RunState {
    pub fn is_finished(self) -> bool {
        match self {
            RunState::Pending | RunState::Running | RunState::Waiting => false,
            RunState::Succeeded | RunState::Failed | RunState::Cancelled => true,
        }
    }
}

diesel::table! {
    runs (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        automation_id -> Text,
        version -> Integer,
        event_id -> Text,
        subject_id -> Text,
        state -> Text,
        position -> Integer,
        reason -> Nullable<Text>,
        due_at -> Nullable<BigInt>,
        epoch -> BigInt,
        attempt -> Integer,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        contact_id -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = runs, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Run {
    pub tenant_id: TenantId,
    pub id: RunId,
    #[diesel(skip_update)]
    pub automation_id: AutomationId,
    #[diesel(skip_update)]
    pub version: i32,
    #[diesel(skip_update)]
    pub event_id: EventId,
    /// What the run is about: the id of a lead, a job, a calendar entry, or else of its event.
    #[diesel(skip_update)]
    pub subject_id: String,
    pub state: RunState,
    /// The index of the step that comes next, from 0.
    pub position: i32,
    pub reason: Option<String>,
    /// When advance may take it; nothing while it waits for effects, a person, or is finished.
    pub due_at: Option<Timestamp>,
    /// Grows with every write; a write made from a stale read changes nothing.
    #[diesel(skip_update)]
    pub epoch: i64,
    /// Failed attempts to advance in a row; they space the next.
    pub attempt: i32,
    #[diesel(skip_update)]
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Whom it is about. It outlives the contact.
    #[diesel(skip_update)]
    pub contact_id: Option<ContactId>,
}

diesel::table! {
    steps (tenant_id, run_id, position) {
        tenant_id -> Text,
        run_id -> Text,
        position -> Integer,
        name -> Text,
        action -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        effect_id -> Nullable<Text>,
        output -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

/// One line of a run's journal.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = steps, primary_key(tenant_id, run_id, position))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Step {
    pub tenant_id: TenantId,
    pub run_id: RunId,
    pub position: i32,
    pub name: String,
    pub action: String,
    pub state: StepState,
    pub reason: Option<String>,
    pub effect_id: Option<EffectId>,
    /// What later steps may refer to as `steps.NAME`.
    pub output: Json,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}
