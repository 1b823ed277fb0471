//! Facebook and Instagram lead ads: a notice without any contact data, then the lead itself.

use serde_json::Value;

use crate::engine::lead_format::answers::{Answer, fill};
use crate::engine::lead_format::{Found, Reading, Sender, Told, some, text};

/// How the values of a lead begin that the testing tool makes.
const TEST_VALUE: &str = "<test lead:";

pub fn read(value: &Value) -> Reading {
    let Some(entries) = value.get("entry").and_then(Value::as_array) else {
        return Reading::Unusable("there is no `entry`".to_owned());
    };
    let changes = entries.iter().filter_map(|entry| entry.get("changes")?.as_array()).flatten();
    let leads: Vec<&Value> = changes.filter(|change| text(change, &["field"]) == "leadgen").collect();
    let ids = leads.iter().filter_map(|change| some(text(change, &["value", "leadgen_id"])));
    let told: Vec<Told> = ids.map(|external_id| Told { external_id, event_id: None }).collect();
    match (told.is_empty(), leads.is_empty()) {
        (false, _) => Reading::Notices(told),
        (true, false) => Reading::Unusable("no change names its `leadgen_id`".to_owned()),
        (true, true) => Reading::Nothing("it is not about a lead"),
    }
}

pub fn read_fetched(sender: Sender<'_>, value: &Value) -> Reading {
    let Some(fields) = value.get("field_data").and_then(Value::as_array) else {
        return Reading::Unusable("there is no `field_data`".to_owned());
    };
    let answers: Vec<Answer> = fields
        .iter()
        .map(|field| Answer {
            key: text(field, &["name"]),
            value: text(field, &["values"]),
            ..Answer::default()
        })
        .collect();
    let is_test = answers.iter().any(|answer| answer.value.starts_with(TEST_VALUE));
    let Found { mut enquiry, .. } = fill(answers, &sender.settings.fields);
    enquiry.is_test |= is_test;
    for name in ["ad_id", "adset_id", "campaign_id", "form_id", "platform"] {
        if let Some(origin) = some(text(value, &[name])) {
            enquiry.attribution.0.insert(name.to_owned(), origin);
        }
    }
    let external_id = some(text(value, &["id"]));
    Reading::Lead(Box::new(Found { enquiry, external_id, ..Found::default() }))
}
