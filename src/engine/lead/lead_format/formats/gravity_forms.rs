//! Gravity Forms: the raw entry, whose keys are the numbers of fields, so that a map says what they are.

use serde_json::Value;

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::answers::{self, Answer};
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::response::Response;
use crate::lead::lead_format::value::{plain, some, text};
use crate::lead::lead_format::verify::{Call, SECRET_HEADER, Verification};
use crate::lead::lead_format::webhook::{Needs, ParseResult, Sender, Setting, WebhookFormat};
use nexora_core::model::LeadId;
use nexora_core::model::source::SourceSettings;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "gravity-forms", lead_source: None, webhook: Some(&GravityForms), mail: None };

/// What WordPress knows about the entry itself.
const OWN: [&str; 18] = [
    "id",
    "form_id",
    "post_id",
    "date_created",
    "date_updated",
    "is_starred",
    "is_read",
    "ip",
    "source_url",
    "source_id",
    "user_agent",
    "currency",
    "payment_status",
    "payment_date",
    "payment_amount",
    "payment_method",
    "transaction_id",
    "transaction_type",
];

struct GravityForms;

impl WebhookFormat for GravityForms {
    fn needs(&self) -> Needs {
        Needs { settings: &[Setting::Map, Setting::Header], ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "In WordPress, open the form, \"Settings\", \"Webhooks\", \"Add New\":
  1. Request URL     {}
  2. Request method  POST, format JSON, body \"All Fields\"
  3. Header          {}: {}
  Field numbers become fields by `nexora source set {} --map email=2`.",
            setup.url,
            setup.header(SECRET_HEADER),
            setup.secret(),
            setup.source.name
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_secret(call.header_or_token(SECRET_HEADER))
    }

    fn read(&self, sender: Sender<'_>, body: &Value) -> ParseResult {
        lead(sender, body)
    }

    fn accepted(&self, _settings: &SourceSettings, lead: Option<&LeadId>) -> Response {
        Response::lead(lead)
    }
}

fn lead(sender: Sender<'_>, value: &Value) -> ParseResult {
    let map = &sender.settings.fields;
    let given = value.as_object().into_iter().flatten();
    let given = given.filter(|(name, _)| map.contains_key(*name) || !is_own(name));
    let answers = given.map(|(name, value)| Answer {
        key: name.clone(),
        label: if is_number(name) { format!("Field {name}") } else { name.clone() },
        value: plain(value),
        field: None,
    });
    let mut lead = answers::lead(answers.collect(), map);
    if lead.external_id.is_none() {
        let entry = [some(text(value, &["form_id"])), some(text(value, &["id"]))];
        lead.external_id = match entry {
            [form, Some(entry)] => Some(format!("{}-{entry}", form.unwrap_or_default())),
            [_, None] => None,
        };
    }
    if let Some(page) = some(text(value, &["source_url"])) {
        lead.enquiry.attribution.0.insert("landing_url".to_owned(), page);
    }
    // Such a filter errs now and then: the lead is held back, and a person can let it go.
    let is_spam = text(value, &["status"]) == "spam";
    lead.spam = is_spam.then_some("the website's own filter calls it spam");
    ParseResult::Lead(Box::new(lead))
}

fn is_own(name: &str) -> bool {
    OWN.contains(&name) || matches!(name, "status" | "created_by" | "is_fulfilled")
}

fn is_number(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_digit() || c == '.')
}
