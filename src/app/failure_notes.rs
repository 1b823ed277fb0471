//! How many failed sign-ins are written down: strangers make them as they like, and the audit trail keeps all it has.

use std::sync::{Arc, Mutex, PoisonError};

use nexora_core::base::clock::Timestamp;

/// Failures that one process writes down in an hour, and as many lockouts beside them: no flood of the one hides the
/// other.
pub const PER_HOUR: u32 = 500;

const HOUR_MS: i64 = 3_600_000;

/// The failures of this hour.
#[derive(Clone, Default)]
pub struct FailureNotes(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    hour: i64,
    failures: u32,
    lockouts: u32,
}

impl FailureNotes {
    /// Tells whether one more failure is written down.
    pub fn take(&self, now: Timestamp) -> bool {
        self.count(now, "sign-ins failed", |noted| &mut noted.failures)
    }

    /// Tells whether one more lockout is written down.
    pub fn take_lockout(&self, now: Timestamp) -> bool {
        self.count(now, "sign-ins were locked", |noted| &mut noted.lockouts)
    }

    fn count(&self, now: Timestamp, what: &str, kind: fn(&mut Noted) -> &mut u32) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.millis().div_euclid(HOUR_MS);
        if noted.hour != hour {
            *noted = Noted { hour, ..Noted::default() };
        }
        let count = kind(&mut noted);
        *count = count.saturating_add(1);
        if *count == PER_HOUR {
            tracing::warn!("{PER_HOUR} {what} within an hour: further ones are only counted");
        }
        *count <= PER_HOUR
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
        assert_eq!((0..2_000).filter(|_| notes.take_lockout(now)).count(), 500);
        assert!(notes.take(now + std::time::Duration::from_secs(3_600)));
    }
}
