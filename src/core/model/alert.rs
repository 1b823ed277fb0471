//! An alert: what operators are told of a trouble, from its beginning until its end was told.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::AlertId;

define_words! {
    /// How far an alert has come.
    AlertState = "alert state" {
        /// The trouble is there, and nobody was told yet.
        Pending = "pending",
        Told = "told",
        /// The trouble is gone, and nobody was told of that yet.
        Passed = "passed",
        /// It is gone, and that was told where the trouble was.
        Ended = "ended",
    }
}

diesel::table! {
    alerts (id) {
        id -> Text,
        key -> Text,
        tenant -> Nullable<Text>,
        level -> Text,
        what -> Text,
        command -> Text,
        state -> Text,
        begun_at -> BigInt,
        told_at -> Nullable<BigInt>,
        passed_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = alerts, primary_key(id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Alert {
    pub id: AlertId,
    /// What makes it the same trouble when it is seen again.
    #[diesel(skip_update)]
    pub key: String,
    /// The slug of the tenant that it is about; nothing where it is about the machine.
    #[diesel(skip_update)]
    pub tenant: Option<String>,
    /// `look` or `broken`.
    pub level: String,
    pub what: String,
    pub command: String,
    pub state: AlertState,
    #[diesel(skip_update)]
    pub begun_at: Timestamp,
    /// When it, or its end, was last told.
    pub told_at: Option<Timestamp>,
    pub passed_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Until when one daemon has it to tell.
    #[serde(skip)]
    pub lease_until: Option<Timestamp>,
}
