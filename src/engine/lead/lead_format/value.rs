//! Text and amounts from parts of a JSON value.

use serde_json::Value;

use nexora_core::base::money;
use nexora_core::model::lead::Details;

/// Returns the text at a path of keys, numbers included; empty when there is none.
pub fn text(value: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    found.map(plain).unwrap_or_default()
}

/// Returns the first text that is not empty among these keys.
pub fn first(value: &Value, names: &[&str]) -> String {
    names.iter().map(|name| text(value, &[name])).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Returns a value as one line of text; objects have none.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => joined(&items.iter().map(plain).collect::<Vec<_>>(), ", "),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// Joins what is not empty.
pub fn joined(parts: &[impl AsRef<str>], separator: &str) -> String {
    let parts = parts.iter().map(|part| part.as_ref().trim()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(separator)
}

/// Returns a text without blanks around it, if there is one.
pub fn some(text: String) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What programs put where an id should be.
const PLACEHOLDERS: [&str; 11] =
    ["0", "-1", "true", "false", "null", "nil", "none", "undefined", "unknown", "n/a", "[object object]"];

/// Returns an id by which a lead is known; nothing for what programs put there that have none.
pub fn lead_id(id: Option<&str>) -> Option<String> {
    let id = id.map(str::trim).filter(|id| !id.is_empty())?;
    let is_template = id.starts_with("{{") || id.starts_with("${") || id.starts_with('%');
    (!is_template && !PLACEHOLDERS.contains(&id.to_lowercase().as_str())).then(|| id.to_owned())
}

/// Reads a list of questions with their answers, leaving out those without either.
pub fn questions(list: Option<&Value>, question: &str, answer: &str) -> Details {
    let pairs = list.and_then(Value::as_array).into_iter().flatten();
    let pairs = pairs.map(|pair| (text(pair, &[question]), text(pair, &[answer])));
    pairs.filter(|(question, answer)| !question.is_empty() && !answer.is_empty()).collect()
}

/// Reads an amount of money, such as `25.67` or `"$1,025.5"`, in hundredths.
pub fn cents(value: &Value) -> Option<i64> {
    money::parse(&plain(value)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_no_id_is_none() {
        for id in
            ["", " ", "0", "False", "NULL", "undefined", "{{entry_id}}", "${id}", "%ID%", "[object Object]"]
        {
            assert_eq!(lead_id(Some(id)), None, "{id}");
        }
        assert_eq!(lead_id(Some(" 4711 ")).as_deref(), Some("4711"));
        assert_eq!(lead_id(None), None);
    }

    #[test]
    fn money_is_read_without_rounding() {
        for (written, wanted) in
            [("25.67", Some(2_567)), ("\"$1,025.5\"", Some(102_550)), ("30", Some(3_000)), ("\"\"", None)]
        {
            assert_eq!(cents(&serde_json::from_str(written).unwrap()), wanted, "{written}");
        }
    }
}
