//! The audit trail: who did what to what, when, with the values before and after.

use std::fmt;
use std::str::FromStr;

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};

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

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        form -> Integer,
        person -> Nullable<Text>,
    }
}

diesel::table! {
    audit_heads (chain) {
        chain -> Text,
        entries -> BigInt,
        hash -> Text,
        changed_at -> BigInt,
        mac -> Text,
    }
}

diesel::table! {
    audit_people (tenant_id, person) {
        tenant_id -> Text,
        person -> Text,
        sealed -> Binary,
    }
}

/// The chain of what belongs to no tenant.
pub const SYSTEM_CHAIN: &str = "system";

/// The hash before the first entry.
pub const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The entry by which the heads of the tenants' chains are written into the system's.
pub const CHECKPOINT: &str = "audit.checkpoint";

/// The entry which says that the entries of earlier versions were chained anew, with the key.
pub const CHAINED: &str = "audit.chained";

/// The entry which says that a chain ended with its tenant.
pub const CLOSED: &str = "audit.closed";

/// How entries are hashed now; those of earlier versions, by SHA-256 without a key, have form 0.
pub const FORM: i32 = 1;

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
    /// As a sealed text where the entry is about a person.
    pub before: Option<Json>,
    pub after: Option<Json>,
    /// The hash of the entry before this one; all zeros for the first.
    pub previous_hash: String,
    /// HMAC-SHA-256, in hexadecimal, over the previous hash and every other field, with a key of the installation.
    pub hash: String,
    #[serde(skip)]
    pub form: i32,
    /// The contact, or the lead without one, whose key seals the values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// How far a chain goes.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = audit_heads, primary_key(chain))]
pub struct ChainHead {
    pub chain: String,
    pub entries: i64,
    /// The hash of the last entry.
    pub hash: String,
    pub changed_at: Timestamp,
    /// A code over the fields above, with a key of the installation.
    #[serde(skip)]
    pub mac: String,
}

/// The head of the whole trail: the place and the hash of an entry of the system's chain, which holds the heads of all
/// others. Written down elsewhere, it shows later that nothing before it was changed or cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub entries: i64,
    pub hash: String,
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entries, self.hash)
    }
}

impl FromStr for AuditHead {
    type Err = Error;

    fn from_str(text: &str) -> Result<AuditHead> {
        let wrong = || {
            Error::usage(format!("`{text}` is not a head of the audit trail"))
                .hint("it looks like `812:9f86d081884c…`, as `nexora audit head` prints it")
        };
        let (entries, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let entries = entries.parse().ok().filter(|entries| *entries > 0).ok_or_else(wrong)?;
        let hash = hash.to_lowercase();
        if hash.len() != NO_HASH.len() || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        Ok(AuditHead { entries, hash })
    }
}

impl Serialize for AuditHead {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_text_and_nothing_else_is_one() {
        let head = AuditHead { entries: 812, hash: "0f".repeat(32) };
        assert_eq!(head.to_string().parse::<AuditHead>().unwrap(), head);
        let short = format!("812:{}", "0f".repeat(31));
        for text in ["", "812", "x:y", "0:", &format!("0:{}", head.hash), &short] {
            assert!(text.parse::<AuditHead>().is_err(), "{text}");
        }
    }
}
