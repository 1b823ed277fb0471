//! A finding: something that is wrong, as the daemon found it when it last looked, because to look takes long.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::TenantId;

diesel::table! {
    findings (key) {
        key -> Text,
        tenant_id -> Nullable<Text>,
        level -> Text,
        what -> Text,
        command -> Text,
        affected -> BigInt,
        since -> BigInt,
        looked_at -> BigInt,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = findings, primary_key(key))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Finding {
    /// What was looked at, and whose it is.
    pub key: String,
    /// Nothing where it is about the machine.
    pub tenant_id: Option<TenantId>,
    /// `look` or `broken`.
    pub level: String,
    pub what: String,
    pub command: String,
    /// How many things suffer from it.
    pub affected: i64,
    /// When it was first found.
    #[diesel(skip_update)]
    pub since: Timestamp,
    pub looked_at: Timestamp,
}
