//! A trigger with its holes filled: which events pass, and where they come from.

use std::fmt::Debug;

use serde::Deserialize;

use crate::automation::trigger::On;
use nexora_core::base::Result;
use nexora_core::model::ConnectionId;
use nexora_core::model::connection::Connection;
use nexora_core::model::cursor::{Moment, SheetTarget};
use nexora_core::model::event::Event;
use nexora_core::model::schedule::Misfire;

/// A trigger with its holes filled and its texts read.
#[derive(Debug)]
pub struct Watch {
    pub on: On,
    /// Which of the automation's triggers it is, from 0.
    pub number: i32,
    /// The name of the one connection that counts.
    pub connection: Option<String>,
    pub filter: Box<dyn Filter>,
}

/// Decides which events of the trigger's kind pass.
pub trait Filter: Debug + Send + Sync {
    /// Tells whether the event passes; `automation` and `number` say whose trigger it is.
    ///
    /// # Errors
    /// `Internal` when the stored payload is not of the event's kind.
    fn passes(&self, event: &Event, automation: &str, number: i32) -> Result<bool>;

    /// Returns where its events come from, as far as something has to be read or timed for them.
    fn source(&self) -> EventSource<'_> {
        EventSource::Told
    }
}

/// Where the events of a trigger come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EventSource<'a> {
    /// They arrive by themselves, or by a mailbox, which is read in any case.
    Told,
    Calendar {
        calendar: &'a str,
        /// The moment of each entry at which an event is wanted.
        moment: Option<Moment>,
    },
    Sheet {
        target: &'a SheetTarget,
        /// The header of the column that names rows.
        key: Option<&'a str>,
    },
    Schedule {
        cron: &'a str,
        misfire: Misfire,
    },
}

impl Watch {
    /// Tells whether the event starts a run of the automation, or ends one.
    ///
    /// # Errors
    /// `Internal` when the stored payload is not of the event's kind.
    pub fn matches(&self, event: &Event, automation: &str, connections: &[Connection]) -> Result<bool> {
        Ok(event.kind == self.on.kind().event
            && self.counts(event, connections)?
            && self.filter.passes(event, automation, self.number)?)
    }

    /// Tells whether the event came by a connection that counts.
    fn counts(&self, event: &Event, connections: &[Connection]) -> Result<bool> {
        #[derive(Deserialize)]
        struct Origin {
            connection_id: ConnectionId,
        }
        let Some(wanted) = &self.connection else { return Ok(true) };
        let origin: Origin = event.payload.read()?;
        let found = connections.iter().find(|connection| connection.id == origin.connection_id);
        Ok(found.is_some_and(|connection| connection.name == *wanted))
    }
}
