//! `[pipeline]`: how much is done at once, how failures are spaced, how long history is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least};
use nexora_core::base::Error;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Rows that one sweep of a stage takes at most.
    pub sweep_limit: u64,
    /// Deliveries under way at the same time.
    pub parallel_deliveries: u64,
    /// Seconds after which an attempt that has said nothing counts as in doubt.
    pub lease_s: u64,
    /// Attempts before an effect is given up, where its automation does not say otherwise.
    pub attempt_limit: u64,
    /// Hours for which an effect is tried, however many attempts that takes.
    pub give_up_after_h: u64,
    /// Seconds before the second attempt; each further wait is twice the one before.
    pub backoff_first_s: u64,
    /// Seconds beyond which waits between attempts do not grow.
    pub backoff_ceiling_s: u64,
    /// Milliseconds after which an idle stage looks for work that it was not notified of.
    pub idle_poll_ms: u64,
    /// Days for which finished runs are kept.
    pub keep_runs_days: u64,
    /// Days for which events are kept that started no run.
    pub keep_events_days: u64,
    /// Days for which messages to and from contacts are kept; 0 for ever.
    pub keep_messages_days: u64,
    /// Days for which everything about a person is kept after the last thing that happened with them; 0 for ever.
    pub keep_people_days: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sweep_limit: 128,
            parallel_deliveries: 64,
            lease_s: 120,
            attempt_limit: 12,
            give_up_after_h: 120,
            backoff_first_s: 5,
            backoff_ceiling_s: 1_800,
            idle_poll_ms: 5_000,
            keep_runs_days: 400,
            keep_events_days: 60,
            keep_messages_days: 0,
            keep_people_days: 0,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(at_least("pipeline.sweep_limit", self.sweep_limit, 1));
        faults.note(at_least("pipeline.parallel_deliveries", self.parallel_deliveries, 1));
        faults.note(at_least("pipeline.lease_s", self.lease_s, 10));
        faults.note(at_least("pipeline.attempt_limit", self.attempt_limit, 1));
        faults.note(at_least("pipeline.backoff_first_s", self.backoff_first_s, 1));
        faults.note(at_least("pipeline.idle_poll_ms", self.idle_poll_ms, 50));
        faults.note(at_least("pipeline.keep_runs_days", self.keep_runs_days, 1));
        faults.note(at_least("pipeline.keep_events_days", self.keep_events_days, 35));
        if self.backoff_ceiling_s < self.backoff_first_s {
            let said = "`pipeline.backoff_ceiling_s` must not be below `pipeline.backoff_first_s`";
            faults.add(Error::config(said));
        }
    }

    pub fn sweep_limit(&self) -> usize {
        usize::try_from(self.sweep_limit).unwrap_or(usize::MAX)
    }

    pub fn parallel_deliveries(&self) -> usize {
        usize::try_from(self.parallel_deliveries).unwrap_or(usize::MAX)
    }

    pub fn attempt_limit(&self) -> i32 {
        i32::try_from(self.attempt_limit).unwrap_or(i32::MAX)
    }

    pub fn give_up_after(&self) -> Duration {
        Duration::from_secs(self.give_up_after_h.saturating_mul(3_600))
    }

    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s)
    }

    pub fn idle_poll(&self) -> Duration {
        Duration::from_millis(self.idle_poll_ms)
    }
}
