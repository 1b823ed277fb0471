//! The configuration: one TOML file, then `NEXORA_*` variables over it.
//!
//! Defaults are written in the sections' `Default`s and, for reading, in `config/nexora.toml`; a
//! test holds the two together. An unknown key is an error that names the nearest known one.

pub mod alerts;
pub mod backup;
pub mod certificate;
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
use toml::de::DeTable;
use toml::{Table, Value};

use crate::config::check::Faults;
use nexora_core::base::text::{did_you_mean, line_at};
use nexora_core::base::{Error, Kind, Result, file};

/// Where the file is looked for when `--config` and `NEXORA_CONFIG` say nothing.
pub const DEFAULT_PATH: &str = "/etc/nexora/nexora.toml";

/// The variables that stand for arguments of the command line, and so are no keys of the file.
const ARGUMENTS: [&str; 2] = ["NEXORA_CONFIG", "NEXORA_TENANT"];
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
    pub alerts: alerts::Settings,
    pub backup: backup::Settings,
    pub log: log::Settings,
}

/// What was read of a configuration, and everything that is wrong with it.
#[derive(Debug)]
pub struct Examined {
    /// As far as it could be read: what is wrong has its default.
    pub config: Option<Config>,
    pub faults: Vec<Error>,
}

impl Config {
    /// Reads `path`, lays the variables over it, and checks the whole.
    ///
    /// # Errors
    /// `Config` naming the key and what to write instead.
    pub fn load(path: &Path, variables: impl Iterator<Item = (String, String)>) -> Result<Config> {
        let text = read_config(path)?;
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
        match Config::examine(text, variables) {
            Examined { config: Some(config), faults } if faults.is_empty() => Ok(config),
            Examined { faults, .. } => Err(faults
                .into_iter()
                .next()
                .unwrap_or_else(|| Error::internal("the configuration cannot be read"))),
        }
    }

    /// Reads configuration text, and collects everything that is wrong with it.
    pub fn examine(text: &str, variables: impl Iterator<Item = (String, String)>) -> Examined {
        let mut faults = Faults::default();
        let read = text.parse().map_err(|error| in_line("the configuration is not TOML", text, &error));
        let Some(mut table): Option<Table> = faults.note(read) else {
            return Examined { config: None, faults: faults.into_list() };
        };
        take_unknown(&mut table, &mut faults);
        // Looked at without the variables first, so that a value of the wrong type is told with its line.
        take_mistyped(text, &mut table, &mut faults);
        lay_variables_over(&mut table, variables, &mut faults);
        let config: Result<Config> = Value::Table(table).try_into().map_err(|error: toml::de::Error| {
            let said = without_value(&error.to_string());
            Error::config("a variable has a value of the wrong type").source(said)
        });
        let config = faults.note(config);
        if let Some(config) = &config {
            config.note_faults(&mut faults);
        }
        Examined { config, faults: faults.into_list() }
    }

    /// Lets each section check itself.
    ///
    /// # Errors
    /// `Config` naming the first key that is wrong.
    pub fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        self.note_faults(&mut faults);
        faults.into_list().into_iter().next().map_or(Ok(()), Err)
    }

    fn note_faults(&self, faults: &mut Faults) {
        faults.note(self.database.check());
        self.http.check(faults);
        self.intake.check(faults);
        faults.note(self.secrets.check());
        self.sessions.check(faults);
        self.google.check(faults);
        self.smtp.check(faults);
        self.poll.check(faults);
        self.pipeline.check(faults);
        faults.note(self.definitions.check());
        self.rehearsal.check(faults);
        self.sources.check(faults);
        self.alerts.check(faults);
        self.backup.check(faults);
        self.log.check(faults);
    }

    /// Returns the files and folders that the configuration names, and that a moved installation needs, too: with the
    /// key of each. The master key is not one of them.
    pub fn named_files(&self) -> Vec<(&'static str, &Path)> {
        let named = [
            ("definitions.folder", &self.definitions.folder),
            ("google.client_file", &self.google.client_file),
            ("alerts.smtp_password_file", &self.alerts.smtp_password_file),
            ("alerts.smtp_ca_file", &self.alerts.smtp_ca_file),
            ("alerts.webhook_secret_file", &self.alerts.webhook_secret_file),
        ];
        let set = named.into_iter().filter(|(_, path)| !path.as_os_str().is_empty());
        set.map(|(key, path)| (key, path.as_path())).collect()
    }

    /// Returns every key with its value, secrets left out.
    pub fn shown(&self) -> BTreeMap<String, Value> {
        let mut shown = flatten(self);
        shown.insert("database.url".to_owned(), Value::String(self.database.shown_url()));
        shown
    }
}

/// Reads the configuration's file.
///
/// # Errors
/// `Config` when it cannot be read.
pub fn read_config(path: &Path) -> Result<String> {
    file::read_text(path, Kind::Config).map_err(|error| {
        error.hint("run `nexora init --dir DIR` to make one, or name one with `--config FILE`")
    })
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

/// Takes out the keys that there are not.
fn take_unknown(table: &mut Table, faults: &mut Faults) {
    let known = flatten(&Config::default());
    table.retain(|section, value| {
        let Value::Table(keys) = value else {
            faults.add(unknown(section, known.keys()));
            return false;
        };
        keys.retain(|key, _| {
            let full = format!("{section}.{key}");
            let is_known = known.contains_key(&full);
            if !is_known {
                faults.add(unknown(&full, known.keys()));
            }
            is_known
        });
        true
    });
}

/// Returns where a value stands in the text; its beginning where that cannot be told.
fn place_of(text: &str, section: &str, key: &str) -> usize {
    let read = DeTable::parse(text).ok();
    let found = read.as_ref().and_then(|table| {
        let of_section = table.get_ref().iter().find(|(name, _)| name.get_ref() == section);
        of_section.and_then(|(_, values)| values.get_ref().get(key))
    });
    found.map_or(0, |value| value.span().start)
}

/// Takes out the values that are of the wrong type.
fn take_mistyped(text: &str, table: &mut Table, faults: &mut Faults) {
    for (section, value) in table.iter_mut() {
        let Value::Table(keys) = value else { continue };
        keys.retain(|key, value| {
            let alone = Table::from_iter([(key.to_owned(), value.clone())]);
            let alone = Table::from_iter([(section.clone(), Value::Table(alone))]);
            let Err(error) = Value::Table(alone).try_into::<Config>() else { return true };
            let line = line_at(text, place_of(text, section, key));
            let said = without_value(error.message());
            faults.add(Error::config(format!(
                "the configuration has a value of the wrong type, in line {line}: {said}"
            )));
            false
        });
    }
}

fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let hint = did_you_mean(key, known.map(String::as_str));
    Error::config(format!("unknown configuration key `{key}`"))
        .hint(hint.unwrap_or_else(|| "`nexora config show` lists every key".to_owned()))
}

/// `NEXORA_HTTP_PUBLIC_URL` sets `http.public_url`, read as the type of the key's default.
fn lay_variables_over(
    table: &mut Table,
    variables: impl Iterator<Item = (String, String)>,
    faults: &mut Faults,
) {
    let known: BTreeMap<String, (String, Value)> = flatten(&Config::default())
        .into_iter()
        .map(|(key, value)| {
            (format!("{VARIABLE_PREFIX}{}", key.replace('.', "_").to_uppercase()), (key, value))
        })
        .collect();
    for (variable, text) in variables {
        let ours = variable.starts_with(VARIABLE_PREFIX) && !variable.starts_with(TEST_PREFIX);
        if !ours || ARGUMENTS.contains(&variable.as_str()) {
            continue;
        }
        let Some((key, default)) = known.get(&variable) else {
            faults.add(unknown(&variable, known.keys()));
            continue;
        };
        let Some(value) = faults.note(typed(&variable, &text, default)) else { continue };
        if let Some((section, name)) = key.split_once('.') {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(keys) = section {
                keys.insert(name.to_owned(), value);
            }
        }
    }
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
            ("NEXORA_TENANT", "ignored"),
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
    fn everything_that_is_wrong_is_told_at_once() {
        let text = "stray = 1\n[http]\nlisen = \"x\"\nlisten = \"nowhere\"\nconnection_limit = \"many\"\n\
                    [smtp]\ntimeout_s = 0\nanswer_timeout_s = 0\n[log]\nformat = 3\n";
        let variables =
            [("NEXORA_POLL_PARALLEL", "many"), ("NEXORA_LOG_LEVL", "info"), ("NEXORA_POLL_LEASE_S", "1")];
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let Examined { config, faults } = Config::examine(text, variables);
        let said: Vec<String> = faults.iter().map(Error::report).collect();
        for part in [
            "key `stray`",
            "key `http.lisen`",
            "in line 5: ",
            "in line 10: ",
            "`NEXORA_POLL_PARALLEL` must be",
            "`NEXORA_LOG_LEVL`",
            "`http.listen` is not",
            "`smtp.timeout_s`",
            "`smtp.answer_timeout_s`",
            "`poll.lease_s`",
        ] {
            assert!(said.iter().any(|line| line.contains(part)), "{part}: {said:?}");
        }
        assert_eq!(said.len(), 10, "{said:?}");
        assert_eq!(config.unwrap().http.connection_limit, 2_048, "what is wrong has its default");
        let Examined { config, faults } = Config::examine("[http", std::iter::empty());
        assert!(config.is_none() && faults.len() == 1);
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
