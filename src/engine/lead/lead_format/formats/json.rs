//! Any JSON object or form: its parts by their path, `customer.email`, through the source's map, else by
//! the usual names.

use serde_json::Value;

use crate::lead::lead_format::answers::{self, Answer};
use crate::lead::lead_format::fields;
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::response::Response;
use crate::lead::lead_format::value::{plain, some, text};
use crate::lead::lead_format::verify::{Call, SECRET_HEADER, Verification};
use crate::lead::lead_format::webhook::{Needs, ParseResult, Sender, Setting, WebhookFormat};
use crate::lead::lead_format::{LeadFormat, Webhook};
use nexora_core::model::LeadId;
use nexora_core::model::source::SourceSettings;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "json", lead_source: None, webhook: Some(&Json), mail: None };

const DEPTH: usize = 8;
const PART_LIMIT: usize = 300;

/// Where a person's own fields stand. Elsewhere, a `name` is a company's or a product's.
const HOLDERS: [&str; 30] = [
    "lead",
    "contact",
    "customer",
    "person",
    "client",
    "user",
    "data",
    "fields",
    "form",
    "answers",
    "submission",
    "attributes",
    "form_fields",
    "form_data",
    "item_meta",
    "values",
    "payload",
    "body",
    "record",
    "entry",
    "response",
    "inputs",
    "properties",
    "contact_info",
    "contact_details",
    "questions",
    "custom_fields",
    "custom_questions",
    "field_data",
    // `name.first` and `name.last`.
    "name",
];

/// What a part of an object is called where it stands beside the part's value: `{"title": "E-mail", "value": …}`.
const LABELS: [&str; 8] = ["label", "title", "question", "name", "key", "field", "field_name", "id"];

/// What else may stand beside a value that has a label.
const BESIDE: [&str; 16] = [
    "type",
    "raw_value",
    "required",
    "order",
    "slug",
    "ref",
    "description",
    "placeholder",
    "timestamp",
    "versions",
    "source",
    "sourceid",
    "selected",
    "field_id",
    "uuid",
    "hidden",
];

const VALUES: [&str; 2] = ["value", "answer"];

/// Any object, for programs that need no source of their own.
pub static WEBHOOK: Webhook = Webhook { format: &FORMAT, handling: &Json };

struct Json;

impl WebhookFormat for Json {
    fn needs(&self) -> Needs {
        Needs { settings: &[Setting::Map, Setting::Header, Setting::Signed], ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        let (url, secret) = (setup.url, setup.secret());
        let header = setup.header(SECRET_HEADER);
        match setup.settings.signed {
            true => format!(
                "POST JSON, signed as Standard Webhooks 1.0 has it:
  1. URL     {url}
  2. Secret  {secret}"
            ),
            false => format!(
                "POST JSON or a form:
  1. URL     {url}
  2. Header  {header}: {secret}   (or `Authorization: Bearer {secret}`)
     If no header can be sent, the URL is {url}/{secret} instead."
            ),
        }
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        if call.settings.signed {
            return call.by_standard_webhooks();
        }
        let bearer = call.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        call.by_secret(bearer.or_else(|| call.header_or_token(SECRET_HEADER)))
    }

    fn read(&self, sender: Sender<'_>, body: &Value) -> ParseResult {
        lead(sender, body)
    }

    fn accepted(&self, _settings: &SourceSettings, lead: Option<&LeadId>) -> Response {
        Response::lead(lead)
    }
}

fn lead(sender: Sender<'_>, value: &Value) -> ParseResult {
    let mut parts = Vec::new();
    flatten(value, "", DEPTH, &mut parts);
    let has_fields = |name: &str| value.get(name).is_some_and(Value::is_object);
    // Beside its fields, a form's own name and id are no answers.
    let is_form_itself = has_fields("fields") || has_fields("form_fields");
    let answers = parts.into_iter().map(|Part { path, label, value }| {
        let (holders, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let mut holders = holders.split('.').filter(|holder| !holder.is_empty());
        let is_top = holders.clone().next().is_none();
        let is_own = holders.all(|holder| HOLDERS.contains(&holder) && !(is_form_itself && holder == "form"));
        let name = label.as_deref().filter(|_| is_own).unwrap_or(name);
        let field = fields::of_key(name).filter(|_| is_own && !is_top).map(|(field, _)| field);
        // The path decides, so that what stands elsewhere is not taken for the person's own.
        let label = if is_own { name.to_owned() } else { path.replace('.', " ") };
        Answer { key: path, label, value, field }
    });
    let mut lead = answers::lead(answers.collect(), &sender.settings.fields);
    if lead.external_id.is_none() {
        let named = ["id", "lead_id", "submission_id", "entry_id"];
        lead.external_id = named.iter().find_map(|name| some(text(value, &[name])));
    }
    ParseResult::Lead(Box::new(lead))
}

/// A value of the body, by its path and the label beside it.
struct Part {
    path: String,
    label: Option<String>,
    value: String,
}

fn flatten(value: &Value, path: &str, depth: usize, parts: &mut Vec<Part>) {
    if parts.len() >= PART_LIMIT {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        // What lies deeper than people look is kept as it was written.
        Value::Object(_) | Value::Array(_) if depth == 0 => {
            parts.push(Part { path: path.to_owned(), label: None, value: value.to_string() });
        }
        Value::Object(object) => match labelled(object).filter(|_| !path.is_empty()) {
            Some((label, value)) => {
                let value = some(plain(value));
                parts.extend(value.map(|value| Part { path: path.to_owned(), label, value }));
            }
            None => {
                for (name, value) in object {
                    flatten(value, &below(name), depth - 1, parts);
                }
            }
        },
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, value) in items.iter().enumerate() {
                flatten(value, &below(&number.to_string()), depth - 1, parts);
            }
        }
        leaf => {
            let value = some(plain(leaf));
            parts.extend(value.map(|value| Part { path: path.to_owned(), label: None, value }));
        }
    }
}

/// Returns the label and the value of an object that holds one answer, and nothing else.
fn labelled(object: &serde_json::Map<String, Value>) -> Option<(Option<String>, &Value)> {
    let is_leaf = |value: &&Value| !value.is_object() && !value.is_null();
    let value = VALUES.iter().find_map(|name| object.get(*name)).filter(is_leaf)?;
    let is_known = |name: &String| {
        let name = name.to_ascii_lowercase();
        [&LABELS[..], &BESIDE[..], &VALUES[..]].iter().any(|names| names.contains(&name.as_str()))
    };
    let label = LABELS.iter().find_map(|name| some(plain(object.get(*name)?)));
    object.keys().all(is_known).then_some((label, value))
}
