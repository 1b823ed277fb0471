//! Quiet hours: the part of each day in which only customers who just wrote are written to.

use chrono::Days;
use chrono_tz::Tz;

use crate::calendar::hours;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::hours::QuietHours;

/// Returns when the quiet that holds at `at` ends, by clocks in `zone`; nothing when it is not
/// quiet then. Where clocks are set back, the window ends the first time that its end is shown
/// after `at`; where they are set forward over its end, at the first moment after the gap.
pub fn end_of(quiet: &QuietHours, at: Timestamp, zone: Tz) -> Option<Timestamp> {
    let (from, to) = quiet.window()?;
    let local = at.utc().with_timezone(&zone);
    let (day, time) = (local.date_naive(), local.time());
    let ends_on = match (from < to, time >= from, time < to) {
        (true, true, true) | (false, false, true) => day,
        (false, true, _) => day.checked_add_days(Days::new(1))?,
        _ => return None,
    };
    hours::moments_at(ends_on, to, zone).into_iter().find(|end| *end > at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(hours: &str, at: &str, zone: Tz) -> Option<String> {
        let quiet = QuietHours::parse(hours).unwrap();
        end_of(&quiet, Timestamp::parse(at).unwrap(), zone).map(|end| end.to_string())
    }

    #[test]
    fn a_night_ends_in_the_morning_whatever_the_clocks_do() {
        let chicago = chrono_tz::America::Chicago;
        let cases = [
            // 20:59 and 08:00 are not quiet, 21:00 and 07:59 are.
            ("21:00-08:00", "2026-11-21T02:59:00Z", None),
            ("21:00-08:00", "2026-11-21T03:00:00Z", Some("2026-11-21T14:00:00.000Z")),
            ("21:00-08:00", "2026-11-21T13:59:59Z", Some("2026-11-21T14:00:00.000Z")),
            ("21:00-08:00", "2026-11-21T14:00:00Z", None),
            // A window within a day.
            ("12:00-13:30", "2026-11-20T18:15:00Z", Some("2026-11-20T19:30:00.000Z")),
            // The night in which clocks go forward is an hour shorter (8 March 2026).
            ("21:00-08:00", "2026-03-08T03:00:00Z", Some("2026-03-08T13:00:00.000Z")),
            // The end lies in the gap: the first moment after it.
            ("21:00-02:30", "2026-03-08T07:30:00Z", Some("2026-03-08T08:00:00.000Z")),
            // Clocks go back (1 November 2026): 01:15 for the second time is still quiet until 01:30.
            ("21:00-01:30", "2026-11-01T07:15:00Z", Some("2026-11-01T07:30:00.000Z")),
            ("21:00-01:30", "2026-11-01T06:15:00Z", Some("2026-11-01T06:30:00.000Z")),
            // The night before 29 February.
            ("21:00-08:00", "2028-02-29T04:00:00Z", Some("2028-02-29T14:00:00.000Z")),
            ("none", "2026-11-21T03:00:00Z", None),
        ];
        for (hours, at, expected) in cases {
            assert_eq!(end(hours, at, chicago).as_deref(), expected, "{hours} at {at}");
        }
    }
}
