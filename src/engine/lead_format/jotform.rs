//! Jotform: a form whose field `rawRequest` is JSON with the answers by question, `q3_name`.

use serde_json::{Map, Value};

use crate::engine::lead_format::answers::{Answer, fill};
use crate::engine::lead_format::{Found, Reading, Sender, joined, plain, some, text};
use crate::model::source::SourceField;

/// Parts of an answer that have a field of their own.
const ADDRESS: [(&str, SourceField); 5] = [
    ("addr_line1", SourceField::Address),
    ("city", SourceField::City),
    ("state", SourceField::Region),
    ("postal", SourceField::Postcode),
    ("zip", SourceField::Postcode),
];

pub fn read(sender: Sender<'_>, value: &Value) -> Reading {
    let raw = text(value, &["rawRequest"]);
    let request: Value = match serde_json::from_str(&raw) {
        Ok(request @ Value::Object(_)) => request,
        _ => return Reading::Unusable("its `rawRequest` is no JSON object".to_owned()),
    };
    let given = request.as_object().into_iter().flatten().filter(|(name, _)| question(name).is_some());
    let answers = given.flat_map(|(name, value)| answers(name, value)).collect();
    let mut found = fill(answers, &sender.settings.fields);
    found.external_id = some(text(value, &["submissionID"]));
    if let Some(form) = some(text(value, &["formID"])) {
        found.enquiry.attribution.0.insert("form_id".to_owned(), form);
    }
    Reading::Lead(Box::new(Found { ..found }))
}

/// Returns what a question is called: `name` of `q3_name`. What has no number is Jotform's own.
fn question(name: &str) -> Option<&str> {
    let (number, rest) = name.strip_prefix('q')?.split_once('_')?;
    (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit())).then_some(rest)
}

fn answers(name: &str, value: &Value) -> Vec<Answer> {
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
