//! A daemon: one process that works on the database, and its signs of life.

use std::time::Duration;

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::DaemonId;

/// How often a daemon gives a sign of life.
pub const BEAT: Duration = Duration::from_secs(10);

/// A daemon that has been silent for so long is gone, or can write no more.
pub const SILENT: Duration = Duration::from_secs(35);

diesel::table! {
    daemons (id) {
        id -> Text,
        pid -> BigInt,
        host -> Text,
        version -> Text,
        started_at -> BigInt,
        beat_at -> BigInt,
        stopped_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    key_checks (id) {
        id -> BigInt,
        sealed -> Binary,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = daemons, primary_key(id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Daemon {
    pub id: DaemonId,
    pub pid: i64,
    pub host: String,
    pub version: String,
    pub started_at: Timestamp,
    /// When it last gave a sign of life, which is a synced write.
    pub beat_at: Timestamp,
    /// When it was told to stop, and did.
    pub stopped_at: Option<Timestamp>,
}

impl Daemon {
    /// Tells whether it has given a sign of life lately.
    pub fn is_heard(&self, now: Timestamp) -> bool {
        self.stopped_at.is_none() && now.since(self.beat_at) < SILENT
    }
}
