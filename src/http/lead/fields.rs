//! The fields of a request by name, whatever form they came in, and the enquiry that they make.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use crate::http::problem::Problem;
use nexora_core::model::lead::Attribution;
use nexora_engine::lead::enquiry::Enquiry;

pub type Fields = BTreeMap<String, String>;

/// Everything else that has a meaning.
const FIELDS: [&str; 21] = [
    "name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "service",
    "message",
    "address",
    "postcode",
    "preferred_time",
    "source",
    "is_test",
    "website",
    "ticket",
    "altcha",
    "consent_sms",
    "consent_sms_version",
    "consent_sms_text",
    "consent_marketing",
    "consent_marketing_version",
    "consent_marketing_text",
];

/// A field is text; a number or truth value is taken as its text, and nested values are refused.
///
/// # Errors
/// `422` naming the field.
pub fn text_of(name: &str, value: serde_json::Value) -> Result<String, Problem> {
    match value {
        serde_json::Value::Null => Ok(String::new()),
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Bool(flag) => Ok(flag.to_string()),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        // What is not one of our fields may have any shape: it is left aside.
        _ if !is_known(name) => Ok(String::new()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a field has the wrong type",
            format!("`{name}` must be text"),
        )),
    }
}

fn is_known(name: &str) -> bool {
    FIELDS.contains(&name) || Attribution::NAMES.contains(&name)
}

/// Tells whether a box is ticked, or a flag of a program is set.
pub fn is_set(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_some_and(|value| matches!(value.as_str(), "on" | "true" | "1" | "yes"))
}

/// Makes an enquiry of the fields.
pub fn enquiry(fields: &Fields, default_source: &str) -> Enquiry {
    let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let name = match text("name") {
        name if name.trim().is_empty() => format!("{} {}", text("first_name"), text("last_name")),
        name => name,
    };
    let source = match text("source") {
        source if source.trim().is_empty() => default_source.to_owned(),
        source => source.chars().take(60).collect(),
    };
    let attribution =
        Attribution::NAMES.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone())));
    Enquiry {
        name,
        email: text("email"),
        phone: text("phone"),
        service: text("service"),
        message: text("message"),
        address: text("address"),
        postcode: text("postcode"),
        preferred_time: text("preferred_time"),
        source,
        attribution: Attribution(attribution.collect()),
        is_test: is_set(fields, "is_test"),
        honeypot: text("website"),
        ..Enquiry::default()
    }
}
