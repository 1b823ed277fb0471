//! What the sources of leads send: whether it is theirs, what it says, and how they want it answered.
//!
//! Each sender has a format of its own, and its file here. A body that cannot be read is said to be so,
//! so that it can be kept for a person: nothing is guessed at and nothing is dropped. Who sent it was
//! verified before (`verify`); what is kept of it has its secrets removed (`original`).

mod angi;
pub mod answer;
mod answers;
mod content;
mod facebook;
mod forms;
mod google_ads;
mod jotform;
mod json;
pub mod original;
mod thumbtack;
mod typeform;
pub mod verify;
mod yelp;

use serde_json::Value;

use crate::base::money;
use crate::engine::enquiry::Enquiry;
use crate::model::address::EmailAddress;
use crate::model::lead::Agreed;
use crate::model::source::{SourceKind, SourceSettings};

/// A lead as a source told it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub enquiry: Enquiry,
    /// The sender's own name for the lead.
    pub external_id: Option<String>,
    /// Where an answer goes: an address that the marketplace relays from.
    pub reply_to: Option<EmailAddress>,
    pub consents: Vec<Agreed>,
    /// Why the sender itself holds it to be spam; nothing where it does not.
    pub spam: Option<&'static str>,
    /// The telephone number is lent by the marketplace, and tomorrow somebody else's.
    pub masked_phone: bool,
}

/// A lead that we are told of, and must fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub external_id: String,
    /// Names what happened to the lead, where the sender tells more than once about one.
    pub event_id: Option<String>,
}

/// Something that was said about a lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    pub id: String,
    /// The sender's own name for the lead.
    pub lead: String,
    /// The name of the event that it becomes.
    pub name: &'static str,
    pub text: String,
    pub data: Value,
}

/// What a body says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Lead(Box<Found>),
    /// There are leads, to be fetched.
    Notices(Vec<Told>),
    Remark(Remark),
    /// Nothing that concerns us, and why.
    Nothing(&'static str),
    /// It should be a lead, and cannot be read.
    Unusable(String),
    /// It is not in the format at all.
    Malformed(String),
}

/// A body with what it was said to be.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    pub content_type: &'a str,
    pub bytes: &'a [u8],
}

/// The source that a body came from, as far as reading it goes.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    pub kind: SourceKind,
    pub settings: &'a SourceSettings,
    /// The name that the source was given.
    pub name: &'a str,
}

impl Sender<'_> {
    /// Returns the word that a lead's `source` holds: a marketplace's own, or the name of a form.
    pub fn word(&self) -> &str {
        match self.kind {
            SourceKind::GoogleAds => "google_ads",
            SourceKind::Facebook => "facebook",
            SourceKind::Angi => "angi",
            SourceKind::Thumbtack => "thumbtack",
            SourceKind::Yelp => "yelp",
            SourceKind::Typeform | SourceKind::Jotform | SourceKind::GravityForms | SourceKind::Json => {
                self.name
            }
        }
    }
}

/// Says what a body is.
pub fn read(sender: Sender<'_>, body: Body<'_>) -> Reading {
    let value = match content::object(body) {
        Ok(value) => value,
        Err(reason) => return Reading::Malformed(reason),
    };
    let reading = match sender.kind {
        SourceKind::GoogleAds => google_ads::read(sender, &value),
        SourceKind::Facebook => facebook::read(&value),
        SourceKind::Angi => angi::read(&value),
        SourceKind::Thumbtack => thumbtack::read(&value),
        SourceKind::Yelp => yelp::read(&value),
        SourceKind::Typeform => typeform::read(sender, &value),
        SourceKind::Jotform => jotform::read(sender, &value),
        SourceKind::GravityForms => forms::read(sender, &value),
        SourceKind::Json => json::read(sender, &value),
    };
    named(sender, reading)
}

/// Reads a lead that was fetched after a notice.
pub fn read_fetched(sender: Sender<'_>, value: &Value) -> Reading {
    let reading = match sender.kind {
        SourceKind::Facebook => facebook::read_fetched(sender, value),
        SourceKind::Yelp => yelp::read_fetched(value),
        SourceKind::GoogleAds
        | SourceKind::Angi
        | SourceKind::Thumbtack
        | SourceKind::Typeform
        | SourceKind::Jotform
        | SourceKind::GravityForms
        | SourceKind::Json => Reading::Unusable("leads of this kind are not fetched".to_owned()),
    };
    named(sender, reading)
}

/// Puts the source's word on a lead, and says so where there is nothing in it to act on.
fn named(sender: Sender<'_>, reading: Reading) -> Reading {
    let Reading::Lead(mut found) = reading else { return reading };
    found.enquiry.source = sender.word().to_owned();
    let said = [&found.enquiry.name, &found.enquiry.email, &found.enquiry.phone];
    if said.iter().all(|text| text.trim().is_empty()) && found.reply_to.is_none() {
        return Reading::Unusable("neither a name nor a way to answer was found".to_owned());
    }
    Reading::Lead(found)
}

/// Returns the text at a path of keys, numbers included; empty when there is none.
fn text(value: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    found.map(plain).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => joined(&items.iter().map(plain).collect::<Vec<_>>(), ", "),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// Joins what is not empty.
fn joined(parts: &[impl AsRef<str>], separator: &str) -> String {
    let parts = parts.iter().map(|part| part.as_ref().trim()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(separator)
}

fn some(text: String) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Reads an amount of money, such as `25.67` or `"$1,025.5"`, in hundredths.
fn cents(value: &Value) -> Option<i64> {
    money::parse(&plain(value)).ok()
}

#[cfg(test)]
mod tests;
