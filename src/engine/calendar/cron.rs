//! When a schedule fires: the five fields of cron, read by wall clocks of one zone.
//!
//! The fields are those of POSIX crontab: weekdays from 0 (or 7), Sunday; where both the day of the
//! month and the weekday are restricted, either will do. A wall time that does not exist fires at the
//! first moment after the gap; one that comes twice fires the first time.

use ::cron::Schedule;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::hours::at_wall_time;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};

/// A schedule that was read: one of the library's, or two of which either will do.
#[derive(Clone, Debug)]
pub struct Cron(Vec<Schedule>);

/// Wall times are looked at from this long before the moment on, so that none is missed where clocks
/// are set back.
const OVERLAP: TimeDelta = TimeDelta::hours(4);

impl Cron {
    /// Reads five fields: minute, hour, day of month, month, day of week.
    ///
    /// # Errors
    /// `Usage` when the text is anything else, or names a day that never comes.
    pub fn parse(text: &str) -> Result<Cron> {
        let wrong = || {
            Error::usage(format!("`{text}` is not a schedule"))
                .hint("write minute, hour, day, month and weekday, such as `0 7 * * Mon-Fri`")
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else { return Err(wrong()) };
        let weekday = weekdays(weekday).ok_or_else(wrong)?;
        let is_free = |field: &str| field == "*" || field == "?";
        let days = match (is_free(day), is_free(&weekday)) {
            (false, false) => vec![(*day, "*"), ("*", weekday.as_str())],
            _ => vec![(*day, weekday.as_str())],
        };
        let read = |(day, weekday): (&str, &str)| {
            format!("0 {minute} {hour} {day} {month} {weekday}").parse().map_err(|_| wrong())
        };
        let cron = Cron(days.into_iter().map(read).collect::<Result<_>>()?);
        match cron.next_wall(DateTime::UNIX_EPOCH.naive_utc()) {
            Some(_) => Ok(cron),
            None => Err(Error::usage(format!("`{text}` names a day that never comes"))),
        }
    }

    /// Returns the first moment after `after`; nothing in the years that can be reckoned.
    pub fn next(&self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        let mut wall = after.utc().with_timezone(&zone).naive_local() - OVERLAP;
        loop {
            wall = self.next_wall(wall)?;
            let at = at_wall_time(wall.date(), wall.time(), zone);
            if at > after {
                return Some(at);
            }
        }
    }

    fn next_wall(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let after = after.and_utc();
        self.0
            .iter()
            .filter_map(|schedule| schedule.after(&after).next())
            .map(|at: DateTime<Utc>| at.naive_utc())
            .min()
    }
}

const DAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// Turns numbers of weekdays into names, since crontab and the library count them differently; a range
/// over the end of the week becomes a list.
fn weekdays(field: &str) -> Option<String> {
    if field == "*" || field == "?" {
        return Some(field.to_owned());
    }
    let number = |text: &str| -> Option<usize> {
        text.parse().ok().filter(|number| *number < DAYS.len()).or_else(|| {
            let start: String = text.chars().take(3).collect();
            DAYS.iter().position(|day| day.eq_ignore_ascii_case(&start))
        })
    };
    let mut chosen: Vec<&str> = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if range == "*" => (0, 6),
            None => (number(range)?, number(range)?),
        };
        let last = if last < first { last + 7 } else { last };
        chosen.extend((first..=last).step_by(step).filter_map(|day| DAYS.get(day % 7).copied()));
    }
    Some(chosen.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firings(cron: &str, zone: Tz, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(cron).unwrap();
        let mut at = Timestamp::parse(from).unwrap();
        let mut all = Vec::new();
        for _ in 0..count {
            at = cron.next(at, zone).unwrap();
            all.push(at.utc().with_timezone(&zone).format("%a %F %R %z").to_string());
        }
        all
    }

    #[test]
    fn the_fields_are_those_of_crontab() {
        let utc = chrono_tz::UTC;
        let from = "2026-11-20T12:00:00Z";
        let cases = [
            ("0 7 * * *", ["Sat 2026-11-21 07:00", "Sun 2026-11-22 07:00"]),
            ("*/20 13 * * *", ["Fri 2026-11-20 13:00", "Fri 2026-11-20 13:20"]),
            // Sunday is 0 and 7.
            ("0 9 * * 0", ["Sun 2026-11-22 09:00", "Sun 2026-11-29 09:00"]),
            ("0 9 * * 7", ["Sun 2026-11-22 09:00", "Sun 2026-11-29 09:00"]),
            ("0 9 * * 1-5", ["Mon 2026-11-23 09:00", "Tue 2026-11-24 09:00"]),
            ("0 9 * * Sat-Mon", ["Sat 2026-11-21 09:00", "Sun 2026-11-22 09:00"]),
            // Either the day of the month or the weekday.
            ("0 9 25 * Mon", ["Mon 2026-11-23 09:00", "Wed 2026-11-25 09:00"]),
            // 29 February comes in leap years.
            ("0 9 29 2 *", ["Tue 2028-02-29 09:00", "Sun 2032-02-29 09:00"]),
            ("30 6 1 1,7 *", ["Fri 2027-01-01 06:30", "Thu 2027-07-01 06:30"]),
        ];
        for (cron, expected) in cases {
            let shown: Vec<String> =
                firings(cron, utc, from, 2).iter().map(|at| at.replace(" +0000", "")).collect();
            assert_eq!(shown, expected, "{cron}");
        }
    }

    #[test]
    fn each_wall_time_fires_once_when_clocks_change() {
        let chicago = chrono_tz::America::Chicago;
        // Forward on 8 March 2026: 02:30 does not exist.
        assert_eq!(
            firings("30 2 * * *", chicago, "2026-03-07T12:00:00Z", 2),
            ["Sun 2026-03-08 03:00 -0500", "Mon 2026-03-09 02:30 -0500"]
        );
        // Back on 1 November 2026: 01:30 comes twice.
        assert_eq!(
            firings("30 1 * * *", chicago, "2026-10-31T12:00:00Z", 2),
            ["Sun 2026-11-01 01:30 -0500", "Mon 2026-11-02 01:30 -0600"]
        );
        // Every half hour: no moment twice, none before the last.
        let cron = Cron::parse("*/30 * * * *").unwrap();
        for start in ["2026-03-08T06:00:00Z", "2026-11-01T05:00:00Z"] {
            let mut at = Timestamp::parse(start).unwrap();
            for _ in 0..12 {
                let next = cron.next(at, chicago).unwrap();
                assert!(next > at);
                at = next;
            }
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for wrong in ["", "7", "0 7 * *", "0 7 * * * *", "60 7 * * *", "0 7 * * Xyz", "0 7 30 2 *", "@daily"]
        {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
    }
}
