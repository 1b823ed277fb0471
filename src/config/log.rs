//! `[log]`: how much is said, and in which form.

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, one_of};

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
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(one_of("log.level", &self.level, &["error", "warn", "info", "debug"]));
        faults.note(one_of("log.format", &self.format, &["text", "json"]));
    }
}
