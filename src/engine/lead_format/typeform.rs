//! Typeform: answers by the reference of their field, each with its type.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::lead_format::answers::{Answer, fill};
use crate::engine::lead_format::{Found, Reading, Sender, plain, some, text};
use crate::model::source::SourceField;

pub fn read(sender: Sender<'_>, value: &Value) -> Reading {
    if text(value, &["event_type"]) != "form_response" {
        return Reading::Nothing("it is no response to a form");
    }
    let Some(response) = value.get("form_response") else {
        return Reading::Unusable("there is no `form_response`".to_owned());
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
    let mut found = fill(answers, &sender.settings.fields);
    found.external_id = some(text(response, &["token"])).or_else(|| some(text(value, &["event_id"])));
    if let Some(form) = some(text(response, &["form_id"])) {
        found.enquiry.attribution.0.insert("form_id".to_owned(), form);
    }
    Reading::Lead(Box::new(Found { ..found }))
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
