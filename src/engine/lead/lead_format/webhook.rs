//! Leads that are sent by webhook: what a format says about itself, and what a body turns out to be.

use serde_json::Value;

use crate::lead::lead_format::fetch::FetchedFormat;
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::response::{self, Handshake, Response};
use crate::lead::lead_format::verify::{Call, Verification};
use nexora_core::model::LeadId;
use nexora_core::model::source::SourceSettings;

/// How the webhooks of one format are verified, read and answered.
pub trait WebhookFormat: Sync {
    /// Returns what a source of this format can be given, and must be.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Returns the steps at the sender, for the person who has just added a source.
    fn guide(&self, setup: &Setup<'_>) -> String;

    /// Tells whether a call is the source's, in a time that does not depend on what is wrong.
    fn verify(&self, call: &Call<'_>) -> Verification;

    /// Reads a body that was verified.
    fn read(&self, sender: Sender<'_>, body: &Value) -> ParseResult;

    /// Returns the answer to a call that was taken, the first time and every time after.
    fn accepted(&self, _settings: &SourceSettings, _lead: Option<&LeadId>) -> Response {
        Response::empty_object()
    }

    /// Returns the answer to a call that is not the source's.
    fn refused(&self, verification: Verification) -> Response {
        self.problem(401, response::REFUSED, verification.reason())
    }

    /// Returns the answer to a body that is not in the format: sending it again will not help.
    fn malformed(&self, reason: &str) -> Response {
        self.problem(400, response::MALFORMED, reason)
    }

    /// Says that something is wrong in the way in which the sender shows it.
    fn problem(&self, status: u16, title: &str, detail: &str) -> Response {
        Response::problem(status, title, detail)
    }

    /// Answers the question with which the sender first calls; nothing when it asks none.
    fn handshake(&self, _handshake: &Handshake<'_>) -> Option<Response> {
        None
    }

    /// Returns how leads are fetched that a webhook only announces; nothing when it brings them whole.
    fn fetch(&self) -> Option<&'static dyn FetchedFormat> {
        None
    }
}

/// What a source can be given, and must be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// The settings that mean something to it.
    pub settings: &'static [Setting],
    /// The user name that is taken where none is set, by formats that have one.
    pub default_username: Option<&'static str>,
    /// Why the sender chooses the secret; nothing where we make it.
    pub chosen_secret: Option<&'static str>,
    /// The field of the body that holds the secret.
    pub secret_field: Option<&'static str>,
    /// Where the secret is a part of the address.
    pub secret_in_address: InAddress,
    /// The sender shows a second secret of ours when it first calls.
    pub verify_token: bool,
}

/// Whether the secret is the last part of the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InAddress {
    #[default]
    Never,
    /// Where the sender can send no header.
    Perhaps,
    Always,
}

/// A setting that only some formats have, with its flag on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Map,
    Success,
    Username,
    Header,
    Signed,
}

impl Setting {
    pub const ALL: [Setting; 5] =
        [Setting::Map, Setting::Success, Setting::Username, Setting::Header, Setting::Signed];

    pub fn flag(self) -> &'static str {
        match self {
            Setting::Map => "--map",
            Setting::Success => "--success",
            Setting::Username => "--username",
            Setting::Header => "--header",
            Setting::Signed => "--signed",
        }
    }

    pub fn is_set(self, settings: &SourceSettings) -> bool {
        match self {
            Setting::Map => !settings.fields.is_empty(),
            Setting::Success => settings.success.is_some(),
            Setting::Username => settings.username.is_some(),
            Setting::Header => settings.header.is_some(),
            Setting::Signed => settings.signed,
        }
    }
}

/// The source that a body came from, as far as reading it goes.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    pub settings: &'a SourceSettings,
    /// What a lead's `source` holds: the marketplace's own word, or the name of a form.
    pub lead_source: &'a str,
}

/// What a body turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum ParseResult {
    Lead(Box<ParsedLead>),
    /// There are leads, to be fetched.
    Notices(Vec<LeadNotice>),
    Remark(Remark),
    /// Nothing that concerns us, and why.
    Nothing(&'static str),
    /// It should be a lead, and cannot be read.
    Unusable(String),
    /// It is not in the format at all.
    Malformed(String),
}

/// A lead that was announced, and must be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadNotice {
    pub external_id: String,
    /// What happened to the lead, where the sender announces more than one thing about it.
    pub update: Option<LeadUpdate>,
}

/// Something new about a lead that may have been announced before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadUpdate {
    /// The sender's id of what happened.
    pub id: String,
    /// The name of the event that it becomes when the lead is known already.
    pub event: &'static str,
}

/// Something that was said about a lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    pub id: String,
    /// The sender's id of the lead.
    pub lead: String,
    /// The name of the event that it becomes.
    pub event: &'static str,
    pub text: String,
    pub data: Value,
}

impl ParseResult {
    /// Names the source on a lead; one without a name and a way to answer is unusable.
    #[must_use]
    pub fn named(self, sender: Sender<'_>) -> ParseResult {
        let ParseResult::Lead(mut lead) = self else { return self };
        sender.lead_source.clone_into(&mut lead.enquiry.source);
        match lead.says_anything() {
            true => ParseResult::Lead(lead),
            false => ParseResult::Unusable("neither a name nor a way to answer was found".to_owned()),
        }
    }
}
