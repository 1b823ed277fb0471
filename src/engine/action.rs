//! The actions: what a step can ask for, with the arguments of each.
//!
//! Every argument is text with holes. Adding an action is a variant here, its arguments, and what
//! it promises in `plan`.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::base::{Error, Result};
use crate::model::connection::ConnectionKind;

/// What a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A message to the homeowner.
    SendMessage(Message),
    /// A message to the business owner.
    NotifyOwner(Message),
    AppendRow(AppendRow),
    CreateEvent(CreateEvent),
    Wait(Wait),
    Stop(Stop),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub to: String,
    pub template: String,
    pub reply_to: Option<String>,
    /// Insists on one kind of connection.
    pub via: Option<ConnectionKind>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppendRow {
    pub spreadsheet: String,
    pub sheet: String,
    pub row: Row,
}

/// Header and cell, in the order in which they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<(String, String)>);

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateEvent {
    pub calendar: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub location: String,
    /// The entry begins no earlier than this long after the step.
    pub after: String,
    pub length: String,
    /// The entry lies within these business hours.
    pub hours: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// How long, such as `2h` or `3days`.
    #[serde(rename = "for")]
    pub duration: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    pub reason: String,
}

/// Every action's name, for messages.
pub const NAMES: &[&str] =
    &["message.send", "notify.owner", "sheets.append_row", "calendar.create_event", "wait", "stop"];

impl Action {
    /// Reads the arguments of the action called `name`.
    ///
    /// # Errors
    /// `Usage` when there is no such action, or an argument is missing, unknown or of a wrong type.
    pub fn parse(name: &str, arguments: toml::Table) -> Result<Action> {
        match name {
            "message.send" => read(arguments).map(Action::SendMessage),
            "notify.owner" => read(arguments).map(Action::NotifyOwner),
            "sheets.append_row" => read(arguments).map(Action::AppendRow),
            "calendar.create_event" => read(arguments).map(Action::CreateEvent),
            "wait" => read(arguments).map(Action::Wait),
            "stop" => read(arguments).map(Action::Stop),
            _ => Err(Error::usage(format!("unknown action `{name}`"))
                .hint(format!("the actions are: {}", NAMES.join(", ")))),
        }
    }

    /// Returns every text with holes among the arguments.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Action::SendMessage(message) | Action::NotifyOwner(message) => {
                std::iter::once(message.to.as_str()).chain(message.reply_to.as_deref()).collect()
            }
            Action::AppendRow(append) => {
                let cells = append.row.0.iter().map(|(_, cell)| cell.as_str());
                [append.spreadsheet.as_str(), append.sheet.as_str()].into_iter().chain(cells).collect()
            }
            Action::CreateEvent(create) => vec![
                &create.calendar,
                &create.title,
                &create.description,
                &create.location,
                &create.after,
                &create.length,
                &create.hours,
            ],
            Action::Wait(wait) => vec![&wait.duration],
            Action::Stop(stop) => vec![&stop.reason],
        }
    }

    /// Returns the name of the message template it uses.
    pub fn template(&self) -> Option<&str> {
        match self {
            Action::SendMessage(message) | Action::NotifyOwner(message) => Some(&message.template),
            Action::AppendRow(_) | Action::CreateEvent(_) | Action::Wait(_) | Action::Stop(_) => None,
        }
    }

    /// Tells whether a run reaches this step only once all it promised before has settled.
    pub fn is_barrier(&self) -> bool {
        match self {
            Action::Wait(_) | Action::Stop(_) => true,
            Action::SendMessage(_)
            | Action::NotifyOwner(_)
            | Action::AppendRow(_)
            | Action::CreateEvent(_) => false,
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(arguments: toml::Table) -> Result<T> {
    toml::Value::Table(arguments)
        .try_into()
        .map_err(|error: toml::de::Error| Error::usage(format!("`with`: {}", error.message())))
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
