//! What starts a run: the kinds of trigger, their filters, and whether an event passes them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::base::{Error, Result};
use crate::engine::query::Query;
use crate::engine::render::Renderer;
use crate::model::connection::Connection;
use crate::model::cursor::{Moment, SheetTarget};
use crate::model::diary::{EFFECT_PROPERTY, Entry, EntryChange, UPDATE_PROPERTY};
use crate::model::event::{CalendarEvent, Event, EventKind, MailChange, MailEvent, RowEvent};
use crate::model::sheet::RowChange;

/// A trigger as a definition has it: texts with holes for settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    pub on: Option<EventKind>,
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
}

/// A trigger with its holes filled and its texts read.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    pub kind: EventKind,
    pub connection: Option<String>,
    pub filter: Filter,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    Any,
    Mail { query: Query, label: Option<String> },
    Calendar { calendar: String, when: CalendarWhen, own: bool },
    Sheet { target: SheetTarget, key: Option<String>, rows: RowFilter },
}

#[derive(Clone, Debug, PartialEq)]
pub enum CalendarWhen {
    Changes(Vec<EntryChange>),
    At(Moment),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RowFilter {
    pub changes: Vec<RowChange>,
    pub columns: Vec<String>,
    pub equals: BTreeMap<String, String>,
}

impl Trigger {
    pub fn kind(&self) -> Result<EventKind> {
        self.on.ok_or_else(|| Error::usage("a trigger says `on` what it waits for"))
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
        ];
        let lists = [&self.changes, &self.columns].into_iter().flatten().flatten();
        let values = self.equals.iter().flatten().map(|(_, value)| value);
        plain.into_iter().flatten().chain(lists).chain(values).map(String::as_str).collect()
    }

    /// Checks that what is said belongs to what it waits for.
    ///
    /// # Errors
    /// `Usage` naming the key that does not belong there, or is missing.
    pub fn check(&self) -> Result<()> {
        let kind = self.kind()?;
        let of = |kinds: &[EventKind]| kinds.contains(&kind);
        let mail = of(&[EventKind::GmailMessage, EventKind::MessageReceived]);
        let calendar = of(&[EventKind::CalendarEvent]);
        let sheet = of(&[EventKind::SheetsRow]);
        let said = [
            ("connection", self.connection.is_some(), mail || calendar || sheet),
            ("query", self.query.is_some(), mail),
            ("label", self.label.is_some(), mail),
            ("calendar", self.calendar.is_some(), calendar),
            ("changes", self.changes.is_some(), calendar || sheet),
            ("before", self.before.is_some(), calendar),
            ("after", self.after.is_some(), calendar),
            ("own", self.own.is_some(), calendar),
            ("spreadsheet", self.spreadsheet.is_some(), sheet),
            ("sheet", self.sheet.is_some(), sheet),
            ("key", self.key.is_some(), sheet),
            ("columns", self.columns.is_some(), sheet),
            ("equals", self.equals.is_some(), sheet),
        ];
        if let Some((name, ..)) = said.iter().find(|(_, said, belongs)| *said && !belongs) {
            return Err(Error::usage(format!("a trigger on `{kind}` has no `{name}`")));
        }
        if sheet && self.spreadsheet.is_none() {
            return Err(Error::usage("a trigger on `sheets.row` names its `spreadsheet`"));
        }
        let moments = [self.before.is_some(), self.after.is_some(), self.changes.is_some()];
        if calendar && moments.iter().filter(|said| **said).count() > 1 {
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
    pub fn watch(&self, renderer: &Renderer, context: &minijinja::Value) -> Result<Option<Watch>> {
        let kind = self.kind()?;
        let text = |source: &Option<String>| -> Result<Option<String>> {
            let filled = source.as_ref().map(|source| renderer.text(source, context)).transpose()?;
            Ok(filled.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
        };
        let connection = text(&self.connection)?;
        let filter = match kind {
            EventKind::LeadReceived | EventKind::ConnectionFailing => Filter::Any,
            EventKind::GmailMessage | EventKind::MessageReceived => {
                let query = Query::parse(&text(&self.query)?.unwrap_or_default())?;
                Filter::Mail { query, label: text(&self.label)? }
            }
            EventKind::CalendarEvent => Filter::Calendar {
                calendar: text(&self.calendar)?.unwrap_or_else(|| "primary".to_owned()),
                when: self.calendar_when(&text)?,
                own: self.own.unwrap_or(false),
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
        Ok(Some(Watch { kind, connection, filter }))
    }

    fn calendar_when(
        &self,
        text: &impl Fn(&Option<String>) -> Result<Option<String>>,
    ) -> Result<CalendarWhen> {
        if let Some(before) = text(&self.before)? {
            return Ok(CalendarWhen::At(Moment::Before(seconds(&before)?)));
        }
        if let Some(after) = text(&self.after)? {
            return Ok(CalendarWhen::At(Moment::After(seconds(&after)?)));
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
    humantime::parse_duration(text).map(|duration: Duration| duration.as_secs()).map_err(|_| {
        Error::usage(format!("`{text}` is not a duration")).hint("write it like `30m`, `2h` or `1day`")
    })
}

impl Watch {
    /// Tells whether the event starts a run.
    ///
    /// # Errors
    /// `Internal` when the stored payload is not of the event's kind.
    pub fn matches(&self, event: &Event, connections: &[Connection]) -> Result<bool> {
        if event.kind != self.kind {
            return Ok(false);
        }
        let is_named = |id: &crate::model::ConnectionId| {
            let name = connections.iter().find(|connection| connection.id == *id).map(|found| &found.name);
            self.connection.as_ref().is_none_or(|wanted| Some(wanted) == name)
        };
        Ok(match &self.filter {
            Filter::Any => true,
            Filter::Mail { query, label } => {
                let mail: MailEvent = event.payload.read()?;
                is_named(&mail.connection_id) && query.matches(&mail) && bears(&mail, label.as_deref())
            }
            Filter::Calendar { calendar, when, own } => {
                let payload: CalendarEvent = event.payload.read()?;
                let is_own = is_own(&payload);
                is_named(&payload.connection_id)
                    && payload.calendar == *calendar
                    && (*own || !is_own)
                    && match when {
                        CalendarWhen::Changes(changes) => changes.contains(&payload.change),
                        CalendarWhen::At(moment) => payload.moment == Some(*moment),
                    }
            }
            Filter::Sheet { target, rows, .. } => {
                let row: RowEvent = event.payload.read()?;
                is_named(&row.connection_id)
                    && row.spreadsheet == target.spreadsheet
                    && row.sheet == target.sheet
                    && rows.matches(&row)
            }
        })
    }
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

/// A mail that arrives with the label counts, and one that is given it; without a label named,
/// only what arrives does.
fn bears(mail: &MailEvent, label: Option<&str>) -> bool {
    let same = |bearing: &str, wanted: &str| bearing.eq_ignore_ascii_case(wanted);
    match (label, mail.change) {
        (None, change) => change == MailChange::Received,
        (Some(wanted), MailChange::Received) => mail.labels.iter().any(|label| same(label, wanted)),
        (Some(wanted), MailChange::Labelled) => {
            mail.label.as_deref().is_some_and(|label| same(label, wanted))
        }
    }
}

impl RowFilter {
    /// A cell must have come to hold its value: a row that held it before does not count again.
    fn matches(&self, row: &RowEvent) -> bool {
        let changed = |header: &String| row.cells.get(header) != row.previous.get(header);
        let holds = |cells: &crate::model::sheet::Cells| {
            self.equals.iter().all(|(header, value)| {
                cells.get(header).is_some_and(|cell| cell_text(cell).eq_ignore_ascii_case(value.trim()))
            })
        };
        self.changes.contains(&row.change)
            && (self.columns.is_empty() || self.columns.iter().any(changed))
            && (self.equals.is_empty() || (holds(&row.cells) && !holds(&row.previous)))
    }
}

/// Returns a cell as the text that a person would type.
pub fn cell_text(cell: &serde_json::Value) -> String {
    cell.as_str().map_or_else(|| cell.to_string(), |text| text.trim().to_owned())
}
