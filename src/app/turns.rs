//! When each stage of the daemon is expected back: one that does not come back is stuck.
//!
//! A stage says before each sweep, and before each rest, by when it will have come round again. Whether it
//! has is asked by `/readyz` and before each word to the supervisor.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one sweep may take; a stage that takes longer is stuck.
pub const SWEEP_LIMIT: Duration = Duration::from_secs(90);

/// By when each stage is expected back.
#[derive(Default)]
pub struct Turns(Mutex<BTreeMap<&'static str, Instant>>);

impl Turns {
    /// Expects a stage back after its rest and a sweep.
    pub fn expect(&self, stage: &'static str, now: Instant, rest: Duration) {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        expected.insert(stage, now + rest.saturating_add(SWEEP_LIMIT));
    }

    /// Forgets every stage: the daemon stops.
    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns the stages that have not come back in time.
    pub fn late(&self, now: Instant) -> Vec<&'static str> {
        let expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        expected.iter().filter(|(_, by)| **by < now).map(|(stage, _)| *stage).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_late_that_has_not_come_back_from_its_sweep_or_its_rest() {
        let turns = Turns::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        turns.expect("advance", start, Duration::ZERO);
        turns.expect("prune", start, Duration::from_secs(3_600));
        assert!(turns.late(start + SWEEP_LIMIT).is_empty());
        assert_eq!(turns.late(start + SWEEP_LIMIT + second), ["advance"]);
        turns.expect("advance", start + SWEEP_LIMIT + second, Duration::ZERO);
        assert!(turns.late(start + SWEEP_LIMIT + second).is_empty(), "it has come back");
        assert_eq!(turns.late(start + Duration::from_secs(4_000)), ["advance", "prune"]);
        turns.end();
        assert!(turns.late(start + Duration::from_secs(4_000)).is_empty());
    }
}
