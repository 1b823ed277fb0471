//! `[smtp]`: what holds for every SMTP connection of every tenant.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::at_least;
use nexora_core::base::Result;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Seconds that one mail may take, from connecting to the last answer.
    pub timeout_s: u64,
    /// Relays of tenants may be on this machine or in its private network.
    pub allow_private: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { timeout_s: 30, allow_private: false }
    }
}

impl Settings {
    /// # Errors
    /// `Config` when the time is zero.
    pub fn check(&self) -> Result<()> {
        at_least("smtp.timeout_s", self.timeout_s, 1)
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}
