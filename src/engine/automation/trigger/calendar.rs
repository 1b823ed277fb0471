//! Triggers on calendar entries, and on appointments: entries in which a customer takes part.

use std::sync::Arc;

use crate::automation::argument::{Arguments as _, Text, Texts, define_arguments};
use crate::automation::trigger::mail::CONNECTION;
use crate::automation::trigger::{EventSource, Fill, Filter, Keys, TriggerKind, read};
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Result};
use nexora_core::model::calendar_entry::{EFFECT_PROPERTY, Entry, EntryChange, UPDATE_PROPERTY};
use nexora_core::model::connection::Ability;
use nexora_core::model::cursor::Moment;
use nexora_core::model::event::{CalendarEvent, Event, EventKind};

pub const CALENDAR_EVENT: TriggerKind = TriggerKind {
    on: EventKind::CalendarEvent.name(),
    when: "an entry was made, changed or cancelled, or its time is near or past",
    keys: AnyEntry::ARGUMENTS,
    event: EventKind::CalendarEvent,
    needs: &[Ability::Calendar],
    sample: EntryChange::Created.name(),
    read: read::<AnyEntry>,
};

pub const BOOKED: TriggerKind = TriggerKind {
    on: "appointment.booked",
    when: "an entry with a customer was made",
    keys: Appointment::ARGUMENTS,
    read: |keys| appointment(keys, When::Changes(vec![EntryChange::Created])),
    ..CALENDAR_EVENT
};

pub const MOVED: TriggerKind = TriggerKind {
    on: "appointment.moved",
    when: "an entry with a customer begins at another time than before",
    keys: Appointment::ARGUMENTS,
    sample: EntryChange::Updated.name(),
    read: |keys| appointment(keys, When::Moved),
    ..CALENDAR_EVENT
};

pub const CANCELLED: TriggerKind = TriggerKind {
    on: "appointment.cancelled",
    when: "an entry with a customer was cancelled",
    keys: Appointment::ARGUMENTS,
    sample: EntryChange::Cancelled.name(),
    read: |keys| appointment(keys, When::Changes(vec![EntryChange::Cancelled])),
    ..CALENDAR_EVENT
};

pub const NEAR: TriggerKind = TriggerKind {
    on: "appointment.near",
    when: "an entry with a customer begins in as much time as `before` says; each instance of a series does",
    keys: Near::ARGUMENTS,
    sample: EntryChange::Before.name(),
    read: read::<Near>,
    ..CALENDAR_EVENT
};

pub const PAST: TriggerKind = TriggerKind {
    on: "appointment.past",
    when: "an entry with a customer ended as long ago as `after` says",
    keys: Past::ARGUMENTS,
    sample: EntryChange::After.name(),
    read: read::<Past>,
    ..CALENDAR_EVENT
};

const CALENDAR: &str = "id of the calendar, `primary` if nothing is said";
const OWN: &str = "`true` lets entries count that Nexora itself made";
const BEFORE: &str = "how long before the entry begins, such as `24h`; it moves with the entry";
const AFTER: &str = "how long after the entry ends";

/// The help of a key that calendars and sheets have.
pub(super) const CHANGES: &str = "list of the changes that count: `created`, `updated`, `cancelled` of an \
                                  entry, `added`, `changed` of a row";

define_arguments! {
    AnyEntry {
        connection: Option<Text>, CONNECTION;
        calendar: Option<Text>, CALENDAR;
        changes: Vec<Text>, CHANGES;
        before: Option<Text>, BEFORE;
        after: Option<Text>, AFTER;
        own: bool, OWN;
    }
}

define_arguments! {
    Appointment {
        connection: Option<Text>, CONNECTION;
        calendar: Option<Text>, CALENDAR;
        own: bool, OWN;
    }
}

define_arguments! {
    Near {
        connection: Option<Text>, CONNECTION;
        calendar: Option<Text>, CALENDAR;
        own: bool, OWN;
        before: Text, BEFORE;
    }
}

define_arguments! {
    Past {
        connection: Option<Text>, CONNECTION;
        calendar: Option<Text>, CALENDAR;
        own: bool, OWN;
        after: Text, AFTER;
    }
}

/// A trigger on what becomes of an appointment.
#[derive(Debug)]
struct AppointmentChange {
    keys: Appointment,
    when: When,
}

/// Which events of an entry pass.
#[derive(Clone, Debug, PartialEq)]
enum When {
    Changes(Vec<EntryChange>),
    /// It begins at another time than before.
    Moved,
    At(Moment),
}

fn appointment(keys: toml::Table, when: When) -> Result<Arc<dyn Keys>> {
    Ok(Arc::new(AppointmentChange { keys: Appointment::read(keys)?, when }))
}

impl Keys for AnyEntry {
    fn check(&self) -> Result<()> {
        let given = [self.before.is_some(), self.after.is_some(), !self.changes.is_empty()];
        match given.iter().filter(|given| **given).count() {
            0 | 1 => Ok(()),
            _ => Err(Error::usage("a trigger has one of `changes`, `before` and `after`")
                .hint("write a second `[[trigger]]`")),
        }
    }

    fn connection(&self) -> Option<&Text> {
        self.connection.as_ref()
    }

    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let when = match (fill.filled(self.before.as_ref())?, fill.filled(self.after.as_ref())?) {
            (Some(before), _) => When::At(Moment::Before(seconds(&before)?)),
            (None, Some(after)) => When::At(Moment::After(seconds(&after)?)),
            (None, None) => When::Changes(changes(&self.changes)?),
        };
        let calendar = calendar(fill, self.calendar.as_ref())?;
        Ok(Some(Box::new(CalendarFilter { calendar, when, own: self.own, with_customer: false })))
    }
}

impl Texts for AppointmentChange {
    fn texts(&self) -> Vec<&str> {
        self.keys.texts()
    }
}

impl Keys for AppointmentChange {
    fn connection(&self) -> Option<&Text> {
        self.keys.connection.as_ref()
    }

    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let calendar = calendar(fill, self.keys.calendar.as_ref())?;
        let (when, own) = (self.when.clone(), self.keys.own);
        Ok(Some(Box::new(CalendarFilter { calendar, when, own, with_customer: true })))
    }
}

impl Keys for Near {
    fn connection(&self) -> Option<&Text> {
        self.connection.as_ref()
    }

    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let calendar = calendar(fill, self.calendar.as_ref())?;
        let when = When::At(Moment::Before(seconds(&fill.text(&self.before)?)?));
        Ok(Some(Box::new(CalendarFilter { calendar, when, own: self.own, with_customer: true })))
    }
}

impl Keys for Past {
    fn connection(&self) -> Option<&Text> {
        self.connection.as_ref()
    }

    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let calendar = calendar(fill, self.calendar.as_ref())?;
        let when = When::At(Moment::After(seconds(&fill.text(&self.after)?)?));
        Ok(Some(Box::new(CalendarFilter { calendar, when, own: self.own, with_customer: true })))
    }
}

fn calendar(fill: &Fill<'_>, key: Option<&Text>) -> Result<String> {
    Ok(fill.filled(key)?.unwrap_or_else(|| "primary".to_owned()))
}

fn seconds(text: &str) -> Result<u64> {
    parse_length(text).map(|length| length.as_secs())
}

/// Reads the changes that count; all of them if none is named.
fn changes(names: &[Text]) -> Result<Vec<EntryChange>> {
    let all = [EntryChange::Created, EntryChange::Updated, EntryChange::Cancelled];
    let named = names.iter().map(|name| {
        let change = EntryChange::parse(name.as_str())?;
        if all.contains(&change) {
            return Ok(change);
        }
        Err(Error::usage(format!("`changes` has no `{change}`")).hint(format!("write `{change} = \"2h\"`")))
    });
    let named = named.collect::<Result<Vec<_>>>()?;
    Ok(if named.is_empty() { all.to_vec() } else { named })
}

#[derive(Debug)]
struct CalendarFilter {
    calendar: String,
    when: When,
    /// Whether entries that Nexora itself made count, too.
    own: bool,
    /// Whether a customer has to take part.
    with_customer: bool,
}

impl Filter for CalendarFilter {
    fn passes(&self, event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        let event: CalendarEvent = event.payload.read()?;
        Ok(event.calendar == self.calendar
            && (self.own || !is_own(&event))
            && if self.with_customer { has_customer(&event) } else { event.is_first }
            && match &self.when {
                When::Changes(changes) => changes.contains(&event.change),
                When::Moved => is_moved(&event),
                When::At(moment) => event.moment == Some(*moment),
            })
    }

    fn source(&self) -> EventSource<'_> {
        let moment = match self.when {
            When::At(moment) => Some(moment),
            When::Changes(_) | When::Moved => None,
        };
        EventSource::Calendar { calendar: &self.calendar, moment }
    }
}

/// A customer takes part where an attendee is not of the business, or else a contact is named.
fn has_customer(event: &CalendarEvent) -> bool {
    event.guest.is_some() || (event.about.contact_id.is_some() && event.entry.guests().next().is_none())
}

fn is_moved(event: &CalendarEvent) -> bool {
    event.change == EntryChange::Updated
        && event.previous.as_ref().is_some_and(|previous| previous.start != event.entry.start)
}

/// Tells whether Nexora made the entry or this change to it: an automation must not start itself.
fn is_own(event: &CalendarEvent) -> bool {
    let signature = |entry: &Entry| entry.properties.get(UPDATE_PROPERTY).cloned();
    let signed = signature(&event.entry);
    event.entry.properties.contains_key(EFFECT_PROPERTY)
        || event.change == EntryChange::Updated
            && signed.is_some()
            && event.previous.as_ref().is_some_and(|previous| signature(previous) != signed)
}
