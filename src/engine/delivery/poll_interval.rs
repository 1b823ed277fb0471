//! How soon a cursor is read again: soon while things happen, less often while nothing does.
//!
//! Each cursor keeps a phase of its own, made from its id, so that many which were set up at the
//! same moment drift apart and stay apart.

use std::time::Duration;

use crate::delivery::retry;
use nexora_core::base::clock::Timestamp;

/// The bounds between which a cursor's interval moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub fast: Duration,
    pub slow: Duration,
}

/// The interval after a reading that brought nothing grows by this share of itself.
const GROWTH_PERCENT: u32 = 50;

/// How far a moment may be from the interval's end, either way.
const SPREAD_PERCENT: u32 = 10;

/// Returns the next interval: the shortest after something happened, else a longer one.
pub fn next_interval(bounds: Bounds, current: Duration, something_happened: bool) -> Duration {
    if something_happened {
        return bounds.fast;
    }
    let longer = current.saturating_add(current.saturating_mul(GROWTH_PERCENT) / 100);
    longer.clamp(bounds.fast, bounds.slow.max(bounds.fast))
}

/// Returns the moment after `interval`, shifted by a share of it that `id` and `epoch` choose.
pub fn next_due(now: Timestamp, interval: Duration, id: &str, epoch: i64) -> Timestamp {
    let chosen = retry::jitter(id, i32::try_from(epoch % 1_000_000).unwrap_or(0));
    let width = interval.saturating_mul(2 * SPREAD_PERCENT) / 100;
    let earliest = interval.saturating_sub(interval.saturating_mul(SPREAD_PERCENT) / 100);
    now + earliest + width.mul_f64(chosen.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { fast: Duration::from_secs(10), slow: Duration::from_secs(60) };

    #[test]
    fn a_quiet_cursor_is_read_less_and_less_up_to_the_bound() {
        let mut interval = BOUNDS.fast;
        let mut seconds = Vec::new();
        for _ in 0..6 {
            interval = next_interval(BOUNDS, interval, false);
            seconds.push(interval.as_millis());
        }
        assert_eq!(seconds, [15_000, 22_500, 33_750, 50_625, 60_000, 60_000]);
        assert_eq!(next_interval(BOUNDS, interval, true), BOUNDS.fast);
    }

    #[test]
    fn cursors_set_up_together_spread_evenly() {
        let now = Timestamp::from_millis(0);
        let mut quarters = [0; 4];
        for number in 0..1_000 {
            let due = next_due(now, BOUNDS.slow, &format!("cursor_{number}"), 1).millis();
            assert!((54_000..=66_000).contains(&due), "{due}");
            let quarter = usize::try_from((due - 54_000) / 3_001).unwrap();
            quarters[quarter] += 1;
        }
        assert!(quarters.iter().all(|count| (200..=300).contains(count)), "{quarters:?}");
    }
}
