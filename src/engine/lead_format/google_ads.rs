//! Google Ads lead forms. Columns are known by their id, never by their place; the key in the body was
//! looked at before (`verify`).

use serde_json::Value;

use crate::engine::lead_format::answers::{Answer, fill};
use crate::engine::lead_format::{Found, Reading, Sender, some, text};

/// What Google tells beside the answers, and by what name it is kept.
const ORIGIN: [(&str, &str); 6] = [
    ("gcl_id", "gclid"),
    ("campaign_id", "campaign_id"),
    ("adgroup_id", "adgroup_id"),
    ("creative_id", "creative_id"),
    ("asset_group_id", "asset_group_id"),
    ("form_id", "form_id"),
];

pub fn read(sender: Sender<'_>, value: &Value) -> Reading {
    let Some(columns) = value.get("user_column_data").and_then(Value::as_array) else {
        return Reading::Unusable("there is no `user_column_data`".to_owned());
    };
    let answers = columns.iter().map(|column| Answer {
        key: text(column, &["column_id"]),
        label: text(column, &["column_name"]),
        value: text(column, &["string_value"]),
        field: None,
    });
    let Found { mut enquiry, .. } = fill(answers.collect(), &sender.settings.fields);
    enquiry.is_test |= value.get("is_test").and_then(Value::as_bool).unwrap_or(false);
    for (name, kept) in ORIGIN {
        if let Some(origin) = some(text(value, &[name])) {
            enquiry.attribution.0.insert(kept.to_owned(), origin);
        }
    }
    let external_id = some(text(value, &["lead_id"]));
    Reading::Lead(Box::new(Found { enquiry, external_id, ..Found::default() }))
}
