//! Any JSON object or form: its parts by their path, `customer.email`, through the source's map, else by
//! the usual names.

use serde_json::Value;

use crate::engine::lead_format::answers::{Answer, fill, usual};
use crate::engine::lead_format::{Reading, Sender, plain, some, text};

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

pub fn read(sender: Sender<'_>, value: &Value) -> Reading {
    let mut parts = Vec::new();
    flatten(value, "", DEPTH, &mut parts);
    let answers = parts.into_iter().map(|(path, value)| {
        let (holders, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let is_own = holders.split('.').filter(|holder| !holder.is_empty()).all(|h| HOLDERS.contains(&h));
        let field = usual(name).filter(|_| is_own).map(|(field, _)| field);
        // The path decides, so that what stands elsewhere is not taken for the person's own.
        let label = if is_own { name.to_owned() } else { path.replace('.', " ") };
        let field = field.filter(|_| !holders.is_empty());
        Answer { key: path, label, value, field }
    });
    let mut found = fill(answers.collect(), &sender.settings.fields);
    if found.external_id.is_none() {
        let named = ["id", "lead_id", "submission_id", "entry_id"];
        found.external_id = named.iter().find_map(|name| some(text(value, &[name])));
    }
    Reading::Lead(Box::new(found))
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
