//! What the gate decided about a message at the moment of sending, and why.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{EffectId, TenantId};

define_words! {
    /// What was decided.
    Decision = "decision" {
        Send = "send",
        /// It waits until a moment, and the gate is asked again then.
        Hold = "hold",
        /// It is never sent.
        Drop = "drop",
    }

    /// Which check decided it.
    Gate = "gate" {
        /// No check objected.
        All = "all",
        Run = "run",
        Suppression = "suppression",
        Consent = "consent",
        Appointment = "appointment",
        Reply = "reply",
        Expiry = "expiry",
        Freshness = "news",
        QuietHours = "quiet_hours",
        Cap = "cap",
        Spacing = "spacing",
    }
}

diesel::table! {
    automatic_answers (effect_id) {
        effect_id -> Text,
        run_id -> Text,
        hash -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    verdicts (tenant_id, effect_id, number) {
        tenant_id -> Text,
        effect_id -> Text,
        number -> BigInt,
        gate -> Text,
        decision -> Text,
        reason -> Text,
        at -> BigInt,
        until -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = verdicts, treat_none_as_default_value = false)]
pub struct GateDecisionRow {
    pub tenant_id: TenantId,
    pub effect_id: EffectId,
    /// The effect's epoch when it was decided.
    pub number: i64,
    pub gate: Gate,
    pub decision: Decision,
    pub reason: String,
    pub at: Timestamp,
    pub until: Option<Timestamp>,
}
