//! Jotform: a form whose field `rawRequest` is JSON with the answers by question, `q3_name`.

use serde_json::{Map, Value};

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::answers::{self, Answer};
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::value::{joined, plain, some, text};
use crate::lead::lead_format::verify::{Call, Verification};
use crate::lead::lead_format::webhook::{InAddress, Needs, ParseResult, Sender, Setting, WebhookFormat};
use nexora_core::model::source::SourceField;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "jotform", lead_source: None, webhook: Some(&Jotform), mail: None };

/// Parts of an answer that have a field of their own.
const ADDRESS: [(&str, SourceField); 5] = [
    ("addr_line1", SourceField::Address),
    ("city", SourceField::City),
    ("state", SourceField::Region),
    ("postal", SourceField::Postcode),
    ("zip", SourceField::Postcode),
];

struct Jotform;

impl WebhookFormat for Jotform {
    fn needs(&self) -> Needs {
        Needs { settings: &[Setting::Map], secret_in_address: InAddress::Always, ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "In Jotform, open the form, \"Settings\", \"Integrations\", \"Webhooks\". The address is a secret:
  1. URL  {}",
            setup.url
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_secret(call.token)
    }

    fn read(&self, sender: Sender<'_>, body: &Value) -> ParseResult {
        lead(sender, body)
    }
}

fn lead(sender: Sender<'_>, value: &Value) -> ParseResult {
    let raw = text(value, &["rawRequest"]);
    let request: Value = match serde_json::from_str(&raw) {
        Ok(request @ Value::Object(_)) => request,
        _ => return ParseResult::Unusable("its `rawRequest` is no JSON object".to_owned()),
    };
    let given = request.as_object().into_iter().flatten().filter(|(name, _)| question(name).is_some());
    let answers = given.flat_map(|(name, value)| answers_to(name, value)).collect();
    let mut lead = answers::lead(answers, &sender.settings.fields);
    lead.external_id = some(text(value, &["submissionID"]));
    if let Some(form) = some(text(value, &["formID"])) {
        lead.enquiry.attribution.0.insert("form_id".to_owned(), form);
    }
    ParseResult::Lead(Box::new(lead))
}

/// Returns what a question is called: `name` of `q3_name`. What has no number is Jotform's own.
fn question(name: &str) -> Option<&str> {
    let (number, rest) = name.strip_prefix('q')?.split_once('_')?;
    (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit())).then_some(rest)
}

fn answers_to(name: &str, value: &Value) -> Vec<Answer> {
    // `q4_phoneNumber5` is the second `phoneNumber` of its form.
    let label = question(name).unwrap_or(name).trim_end_matches(|c: char| c.is_ascii_digit());
    let label = spaced(label);
    let one = |value: String| vec![Answer { key: name.to_owned(), label: label.clone(), value, field: None }];
    let Some(parts) = value.as_object() else { return one(plain(value)) };
    if parts.contains_key("addr_line1") {
        return address(name, &label, parts);
    }
    let part = |name: &str| parts.get(name).map(plain).unwrap_or_default();
    if let Some(full) = some(part("full")) {
        return one(full);
    }
    let known = ["prefix", "first", "middle", "last", "suffix", "area", "phone"].map(part);
    match joined(&known, " ") {
        text if text.is_empty() => one(joined(&parts.values().map(plain).collect::<Vec<_>>(), " ")),
        text => one(text),
    }
}

fn address(name: &str, label: &str, parts: &Map<String, Value>) -> Vec<Answer> {
    let of = |(part, field): (&str, SourceField)| {
        let value = some(plain(parts.get(part)?))?;
        let key = format!("{name}.{part}");
        Some(Answer { key, label: format!("{label} {part}"), value, field: Some(field) })
    };
    ADDRESS.into_iter().filter_map(of).collect()
}

/// `phoneNumber` as `phone number`.
fn spaced(name: &str) -> String {
    let mut spaced = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
    }
    spaced
}
