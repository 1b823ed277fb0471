//! A schedule: when a trigger of an automation fires next.

use diesel::Queryable;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{AutomationId, ScheduleId, TenantId};

define_words! {
    /// What comes of moments that passed while nothing could fire.
    Misfire = "misfire policy" {
        /// Nothing.
        Skip = "skip",
        /// The latest of them fires.
        Latest = "latest",
        /// All of them fire.
        All = "all",
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Serialize)]
pub struct Schedule {
    pub tenant_id: TenantId,
    pub id: ScheduleId,
    pub automation_id: AutomationId,
    /// Which of the automation's triggers it is, from 0.
    pub number: i32,
    /// Five fields, as cron has them.
    pub cadence: String,
    /// The IANA zone in which the fields are read.
    pub timezone: String,
    pub misfire: Misfire,
    pub planned_at: Timestamp,
    /// As `planned_at`, or nothing while its tenant or automation is paused.
    pub due_at: Option<Timestamp>,
}
