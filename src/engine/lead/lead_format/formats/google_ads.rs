//! Google Ads lead forms. Columns are known by their id, never by their place; the key is a part of the body.

use serde_json::{Value, json};

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::answers::{self, Answer};
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::response::Response;
use crate::lead::lead_format::value::{some, text};
use crate::lead::lead_format::verify::{Call, Verification};
use crate::lead::lead_format::webhook::{Needs, ParseResult, Sender, Setting, WebhookFormat};

pub static FORMAT: LeadFormat =
    LeadFormat { name: "google-ads", lead_source: Some("google_ads"), webhook: Some(&GoogleAds), mail: None };

/// The field of the body that holds the key.
const KEY: &str = "google_key";

/// What Google tells beside the answers, and by what name it is kept.
const ORIGIN: [(&str, &str); 6] = [
    ("gcl_id", "gclid"),
    ("campaign_id", "campaign_id"),
    ("adgroup_id", "adgroup_id"),
    ("creative_id", "creative_id"),
    ("asset_group_id", "asset_group_id"),
    ("form_id", "form_id"),
];

struct GoogleAds;

impl WebhookFormat for GoogleAds {
    fn needs(&self) -> Needs {
        Needs { settings: &[Setting::Map], secret_field: Some(KEY), ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "In Google Ads, open the lead form asset, \"Export leads\", \"Webhook integration\":
  1. Webhook URL  {}
  2. Key          {}
  3. Press \"Send test data\". A test lead comes in, and runs nothing.",
            setup.url,
            setup.secret()
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
        call.by_secret(body.get(KEY).and_then(Value::as_str))
    }

    fn read(&self, sender: Sender<'_>, body: &Value) -> ParseResult {
        lead(sender, body)
    }

    // Google takes nothing but 200 for success and shows what else is in the answer as an error; of a refusal it
    // shows `message` to the advertiser who sends test data.
    fn problem(&self, status: u16, title: &str, detail: &str) -> Response {
        let body = json!({ "message": format!("{title}: {detail}") });
        Response { status, ..Response::json(&body) }
    }
}

fn lead(sender: Sender<'_>, value: &Value) -> ParseResult {
    let Some(columns) = value.get("user_column_data").and_then(Value::as_array) else {
        return ParseResult::Unusable("there is no `user_column_data`".to_owned());
    };
    let answers = columns.iter().map(|column| Answer {
        key: text(column, &["column_id"]),
        label: text(column, &["column_name"]),
        value: text(column, &["string_value"]),
        field: None,
    });
    let ParsedLead { mut enquiry, .. } = answers::lead(answers.collect(), &sender.settings.fields);
    enquiry.is_test |= value.get("is_test").and_then(Value::as_bool).unwrap_or(false);
    for (name, kept) in ORIGIN {
        if let Some(origin) = some(text(value, &[name])) {
            enquiry.attribution.0.insert(kept.to_owned(), origin);
        }
    }
    let external_id = some(text(value, &["lead_id"]));
    ParseResult::Lead(Box::new(ParsedLead { enquiry, external_id, ..ParsedLead::default() }))
}
