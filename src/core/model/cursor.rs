//! A cursor: how far one poll of one connection has read, and what it knows of what it read.

use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::{ConnectionId, CursorId, TenantId, TimerId};

define_words! {
    /// What a cursor reads.
    CursorKind = "cursor kind" {
        /// A mailbox's history.
        Mail = "mail",
        /// One calendar's changes.
        Calendar = "calendar",
        /// The rows of one sheet.
        Sheet = "sheet",
    }
}

diesel::table! {
    cursors (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        connection_id -> Text,
        kind -> Text,
        target -> Text,
        wish -> Text,
        position -> Nullable<Text>,
        interval_ms -> BigInt,
        due_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
        leased_by -> Nullable<Text>,
        epoch -> BigInt,
        attempt -> Integer,
        polled_at -> Nullable<BigInt>,
        changed_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        created_at -> BigInt,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = cursors, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Cursor {
    pub tenant_id: TenantId,
    pub id: CursorId,
    #[diesel(skip_update)]
    pub connection_id: ConnectionId,
    #[diesel(skip_update)]
    pub kind: CursorKind,
    /// Which of the kind: nothing for mail, a calendar's id, or a [`SheetTarget`] as text.
    #[diesel(skip_update)]
    pub target: String,
    /// What the enabled automations want of it, a [`CalendarWatch`] or [`SheetWish`].
    #[diesel(skip_update)]
    pub wish: Json,
    /// Where the next poll begins, by kind; nothing before the baseline was taken.
    pub position: Option<Json>,
    /// Milliseconds between polls at present.
    pub interval_ms: i64,
    /// When poll may take it; nothing while its connection is not active.
    pub due_at: Option<Timestamp>,
    /// When the poll under way counts as lost.
    #[diesel(skip_update)]
    pub lease_until: Option<Timestamp>,
    /// Grows with every claim and every settled poll; a stale poll can settle nothing.
    #[diesel(skip_update)]
    pub epoch: i64,
    /// Failed polls in a row.
    pub attempt: i32,
    pub polled_at: Option<Timestamp>,
    pub changed_at: Option<Timestamp>,
    pub error: Option<String>,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
}

impl Cursor {
    /// Returns where it reads: the connection, and which of its calendars or sheets.
    pub fn place(&self) -> (&ConnectionId, &str) {
        (&self.connection_id, &self.target)
    }
}

impl Cursor {
    /// Returns the time between two polls, as things are.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.interval_ms).unwrap_or(0))
    }
}

/// What the enabled automations want of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarWatch {
    /// Moments relative to each entry at which an event is wanted.
    #[serde(default)]
    pub moments: Vec<Moment>,
}

/// A moment relative to a calendar entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Seconds before the entry begins.
    Before(u64),
    /// Seconds after the entry ends.
    After(u64),
}

impl Moment {
    /// Returns the text that names it: `before:86400`.
    pub fn name(self) -> String {
        match self {
            Moment::Before(seconds) => format!("before:{seconds}"),
            Moment::After(seconds) => format!("after:{seconds}"),
        }
    }
}

/// Which sheet: a spreadsheet's id, and the title of the sheet in it, empty for the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SheetTarget {
    pub spreadsheet: String,
    pub sheet: String,
}

/// What the enabled automations want of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetWish {
    /// The header of the column that names a row; nothing when rows are known by their content.
    pub key: Option<String>,
}

diesel::table! {
    items (tenant_id, cursor_id, key) {
        tenant_id -> Text,
        cursor_id -> Text,
        key -> Text,
        content -> Text,
        seen_at -> BigInt,
        gone_at -> Nullable<BigInt>,
    }
}

/// One thing that a cursor has seen: a mail, a calendar entry, a row.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = items, primary_key(tenant_id, cursor_id, key))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Item {
    pub tenant_id: TenantId,
    pub cursor_id: CursorId,
    /// The provider's id, or the row's key.
    pub key: String,
    pub content: Json,
    pub seen_at: Timestamp,
    /// When it was last found to be gone. It is kept for a while, since it may come back.
    pub gone_at: Option<Timestamp>,
}

diesel::table! {
    timers (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        cursor_id -> Text,
        series -> Text,
        entry_id -> Text,
        moment -> Text,
        content -> Text,
        fires_at -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

/// A moment of a calendar entry that is to become an event.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = timers, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Timer {
    pub tenant_id: TenantId,
    pub id: TimerId,
    #[diesel(skip_update)]
    pub cursor_id: CursorId,
    /// The entry, or the series of which it is one instance.
    pub series: String,
    /// The entry or instance itself.
    #[diesel(skip_update)]
    pub entry_id: String,
    /// The name of a [`Moment`].
    #[diesel(skip_update)]
    pub moment: String,
    /// The entry as it was when the timer was set, a [`crate::model::calendar_entry::Entry`].
    pub content: Json,
    pub fires_at: Timestamp,
    /// As `fires_at` until it has fired.
    pub due_at: Option<Timestamp>,
}
