//! The configuration: one TOML file, then `NEXORA_*` variables over it.
//!
//! Defaults are written in the sections' `Default`s and, for reading, in `config/nexora.toml`; a
//! test holds the two together. An unknown key is an error that names the nearest known one.

mod check;
pub mod database;
pub mod definitions;
pub mod google;
pub mod http;
pub mod intake;
pub mod log;
pub mod pipeline;
pub mod poll;
pub mod rehearsal;
pub mod secrets;
pub mod sessions;
pub mod smtp;
pub mod sources;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use nexora_core::base::text::{did_you_mean, line_at};
use nexora_core::base::{Error, Kind, Result, file};

/// Where the file is looked for when `--config` and `NEXORA_CONFIG` say nothing.
pub const DEFAULT_PATH: &str = "/etc/nexora/nexora.toml";

/// The variable that names the file itself, and so is not a key of it.
const PATH_VARIABLE: &str = "NEXORA_CONFIG";
const VARIABLE_PREFIX: &str = "NEXORA_";
/// Variables with these beginnings belong to the project's own tests.
const TEST_PREFIX: &str = "NEXORA_TEST_";

/// Everything that can be set, with a default for each key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub database: database::Settings,
    pub http: http::Settings,
    pub intake: intake::Settings,
    pub secrets: secrets::Settings,
    pub sessions: sessions::Settings,
    pub google: google::Settings,
    pub smtp: smtp::Settings,
    pub poll: poll::Settings,
    pub pipeline: pipeline::Settings,
    pub definitions: definitions::Settings,
    pub rehearsal: rehearsal::Settings,
    pub sources: sources::Settings,
    pub log: log::Settings,
}

impl Config {
    /// Reads `path`, lays the variables over it, and checks the whole.
    ///
    /// # Errors
    /// `Config` naming the key and what to write instead.
    pub fn load(path: &Path, variables: impl Iterator<Item = (String, String)>) -> Result<Config> {
        let text = file::read_text(path, Kind::Config).map_err(|error| {
            error.hint("run `nexora init --dir DIR` to make one, or name one with `--config FILE`")
        })?;
        Config::parse(&text, variables).map_err(|error| match error.hint_text() {
            Some(_) => error,
            None => error.hint(format!("edit `{}`, then run `nexora config check`", path.display())),
        })
    }

    /// Reads configuration text; otherwise as `load`.
    ///
    /// # Errors
    /// `Config` naming the key and what to write instead.
    pub fn parse(text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Config> {
        let mut table: Table =
            text.parse().map_err(|error| in_line("the configuration is not TOML", text, &error))?;
        refuse_unknown(&table)?;
        // Read without the variables first, so that a value of the wrong type is told with its line.
        toml::from_str::<Config>(text)
            .map_err(|error| in_line("the configuration has a value of the wrong type", text, &error))?;
        lay_variables_over(&mut table, variables)?;
        let config: Config = Value::Table(table).try_into().map_err(|error: toml::de::Error| {
            let said = without_value(&error.to_string());
            Error::config("a variable has a value of the wrong type").source(said)
        })?;
        config.check()?;
        Ok(config)
    }

    /// Lets each section check itself.
    ///
    /// # Errors
    /// `Config` naming the key.
    pub fn check(&self) -> Result<()> {
        self.database.check()?;
        self.http.check()?;
        self.intake.check()?;
        self.secrets.check()?;
        self.sessions.check()?;
        self.google.check()?;
        self.smtp.check()?;
        self.poll.check()?;
        self.pipeline.check()?;
        self.definitions.check()?;
        self.rehearsal.check()?;
        self.sources.check()?;
        self.log.check()
    }

    /// Returns every key with its value, secrets left out.
    pub fn shown(&self) -> BTreeMap<String, Value> {
        let mut shown = flatten(self);
        shown.insert("database.url".to_owned(), Value::String(self.database.shown_url()));
        shown
    }
}

fn in_line(what: &str, text: &str, error: &toml::de::Error) -> Error {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    Error::config(format!("{what}, in line {line}: {}", without_value(error.message())))
}

/// Leaves out the text that a message quotes where it may hold a password.
fn without_value(message: &str) -> String {
    let Some((head, rest)) = message.split_once(": string \"") else { return message.to_owned() };
    let (value, expected) = rest.rsplit_once("\", ").unwrap_or((rest, ""));
    let may_be_secret = value.contains("://") || value.contains('@') || value.contains('=');
    if may_be_secret { format!("{head}: a text, {expected}") } else { message.to_owned() }
}

fn flatten(config: &Config) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    if let Ok(Value::Table(sections)) = Value::try_from(config) {
        for (section, value) in sections {
            if let Value::Table(keys) = value {
                flat.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)));
            }
        }
    }
    flat
}

fn refuse_unknown(table: &Table) -> Result<()> {
    let known = flatten(&Config::default());
    for (section, value) in table {
        let Value::Table(keys) = value else {
            return Err(unknown(section, known.keys()));
        };
        for key in keys.keys() {
            let full = format!("{section}.{key}");
            if !known.contains_key(&full) {
                return Err(unknown(&full, known.keys()));
            }
        }
    }
    Ok(())
}

fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let hint = did_you_mean(key, known.map(String::as_str));
    Error::config(format!("unknown configuration key `{key}`"))
        .hint(hint.unwrap_or_else(|| "`nexora config show` lists every key".to_owned()))
}

/// `NEXORA_HTTP_PUBLIC_URL` sets `http.public_url`, read as the type of the key's default.
fn lay_variables_over(table: &mut Table, variables: impl Iterator<Item = (String, String)>) -> Result<()> {
    let known: BTreeMap<String, (String, Value)> = flatten(&Config::default())
        .into_iter()
        .map(|(key, value)| {
            (format!("{VARIABLE_PREFIX}{}", key.replace('.', "_").to_uppercase()), (key, value))
        })
        .collect();
    for (variable, text) in variables {
        let ours = variable.starts_with(VARIABLE_PREFIX) && !variable.starts_with(TEST_PREFIX);
        if !ours || variable == PATH_VARIABLE {
            continue;
        }
        let Some((key, default)) = known.get(&variable) else {
            return Err(unknown(&variable, known.keys()));
        };
        let value = typed(&variable, &text, default)?;
        if let Some((section, name)) = key.split_once('.') {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(keys) = section {
                keys.insert(name.to_owned(), value);
            }
        }
    }
    Ok(())
}

fn typed(variable: &str, text: &str, default: &Value) -> Result<Value> {
    let wrong = |what: &str| Error::config(format!("variable `{variable}` must be {what}, not `{text}`"));
    match default {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| wrong("a whole number")),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| wrong("`true` or `false`")),
        _ => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, std::iter::empty())
    }

    fn with_variable(name: &str, value: &str) -> Result<Config> {
        Config::parse("", std::iter::once((name.to_owned(), value.to_owned())))
    }

    #[test]
    fn what_is_wrong_is_told_without_what_may_be_a_password() {
        for text in [
            "database = \"postgres://u:hunter2@db/n\"",
            "[database]\nurl = \"postgres://u:hunter2@db/n",
            "[database]\nurl = postgres://u:hunter2@db/n",
            "[database]\nurl = \"host=db password=hunter2\"",
            "[http]\nconnection_limit = \"password=hunter2\"",
            "[database]\nurl = [\"hunter2\"]",
        ] {
            let error = Config::parse(text, std::iter::empty()).unwrap_err();
            let said = format!("{} {}", error.report(), error.hint_text().unwrap_or_default());
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let text = include_str!("../../config/nexora.toml");
        assert_eq!(parse(text).unwrap(), Config::default());
        let written: Table = text.parse().unwrap();
        let keys: usize = written.values().map(|section| section.as_table().unwrap().len()).sum();
        assert_eq!(keys, flatten(&Config::default()).len(), "every key is in config/nexora.toml");
    }

    #[test]
    fn a_slash_at_the_end_of_the_public_address_is_left_out() {
        let written = parse("[http]\npublic_url = \"https://leads.example.com/\"").unwrap();
        assert_eq!(written.http.public_url, "https://leads.example.com");
        let set = with_variable("NEXORA_HTTP_PUBLIC_URL", "https://leads.example.com//").unwrap();
        assert_eq!(set.http.public_url, "https://leads.example.com");
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_nearest() {
        let error = parse("[http]\nlisten_on = \"127.0.0.1:1\"").unwrap_err();
        assert_eq!(error.message(), "unknown configuration key `http.listen_on`");
        assert_eq!(error.hint_text(), Some("did you mean `http.listen`?"));
        let error = with_variable("NEXORA_HTTP_LISTN", "x").unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `NEXORA_HTTP_LISTEN`?"));
    }

    #[test]
    fn a_variable_wins_over_the_file_and_keeps_its_type() {
        let variables = [
            ("NEXORA_HTTP_LISTEN", "127.0.0.1:9"),
            ("NEXORA_SMTP_TIMEOUT_S", "7"),
            ("NEXORA_CONFIG", "ignored"),
            ("HOME", "ignored"),
        ];
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::parse("[http]\nlisten = \"127.0.0.1:1\"", variables).unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:9");
        assert_eq!(config.smtp.timeout_s, 7);
        assert!(with_variable("NEXORA_SMTP_TIMEOUT_S", "soon").is_err());
    }

    #[test]
    fn a_value_of_the_wrong_type_is_told_with_its_place() {
        let error = parse("[http]\nlisten = \"127.0.0.1:1\"\n[smtp]\ntimeout_s = \"soon\"").unwrap_err();
        let message = "the configuration has a value of the wrong type, in line 4: invalid type: string \"soon\", expected u64";
        assert_eq!(error.message(), message);
        let error = parse("[http]\nlisten 1").unwrap_err();
        assert!(error.message().starts_with("the configuration is not TOML, in line 2: "), "{error:?}");
        let error = with_variable("NEXORA_SMTP_TIMEOUT_S", "-1").unwrap_err();
        assert!(error.report().contains("`smtp.timeout_s`"), "{}", error.report());
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        for (text, key) in [
            ("[http]\nlisten = \"nowhere\"", "http.listen"),
            ("[http]\npublic_url = \"example.com\"", "http.public_url"),
            ("[database]\nurl = \"mysql://x/y\"", "database.url"),
            ("[google]\ntoken_url = \"x\"", "google.token_url"),
            ("[smtp]\ntimeout_s = 0", "smtp.timeout_s"),
            ("[pipeline]\nlease_s = 1", "pipeline.lease_s"),
            ("[log]\nformat = \"xml\"", "log.format"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.report().contains(key), "{key}: {}", error.report());
            assert_eq!(error.kind().exit_code(), 3);
        }
    }
}
