//! What a tenant may set in an automation: typed, with defaults, checked when it is enabled.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::{Error, Result};
use crate::engine::context::{self, Settings};
use crate::engine::hours::BusinessHours;
use crate::engine::render::Renderer;
use crate::model::address::EmailAddress;
use crate::model::tenant::Tenant;

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
    let renderer = Renderer::new(tenant.zone()?.tz());
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
        SettingType::Duration => humantime::parse_duration(text)
            .map(|_| json!(text))
            .map_err(|_| wrong("a duration").hint("write it like `30m`, `2h` or `1day`")),
        SettingType::Hours => BusinessHours::parse(text).map(|_| json!(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::tests::scene;

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
