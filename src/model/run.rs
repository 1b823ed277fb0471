//! A run: one automation version applied to one event, with a journal of its steps.

use diesel::Queryable;
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

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Run {
    pub tenant_id: TenantId,
    pub id: RunId,
    pub automation_id: AutomationId,
    pub version: i32,
    pub event_id: EventId,
    /// What the run is about: the id of a lead, a job, a calendar entry, or else of its event.
    pub subject_id: String,
    pub state: RunState,
    /// The index of the step that comes next, from 0.
    pub position: i32,
    pub reason: Option<String>,
    /// When advance may take it; nothing while it waits for effects, a person, or is finished.
    pub due_at: Option<Timestamp>,
    /// Grows with every write; a write made from a stale read changes nothing.
    pub epoch: i64,
    /// Failed attempts to advance in a row; they space the next.
    pub attempt: i32,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Whom it is about. It outlives the contact.
    pub contact_id: Option<ContactId>,
}

/// One line of a run's journal.
#[derive(Clone, Debug, Queryable, Serialize)]
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
