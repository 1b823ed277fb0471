//! A job: a piece of work for a homeowner.

use diesel::prelude::*;
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

impl JobState {
    /// Tells whether nothing more is done about it.
    pub fn is_over(self) -> bool {
        matches!(self, JobState::Completed | JobState::Cancelled)
    }
}

diesel::table! {
    jobs (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        title -> Text,
        state -> Text,
        stage -> Nullable<Text>,
        contact_id -> Nullable<Text>,
        lead_id -> Nullable<Text>,
        address -> Nullable<Text>,
        timezone -> Nullable<Text>,
        amount_cents -> Nullable<BigInt>,
        source_key -> Text,
        scheduled_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = jobs, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Job {
    pub tenant_id: TenantId,
    pub id: JobId,
    pub title: String,
    pub state: JobState,
    /// Where it stands in the tenant's own pipeline.
    pub stage: Option<String>,
    pub contact_id: Option<ContactId>,
    #[diesel(skip_update)]
    pub lead_id: Option<LeadId>,
    pub address: Option<String>,
    /// The IANA zone of the address, where it is known.
    pub timezone: Option<String>,
    /// What it brings, in hundredths of the tenant's currency.
    pub amount_cents: Option<i64>,
    /// What it came from, so that the same calendar entry or sheet row makes one job.
    #[diesel(skip_update)]
    pub source_key: String,
    pub scheduled_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
