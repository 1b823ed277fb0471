//! `[poll]`: how often mailboxes, calendars and sheets are read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least};
use nexora_core::base::Error;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Polls under way at the same time.
    pub parallel: u64,
    /// Seconds between two polls of a mailbox while mail comes in.
    pub mail_fast_s: u64,
    /// Seconds beyond which polls of a quiet mailbox are not put off.
    pub mail_slow_s: u64,
    pub calendar_fast_s: u64,
    pub calendar_slow_s: u64,
    pub sheet_fast_s: u64,
    pub sheet_slow_s: u64,
    /// Seconds after which a poll that has said nothing counts as lost.
    pub lease_s: u64,
    /// Days ahead for which the instances of recurring calendar entries are worked out.
    pub horizon_days: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            parallel: 16,
            mail_fast_s: 10,
            mail_slow_s: 60,
            calendar_fast_s: 30,
            calendar_slow_s: 300,
            sheet_fast_s: 60,
            sheet_slow_s: 300,
            lease_s: 180,
            horizon_days: 35,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(at_least("poll.parallel", self.parallel, 1));
        faults.note(at_least("poll.lease_s", self.lease_s, 30));
        faults.note(at_least("poll.horizon_days", self.horizon_days, 2));
        let pairs = [
            ("mail", self.mail_fast_s, self.mail_slow_s),
            ("calendar", self.calendar_fast_s, self.calendar_slow_s),
            ("sheet", self.sheet_fast_s, self.sheet_slow_s),
        ];
        for (kind, fast, slow) in pairs {
            faults.note(at_least(&format!("poll.{kind}_fast_s"), fast, 1));
            if slow < fast {
                let said = format!("`poll.{kind}_slow_s` must not be below `poll.{kind}_fast_s`");
                faults.add(Error::config(said));
            }
        }
    }

    pub fn parallel(&self) -> usize {
        usize::try_from(self.parallel).unwrap_or(usize::MAX)
    }

    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s)
    }

    pub fn horizon(&self) -> Duration {
        Duration::from_secs(self.horizon_days.saturating_mul(86_400))
    }
}
