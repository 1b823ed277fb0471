//! A schedule: when a trigger of an automation fires next.

use diesel::prelude::*;
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

diesel::table! {
    schedules (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        automation_id -> Text,
        number -> Integer,
        cadence -> Text,
        timezone -> Text,
        misfire -> Text,
        planned_at -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = schedules, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Schedule {
    pub tenant_id: TenantId,
    pub id: ScheduleId,
    #[diesel(skip_update)]
    pub automation_id: AutomationId,
    /// Which of the automation's triggers it is, from 0.
    #[diesel(skip_update)]
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
