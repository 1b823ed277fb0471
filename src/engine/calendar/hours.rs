//! Business hours: when the business is open, in the tenant's zone, week by week.

use std::time::Duration;

use chrono::{Days, MappedLocalTime, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use nexora_core::base::clock::Timestamp;
use nexora_core::model::hours::BusinessHours;

/// A week of closed days is passed over at most; then the hours are taken to have no end.
const DAYS_AHEAD: u64 = 8;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// How far ahead open time is counted.
const HORIZON_WEEKS: usize = 52;

/// Returns the first moment from `from` on at which the business is open for at least `length`.
/// A span that the spring change cuts out begins at the first moment after it.
pub fn next_open(hours: &BusinessHours, from: Timestamp, length: Duration, zone: Tz) -> Timestamp {
    let today = from.utc().with_timezone(&zone).date_naive();
    let days = (0..DAYS_AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
    for day in days {
        for (open, close) in hours.on(day) {
            let start = at_wall_time(day, *open, zone).max(from);
            if start + length <= at_wall_time(day, *close, zone) {
                return start;
            }
        }
    }
    from
}

/// Returns the spans between `from` and `until` in which the business is open, in order.
pub fn openings(
    hours: &BusinessHours,
    from: Timestamp,
    until: Timestamp,
    zone: Tz,
) -> Vec<(Timestamp, Timestamp)> {
    let first = from.utc().with_timezone(&zone).date_naive();
    let last = until.utc().with_timezone(&zone).date_naive();
    let days = first.iter_days().take_while(|day| *day <= last);
    days.flat_map(|day| hours.on(day).iter().map(move |span| (day, span)))
        .map(|(day, (open, close))| {
            (at_wall_time(day, *open, zone).max(from), at_wall_time(day, *close, zone).min(until))
        })
        .filter(|(open, close)| open < close)
        .collect()
}

/// Returns the moment by which the business has been open for `length`, counted from `from` on: 30 minutes
/// from ten minutes before closing are over 20 minutes after the next opening.
pub fn after_open(hours: &BusinessHours, from: Timestamp, length: Duration, zone: Tz) -> Timestamp {
    let mut left = length;
    let mut at = from;
    // As many days as it takes with one opening in a week, and no more.
    for _ in 0..HORIZON_WEEKS {
        let until = at + WEEK;
        for (open, close) in openings(hours, at, until, zone) {
            let span = close.since(open);
            if left <= span {
                return open + left;
            }
            left -= span;
        }
        at = until;
    }
    at
}

/// Returns when the business closes, if it is open at `now`.
pub fn open_until(hours: &BusinessHours, now: Timestamp, zone: Tz) -> Option<Timestamp> {
    let today = now.utc().with_timezone(&zone).date_naive();
    let spans = hours.on(today).iter();
    let moments =
        spans.map(|(open, close)| (at_wall_time(today, *open, zone), at_wall_time(today, *close, zone)));
    moments.filter(|(open, close)| *open <= now && now < *close).map(|(_, close)| close).max()
}

/// Returns the moment at which a day such as `2026-11-20` begins in `zone`.
pub fn midnight(day: &str, zone: Tz) -> Option<Timestamp> {
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    Some(at_wall_time(day, NaiveTime::MIN, zone))
}

/// Returns the moment at which clocks in `zone` show this time: the first of two, and where there
/// is none the first moment after the gap.
pub fn at_wall_time(day: NaiveDate, time: NaiveTime, zone: Tz) -> Timestamp {
    moments_at(day, time, zone)
        .first()
        .copied()
        .unwrap_or_else(|| Timestamp::from(day.and_time(time).and_utc()))
}

/// Returns every moment at which clocks in `zone` show this time, in order; where there is none, the
/// first moment after the gap.
pub fn moments_at(day: NaiveDate, time: NaiveTime, zone: Tz) -> Vec<Timestamp> {
    const STEP_MINUTES: i64 = 15;
    const STEPS: i64 = 12;
    let wall = day.and_time(time);
    let on_clocks = |wall: chrono::NaiveDateTime| match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(at) => vec![at],
        MappedLocalTime::Ambiguous(first, second) => vec![first, second],
        MappedLocalTime::None => Vec::new(),
    };
    let shown = (0..=STEPS)
        .filter_map(|step| wall.checked_add_signed(chrono::Duration::minutes(step * STEP_MINUTES)))
        .map(on_clocks)
        .find(|moments| !moments.is_empty());
    shown.unwrap_or_default().into_iter().map(|at| Timestamp::from(at.to_utc())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(hours: &str, from: &str, minutes: u64) -> String {
        let hours = BusinessHours::parse(hours).unwrap();
        let length = Duration::from_secs(minutes * 60);
        next_open(&hours, Timestamp::parse(from).unwrap(), length, chrono_tz::America::Chicago).to_string()
    }

    #[test]
    fn the_next_opening() {
        let weekdays = "Mon-Fri 08:00-18:00";
        let cases = [
            // Friday 20 November 2026, 10:00 in Chicago (UTC-6): open.
            (weekdays, "2026-11-20T16:00:00Z", 15, "2026-11-20T16:00:00.000Z"),
            // 17:50: too late for 15 minutes, so Monday 08:00.
            (weekdays, "2026-11-20T23:50:00Z", 15, "2026-11-23T14:00:00.000Z"),
            // Early on Friday: at opening.
            (weekdays, "2026-11-20T10:00:00Z", 15, "2026-11-20T14:00:00.000Z"),
            // Saturday with a short Saturday.
            ("Mon-Fri 08:00-18:00, Sat 09:00-12:00", "2026-11-21T10:00:00Z", 15, "2026-11-21T15:00:00.000Z"),
            // Across the spring change (8 March 2026, 02:00 -> 03:00): opens in the gap, begins after it.
            ("Sun 02:30-06:00", "2026-03-08T06:00:00Z", 15, "2026-03-08T08:00:00.000Z"),
            // A week that runs over its end.
            ("Sat-Mon 10:00-11:00", "2026-11-20T23:00:00Z", 30, "2026-11-21T16:00:00.000Z"),
        ];
        for (hours, from, minutes, expected) in cases {
            assert_eq!(next(hours, from, minutes), expected, "{hours} from {from}");
        }
    }

    #[test]
    fn open_time_is_counted_while_somebody_is_there() {
        let hours = BusinessHours::parse("Mon-Fri 08:00-18:00").unwrap();
        let after = |from: &str, minutes: u64| {
            let from = Timestamp::parse(from).unwrap();
            let length = Duration::from_secs(minutes * 60);
            after_open(&hours, from, length, chrono_tz::America::Chicago).to_string()
        };
        assert_eq!(after("2026-11-20T16:00:00Z", 30), "2026-11-20T16:30:00.000Z");
        // 17:50 on Friday: ten minutes then, twenty on Monday.
        assert_eq!(after("2026-11-20T23:50:00Z", 30), "2026-11-23T14:20:00.000Z");
        // Two days of ten hours and a half.
        assert_eq!(after("2026-11-20T10:00:00Z", 25 * 60), "2026-11-24T19:00:00.000Z");
    }

    #[test]
    fn a_meeting_longer_than_any_opening_is_held_at_once() {
        assert_eq!(next("Mon 08:00-08:10", "2026-11-20T16:00:00Z", 60), "2026-11-20T16:00:00.000Z");
    }

    #[test]
    fn it_is_known_until_when_somebody_is_there() {
        let hours = BusinessHours::parse("Wed 08:00-12:00, Wed 13:00-17:00").unwrap();
        let zone = chrono_tz::America::Chicago;
        let at = |time: &str| {
            let day = NaiveDate::from_ymd_opt(2026, 11, 18).unwrap();
            at_wall_time(day, time.parse().unwrap(), zone)
        };
        assert_eq!(open_until(&hours, at("08:00:00"), zone), Some(at("12:00:00")));
        assert_eq!(open_until(&hours, at("12:30:00"), zone), None);
        assert_eq!(open_until(&hours, at("16:59:00"), zone), Some(at("17:00:00")));
        assert_eq!(open_until(&hours, at("17:00:00"), zone), None);
    }
}
