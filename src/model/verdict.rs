//! What the gate decided about a message at the moment of sending, and why.

use diesel::Queryable;
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

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize)]
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
