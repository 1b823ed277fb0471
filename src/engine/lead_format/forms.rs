//! Gravity Forms: the raw entry, whose keys are the numbers of fields, so that a map says what they are.

use serde_json::Value;

use crate::engine::lead_format::answers::{Answer, fill};
use crate::engine::lead_format::{Reading, Sender, plain, some, text};

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

pub fn read(sender: Sender<'_>, value: &Value) -> Reading {
    let map = &sender.settings.fields;
    let given = value.as_object().into_iter().flatten();
    let given = given.filter(|(name, _)| map.contains_key(*name) || !is_own(name));
    let answers = given.map(|(name, value)| Answer {
        key: name.clone(),
        label: if is_number(name) { format!("Field {name}") } else { name.clone() },
        value: plain(value),
        field: None,
    });
    let mut found = fill(answers.collect(), map);
    if found.external_id.is_none() {
        let entry = [some(text(value, &["form_id"])), some(text(value, &["id"]))];
        found.external_id = match entry {
            [form, Some(entry)] => Some(format!("{}-{entry}", form.unwrap_or_default())),
            [_, None] => None,
        };
    }
    if let Some(page) = some(text(value, &["source_url"])) {
        found.enquiry.attribution.0.insert("landing_url".to_owned(), page);
    }
    // Such a filter errs now and then: the lead is held back, and a person can let it go.
    let is_spam = text(value, &["status"]) == "spam";
    found.spam = is_spam.then_some("the website's own filter calls it spam");
    Reading::Lead(Box::new(found))
}

fn is_own(name: &str) -> bool {
    OWN.contains(&name) || matches!(name, "status" | "created_by" | "is_fulfilled")
}

fn is_number(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_digit() || c == '.')
}
