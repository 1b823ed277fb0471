//! What starts a run, or ends one. Each trigger has one file, or shares one with its family, that
//! declares its keys and which events pass; [`TRIGGERS`] lists them. docs/ADDING.md tells how one is
//! added.

mod calendar;
mod event;
mod mail;
mod schedule;
mod sheet;
mod watch;
mod webhook;

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

pub use watch::{EventSource, Filter, Watch};

use crate::automation::argument::{Argument, Arguments, Text, Texts};
use crate::automation::render::Renderer;
use crate::automation::source_text::suggestion;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::Ability;
use nexora_core::model::event::EventKind;

/// Every trigger, in the order of the reference.
pub const TRIGGERS: &[TriggerKind] = &[
    event::LEAD_RECEIVED,
    event::LEAD_CHANGED,
    mail::GMAIL_MESSAGE,
    mail::MESSAGE_RECEIVED,
    event::MESSAGE_WRITTEN,
    event::MESSAGE_BOUNCED,
    event::CONTACT_UNSUBSCRIBED,
    event::LINK_OPENED,
    calendar::CALENDAR_EVENT,
    calendar::BOOKED,
    calendar::MOVED,
    calendar::CANCELLED,
    calendar::NEAR,
    calendar::PAST,
    sheet::ROW,
    event::JOB_CREATED,
    event::JOB_STAGE,
    event::JOB_COMPLETED,
    event::JOB_CANCELLED,
    event::JOB_REOPENED,
    webhook::RECEIVED,
    schedule::SCHEDULE,
    event::MANUAL,
    event::CONNECTION_FAILING,
];

/// A trigger as definitions name it.
pub struct TriggerKind {
    pub on: &'static str,
    /// When it fires, as the end of "it fires when".
    pub when: &'static str,
    pub keys: &'static [Argument],
    /// The kind of the events that it looks at.
    pub event: EventKind,
    /// What a Google connection has to be able to do for such events to arrive.
    pub needs: &'static [Ability],
    /// What becomes of the subject of a made-up event: a change, a state, a kind of link.
    pub sample: &'static str,
    /// Reads and checks its keys.
    pub read: fn(toml::Table) -> Result<Arc<dyn Keys>>,
}

/// The keys of a trigger, read and not yet filled.
pub trait Keys: Texts + Debug + Send + Sync {
    /// Makes sure that the keys go together.
    ///
    /// # Errors
    /// `Usage` naming what is at odds.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Fills the holes and reads the texts; nothing when an optional setting leaves nothing to watch.
    ///
    /// # Errors
    /// `Usage` naming what cannot be read.
    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>>;

    /// Returns the name of the one connection that counts.
    fn connection(&self) -> Option<&Text> {
        None
    }

    /// Returns the spreadsheet and the sheet of which every new row fires it.
    fn fires_on_new_rows_of(&self) -> Option<(&Text, Option<&Text>)> {
        None
    }
}

/// What the holes of a trigger's texts are filled with.
pub struct Fill<'a> {
    pub renderer: &'a Renderer,
    pub values: &'a minijinja::Value,
}

impl Fill<'_> {
    fn text(&self, text: &Text) -> Result<String> {
        self.renderer.text(text.as_str(), self.values)
    }

    /// Fills a text that need not be given, and trims it; nothing when it is empty.
    fn filled(&self, text: Option<&Text>) -> Result<Option<String>> {
        let filled = text.map(|text| self.text(text)).transpose()?;
        Ok(filled.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    fn each(&self, texts: &[Text]) -> Result<Vec<String>> {
        texts.iter().map(|text| self.text(text)).collect()
    }
}

/// The name of a trigger.
#[derive(Clone, Copy)]
pub struct On(&'static TriggerKind);

impl On {
    pub fn kind(self) -> &'static TriggerKind {
        self.0
    }
}

impl Debug for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.on)
    }
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.0.on)
    }
}

impl FromStr for On {
    type Err = Error;

    fn from_str(text: &str) -> Result<On> {
        TRIGGERS.iter().find(|kind| kind.on == text).map(On).ok_or_else(|| {
            let names = TRIGGERS.iter().map(|kind| kind.on);
            Error::usage(format!("unknown trigger `{text}`{}", suggestion(text, names)))
        })
    }
}

/// A trigger as a definition has it: texts with holes for settings.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub on: On,
    keys: Arc<dyn Keys>,
}

impl Trigger {
    /// Reads a trigger, and checks that its keys belong to it.
    ///
    /// # Errors
    /// `Usage` naming the trigger that there is not, or the key that does not belong, is missing or
    /// cannot be read.
    pub fn read(mut table: toml::Table) -> Result<Trigger> {
        let on = match table.remove("on") {
            None => return Err(Error::usage("a trigger says `on` what it waits for")),
            Some(toml::Value::String(on)) => on.parse::<On>()?,
            Some(_) => return Err(Error::usage("`on` is not text")),
        };
        let kind = on.kind();
        if let Some(name) = table.keys().find(|name| kind.keys.iter().all(|key| key.name != name.as_str())) {
            let similar = suggestion(name, kind.keys.iter().map(|key| key.name));
            return Err(Error::usage(format!("a trigger on `{on}` has no `{name}`{similar}")));
        }
        if let Some(key) = kind.keys.iter().find(|key| key.required && !table.contains_key(key.name)) {
            return Err(Error::usage(format!("a trigger on `{on}` names its `{}`", key.name)));
        }
        Ok(Trigger { on, keys: (kind.read)(table)? })
    }

    /// Returns the name of the one connection that counts.
    pub fn connection(&self) -> Option<&str> {
        self.keys.connection().map(Text::as_str)
    }

    /// Returns every text with holes.
    pub fn texts(&self) -> Vec<&str> {
        self.keys.texts()
    }

    /// Tells whether every new row of this sheet fires it.
    pub fn fires_on_new_rows_of(&self, spreadsheet: &Text, sheet: &Text) -> bool {
        let same = |a: &Text, b: &Text| a.as_str().trim() == b.as_str().trim();
        self.keys
            .fires_on_new_rows_of()
            .is_some_and(|(own, title)| same(own, spreadsheet) && title.is_some_and(|own| same(own, sheet)))
    }

    /// Fills the holes and reads the texts; `number` is its place among the automation's triggers.
    /// Returns nothing when an optional setting leaves nothing to watch.
    ///
    /// # Errors
    /// `Usage` naming what cannot be read.
    pub fn watch(
        &self,
        number: i32,
        renderer: &Renderer,
        values: &minijinja::Value,
    ) -> Result<Option<Watch>> {
        let fill = Fill { renderer, values };
        let connection = fill.filled(self.keys.connection())?;
        let filter = self.keys.filter(&fill)?;
        Ok(filter.map(|filter| Watch { on: self.on, number, connection, filter }))
    }
}

/// Reads and checks the keys of a trigger.
fn read<K: Arguments + Keys + 'static>(table: toml::Table) -> Result<Arc<dyn Keys>> {
    let keys = K::read(table)?;
    keys.check()?;
    Ok(Arc::new(keys))
}

#[cfg(test)]
mod tests;
