//! A session: a user who is signed in to the status page, or came by a signed link.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::{SessionId, TenantId, UserId};

diesel::table! {
    sessions (id) {
        id -> Text,
        token_hash -> Text,
        user_id -> Nullable<Text>,
        tenant_id -> Nullable<Text>,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        address -> Text,
        agent -> Text,
        revoked_at -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub struct Session {
    pub id: SessionId,
    /// A keyed hash of what the browser holds.
    #[serde(skip)]
    pub token_hash: String,
    /// The user who signed in; nothing when it came of a link.
    pub user_id: Option<UserId>,
    /// The tenant whose link it came of.
    pub tenant_id: Option<TenantId>,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// The client network from which it was begun.
    pub address: String,
    /// What the browser said it is, cut short.
    pub agent: String,
    pub revoked_at: Option<Timestamp>,
}
