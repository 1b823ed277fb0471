//! `[log]`: how much is said, and in which form.

use serde::{Deserialize, Serialize};

use nexora_core::base::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// `text` for people, `json` for a collector.
    pub format: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { level: "info".to_owned(), format: "text".to_owned() }
    }
}

impl Settings {
    /// # Errors
    /// `Config` naming the key and its choices.
    pub fn check(&self) -> Result<()> {
        one_of("log.level", &self.level, &["error", "warn", "info", "debug"])?;
        one_of("log.format", &self.format, &["text", "json"])
    }
}

fn one_of(key: &str, value: &str, choices: &[&str]) -> Result<()> {
    if choices.contains(&value) {
        return Ok(());
    }
    Err(Error::config(format!("`{key}` is not one of {}: `{value}`", choices.join(", "))))
}
