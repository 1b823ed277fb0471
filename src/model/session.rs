//! A session: somebody who is signed in to the status page, or came by a signed link.

use diesel::Queryable;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::{SessionId, TenantId, UserId};

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Session {
    pub id: SessionId,
    /// A keyed hash of what the browser holds.
    #[serde(skip)]
    pub token_hash: String,
    /// Who signed in; nobody when it came of a link.
    pub user_id: Option<UserId>,
    /// The tenant whose link it came of.
    pub tenant_id: Option<TenantId>,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// The household from which it was begun.
    pub address: String,
    /// What the browser said it is, cut short.
    pub agent: String,
    pub revoked_at: Option<Timestamp>,
}
