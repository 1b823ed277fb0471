//! What an action is planned with: the facts of the run, and the values that fill holes in texts.

use std::time::Duration;

use chrono_tz::Tz;
use minijinja::Value;
use serde::Deserialize;

use crate::automation::argument::{Row, Text};
use crate::automation::context::Facts;
use crate::automation::render::Renderer;
use crate::message::route;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Result};
use nexora_core::model::ConnectionId;
use nexora_core::model::automation::MessageTemplates;
use nexora_core::model::connection::Connection;
use nexora_core::model::connector::Connections;
use nexora_core::model::effect::{Effect, EffectKind};
use nexora_core::model::event::EventKind;

/// Everything that a step's action is planned with.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    pub now: Timestamp,
    /// The tenant's zone.
    pub zone: Tz,
    pub facts: Facts<'a>,
    pub templates: &'a MessageTemplates,
    pub connections: Connections<'a>,
    /// What earlier steps of the run promised.
    pub effects: &'a [Effect],
    /// The digest, where the run has one to compose.
    pub digest: Option<&'a serde_json::Value>,
    pub renderer: &'a Renderer,
    /// What texts and conditions refer to.
    pub values: &'a Value,
}

impl<'a> StepContext<'a> {
    /// Fills the holes of a text.
    ///
    /// # Errors
    /// `Usage` when the text cannot be read.
    pub fn text(&self, text: &Text) -> Result<String> {
        self.renderer.text(text.as_str(), self.values)
    }

    /// Fills the holes of a text that need not be given.
    ///
    /// # Errors
    /// As [`StepContext::text`].
    pub fn optional(&self, text: Option<&Text>) -> Result<Option<String>> {
        text.map(|text| self.text(text)).transpose()
    }

    /// Fills the holes of a text that need not be given, and trims it; nothing when it is empty.
    ///
    /// # Errors
    /// As [`StepContext::text`].
    pub fn filled(&self, text: Option<&Text>) -> Result<Option<String>> {
        let text = self.optional(text)?.map(|text| text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Fills the cells of a row, header by header.
    ///
    /// # Errors
    /// As [`StepContext::text`].
    pub fn cells(&self, row: &Row) -> Result<Vec<(String, String)>> {
        row.0.iter().map(|(header, cell)| Ok((header.clone(), self.text(cell)?))).collect()
    }

    /// Reads a text as a moment.
    ///
    /// # Errors
    /// `Usage` when it is none.
    pub fn moment(&self, text: &Text) -> Result<Timestamp> {
        moment(&self.text(text)?)
    }

    /// Reads a text as a length of time.
    ///
    /// # Errors
    /// `Usage` when it is none.
    pub fn duration(&self, text: &Text) -> Result<Duration> {
        parse_length(&self.text(text)?)
    }

    /// Returns the account for an effect: the one whose event started the run, else the tenant's first.
    ///
    /// # Errors
    /// `Conflict` when the tenant has no connection that can carry it.
    pub fn account(&self, kind: EffectKind) -> Result<&'a Connection> {
        #[derive(Deserialize)]
        struct Origin {
            connection_id: Option<ConnectionId>,
        }
        let event = self.facts.event;
        if event.kind != EventKind::ConnectionFailing {
            let origin: Origin = event.payload.read()?;
            let found = self.connections.iter().find(|c| Some(&c.id) == origin.connection_id.as_ref());
            if let Some(connection) = found {
                return Ok(connection);
            }
        }
        route::for_account(self.connections, kind)
    }
}

/// Reads a moment, as a filled text shows it.
///
/// # Errors
/// `Usage` when it is none.
pub fn moment(text: &str) -> Result<Timestamp> {
    Timestamp::parse(text.trim()).ok_or_else(|| {
        Error::usage(format!("`{text}` is not a time")).hint("give a time such as `{{ steps.slot.start }}`")
    })
}
