//! Reading a provider: what is there, and what has changed since a position.
//!
//! Reading changes nothing there: no mail is marked as read, and nothing rests on such marks. Every
//! answer is whole: of many pages, all or none.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use nexora_core::base::clock::Timestamp;
use nexora_core::model::calendar_entry::Entry;
use nexora_core::model::cursor::SheetTarget;
use nexora_core::model::mail::Part;
use nexora_core::model::outcome::PollError;
use nexora_core::model::sheet::Table;

pub type Reading<'a, T> = BoxFuture<'a, Result<T, PollError>>;

/// Can be read for mails.
pub trait ReadMail: Send + Sync {
    /// Returns where the mailbox's history stands now.
    fn mailbox_now(&self) -> Reading<'_, String>;

    /// Returns the addresses that the mailbox may send from, its own among them.
    fn send_as(&self) -> Reading<'_, Vec<String>>;

    /// Returns the ids of the mails that arrived since `since`, spam and bin left out.
    fn mail_since(&self, since: Timestamp, limit: usize) -> Reading<'_, Vec<String>>;

    /// Returns a bounded share of what happened since `history_id`, oldest first.
    fn mail_changes<'a>(&'a self, history_id: &'a str) -> Reading<'a, MailChanges>;

    /// Reads one mail; nothing when it is gone.
    fn mail<'a>(&'a self, id: &'a str) -> Reading<'a, Option<FetchedMail>>;
}

/// Can be read for calendar entries.
pub trait ReadCalendar: Send + Sync {
    /// Returns what changed in a calendar since `sync_token`, or all of it without one.
    fn calendar_changes<'a>(
        &'a self,
        calendar: &'a str,
        sync_token: Option<&'a str>,
    ) -> Reading<'a, CalendarChanges>;

    /// Returns the instances of a series between two moments, moved ones as they are now.
    fn instances<'a>(
        &'a self,
        calendar: &'a str,
        series: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> Reading<'a, Vec<Entry>>;
}

/// Can be read for rows of a sheet.
pub trait ReadSheet: Send + Sync {
    /// Reads a sheet. With `seen` and the right to ask, nothing is read if it has not changed since.
    fn sheet<'a>(&'a self, target: &'a SheetTarget, seen: Option<&'a str>) -> Reading<'a, SheetReading>;
}

/// A share of a mailbox's history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MailChanges {
    pub mails: Vec<MailChanged>,
    /// Where the next share begins.
    pub history_id: String,
    /// More has happened than this share holds.
    pub more: bool,
}

/// What happened to one mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailChanged {
    pub id: String,
    /// It is new in the mailbox.
    pub added: bool,
    /// The ids of the labels it was given.
    pub labelled: Vec<String>,
}

/// A mail as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchedMail {
    pub id: String,
    pub thread_id: String,
    /// Its labels: ids and the names that people see.
    pub labels: Vec<Label>,
    pub received_at: Option<Timestamp>,
    /// The effect of ours that sent it.
    pub effect: Option<String>,
    pub headers: Vec<(String, String)>,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub id: String,
    pub name: String,
}

impl FetchedMail {
    /// Tells whether it bears one of Gmail's own labels, such as `SENT`.
    pub fn is(&self, label: &str) -> bool {
        self.labels.iter().any(|known| known.id == label)
    }
}

/// What was read of a calendar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalendarChanges {
    pub entries: Vec<Entry>,
    /// Entries that are there and say nothing here: they cannot be read, or are no appointments.
    pub silent: Vec<String>,
    pub sync_token: String,
    /// All of it was read, which does not tell what was deleted.
    pub full: bool,
}

/// What was read of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub enum SheetReading {
    Unchanged,
    /// `version` names this state, where the provider has a name for it.
    Read {
        table: Table,
        version: Option<String>,
    },
}
