//! `[smtp]`: what holds for every SMTP connection of every tenant.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Seconds that a relay may take to connect, and for each answer before it is handed a mail.
    pub timeout_s: u64,
    /// Seconds that it may take to answer to a mail that it has been handed (RFC 5321, section 4.5.3.2.6).
    pub answer_timeout_s: u64,
    /// Relays of tenants may be on this machine or in its private network.
    pub allow_private: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { timeout_s: 30, answer_timeout_s: 600, allow_private: false }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(at_least("smtp.timeout_s", self.timeout_s, 1));
        faults.note(at_least("smtp.answer_timeout_s", self.answer_timeout_s, 1));
    }

    pub fn answer_timeout(&self) -> Duration {
        Duration::from_secs(self.answer_timeout_s)
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}
