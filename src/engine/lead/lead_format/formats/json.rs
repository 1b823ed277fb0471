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
const HOLDERS: [&str; 12] = [
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
];

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
    let answers = parts.into_iter().map(|(path, value)| {
        let (holders, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let is_own = holders.split('.').filter(|holder| !holder.is_empty()).all(|h| HOLDERS.contains(&h));
        let field = fields::of_key(name).filter(|_| is_own).map(|(field, _)| field);
        // The path decides, so that what stands elsewhere is not taken for the person's own.
        let label = if is_own { name.to_owned() } else { path.replace('.', " ") };
        let field = field.filter(|_| !holders.is_empty());
        Answer { key: path, label, value, field }
    });
    let mut lead = answers::lead(answers.collect(), &sender.settings.fields);
    if lead.external_id.is_none() {
        let named = ["id", "lead_id", "submission_id", "entry_id"];
        lead.external_id = named.iter().find_map(|name| some(text(value, &[name])));
    }
    ParseResult::Lead(Box::new(lead))
}

fn flatten(value: &Value, path: &str, depth: usize, parts: &mut Vec<(String, String)>) {
    if depth == 0 || parts.len() >= PART_LIMIT {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                flatten(value, &below(name), depth - 1, parts);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (number, value) in items.iter().enumerate() {
                flatten(value, &below(&number.to_string()), depth - 1, parts);
            }
        }
        leaf => parts.extend(some(plain(leaf)).map(|text| (path.to_owned(), text))),
    }
}
