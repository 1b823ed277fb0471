//! What starts a run, or ends one: a trigger as a definition has it, and what it watches.

pub mod catalogue;
mod watch;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
pub use watch::{CalendarWhen, Filter, RowFilter, Watch, cell_text, has_customer};

use crate::base::text::define_words;
use crate::base::{Error, Result};
use crate::engine::cadence::Cadence;
use crate::engine::hours::duration;
use crate::engine::query::Query;
use crate::engine::render::Renderer;
use crate::engine::source::suggestion;
use crate::model::cursor::{Moment, SheetTarget};
use crate::model::diary::EntryChange;
use crate::model::event::EventKind;
use crate::model::schedule::Misfire;
use crate::model::sheet::RowChange;

define_words! {
    /// What happens to an appointment: changes of calendar entries in which a customer takes part.
    AppointmentOn = "appointment change" {
        Booked = "appointment.booked",
        Moved = "appointment.moved",
        Cancelled = "appointment.cancelled",
        Near = "appointment.near",
        Past = "appointment.past",
    }
}

/// What a trigger waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Event(EventKind),
    Appointment(AppointmentOn),
}

impl On {
    /// Returns the kind of the events that it looks at.
    pub fn kind(self) -> EventKind {
        match self {
            On::Event(kind) => kind,
            On::Appointment(_) => EventKind::CalendarEvent,
        }
    }

    /// Returns every name that a trigger can have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        catalogue::TRIGGERS.iter().map(|doc| match doc.on {
            On::Event(kind) => kind.name(),
            On::Appointment(on) => on.name(),
        })
    }
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            On::Event(kind) => kind.fmt(f),
            On::Appointment(on) => on.fmt(f),
        }
    }
}

impl FromStr for On {
    type Err = Error;

    fn from_str(text: &str) -> Result<On> {
        let event = || EventKind::parse(text).map(On::Event).ok();
        let appointment = || AppointmentOn::parse(text).map(On::Appointment).ok();
        event().or_else(appointment).ok_or_else(|| {
            Error::usage(format!("nothing is called `{text}`{}", suggestion(text, On::names())))
        })
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<On, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.message()))
    }
}

/// A trigger as a definition has it: texts with holes for settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    pub on: Option<On>,
    /// The name of the connection it watches; every one that can if nothing is said.
    pub connection: Option<String>,
    /// Mail: a filter in the words of Gmail's search box.
    pub query: Option<String>,
    /// Mail: the label that it bears, or is given.
    pub label: Option<String>,
    /// Calendar: the calendar's id, `primary` if nothing is said.
    pub calendar: Option<String>,
    /// Calendar: `created`, `updated`, `cancelled`. Sheet: `added`, `changed`. All if nothing is said.
    pub changes: Option<Vec<String>>,
    /// Calendar: how long before an entry begins, such as `24h`.
    pub before: Option<String>,
    /// Calendar: how long after an entry ends.
    pub after: Option<String>,
    /// Calendar: whether entries that Nexora itself made count, too.
    pub own: Option<bool>,
    /// Sheet: the spreadsheet's id.
    pub spreadsheet: Option<String>,
    /// Sheet: the title of the sheet in it, the first if nothing is said.
    pub sheet: Option<String>,
    /// Sheet: the header of the column whose value names a row and never changes.
    pub key: Option<String>,
    /// Sheet: headers of the columns in which a change counts.
    pub columns: Option<Vec<String>>,
    /// Sheet: what the row's cells must have come to hold, by header.
    pub equals: Option<BTreeMap<String, String>>,
    /// Lead, job, link: the states, stages or kinds that count. All if nothing is said.
    pub is: Option<Vec<String>>,
    /// Webhook: the event's name.
    pub name: Option<String>,
    /// Schedule: minute, hour, day of month, month, weekday.
    pub cron: Option<String>,
    /// Schedule: `latest`, `skip` or `all`.
    pub misfire: Option<String>,
}

impl Trigger {
    fn on(&self) -> Result<On> {
        self.on.ok_or_else(|| Error::usage("a trigger says `on` what it waits for"))
    }

    /// Returns the kind of the events that it looks at.
    pub fn kind(&self) -> Option<EventKind> {
        self.on.map(On::kind)
    }

    /// Returns every text with holes.
    pub fn texts(&self) -> Vec<&str> {
        let plain = [
            &self.connection,
            &self.query,
            &self.label,
            &self.calendar,
            &self.before,
            &self.after,
            &self.spreadsheet,
            &self.sheet,
            &self.key,
            &self.name,
            &self.cron,
            &self.misfire,
        ];
        let lists = [&self.changes, &self.columns, &self.is].into_iter().flatten().flatten();
        let values = self.equals.iter().flatten().map(|(_, value)| value);
        plain.into_iter().flatten().chain(lists).chain(values).map(String::as_str).collect()
    }

    /// Checks that what is said belongs to what it waits for.
    ///
    /// # Errors
    /// `Usage` naming the key that does not belong there, or is missing.
    pub fn check(&self) -> Result<()> {
        let on = self.on()?;
        let keys = catalogue::find(on).map_or(&[] as &[_], |doc| doc.keys);
        let said = [
            ("connection", self.connection.is_some()),
            ("query", self.query.is_some()),
            ("label", self.label.is_some()),
            ("calendar", self.calendar.is_some()),
            ("changes", self.changes.is_some()),
            ("before", self.before.is_some()),
            ("after", self.after.is_some()),
            ("own", self.own.is_some()),
            ("spreadsheet", self.spreadsheet.is_some()),
            ("sheet", self.sheet.is_some()),
            ("key", self.key.is_some()),
            ("columns", self.columns.is_some()),
            ("equals", self.equals.is_some()),
            ("is", self.is.is_some()),
            ("name", self.name.is_some()),
            ("cron", self.cron.is_some()),
            ("misfire", self.misfire.is_some()),
        ];
        if let Some((name, _)) = said.iter().find(|(name, said)| *said && !keys.contains(name)) {
            return Err(Error::usage(format!("a trigger on `{on}` has no `{name}`")));
        }
        let needed = match on {
            On::Event(EventKind::SheetsRow) => Some("spreadsheet"),
            On::Event(EventKind::WebhookReceived) => Some("name"),
            On::Event(EventKind::Schedule) => Some("cron"),
            On::Appointment(AppointmentOn::Near) => Some("before"),
            On::Appointment(AppointmentOn::Past) => Some("after"),
            _ => None,
        };
        if let Some(name) = needed.filter(|name| !said.contains(&(*name, true))) {
            return Err(Error::usage(format!("a trigger on `{on}` names its `{name}`")));
        }
        let moments = [self.before.is_some(), self.after.is_some(), self.changes.is_some()];
        if moments.iter().filter(|said| **said).count() > 1 {
            return Err(Error::usage("a trigger has one of `changes`, `before` and `after`")
                .hint("write a second `[[trigger]]`"));
        }
        Ok(())
    }

    /// Fills the holes and reads the texts. A trigger whose spreadsheet comes out empty watches
    /// nothing: its setting is optional.
    ///
    /// # Errors
    /// `Usage` naming what cannot be read.
    pub fn watch(
        &self,
        number: i32,
        renderer: &Renderer,
        context: &minijinja::Value,
    ) -> Result<Option<Watch>> {
        let on = self.on()?;
        let text = |source: &Option<String>| -> Result<Option<String>> {
            let filled = source.as_ref().map(|source| renderer.text(source, context)).transpose()?;
            Ok(filled.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
        };
        let connection = text(&self.connection)?;
        let customer = matches!(on, On::Appointment(_));
        let filter = match on.kind() {
            EventKind::LeadReceived
            | EventKind::ConnectionFailing
            | EventKind::MessageWritten
            | EventKind::MessageBounced
            | EventKind::ContactUnsubscribed
            | EventKind::JobCreated
            | EventKind::JobCompleted
            | EventKind::JobCancelled => Filter::Any,
            EventKind::LeadChanged | EventKind::LinkOpened | EventKind::JobStage => {
                let is = self.is.iter().flatten().map(|source| renderer.text(source, context));
                Filter::Fact { is: is.collect::<Result<_>>()? }
            }
            EventKind::WebhookReceived => Filter::Webhook { name: text(&self.name)?.unwrap_or_default() },
            EventKind::Manual => Filter::Named,
            EventKind::Schedule => {
                let Some(cadence) = text(&self.cron)? else { return Ok(None) };
                Cadence::parse(&cadence)?;
                let misfire = text(&self.misfire)?;
                let misfire = misfire.as_deref().map_or(Ok(Misfire::Latest), Misfire::parse)?;
                Filter::Schedule { cadence, misfire }
            }
            EventKind::GmailMessage | EventKind::MessageReceived => {
                let query = Query::parse(&text(&self.query)?.unwrap_or_default())?;
                Filter::Mail { query, label: text(&self.label)? }
            }
            EventKind::CalendarEvent => Filter::Calendar {
                calendar: text(&self.calendar)?.unwrap_or_else(|| "primary".to_owned()),
                when: self.calendar_when(on, &text)?,
                own: self.own.unwrap_or(false),
                customer,
            },
            EventKind::SheetsRow => {
                let Some(spreadsheet) = text(&self.spreadsheet)? else { return Ok(None) };
                let sheet = text(&self.sheet)?.unwrap_or_default();
                Filter::Sheet {
                    target: SheetTarget { spreadsheet, sheet },
                    key: text(&self.key)?,
                    rows: self.row_filter(renderer, context)?,
                }
            }
        };
        Ok(Some(Watch { kind: on.kind(), number, connection, filter }))
    }

    fn calendar_when(
        &self,
        on: On,
        text: &impl Fn(&Option<String>) -> Result<Option<String>>,
    ) -> Result<CalendarWhen> {
        if let Some(before) = text(&self.before)? {
            return Ok(CalendarWhen::At(Moment::Before(seconds(&before)?)));
        }
        if let Some(after) = text(&self.after)? {
            return Ok(CalendarWhen::At(Moment::After(seconds(&after)?)));
        }
        match on {
            On::Appointment(AppointmentOn::Booked) => {
                return Ok(CalendarWhen::Changes(vec![EntryChange::Created]));
            }
            On::Appointment(AppointmentOn::Moved) => return Ok(CalendarWhen::Moved),
            On::Appointment(AppointmentOn::Cancelled) => {
                return Ok(CalendarWhen::Changes(vec![EntryChange::Cancelled]));
            }
            On::Event(_) | On::Appointment(AppointmentOn::Near | AppointmentOn::Past) => {}
        }
        let all = [EntryChange::Created, EntryChange::Updated, EntryChange::Cancelled];
        let named = self.changes.iter().flatten().map(|name| {
            let change = EntryChange::parse(name)?;
            if all.contains(&change) {
                return Ok(change);
            }
            Err(Error::usage(format!("`changes` has no `{name}`")).hint(format!("write `{name} = \"2h\"`")))
        });
        let named = named.collect::<Result<Vec<_>>>()?;
        Ok(CalendarWhen::Changes(if named.is_empty() { all.to_vec() } else { named }))
    }

    fn row_filter(&self, renderer: &Renderer, context: &minijinja::Value) -> Result<RowFilter> {
        let named = self.changes.iter().flatten().map(|name| RowChange::parse(name));
        let named = named.collect::<Result<Vec<_>>>()?;
        let each = |texts: &[String]| {
            texts.iter().map(|source| renderer.text(source, context)).collect::<Result<Vec<_>>>()
        };
        let equals = self
            .equals
            .iter()
            .flatten()
            .map(|(header, value)| renderer.text(value, context).map(|value| (header.clone(), value)));
        Ok(RowFilter {
            changes: if named.is_empty() { RowChange::ALL.to_vec() } else { named },
            columns: each(self.columns.as_deref().unwrap_or_default())?,
            equals: equals.collect::<Result<_>>()?,
        })
    }
}

fn seconds(text: &str) -> Result<u64> {
    duration(text).map(|duration| duration.as_secs())
}
