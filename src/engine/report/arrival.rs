//! Is it unusual that nothing came in for so long? Learned from the four weeks before, hour by hour of the week.

use std::time::Duration;

use nexora_core::base::clock::Timestamp;

/// Weeks that are looked back upon.
pub const WEEKS: usize = 4;

pub const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Fewer than so many are missed by chance too often: where five are usual, none come once in 150 times (Poisson).
const USUAL_AT_LEAST: f64 = 5.0;

/// A silence shorter than this is none, and of one that is longer than a week the last week counts.
pub const SHORTEST: Duration = Duration::from_secs(3_600);

/// What came in, of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    pub last: Option<Timestamp>,
    /// How many came in the same hours of each of the weeks before, the latest first.
    pub before: Vec<i64>,
}

/// A silence that is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub since: Timestamp,
    /// How many usually come in that time.
    pub usual: i64,
}

/// Returns the hours of each week before that are held against those since the last arrival; none where it is too soon.
pub fn windows(last: Option<Timestamp>, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let Some(last) = last.filter(|last| now.since(*last) >= SHORTEST) else { return Vec::new() };
    let from = last.max(now - WEEK);
    (1..=WEEKS)
        .filter_map(|week| u32::try_from(week).ok())
        .map(|week| (from - WEEK * week, now - WEEK * week))
        .collect()
}

/// Tells whether nothing came for so long that something may be wrong: most weeks before had arrivals in these hours,
/// and on average enough of them.
pub fn silence(arrivals: &Arrivals) -> Option<Silence> {
    let since = arrivals.last?;
    let weeks = arrivals.before.len();
    let busy = arrivals.before.iter().filter(|came| **came > 0).count();
    // A holiday in one of them is no reason to expect nothing.
    if weeks < WEEKS || busy + 1 < WEEKS {
        return None;
    }
    let came: i64 = arrivals.before.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of a few weeks")]
    let usual = came as f64 / weeks as f64;
    let rounded = came / i64::try_from(weeks).unwrap_or(1);
    (usual >= USUAL_AT_LEAST).then_some(Silence { since, usual: rounded })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn found(before: &[i64]) -> Option<i64> {
        let last = Some(NOW - Duration::from_secs(7_200));
        silence(&Arrivals { last, before: before.to_vec() }).map(|silence| silence.usual)
    }

    #[test]
    fn a_silence_is_unusual_where_most_weeks_were_busy_then() {
        assert_eq!(found(&[6, 7, 5, 6]), Some(6));
        assert_eq!(found(&[6, 7, 0, 9]), Some(5), "one was a holiday");
        assert_eq!(found(&[20, 0, 0, 0]), None, "once is no rule");
        assert_eq!(found(&[4, 5, 4, 5]), None, "it may be chance");
        assert_eq!(found(&[6, 7, 5]), None, "too little is known");
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_same_hours_of_the_weeks_before_are_looked_at() {
        let hour = Duration::from_secs(3_600);
        assert_eq!(windows(Some(NOW - hour / 2), NOW), [], "it is too soon");
        assert_eq!(windows(None, NOW), []);
        let found = windows(Some(NOW - hour * 3), NOW);
        assert_eq!(found.len(), 4);
        assert_eq!(found[0], (NOW - hour * 3 - WEEK, NOW - WEEK));
        assert_eq!(found[3], (NOW - hour * 3 - WEEK * 4, NOW - WEEK * 4));
        // Of a longer silence the last week is held against whole weeks.
        assert_eq!(windows(Some(NOW - WEEK * 2), NOW)[0], (NOW - WEEK * 2, NOW - WEEK));
    }
}
