//! `[sessions]`: for how long one stays signed in, and what signing in asks for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least};
use nexora_core::base::{Error, Result};
use nexora_core::model::sign_in::Required;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Seconds after which a user must sign in again.
    pub lifetime_s: u64,
    /// Seconds without a request after which a session ends.
    pub idle_s: u64,
    /// Who must have two-step sign-in: `nobody`, `operators` or `everybody`.
    pub require_totp: String,
    /// Failed tries after which a user cannot sign in for a while.
    pub failure_limit: u64,
    /// Seconds for which that is so; each further failure doubles them.
    pub lock_first_s: u64,
    /// Seconds beyond which they do not grow.
    pub lock_ceiling_s: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lifetime_s: 43_200,
            idle_s: 3_600,
            require_totp: "nobody".to_owned(),
            failure_limit: 5,
            lock_first_s: 60,
            lock_ceiling_s: 3_600,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(at_least("sessions.lifetime_s", self.lifetime_s, 60));
        faults.note(at_least("sessions.idle_s", self.idle_s, 60));
        faults.note(self.required().map_err(|error| {
            let hint = error.hint_text().unwrap_or_default().to_owned();
            Error::config(format!("`sessions.require_totp`: {}", error.message())).hint(hint)
        }));
        faults.note(at_least("sessions.failure_limit", self.failure_limit, 1));
        faults.note(at_least("sessions.lock_first_s", self.lock_first_s, 1));
        faults.note(at_least("sessions.lock_ceiling_s", self.lock_ceiling_s, self.lock_first_s));
    }

    /// # Errors
    /// `Usage` when the word is not one of those.
    pub fn required(&self) -> Result<Required> {
        self.require_totp.parse()
    }

    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime_s)
    }

    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_s)
    }

    pub fn lock_first(&self) -> Duration {
        Duration::from_secs(self.lock_first_s)
    }

    pub fn lock_ceiling(&self) -> Duration {
        Duration::from_secs(self.lock_ceiling_s)
    }
}
