//! What each action is told. Every argument is text with holes.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::base::{Error, Result as Checked};
use crate::engine::hours::duration;
use crate::model::connection::ConnectionKind;
use crate::model::hours::BusinessHours;
use crate::model::message::MessageClass;
use crate::model::request::IfMissing;

/// A message to a customer, of a template's words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub to: String,
    pub template: String,
    #[serde(default = "transactional")]
    pub class: MessageClass,
    /// It answers what was just written, so that quiet hours do not hold it.
    #[serde(default)]
    pub at_once: bool,
    /// A time after which it is not sent any more.
    pub expires: Option<String>,
    pub reply_to: Option<String>,
    /// Insists on one kind of connection.
    pub via: Option<ConnectionKind>,
    /// The step before this one whose mail it follows, in the same conversation.
    pub follows: Option<String>,
}

/// A message to the business, of a template's words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    pub to: String,
    pub template: String,
    pub reply_to: Option<String>,
    /// Insists on one kind of connection.
    pub via: Option<ConnectionKind>,
    /// The step before this one whose mail it follows, in the same conversation.
    pub follows: Option<String>,
}

/// An answer to the mail that started the run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    pub template: String,
    /// Whoever the mail says if nothing is said here.
    #[serde(default = "reply_to_sender")]
    pub to: String,
    pub reply_to: Option<String>,
}

/// A mail that a person is to look at and send.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    pub to: String,
    pub template: String,
    /// It answers the mail that started the run.
    #[serde(default)]
    pub reply: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The mail's id; that of the mail which started the run if nothing is said.
    #[serde(default = "own_message")]
    pub message: String,
    #[serde(default)]
    pub add: Vec<String>,
    #[serde(default)]
    pub remove: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppendRow {
    pub spreadsheet: String,
    pub sheet: String,
    pub row: Row,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRow {
    pub spreadsheet: String,
    pub sheet: String,
    /// The header of the column that names rows.
    pub key: String,
    /// The row's name in it.
    pub value: String,
    pub row: Row,
    #[serde(default = "fail_if_missing")]
    pub if_missing: IfMissing,
}

/// Header and cell, in the order in which they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<(String, String)>);

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateEvent {
    #[serde(default = "primary")]
    pub calendar: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub location: String,
    /// When it begins.
    pub start: Option<String>,
    /// Or: it begins no earlier than this long after the step, within `hours`.
    pub after: Option<String>,
    /// Business hours, with `after`.
    pub hours: Option<String>,
    pub length: String,
    /// Mail addresses, separated by commas.
    #[serde(default)]
    pub attendees: String,
    /// Whether Google writes to those who attend.
    #[serde(default)]
    pub notify: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateEvent {
    #[serde(default = "primary")]
    pub calendar: String,
    /// The entry's id.
    pub event: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub location: Option<String>,
    /// A new time, with `length`.
    pub start: Option<String>,
    pub length: Option<String>,
    /// The number of one of Google's colours, 1 to 11.
    pub color: Option<String>,
    pub attendees: Option<String>,
    #[serde(default)]
    pub notify: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelEvent {
    #[serde(default = "primary")]
    pub calendar: String,
    pub event: String,
    #[serde(default)]
    pub notify: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindSlot {
    /// Calendars that must all be free, separated by commas.
    #[serde(default = "primary")]
    pub calendar: String,
    /// It begins no earlier than this long after the step.
    pub after: String,
    /// And ends no later than this long after the step.
    pub within: String,
    pub length: String,
    pub hours: String,
    /// Kept free before and after.
    #[serde(default = "no_time")]
    pub buffer: String,
    /// It begins at a multiple of this.
    #[serde(default = "quarter")]
    pub step: String,
}

/// An event that another program is told of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub event: String,
    /// The connection's name; the tenant's only one if nothing is said.
    pub connection: Option<String>,
    pub data: Row,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadState {
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub name: Option<String>,
    pub timezone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    pub title: String,
    pub key: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub amount: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobStage {
    pub stage: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub title: String,
    #[serde(default)]
    pub detail: String,
    /// How long from now.
    pub due: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    #[serde(default = "a_day")]
    pub since: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    #[serde(rename = "if")]
    pub test: String,
    #[serde(default = "not_so")]
    pub otherwise: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// How long, such as `2h` or `3days`.
    #[serde(rename = "for")]
    pub duration: Option<String>,
    pub until: Option<String>,
    /// How long, counted only within `hours`.
    pub open_for: Option<String>,
    pub hours: Option<String>,
    /// It does not end while the tenant's quiet hours last.
    #[serde(default)]
    pub past_quiet: bool,
}

/// Tells whether a text says the same in every run, so that it can be checked now.
fn is_fixed(text: &str) -> bool {
    !text.contains("{{") && !text.contains("{%")
}

impl Wait {
    /// Makes sure that it says one thing.
    pub(super) fn check(&self) -> Checked<()> {
        for text in [&self.duration, &self.open_for].into_iter().flatten().filter(|text| is_fixed(text)) {
            duration(text)?;
        }
        if let Some(hours) = self.hours.as_deref().filter(|text| is_fixed(text)) {
            BusinessHours::parse(hours)?;
        }
        let said = [&self.duration, &self.until, &self.open_for];
        match (said.into_iter().flatten().count(), &self.open_for, &self.hours) {
            (1, Some(_), None) => Err(Error::usage("`open_for` needs the `hours` in which it counts")),
            (1, _, _) => Ok(()),
            _ => Err(Error::usage("a wait has one of `for`, `until` and `open_for`")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    pub reason: String,
}

fn reply_to_sender() -> String {
    "{{ message.reply_to }}".to_owned()
}

fn own_message() -> String {
    "{{ message.id }}".to_owned()
}

fn transactional() -> MessageClass {
    MessageClass::Transactional
}

fn a_day() -> String {
    "24h".to_owned()
}

fn not_so() -> String {
    "the condition was not met".to_owned()
}

fn primary() -> String {
    "primary".to_owned()
}

fn no_time() -> String {
    "0s".to_owned()
}

fn quarter() -> String {
    "15m".to_owned()
}

fn fail_if_missing() -> IfMissing {
    IfMissing::Fail
}

impl Row {
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, cell)| cell.as_str())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Row, D::Error> {
        struct Cells;

        impl<'de> Visitor<'de> for Cells {
            type Value = Row;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table of header = cell")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut cells = Vec::new();
                while let Some(cell) = map.next_entry()? {
                    cells.push(cell);
                }
                Ok(Row(cells))
            }
        }

        deserializer.deserialize_map(Cells)
    }
}
