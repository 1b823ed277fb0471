//! The audit trail: who did what to what, when, with the values before and after.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::Json;

/// Who is acting: a person at a shell, another program, or a stage of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An operator, by the name of the operating system's user.
    Operator(String),
    /// A user, by their address.
    User(String),
    /// A program, by the name of its key.
    Key(String),
    /// A stage, such as `deliver`.
    System(&'static str),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actor::Operator(name) => write!(f, "operator:{name}"),
            Actor::User(email) => write!(f, "user:{email}"),
            Actor::Key(name) => write!(f, "key:{name}"),
            Actor::System(stage) => write!(f, "system:{stage}"),
        }
    }
}

diesel::table! {
    audit (chain, number) {
        chain -> Text,
        number -> BigInt,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        subject -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        previous_hash -> Text,
        hash -> Text,
    }
}

/// One entry of a chain. Each tenant has its own chain; `system` holds what belongs to none.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = audit, treat_none_as_default_value = false)]
pub struct Entry {
    pub chain: String,
    /// From 1, without a gap.
    pub number: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub before: Option<Json>,
    pub after: Option<Json>,
    /// SHA-256, in hexadecimal, of the entry before this one; all zeros for the first.
    pub previous_hash: String,
    /// SHA-256 over the previous hash and every field above.
    pub hash: String,
}
