//! Sources of leads: what each sends by webhook or by mail, how that is verified, read and answered.
//!
//! Everything that is known about a format stands in its own file in `formats`; the files here are what formats
//! share. A new format is a new file and a line in [`formats::FORMATS`]. Nothing is guessed at: a body or mail
//! that should be a lead and cannot be read is reported as such, so that it is kept for a person to review.

mod answers;
pub mod body;
mod card;
mod ending;
pub mod fetch;
pub mod fields;
mod form_evidence;
mod form_sender;
pub mod formats;
pub mod guide;
mod html;
mod label;
mod layout;
pub mod mail;
mod mail_text;
mod marketplace;
pub mod original;
pub mod parsed_lead;
mod phrase;
mod place;
mod reading;
pub mod response;
pub mod value;
pub mod verify;
mod vocabulary;
mod voice;
pub mod webhook;

use std::fmt;

use serde_json::Value;

use crate::lead::lead_format::body::Body;
use crate::lead::lead_format::mail::MailFormat;
use crate::lead::lead_format::webhook::{ParseResult, Sender, WebhookFormat};
use nexora_core::model::source::SourceSettings;

/// The way in which one sender tells of leads.
pub struct LeadFormat {
    /// The name by which it is chosen and stored: `google-ads`.
    pub name: &'static str,
    /// What a lead's `source` holds; nothing for forms, whose leads bear the name that their source was given.
    pub lead_source: Option<&'static str>,
    /// How its webhooks are handled, if it sends any.
    pub webhook: Option<&'static dyn WebhookFormat>,
    /// How its mails are read, if it sends any.
    pub mail: Option<&'static dyn MailFormat>,
}

/// A format that sends webhooks, with its handling of them.
#[derive(Clone, Copy)]
pub struct Webhook {
    pub format: &'static LeadFormat,
    pub handling: &'static dyn WebhookFormat,
}

impl LeadFormat {
    /// Returns the format as one that sources can be added of, if it sends webhooks.
    pub fn as_webhook(&'static self) -> Option<Webhook> {
        self.webhook.map(|handling| Webhook { format: self, handling })
    }
}

impl Webhook {
    /// Returns a source of this format, as far as reading goes; `name` is the one that it was given.
    pub fn sender<'a>(self, settings: &'a SourceSettings, name: &'a str) -> Sender<'a> {
        Sender { settings, lead_source: self.format.lead_source.unwrap_or(name) }
    }

    /// Reads the body of a webhook.
    pub fn read(self, sender: Sender<'_>, body: Body<'_>) -> ParseResult {
        match body::object(body) {
            Ok(value) => self.handling.read(sender, &value).named(sender),
            Err(reason) => ParseResult::Malformed(reason),
        }
    }

    /// Reads a lead that was fetched after a notice.
    pub fn read_fetched(self, sender: Sender<'_>, value: &Value) -> ParseResult {
        match self.handling.fetch() {
            Some(fetch) => fetch.read(sender, value).named(sender),
            None => ParseResult::Unusable("leads of this kind are not fetched".to_owned()),
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.format.name)
    }
}
