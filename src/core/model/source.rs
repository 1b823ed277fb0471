//! A source of leads that calls us: an advertiser, a marketplace or a form on a web site; and the notices of sources
//! that only announce a lead.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::base::text::{Json, define_words, store_as_text};
use crate::base::{Error, Result};
use crate::model::{LeadId, NoticeId, SourceId, TenantId};

define_words! {
    /// Whether a source is listened to.
    SourceState = "source state" { Enabled = "enabled", Disabled = "disabled" }

    /// How far we have come with a lead that we were told of.
    NoticeState = "notice state" {
        Pending = "pending",
        Retrying = "retrying",
        Fetched = "fetched",
        Failed = "failed",
        /// An operator decided that it will not be fetched.
        Dismissed = "dismissed",
    }

    /// What a part of a body is to a lead.
    SourceField = "field" {
        Name = "name",
        FirstName = "first_name",
        LastName = "last_name",
        Email = "email",
        Phone = "phone",
        Service = "service",
        Message = "message",
        Address = "address",
        City = "city",
        Region = "region",
        Postcode = "postcode",
        PreferredTime = "preferred_time",
        /// The sender's own name for the lead, by which a second copy is known.
        Id = "id",
        IsTest = "is_test",
        /// Kept in the original only.
        Ignore = "ignore",
    }
}

/// The name of the format that a source sends leads in: `google-ads`. Which there are is up to
/// `engine::lead_format`.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct SourceKind(String);

impl SourceKind {
    pub fn new(format: &str) -> SourceKind {
        SourceKind(format.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

store_as_text!(SourceKind, |kind| &kind.0, |text| Ok(SourceKind(text)));

diesel::table! {
    sources (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        kind -> Text,
        settings -> Text,
        sealed -> Nullable<Binary>,
        state -> Text,
        last_received_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = sources, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Source {
    pub tenant_id: TenantId,
    pub id: SourceId,
    #[diesel(skip_update)]
    pub name: String,
    #[diesel(skip_update)]
    pub kind: SourceKind,
    /// A [`SourceSettings`].
    pub settings: Json,
    #[serde(skip)]
    pub sealed: Option<Vec<u8>>,
    pub state: SourceState,
    #[diesel(skip_update)]
    pub last_received_at: Option<Timestamp>,
    /// Why the last call was refused; nothing once one was taken again.
    pub last_error: Option<String>,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Source {
    /// Returns the name that binds the sealed secrets to this row.
    pub fn seal_owner(&self) -> String {
        format!("{}/{}", self.tenant_id, self.id)
    }
}

/// What can be set of a source; which of it means anything depends on the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceSettings {
    /// What the parts of a body are, by their path, where that is not as usual.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, SourceField>,
    /// What Angi reads in our answer as success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// The user name of HTTP Basic, where the sender signs in so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The header that carries the secret, where that is not as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Whether every call must be signed as Standard Webhooks 1.0 has it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
}

/// By what a source shows who it is, and by what we ask it for leads.
#[derive(Clone, Debug)]
pub struct SourceSecrets {
    pub secret: Secret,
    /// What Facebook shows when it first calls.
    pub verify_token: Option<Secret>,
    /// With what the provider is asked for a lead that it told of.
    pub access_token: Option<Secret>,
}

impl SourceSecrets {
    /// Returns all of them as one text, to be sealed.
    pub fn to_text(&self) -> Secret {
        let shown = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        let value = serde_json::json!({
            "secret": self.secret.expose(),
            "verify_token": shown(&self.verify_token),
            "access_token": shown(&self.access_token),
        });
        Secret::new(value.to_string())
    }

    /// Reads what `to_text` wrote.
    ///
    /// # Errors
    /// `Internal` when the text is anything else.
    pub fn parse(text: &Secret) -> Result<SourceSecrets> {
        let wrong = || Error::internal("the secrets of a source have an unexpected shape");
        let value: Value = serde_json::from_str(text.expose()).map_err(|_| wrong())?;
        let named = |name: &str| value.get(name).and_then(Value::as_str).map(Secret::new);
        Ok(SourceSecrets {
            secret: named("secret").ok_or_else(wrong)?,
            verify_token: named("verify_token"),
            access_token: named("access_token"),
        })
    }

    /// Returns every one of them, for what must not hold any.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        [Some(&self.secret), self.verify_token.as_ref(), self.access_token.as_ref()].into_iter().flatten()
    }
}

diesel::table! {
    notices (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        source_id -> Text,
        external_id -> Text,
        payload -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        attempt -> Integer,
        epoch -> BigInt,
        due_at -> Nullable<BigInt>,
        leased_by -> Nullable<Text>,
        received_at -> BigInt,
        settled_at -> Nullable<BigInt>,
        lead_id -> Nullable<Text>,
    }
}

/// A lead that we were told of and must fetch.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = notices, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Notice {
    pub tenant_id: TenantId,
    pub id: NoticeId,
    #[diesel(skip_update)]
    pub source_id: SourceId,
    /// The provider's id of the lead.
    #[diesel(skip_update)]
    pub external_id: String,
    /// What we were told.
    #[diesel(skip_update)]
    pub payload: Json,
    pub state: NoticeState,
    pub reason: Option<String>,
    pub attempt: i32,
    #[serde(skip)]
    #[diesel(skip_update)]
    pub epoch: i64,
    /// When it is fetched, or when an attempt under way counts as lost; nothing once it is settled.
    pub due_at: Option<Timestamp>,
    #[diesel(skip_update)]
    pub received_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    /// The lead that it became. It may be gone.
    pub lead_id: Option<LeadId>,
}

/// The call that asks a provider for a lead.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Secret,
}

/// A provider's answer to a [`FetchRequest`].
#[derive(Clone, Debug)]
pub struct FetchResponse {
    pub status: u16,
    /// The status for people: `404 Not Found`.
    pub status_text: String,
    /// How long the provider asks us to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// Null where a failure brought no JSON.
    pub body: Value,
}

impl FetchResponse {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

diesel::table! {
    api_keys (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        hash -> Text,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

/// The key of a program that tells us of events, known by its hash alone.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub struct ApiKey {
    pub tenant_id: TenantId,
    pub id: crate::model::KeyId,
    pub name: String,
    #[serde(skip)]
    pub hash: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}
