//! A daemon: one process that works on the database, and its signs of life.

use std::time::Duration;

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::DaemonId;

/// How often a daemon gives a sign of life.
pub const BEAT: Duration = Duration::from_secs(3);

/// A daemon whose sign of life has not changed for so long is taken to be gone: another goes on with what it held.
pub const GONE: Duration = Duration::from_secs(10);

/// A daemon that could give no sign of life for so long does nothing more to the world until it can: another may be
/// about to take over. It is shorter than [`GONE`] by the time that a step to the world may take to begin.
pub const FENCE: Duration = Duration::from_secs(7);

/// What a daemon that is gone had sent has reached its provider after so long, or never will: only then is the
/// provider asked.
pub const LANDING: Duration = Duration::from_secs(15);

/// Whose work on a row it is, and until when no other may take the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: DaemonId,
    pub until: Timestamp,
}

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
        given_back_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    key_checks (id) {
        id -> BigInt,
        sealed -> Binary,
        root -> Nullable<Binary>,
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
