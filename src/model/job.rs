//! A job: a piece of work for a homeowner.

use diesel::Queryable;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{ContactId, JobId, LeadId, TenantId};

define_words! {
    /// How far a job has come.
    JobState = "job state" {
        Open = "open",
        Scheduled = "scheduled",
        Completed = "completed",
        Cancelled = "cancelled",
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Serialize)]
pub struct Job {
    pub tenant_id: TenantId,
    pub id: JobId,
    pub title: String,
    pub state: JobState,
    /// Where it stands in the tenant's own pipeline.
    pub stage: Option<String>,
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
    pub address: Option<String>,
    /// The IANA zone of the address, where it is known.
    pub timezone: Option<String>,
    /// What it brings, in hundredths of the tenant's currency.
    pub amount_cents: Option<i64>,
    /// What it came from, so that the same calendar entry or sheet row makes one job.
    pub source_key: String,
    pub scheduled_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
