//! An effect: one promised change to the outside world, kept until it is settled.

use diesel::prelude::*;
use hmac::Mac as _;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::mac::hmac_sha256;
use crate::base::text::{Json, define_words, hex};
use crate::model::run::Run;
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
        DraftMail = "mail.draft",
        LabelMail = "mail.label",
        CreateEvent = "calendar.create_event",
        UpdateEvent = "calendar.update_event",
        CancelEvent = "calendar.cancel_event",
        FindSlot = "calendar.find_slot",
        AppendRow = "sheets.append_row",
        UpdateRow = "sheets.update_row",
        PostWebhook = "webhook.post",
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

impl EffectKind {
    /// Tells whether it sends a message: the gate is asked, and the message is kept and counted.
    pub fn is_message(self) -> bool {
        match self {
            EffectKind::SendMail => true,
            EffectKind::DraftMail
            | EffectKind::LabelMail
            | EffectKind::CreateEvent
            | EffectKind::UpdateEvent
            | EffectKind::CancelEvent
            | EffectKind::FindSlot
            | EffectKind::AppendRow
            | EffectKind::UpdateRow
            | EffectKind::PostWebhook => false,
        }
    }

    /// Returns the kinds that send a message.
    pub fn messages() -> impl Iterator<Item = EffectKind> {
        EffectKind::ALL.iter().copied().filter(|kind| kind.is_message())
    }
}

diesel::table! {
    effects (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        run_id -> Text,
        step -> Text,
        kind -> Text,
        connection_id -> Text,
        request -> Text,
        evidence -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        output -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        attempt -> Integer,
        attempt_limit -> Nullable<Integer>,
        epoch -> BigInt,
        due_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
        leased_by -> Nullable<Text>,
        created_at -> BigInt,
        settled_at -> Nullable<BigInt>,
        mark -> Nullable<Text>,
        unseen_since -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = effects, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Effect {
    pub tenant_id: TenantId,
    /// Also the idempotency key: every provider is given it, in the form that provider can keep.
    pub id: EffectId,
    #[diesel(skip_update)]
    pub run_id: RunId,
    #[diesel(skip_update)]
    pub step: String,
    #[diesel(skip_update)]
    pub kind: EffectKind,
    #[diesel(skip_update)]
    pub connection_id: ConnectionId,
    /// An [`EffectRequest`](crate::model::request::EffectRequest).
    #[diesel(skip_update)]
    pub request: Json,
    /// What a connector noted in mid-work, such as the id of a draft not yet sent.
    pub evidence: Option<Json>,
    /// The provider's name for what was made.
    pub provider_id: Option<String>,
    /// What was made, for the steps after it: names and values.
    pub output: Option<Json>,
    pub state: EffectState,
    pub reason: Option<String>,
    /// Attempts begun so far.
    pub attempt: i32,
    /// Attempts allowed before it is given up; nothing means no limit.
    pub attempt_limit: Option<i32>,
    /// Grows with every claim and settlement; a stale attempt can settle nothing.
    #[diesel(skip_update)]
    pub epoch: i64,
    /// When deliver may take it; nothing while leased, held for a person, or settled.
    pub due_at: Option<Timestamp>,
    /// When the claim of the attempt under way ends.
    #[diesel(skip_update)]
    pub lease_until: Option<Timestamp>,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    /// What the provider is given to know it by, where that is not its id ([`mark_of`]).
    #[diesel(skip_update)]
    pub mark: Option<String>,
    /// Since when it may have happened without this database knowing: it was restored from a backup of that moment. The
    /// provider is asked before anything is done.
    pub unseen_since: Option<Timestamp>,
}

/// Returns what a provider is given to know an effect by: the same for the same step of the same automation on the same
/// event, however often it is promised. A database that was restored from a backup promises anew what it has forgotten,
/// with other ids; by its mark the provider knows it again.
pub fn mark_of(run: &Run, step: &str, dedupe_key: &str) -> String {
    let parts = [run.tenant_id.as_str(), run.automation_id.as_str(), step, dedupe_key];
    // No part but the last holds a line break.
    let code = hmac_sha256(b"mark of an effect", &[parts.join("\n").as_bytes()]).finalize().into_bytes();
    format!("mark_{}", hex(code.get(..16).unwrap_or_default()))
}

diesel::table! {
    attempts (tenant_id, effect_id, number) {
        tenant_id -> Text,
        effect_id -> Text,
        number -> Integer,
        outcome -> Text,
        reason -> Nullable<Text>,
        started_at -> BigInt,
        finished_at -> BigInt,
    }
}

/// One try at delivering an effect.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = attempts, treat_none_as_default_value = false)]
pub struct Attempt {
    pub tenant_id: TenantId,
    pub effect_id: EffectId,
    pub number: i32,
    pub outcome: String,
    pub reason: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}
