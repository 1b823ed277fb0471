//! Sources of leads: what each sends by webhook or by mail, how that is verified, read and answered.
//!
//! Everything that is known about a format stands in its own file in `formats`; the files here are what formats
//! share. A new format is a new file and a line in [`formats::FORMATS`]. Nothing is guessed at: a body or mail
//! that should be a lead and cannot be read is reported as such, so that it is kept for a person to review.

mod answers;
pub mod body;
pub mod fetch;
pub mod fields;
pub mod formats;
pub mod guide;
pub mod mail;
mod mail_text;
mod marketplace;
pub mod original;
pub mod response;
pub mod value;
pub mod verify;
pub mod webhook;

use std::fmt;

use crate::base::{Error, Result};
use crate::engine::enquiry::Enquiry;
use crate::engine::lead_format::formats::FORMATS;
use crate::engine::lead_format::mail::MailFormat;
use crate::engine::lead_format::webhook::WebhookFormat;
use crate::model::address::EmailAddress;
use crate::model::lead::Agreed;
use crate::model::source::SourceKind;

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

/// A lead as a source sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedLead {
    pub enquiry: Enquiry,
    /// The sender's id of the lead.
    pub external_id: Option<String>,
    /// Where an answer goes: an address that the marketplace relays from.
    pub reply_to: Option<EmailAddress>,
    /// The homeowner is answered on the marketplace's own pages, even without a mail address or telephone number.
    pub answered_there: bool,
    pub consents: Vec<Agreed>,
    /// Why the sender itself considers it spam; nothing where it does not.
    pub spam: Option<&'static str>,
    /// The telephone number is lent by the marketplace, and will be another person's later.
    pub masked_phone: bool,
}

impl ParsedLead {
    /// Tells whether there is a name or a way to answer.
    pub fn says_anything(&self) -> bool {
        let said = [&self.enquiry.name, &self.enquiry.email, &self.enquiry.phone];
        said.iter().any(|text| !text.trim().is_empty()) || self.reply_to.is_some()
    }
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

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.format.name)
    }
}

/// Lists the formats that sources can be added of.
pub fn webhooks() -> impl Iterator<Item = Webhook> {
    FORMATS.iter().filter_map(|format| format.as_webhook())
}

/// Returns the names of the formats that sources can be added of, for people: `facebook, yelp or json`.
pub fn webhook_names() -> String {
    let names: Vec<&str> = webhooks().map(|webhook| webhook.format.name).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// Reads the name of a format that sources can be added of.
///
/// # Errors
/// `Usage` when there is no such format; the hint lists them.
pub fn parse(name: &str) -> Result<Webhook> {
    webhooks().find(|webhook| webhook.format.name == name).ok_or_else(|| {
        let names: Vec<&str> = webhooks().map(|webhook| webhook.format.name).collect();
        Error::usage(format!("`{name}` is not a source kind"))
            .hint(format!("use one of: {}", names.join(", ")))
    })
}

/// Returns the format of a stored source.
///
/// # Errors
/// `Internal` when it was stored by a version that knew more formats.
pub fn of(kind: &SourceKind) -> Result<Webhook> {
    webhooks().find(|webhook| webhook.format.name == kind.as_str()).ok_or_else(|| {
        Error::internal(format!("sources of kind `{kind}` are not known to this version of Nexora"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_a_name_of_its_own_and_a_way_for_its_leads_to_arrive() {
        let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FORMATS.len());
        assert!(FORMATS.iter().all(|format| format.webhook.is_some() || format.mail.is_some()));
        assert_eq!(parse("angi").unwrap().format.name, "angi");
        let error = parse("adf").unwrap_err();
        assert_eq!(error.message(), "`adf` is not a source kind");
        assert!(error.hint_text().unwrap().ends_with("gravity-forms, json"));
        assert!(webhook_names().ends_with("gravity-forms or json"));
    }
}
