//! A calendar entry as it is read from a provider, and what becomes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::define_words;

/// The private property that says which effect of ours made an entry.
pub const EFFECT_PROPERTY: &str = "nexora_effect";

/// The private property that says which effect of ours changed an entry last.
pub const UPDATE_PROPERTY: &str = "nexora_update";

define_words! {
    /// What happened to an entry.
    EntryChange = "calendar change" {
        Created = "created",
        Updated = "updated",
        Cancelled = "cancelled",
        /// Its begin is near, by as much as a trigger asks.
        Before = "before",
        /// Its end is past, by as much as a trigger asks.
        After = "after",
    }
}

/// A calendar entry, a series of them, or one instance of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    /// The series of which this is one instance.
    pub series_id: Option<String>,
    /// When this instance would be, had it not been moved: RFC 3339, or a date.
    pub original_start: Option<String>,
    pub cancelled: bool,
    pub title: String,
    pub description: String,
    pub location: String,
    /// Nothing only in what is left of a cancelled one.
    pub start: Option<When>,
    pub end: Option<When>,
    /// Lines of RFC 5545 (`RRULE:…`); empty for all but a series.
    pub recurrence: Vec<String>,
    pub attendees: Vec<Attendee>,
    pub organizer: Option<String>,
    pub link: Option<String>,
    pub color: Option<String>,
    /// The private properties that programs have put on it.
    pub properties: BTreeMap<String, String>,
}

/// When an entry begins or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    At(Timestamp),
    /// A whole day, `2026-11-20`, in the zone of the viewer.
    Day(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    pub email: String,
    pub name: Option<String>,
    /// `needsAction`, `declined`, `tentative` or `accepted`.
    pub response: String,
    /// The calendar's own owner, or a room.
    pub is_own: bool,
}

impl When {
    /// Reads what a provider writes: a moment as RFC 3339 has it, or a date.
    pub fn parse(text: &str) -> Option<When> {
        match text.len() {
            10 => Some(When::Day(text.to_owned())),
            _ => Timestamp::parse(text).map(When::At),
        }
    }
}

impl Entry {
    /// Returns the customers who attend.
    pub fn guests(&self) -> impl Iterator<Item = &Attendee> {
        self.attendees.iter().filter(|attendee| !attendee.is_own)
    }

    pub fn is_series(&self) -> bool {
        !self.recurrence.is_empty()
    }

    /// Returns what is left of an entry that is gone without a word about it.
    #[must_use]
    pub fn into_cancelled(self) -> Entry {
        Entry { cancelled: true, ..self }
    }
}
