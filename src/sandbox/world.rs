//! Everything the sandbox holds, in memory and bounded, and the form in which it is shown.
//!
//! `GET /_sandbox/state` answers:
//!
//! ```text
//! {
//!   "mailboxes":    {ADDRESS: {"messages": [MESSAGE], "drafts": [{"id", "message": MESSAGE}]}},
//!   "calendars":    {ADDRESS: {"events": [event as the Calendar API answers it]}},
//!   "spreadsheets": {ID: {"title", "sheets": [{"sheetId", "title", "rows": [[cell]]}],
//!                         "developer_metadata": [as the Sheets API answers it],
//!                         "changes": [{"at", "by": ADDRESS, "call", "request": its JSON body}]}},
//!   "smtp":         [{"id", "at", "from", "to": [address], "tls", "authenticated_as"|null, "greeting",
//!                     "subject", "headers": [{"name", "value"}], "text"|null, "html"|null,
//!                     "attachments": [{"filename", "mimeType", "size"}], "raw"}],
//!   "faults":       [as armed, with "left": times still to come|null, "struck": times so far],
//!   "calls":        {"gmail.drafts.send": 1, "smtp.data": 2}
//! }
//! MESSAGE = {"id", "threadId", "labelIds": [label], "at", "from", "to", "subject",
//!            "headers", "text", "html", "attachments", "raw"}
//! ```
//!
//! Lists are in the order in which things happened. `from`, `to` and `subject` of a MESSAGE are
//! headers, empty when missing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::calendar::Calendar;
use crate::fault::{Faults, Strike};
use crate::gmail::Habits;
use crate::gmail::mailbox::Mailbox;
use crate::identity::Identity;
use crate::oauth::tokens::Tokens;
use crate::serve::envelope::Refusal;
use crate::serve::route::Service;
use crate::serve::upload::Uploads;
use crate::sheets::grid::Spreadsheet;
use crate::smtp::Received;
use nexora_core::base::clock::Timestamp;

/// Mailboxes, calendars and spreadsheets at most, of each.
const PLACE_LIMIT: usize = 20_000;

/// Mails kept in one place at most; the oldest give way.
const MAIL_LIMIT: usize = 10_000;
const MAIL_LIMIT_BYTES: usize = 256_000_000;

pub struct World {
    pub identity: Arc<Identity>,
    pub ids: Ids,
    pub tokens: Tokens,
    pub uploads: Uploads,
    pub faults: Faults,
    pub mailboxes: BTreeMap<String, Mailbox>,
    pub calendars: BTreeMap<String, Calendar>,
    pub spreadsheets: BTreeMap<String, Spreadsheet>,
    pub sink: Shelf<Received>,
    /// What Gmail does where its documentation is silent.
    pub habits: Habits,
    calls: BTreeMap<String, u64>,
    /// What is still on its way here, by when it arrives.
    late: Vec<(Timestamp, Late)>,
}

/// What a call does once it arrives.
type Late = Box<dyn FnOnce(&mut World) + Send>;

impl World {
    pub fn new(identity: Arc<Identity>) -> World {
        World {
            identity,
            ids: Ids::default(),
            tokens: Tokens::default(),
            uploads: Uploads::default(),
            faults: Faults::default(),
            mailboxes: BTreeMap::new(),
            calendars: BTreeMap::new(),
            spreadsheets: BTreeMap::new(),
            sink: Shelf::default(),
            habits: Habits::default(),
            calls: BTreeMap::new(),
            late: Vec::new(),
        }
    }

    /// Lets a call take effect later.
    pub fn put_off(&mut self, due_at: Timestamp, effect: impl FnOnce(&mut World) + Send + 'static) {
        self.late.push((due_at, Box::new(effect)));
    }

    /// Lets what has arrived by now take effect, in the order in which it arrived.
    pub fn catch_up(&mut self, now: Timestamp) {
        let due = |(due_at, _): &(Timestamp, Late)| *due_at <= now;
        while let Some(first) = (0..self.late.len())
            .filter(|index| self.late.get(*index).is_some_and(due))
            .min_by_key(|index| self.late.get(*index).map(|(due_at, _)| *due_at))
        {
            let (_, effect) = self.late.remove(first);
            effect(self);
        }
    }

    /// Forgets everything but the tokens, so that clients that are signed in stay so.
    pub fn reset(&mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        *self = World { tokens, ..World::new(Arc::clone(&self.identity)) };
    }

    /// Counts a call and says which faults meet it.
    pub fn meet(&mut self, service: Service, call: &str) -> Strike {
        *self.calls.entry(format!("{}.{call}", service.name())).or_default() += 1;
        self.faults.strike(service, call)
    }

    /// Returns a mailbox, which comes into being on first use.
    pub fn mailbox(&mut self, address: &str) -> Result<&mut Mailbox, Refusal> {
        place(&mut self.mailboxes, address)
    }

    /// Returns a calendar, which comes into being on first use.
    pub fn calendar(&mut self, address: &str) -> Result<&mut Calendar, Refusal> {
        place(&mut self.calendars, address)
    }

    /// Refuses a further spreadsheet when there are too many.
    pub fn check_spreadsheet_room(&self) -> Result<(), Refusal> {
        if self.spreadsheets.len() >= PLACE_LIMIT { Err(full()) } else { Ok(()) }
    }

    pub fn state(&self) -> Value {
        fn each<T>(places: &BTreeMap<String, T>, show: impl Fn(&T) -> Value) -> Map<String, Value> {
            places.iter().map(|(name, place)| (name.clone(), show(place))).collect()
        }
        json!({
            "mailboxes": each(&self.mailboxes, Mailbox::state),
            "calendars": each(&self.calendars, Calendar::state),
            "spreadsheets": each(&self.spreadsheets, Spreadsheet::state),
            "smtp": self.sink.iter().map(Received::state).collect::<Vec<_>>(),
            "faults": self.faults.state(),
            "calls": self.calls,
        })
    }
}

fn place<'a, T: Default>(places: &'a mut BTreeMap<String, T>, name: &str) -> Result<&'a mut T, Refusal> {
    if !places.contains_key(name) && places.len() >= PLACE_LIMIT {
        return Err(full());
    }
    Ok(places.entry(name.to_owned()).or_default())
}

fn full() -> Refusal {
    Refusal::usual(403, Some("quotaExceeded".to_owned()), Some("The sandbox is full.".to_owned()))
}

/// Makes identifiers in the forms that Google uses. They never repeat in one sandbox.
pub struct Ids {
    made: u64,
}

/// What came before the sandbox: numbers up to this one are too old to ask about.
pub const BEGINNING: u64 = 1_000;

impl Default for Ids {
    fn default() -> Ids {
        Ids { made: BEGINNING }
    }
}

impl Ids {
    /// Counts on; also used where Google has a number that only grows.
    pub fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Makes the id of a message or a thread: 16 hexadecimal digits that grow with time.
    pub fn message(&mut self, at: Timestamp) -> String {
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        format!("{:016x}", (millis << 20) | (self.next() & 0xf_ffff))
    }

    /// Makes the id of a draft.
    pub fn draft(&mut self) -> String {
        format!("r{:019}", 7_000_000_000_000_000_000 + self.next())
    }

    /// Makes the id of an event: base32hex.
    pub fn event(&mut self, at: Timestamp) -> String {
        format!("{:x}{:010x}", at.millis().unsigned_abs(), self.next())
    }

    /// Makes the id of a spreadsheet, as long as Google's.
    pub fn spreadsheet(&mut self, at: Timestamp) -> String {
        format!("1sandbox{:016x}{:020x}", at.millis().unsigned_abs(), self.next())
    }
}

/// Mails in order of arrival; when there are too many or they take too much room, the oldest go.
pub struct Shelf<T> {
    items: VecDeque<T>,
    size_bytes: usize,
}

/// What can be put on a shelf.
pub trait Weighed {
    fn size_bytes(&self) -> usize;
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf { items: VecDeque::new(), size_bytes: 0 }
    }
}

impl<T: Weighed> Shelf<T> {
    pub fn put(&mut self, item: T) {
        self.size_bytes += item.size_bytes();
        self.items.push_back(item);
        while self.items.len() > MAIL_LIMIT || (self.size_bytes > MAIL_LIMIT_BYTES && self.items.len() > 1) {
            if let Some(oldest) = self.items.pop_front() {
                self.size_bytes -= oldest.size_bytes();
            }
        }
    }

    /// Removes and returns the first item that `is_wanted`.
    pub fn take(&mut self, is_wanted: impl FnMut(&T) -> bool) -> Option<T> {
        let position = self.items.iter().position(is_wanted)?;
        let item = self.items.remove(position)?;
        self.size_bytes -= item.size_bytes();
        Some(item)
    }

    /// Goes through everything, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    /// Goes through everything to change what does not weigh.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weighed for usize {
        fn size_bytes(&self) -> usize {
            *self
        }
    }

    #[test]
    fn a_shelf_keeps_the_latest() {
        let mut shelf = Shelf::default();
        for size in 0..MAIL_LIMIT + 5 {
            shelf.put(size);
        }
        assert_eq!(shelf.len(), MAIL_LIMIT);
        assert_eq!(shelf.iter().next(), Some(&5));
        shelf.put(MAIL_LIMIT_BYTES);
        assert_eq!(shelf.iter().copied().collect::<Vec<_>>(), [MAIL_LIMIT_BYTES]);
        assert_eq!(shelf.take(|_| true), Some(MAIL_LIMIT_BYTES));
        assert_eq!(shelf.size_bytes, 0);
    }

    #[test]
    fn ids_have_their_forms_and_never_repeat() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let mut ids = Ids::default();
        let (one, two) = (ids.message(at), ids.message(at));
        assert_eq!((one.len(), one < two), (16, true));
        assert!(ids.event(at).bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v')));
        assert_eq!(ids.spreadsheet(at).len(), 44);
    }
}
