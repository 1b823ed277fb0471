//! An effect: one promised change to the outside world, kept until it is settled.

use diesel::Queryable;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::address::EmailAddress;
use crate::model::{ConnectionId, EffectId, RunId, TenantId};

define_words! {
    /// How far an effect has come.
    EffectState = "effect state" {
        Pending = "pending",
        /// An attempt is under way.
        Leased = "leased",
        /// It was tried, did not happen, and will be tried again.
        Retrying = "retrying",
        /// It may have happened; the provider is being asked.
        InDoubt = "in_doubt",
        Delivered = "delivered",
        /// Given up; `effect retry` revives it.
        Dead = "dead",
        /// A person decided that it shall not happen.
        Discarded = "discarded",
    }

    /// What an effect does.
    EffectKind = "effect kind" {
        SendMail = "mail.send",
        CreateEvent = "calendar.create_event",
        AppendRow = "sheets.append_row",
    }
}

impl EffectState {
    /// Tells whether nothing more will be tried unless a person asks for it.
    pub fn is_settled(self) -> bool {
        match self {
            EffectState::Pending | EffectState::Leased | EffectState::Retrying | EffectState::InDoubt => {
                false
            }
            EffectState::Delivered | EffectState::Dead | EffectState::Discarded => true,
        }
    }
}

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Effect {
    pub tenant_id: TenantId,
    /// Also the idempotency key: every provider is given it, in the form that provider can keep.
    pub id: EffectId,
    pub run_id: RunId,
    pub step: String,
    pub kind: EffectKind,
    pub connection_id: ConnectionId,
    /// An [`EffectRequest`].
    pub request: Json,
    /// What a connector noted in mid-work, such as the id of a draft not yet sent.
    pub evidence: Option<Json>,
    /// The provider's name for what was made.
    pub provider_id: Option<String>,
    pub state: EffectState,
    pub reason: Option<String>,
    /// Attempts begun so far.
    pub attempt: i32,
    /// Attempts allowed before it is given up; nothing means no limit.
    pub attempt_limit: Option<i32>,
    /// Grows with every claim and settlement; a stale attempt can settle nothing.
    pub epoch: i64,
    /// When deliver may take it; nothing while leased, held for a person, or settled.
    pub due_at: Option<Timestamp>,
    /// When the claim of the attempt under way ends.
    pub lease_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

/// What the provider is asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum EffectRequest {
    #[serde(rename = "mail.send")]
    SendMail(SendMail),
    #[serde(rename = "calendar.create_event")]
    CreateEvent(CreateEvent),
    #[serde(rename = "sheets.append_row")]
    AppendRow(AppendRow),
}

impl EffectRequest {
    pub fn kind(&self) -> EffectKind {
        match self {
            EffectRequest::SendMail(_) => EffectKind::SendMail,
            EffectRequest::CreateEvent(_) => EffectKind::CreateEvent,
            EffectRequest::AppendRow(_) => EffectKind::AppendRow,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendMail {
    pub to: EmailAddress,
    /// The name shown beside the sender's address.
    pub from_name: String,
    pub reply_to: Option<EmailAddress>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateEvent {
    /// `primary`, or the id of another calendar that the connection's mailbox may write.
    pub calendar: String,
    pub title: String,
    pub description: String,
    pub location: Option<String>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The IANA zone in which the event is shown.
    pub timezone: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppendRow {
    pub spreadsheet: String,
    /// The title of the sheet in it; made when it is missing.
    pub sheet: String,
    /// Header and cell, in the order in which missing headers are added.
    pub cells: Vec<(String, String)>,
}

/// One try at delivering an effect.
#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Attempt {
    pub tenant_id: TenantId,
    pub effect_id: EffectId,
    pub number: i32,
    pub outcome: String,
    pub reason: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}
