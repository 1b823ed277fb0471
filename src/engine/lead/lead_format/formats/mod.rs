//! The formats, each in its own file. This list is the only place that names them all.

pub mod adf;
mod adf_prospect;
pub mod angi;
pub mod facebook;
pub mod form_mail;
pub mod google_ads;
pub mod google_local;
pub mod gravity_forms;
pub mod jotform;
pub mod json;
pub mod marketplaces;
pub mod thumbtack;
pub mod typeform;
pub mod yelp;

#[cfg(test)]
mod layout_tests;
#[cfg(test)]
mod mail_tests;
#[cfg(test)]
mod webhook_tests;

use crate::lead::lead_format::mail::{IncomingMail, MailResult};
use crate::lead::lead_format::{LeadFormat, Webhook};
use nexora_core::base::{Error, Result};
use nexora_core::model::source::SourceKind;

/// Every format, in the order in which people are shown them. A mail is of the first that takes it: an ADF document
/// may come from a marketplace.
pub static FORMATS: &[&LeadFormat] = &[
    &adf::FORMAT,
    &google_ads::FORMAT,
    &facebook::FORMAT,
    &angi::FORMAT,
    &thumbtack::FORMAT,
    &yelp::FORMAT,
    &google_local::FORMAT,
    &typeform::FORMAT,
    &jotform::FORMAT,
    &gravity_forms::FORMAT,
    &json::FORMAT,
    &marketplaces::FORMAT,
    &form_mail::FORMAT,
];

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

/// Reads a mail: the first format that it is of decides.
pub fn read_mail(incoming: IncomingMail<'_>) -> MailResult {
    let mut formats = FORMATS.iter().filter_map(|format| format.mail);
    match formats.find_map(|format| format.read(incoming)).unwrap_or(MailResult::Unrelated) {
        MailResult::Unrelated | MailResult::NotALead { .. } if adf::is_too_large(incoming.mail) => {
            MailResult::Unreadable { source: adf::SOURCE, reason: adf::TOO_LARGE }
        }
        read => read,
    }
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
