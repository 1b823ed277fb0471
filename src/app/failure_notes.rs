//! How many failed sign-ins are written down: strangers make them as they like, and the audit trail keeps all it has.

use std::sync::{Mutex, PoisonError};

use nexora_core::base::clock::Timestamp;

/// Failures that one process writes down in an hour.
pub const PER_HOUR: u32 = 500;

const HOUR_MS: i64 = 3_600_000;

/// The failures of this hour.
#[derive(Default)]
pub struct FailureNotes(Mutex<(i64, u32)>);

impl FailureNotes {
    /// Tells whether one more is written down.
    pub fn take(&self, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.millis().div_euclid(HOUR_MS);
        if noted.0 != hour {
            *noted = (hour, 0);
        }
        noted.1 = noted.1.saturating_add(1);
        if noted.1 == PER_HOUR {
            tracing::warn!("{PER_HOUR} sign-ins failed within an hour: further ones are only counted");
        }
        noted.1 <= PER_HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_written_down_in_an_hour() {
        let notes = FailureNotes::default();
        let now = Timestamp::from_millis(1_790_000_000_000);
        assert_eq!((0..2_000).filter(|_| notes.take(now)).count(), 500);
        assert!(notes.take(now + std::time::Duration::from_secs(3_600)));
    }
}
