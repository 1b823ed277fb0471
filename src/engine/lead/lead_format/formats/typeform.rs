//! Typeform: answers by the reference of their field, each with its type.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::answers::{self, Answer};
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::value::{plain, some, text};
use crate::lead::lead_format::verify::{Call, Verification, from_base64};
use crate::lead::lead_format::webhook::{Needs, ParseResult, Sender, Setting, WebhookFormat};
use nexora_core::model::source::SourceField;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "typeform", lead_source: None, webhook: Some(&Typeform), mail: None };

struct Typeform;

impl WebhookFormat for Typeform {
    fn needs(&self) -> Needs {
        Needs { settings: &[Setting::Map], ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "In Typeform, open the form, \"Connect\", \"Webhooks\", \"Add a webhook\":
  1. Endpoint  {}
  2. Edit it, and set the secret  {}
  3. Switch it on, and press \"Send test request\".",
            setup.url,
            setup.secret()
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_body_signature("typeform-signature", from_base64)
    }

    fn read(&self, sender: Sender<'_>, body: &Value) -> ParseResult {
        lead(sender, body)
    }
}

fn lead(sender: Sender<'_>, value: &Value) -> ParseResult {
    if text(value, &["event_type"]) != "form_response" {
        return ParseResult::Nothing("it is no response to a form");
    }
    let Some(response) = value.get("form_response") else {
        return ParseResult::Unusable("there is no `form_response`".to_owned());
    };
    let questions = response.pointer("/definition/fields").and_then(Value::as_array);
    let titles: BTreeMap<String, String> = questions
        .into_iter()
        .flatten()
        .map(|field| (text(field, &["id"]), text(field, &["title"])))
        .collect();
    let given = response.get("answers").and_then(Value::as_array);
    let mut answers: Vec<Answer> =
        given.into_iter().flatten().map(|answer| read_answer(answer, &titles)).collect();
    let hidden = response.get("hidden").and_then(Value::as_object);
    answers.extend(hidden.into_iter().flatten().map(|(name, value)| Answer {
        key: name.clone(),
        value: plain(value),
        ..Answer::default()
    }));
    let mut lead = answers::lead(answers, &sender.settings.fields);
    lead.external_id = some(text(response, &["token"])).or_else(|| some(text(value, &["event_id"])));
    if let Some(form) = some(text(response, &["form_id"])) {
        lead.enquiry.attribution.0.insert("form_id".to_owned(), form);
    }
    ParseResult::Lead(Box::new(lead))
}

fn read_answer(answer: &Value, titles: &BTreeMap<String, String>) -> Answer {
    let kind = text(answer, &["type"]);
    let value = answer.get(&kind).unwrap_or(&Value::Null);
    let value = match kind.as_str() {
        "choice" => either(value, "label", "other"),
        "choices" => either(value, "labels", "other"),
        _ => plain(value),
    };
    let field = match kind.as_str() {
        "email" => Some(SourceField::Email),
        "phone_number" => Some(SourceField::Phone),
        _ => None,
    };
    let id = text(answer, &["field", "id"]);
    let key = some(text(answer, &["field", "ref"])).unwrap_or_else(|| id.clone());
    Answer { key, label: titles.get(&id).cloned().unwrap_or_default(), value, field }
}

fn either(value: &Value, one: &str, other: &str) -> String {
    some(text(value, &[one])).unwrap_or_else(|| text(value, &[other]))
}
