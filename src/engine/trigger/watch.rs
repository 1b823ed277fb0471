//! What passes a trigger: its filter with holes filled and texts read, against an event.

use std::collections::BTreeMap;

use crate::base::Result;
use crate::engine::query::Query;
use crate::model::connection::Connection;
use crate::model::cursor::{Moment, SheetTarget};
use crate::model::diary::{EFFECT_PROPERTY, Entry, EntryChange, UPDATE_PROPERTY};
use crate::model::event::{
    CalendarEvent, Event, EventKind, Fact, MailChange, MailEvent, RowEvent, ScheduleEvent, WebhookEvent,
};
use crate::model::schedule::Misfire;
use crate::model::sheet::RowChange;

/// A trigger with its holes filled and its texts read.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    pub kind: EventKind,
    /// Which of the automation's triggers it is, from 0.
    pub number: i32,
    pub connection: Option<String>,
    pub filter: Filter,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    Any,
    Mail {
        query: Query,
        label: Option<String>,
    },
    Calendar {
        calendar: String,
        when: CalendarWhen,
        own: bool,
        customer: bool,
    },
    Sheet {
        target: SheetTarget,
        key: Option<String>,
        rows: RowFilter,
    },
    /// What happened to a contact, a lead or a job; an empty list lets everything count.
    Fact {
        is: Vec<String>,
    },
    Webhook {
        name: String,
    },
    Schedule {
        cadence: String,
        misfire: Misfire,
    },
    /// Only the automation that it was meant for.
    Named,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CalendarWhen {
    Changes(Vec<EntryChange>),
    /// It begins at another time than before.
    Moved,
    At(Moment),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RowFilter {
    pub changes: Vec<RowChange>,
    pub columns: Vec<String>,
    pub equals: BTreeMap<String, String>,
}

impl Watch {
    /// Tells whether the event starts a run.
    ///
    /// # Errors
    /// `Internal` when the stored payload is not of the event's kind.
    pub fn matches(&self, event: &Event, automation: &str, connections: &[Connection]) -> Result<bool> {
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
            Filter::Calendar { calendar, when, own, customer } => {
                let payload: CalendarEvent = event.payload.read()?;
                let is_own = is_own(&payload);
                is_named(&payload.connection_id)
                    && payload.calendar == *calendar
                    && (*own || !is_own)
                    && (!*customer || has_customer(&payload))
                    && match when {
                        CalendarWhen::Changes(changes) => changes.contains(&payload.change),
                        CalendarWhen::Moved => is_moved(&payload),
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
            Filter::Fact { is } => {
                let fact: Fact = event.payload.read()?;
                is.is_empty() || is.contains(&fact.detail)
            }
            Filter::Webhook { name } => event.payload.read::<WebhookEvent>()?.name == *name,
            Filter::Schedule { .. } => {
                let tick: ScheduleEvent = event.payload.read()?;
                tick.automation == automation && tick.number == self.number
            }
            Filter::Named => event.payload.read::<Fact>()?.detail == automation,
        })
    }
}

/// A customer takes part where somebody attends who is not of the business, or a contact is named.
pub fn has_customer(event: &CalendarEvent) -> bool {
    event.about.contact_id.is_some() || event.entry.attendees.iter().any(|attendee| !attendee.is_own)
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
