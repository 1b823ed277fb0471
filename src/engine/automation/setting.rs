//! What a tenant may set in an automation: typed, with defaults, checked when it is enabled.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::automation::context::{self, Settings};
use crate::automation::render::Renderer;
use crate::calendar::cron::Cron;
use nexora_core::base::{Error, Result, wording};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::hours::{BusinessHours, parse_time};
use nexora_core::model::tenant::Tenant;

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingType {
    Text,
    Email,
    Bool,
    Int,
    /// Such as `30m` or `1h 30m`.
    Duration,
    /// Such as `Mon-Fri 08:00-18:00`.
    Hours,
    /// Such as `09:00`.
    Time,
    /// Five fields, such as `0 7 * * *`.
    Cron,
    /// An address on the web.
    Url,
    /// The id of a spreadsheet, or its address.
    Sheet,
    /// The name of a message.
    Template,
    /// Waits and the message after each, such as `1day first-note, 3days second-note`.
    Touches,
}

/// Each type in words, with an example.
pub const TYPES: &[(SettingType, &str, &str)] = &[
    (SettingType::Text, "any text", "Leads"),
    (SettingType::Email, "a mail address", "owner@acme.com"),
    (SettingType::Bool, "`true` or `false`", "true"),
    (SettingType::Int, "a whole number", "3"),
    (SettingType::Duration, "how long", "1h 30m"),
    (SettingType::Hours, "hours of the week", "Mon-Fri 08:00-18:00, Sat 09:00-12:00"),
    (SettingType::Time, "a time of day", "09:00"),
    (SettingType::Cron, "minute, hour, day of month, month, weekday", "0 7 * * Mon-Fri"),
    (SettingType::Url, "an address on the web", "https://example.com/review"),
    (SettingType::Sheet, "the id of a spreadsheet, or its address", "1AbC…"),
    (SettingType::Template, "the name of a message", "lead-alert"),
    (SettingType::Touches, "waits, and the message after each", "1day follow-up-1, 3days follow-up-2"),
];

/// One item of a list of touches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// From 1.
    pub number: usize,
    pub of: usize,
    pub after: String,
    pub template: String,
}

/// The declaration of one setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    #[serde(rename = "type")]
    pub kind: SettingType,
    pub default: Option<toml::Value>,
    #[serde(default)]
    pub optional: bool,
    #[serde(default)]
    pub help: String,
}

/// Works out every setting's value from what was given and the defaults.
///
/// # Errors
/// `Usage` naming the setting: unknown, missing, or of the wrong type.
pub fn resolve(
    declared: &BTreeMap<String, Setting>,
    given: &BTreeMap<String, String>,
    tenant: &Tenant,
) -> Result<Settings> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        return Err(Error::usage(format!("unknown setting `{name}`"))
            .hint(format!("the settings are: {}", known.join(", "))));
    }
    let renderer = Renderer::of(tenant)?;
    let mut values = Settings::new();
    for (name, setting) in declared {
        let text = match (given.get(name), &setting.default) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(default)) => Some(renderer.text(&plain(default), &context::of_tenant(tenant))?),
            (None, None) => None,
        };
        let value = match text.filter(|text| !(setting.optional && text.is_empty())) {
            Some(text) => read(setting.kind, &text).map_err(|error| {
                Error::usage(format!("setting `{name}`: {}", error.message()))
                    .hint(error.hint_text().unwrap_or("see `nexora automation templates`").to_owned())
            })?,
            None if setting.optional => Value::Null,
            None => {
                return Err(Error::usage(format!("setting `{name}` has no value"))
                    .hint(format!("add `--set {name}=…`: {}", setting.help)));
            }
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// Returns the settings that were chosen, as the texts that set them: those that differ from
/// the defaults.
///
/// # Errors
/// `Usage` when a default cannot be read.
pub fn chosen(
    declared: &BTreeMap<String, Setting>,
    values: &Settings,
    tenant: &Tenant,
) -> Result<BTreeMap<String, String>> {
    let renderer = Renderer::of(tenant)?;
    let mut chosen = BTreeMap::new();
    for (name, setting) in declared {
        let value = values.get(name).unwrap_or(&Value::Null);
        let default = match &setting.default {
            Some(default) => renderer.text(&plain(default), &context::of_tenant(tenant))?,
            None => String::new(),
        };
        let text = text_of(setting.kind, value).unwrap_or_default();
        if text != default && read(setting.kind, &default).ok().as_ref() != Some(value) {
            chosen.insert(name.clone(), text);
        }
    }
    Ok(chosen)
}

/// Returns the values that are the same for every tenant: defaults without holes.
pub fn fixed(declared: &BTreeMap<String, Setting>) -> Settings {
    let value = |setting: &Setting| {
        let text = plain(setting.default.as_ref()?);
        (!text.contains("{{")).then(|| read(setting.kind, &text).ok()).flatten()
    };
    declared.iter().map(|(name, setting)| (name.clone(), value(setting).unwrap_or_default())).collect()
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn read(kind: SettingType, text: &str) -> Result<Value> {
    let wrong = |what: &str| Error::usage(format!("`{text}` is not {what}"));
    match kind {
        SettingType::Text => Ok(json!(text)),
        SettingType::Email => EmailAddress::from_str(text).map(|address| json!(address)),
        SettingType::Bool => {
            text.parse::<bool>().map(|flag| json!(flag)).map_err(|_| wrong("`true` or `false`"))
        }
        SettingType::Int => {
            text.parse::<i64>().map(|number| json!(number)).map_err(|_| wrong("a whole number"))
        }
        SettingType::Duration => wording::parse_length(text).map(|_| json!(text)),
        SettingType::Hours => BusinessHours::parse(text).map(|_| json!(text)),
        SettingType::Time => parse_time(text)
            .map(|_| json!(text.trim()))
            .ok_or_else(|| wrong("a time of day").hint("write it like `09:00`")),
        SettingType::Cron => Cron::parse(text).map(|_| json!(text)),
        SettingType::Url => match text.trim() {
            url if url.starts_with("https://") && !url.contains(char::is_whitespace) => Ok(json!(url)),
            _ => Err(wrong("an address on the web").hint("it begins with `https://`")),
        },
        SettingType::Sheet => Ok(json!(sheet_id(text))),
        SettingType::Template => Ok(json!(text.trim())),
        SettingType::Touches => touches(text).map(|touches| json!(touches)),
    }
}

/// Takes the id out of a spreadsheet's address.
fn sheet_id(text: &str) -> &str {
    let text = text.trim();
    let id = text.split_once("/spreadsheets/d/").map_or(text, |(_, rest)| rest);
    id.split(['/', '?', '#']).next().unwrap_or(id)
}

fn touches(text: &str) -> Result<Vec<Touch>> {
    let wrong = |part: &str| {
        Error::usage(format!("`{part}` is not a wait and a message"))
            .hint("write the list like `1day follow-up-1, 3days follow-up-2`")
    };
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let touch = |(index, part): (usize, &&str)| {
        let (after, template) = part.rsplit_once(char::is_whitespace).ok_or_else(|| wrong(part))?;
        wording::parse_length(after).map_err(|_| wrong(part))?;
        let (number, of) = (index + 1, parts.len());
        Ok(Touch { number, of, after: after.trim().to_owned(), template: template.to_owned() })
    };
    parts.iter().enumerate().map(touch).collect()
}

/// Returns a setting's value as the text that would set it.
pub fn text_of(kind: SettingType, value: &Value) -> Option<String> {
    match (kind, value) {
        (_, Value::Null) => None,
        (SettingType::Touches, Value::Array(items)) => {
            let text = |item: &Value| {
                let touch: Touch = serde_json::from_value(item.clone()).ok()?;
                Some(format!("{} {}", touch.after, touch.template))
            };
            Some(items.iter().filter_map(text).collect::<Vec<_>>().join(", "))
        }
        (_, Value::String(text)) => Some(text.clone()),
        (_, value) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::plan::tests::scene;

    fn declared() -> BTreeMap<String, Setting> {
        toml::from_str(
            r#"
            to    = { type = "email", default = "{{ tenant.owner_email }}" }
            sheet = { type = "text", optional = true }
            delay = { type = "duration", default = "30m" }
            on    = { type = "bool", default = true }
            count = { type = "int", help = "how many" }
            "#,
        )
        .unwrap()
    }

    fn resolved(given: &[(&str, &str)]) -> Result<Settings> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        resolve(&declared(), &given, &scene().tenant)
    }

    #[test]
    fn defaults_fill_what_was_not_given() {
        let values = resolved(&[("count", "3"), ("on", "false")]).unwrap();
        let expected = json!({
            "to": "owner@acme.example.com", "sheet": null, "delay": "30m", "on": false, "count": 3
        });
        assert_eq!(json!(values), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[], "setting `count` has no value"),
            (&[("count", "x")], "setting `count`: `x` is not a whole number"),
            (&[("count", "1"), ("delay", "soon")], "setting `delay`: `soon` is not a duration"),
            (&[("count", "1"), ("colour", "red")], "unknown setting `colour`"),
        ];
        for (given, message) in cases {
            assert_eq!(resolved(given).unwrap_err().message(), message);
        }
    }
}
