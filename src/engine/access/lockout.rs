//! After how many failures one must wait before trying to sign in again, and for how long.

use std::time::Duration;

use nexora_core::base::clock::Timestamp;

/// Failures so long ago no longer count.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub limit: u32,
    pub first: Duration,
    pub ceiling: Duration,
}

/// How often one has failed, and until when that keeps one from trying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    pub failures: u32,
    pub failed_at: Option<Timestamp>,
    pub locked_until: Option<Timestamp>,
    /// When the first of the locks began, of those that followed on each other.
    pub locked_at: Option<Timestamp>,
}

impl Tries {
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| until > now)
    }

    /// Returns how one stands after a further failure. From the limit on each one locks, for twice as
    /// long as the one before.
    #[must_use]
    pub fn after_failure(&self, now: Timestamp, rules: &Rules) -> Tries {
        let old = self.failed_at.is_some_and(|at| now.since(at) > FORGOTTEN_AFTER);
        let failures = if old { 1 } else { self.failures.saturating_add(1) };
        let locked_until = failures.checked_sub(rules.limit).map(|beyond| {
            let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
            now + rules.first.saturating_mul(factor).min(rules.ceiling)
        });
        let locked_at = locked_until.and(self.locked_at.filter(|_| !old).or(Some(now)));
        Tries { failures, failed_at: Some(now), locked_until, locked_at }
    }

    /// Returns how one stands when one of the failures was none.
    #[must_use]
    pub fn without_one(&self, rules: &Rules) -> Tries {
        let failures = self.failures.saturating_sub(1);
        let locked_until = self.locked_until.filter(|_| failures >= rules.limit);
        let locked_at = self.locked_at.and_then(|at| locked_until.map(|_| at));
        Tries { failures, locked_until, locked_at, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules =
        Rules { limit: 5, first: Duration::from_secs(60), ceiling: Duration::from_secs(3_600) };

    #[test]
    fn each_failure_from_the_limit_on_locks_for_longer_and_never_beyond_the_ceiling() {
        let now = Timestamp::from_millis(0);
        let mut tries = Tries::default();
        let mut waits = Vec::new();
        for _ in 0..80 {
            tries = tries.after_failure(now, &RULES);
            waits.push(tries.locked_until.map_or(0, |until| until.since(now).as_secs()));
        }
        assert_eq!(waits[..12], [0, 0, 0, 0, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(waits[79], 3_600);
    }

    #[test]
    fn a_failure_that_was_none_does_not_lock() {
        let now = Timestamp::from_millis(0);
        let fail = |tries: Tries| tries.after_failure(now, &RULES);
        let four = (0..4).fold(Tries::default(), |tries, _| fail(tries));
        assert_eq!(fail(four).without_one(&RULES), four);
        assert!(fail(fail(four)).without_one(&RULES).is_locked(now));
        assert_eq!(Tries::default().without_one(&RULES), Tries::default());
    }

    #[test]
    fn a_lock_ends_and_old_failures_are_forgotten() {
        let now = Timestamp::from_millis(0);
        let tries = (0..5).fold(Tries::default(), |tries, _| tries.after_failure(now, &RULES));
        assert!(tries.is_locked(now + Duration::from_secs(59)));
        assert!(!tries.is_locked(now + Duration::from_secs(60)));
        let again = tries.after_failure(now + Duration::from_secs(90), &RULES);
        assert_eq!(again.locked_at, Some(now), "the locks follow on each other");
        let later = tries.after_failure(now + Duration::from_secs(2 * 86_400), &RULES);
        assert_eq!((later.failures, later.locked_until, later.locked_at), (1, None, None));
    }
}
