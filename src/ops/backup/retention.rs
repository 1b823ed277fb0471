//! Which backups are kept: of the last days, weeks and months with a backup, the latest each.

use std::collections::BTreeSet;

use chrono::Datelike as _;

use crate::config::backup::Settings;
use nexora_core::base::clock::Timestamp;

/// Says in which day, week or month a moment is.
type Period = fn(Timestamp) -> (i32, u32);

/// Tells of each backup, by when it was made, whether it is kept. The latest always is.
pub fn kept(made: &[Timestamp], settings: &Settings) -> Vec<bool> {
    let mut order: Vec<usize> = (0..made.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(made.get(*index).copied()));
    let mut keep = vec![false; made.len()];
    let rules: [(u64, Period); 3] = [
        (settings.keep_daily, |at| (at.utc().year(), at.utc().ordinal())),
        (settings.keep_weekly, |at| (at.utc().iso_week().year(), at.utc().iso_week().week())),
        (settings.keep_monthly, |at| (at.utc().year(), at.utc().month())),
    ];
    for (limit, period) in rules {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut seen = BTreeSet::new();
        for index in &order {
            let Some(at) = made.get(*index) else { continue };
            if seen.len() < limit && seen.insert(period(*at)) {
                mark(&mut keep, *index);
            }
        }
    }
    if let Some(latest) = order.first() {
        mark(&mut keep, *latest);
    }
    keep
}

fn mark(keep: &mut [bool], index: usize) {
    if let Some(slot) = keep.get_mut(index) {
        *slot = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn settings(daily: u64, weekly: u64, monthly: u64) -> Settings {
        Settings { keep_daily: daily, keep_weekly: weekly, keep_monthly: monthly, ..Settings::default() }
    }

    #[test]
    fn of_each_day_week_and_month_the_latest_is_kept() {
        let made = [
            "2026-12-03T02:00:00Z",
            "2026-12-02T02:00:00Z",
            "2026-12-02T14:00:00Z",
            "2026-12-01T02:00:00Z",
            "2026-11-29T02:00:00Z",
            "2026-11-28T02:00:00Z",
            "2026-10-31T02:00:00Z",
            "2026-09-30T02:00:00Z",
        ]
        .map(at);
        assert_eq!(kept(&made, &settings(2, 2, 3)), [true, false, true, false, true, false, true, false]);
        assert_eq!(kept(&made, &settings(1, 0, 0)), [true, false, false, false, false, false, false, false]);
        assert_eq!(kept(&made, &settings(100, 0, 0)).iter().filter(|keep| !**keep).count(), 1);
        assert!(kept(&[], &settings(7, 5, 12)).is_empty());
    }

    #[test]
    fn the_weeks_of_a_new_year_are_those_of_iso_8601() {
        // The last days of 2026 are of week 53, and so is the first of January.
        let made = ["2027-01-01T02:00:00Z", "2026-12-30T02:00:00Z", "2026-12-26T02:00:00Z"].map(at);
        assert_eq!(kept(&made, &settings(1, 2, 0)), [true, false, true]);
    }
}
