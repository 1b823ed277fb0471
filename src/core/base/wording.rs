//! How moments, lengths of time and counts are worded for people, and how a length is read.
//!
//! The command line, the pages and the messages all word them here. Nothing in it is taken from outside,
//! so what it returns may stand in a page as it is; only `cut` returns a text that was given.

use std::fmt::Display;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::base::clock::Timestamp;
use crate::base::{Error, Result};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Reads a length of time such as `30m`, `2h` or `1day`.
///
/// # Errors
/// `Usage` when the text is not a length of time.
pub fn parse_length(text: &str) -> Result<Duration> {
    humantime::parse_duration(text.trim()).map_err(|_| {
        Error::usage(format!("`{text}` is not a duration")).hint("write it like `30m`, `2h` or `1day`")
    })
}

/// Words a length of time with its two largest units: `9 s`, `3 h 40 min`.
pub fn length(length: Duration) -> String {
    length_with(["day", "days"], length)
}

/// Words a length of time with what one day and many are called; the signs of smaller units are the same in many
/// languages.
pub fn length_with([day, days]: [&str; 2], length: Duration) -> String {
    let seconds = length.as_secs();
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match seconds {
        0 => "under 1 s".to_owned(),
        1..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => {
            let exact = if seconds < 10 * MINUTE { seconds % MINUTE } else { 0 };
            two(seconds / MINUTE, "min", exact, "s")
        }
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, plural(seconds / DAY, day, days), seconds % DAY / HOUR, "h"),
    }
}

/// Words a length of time for a sentence, with short ones in full: `9 seconds`, `3 h 40 min`.
pub fn spoken_length(length: Duration) -> String {
    match length.as_secs() {
        0 => "under a second".to_owned(),
        seconds @ 1..MINUTE => count(seconds, "second", "seconds"),
        _ => self::length(length),
    }
}

/// Words working time that was saved, which has no days: `31 h 20 min`.
pub fn working_time(length: Duration) -> String {
    let minutes = length.as_secs() / MINUTE;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Words a moment by its distance from `now`, with one unit: `5 min ago`, `in 3 h`.
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    let (wait, is_past) = if at <= now { (now.since(at), true) } else { (at.since(now), false) };
    let seconds = wait.as_secs();
    let text = match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..172_800 => format!("{} h", seconds / HOUR),
        _ => format!("{} days", seconds / DAY),
    };
    if is_past { format!("{text} ago") } else { format!("in {text}") }
}

/// Chooses the word that goes with a number.
pub fn plural<'a>(number: impl TryInto<u64>, one: &'a str, many: &'a str) -> &'a str {
    if matches!(number.try_into(), Ok(1)) { one } else { many }
}

/// Words how many there are: `1 lead`, `3 leads`.
pub fn count(number: impl TryInto<u64> + Display + Copy, one: &str, many: &str) -> String {
    format!("{number} {}", plural(number, one, many))
}

/// Words how a figure compares with an earlier one.
pub fn compared(now: i64, before: i64) -> String {
    match now - before {
        _ if now == 0 && before == 0 => String::new(),
        0 => "as many as before".to_owned(),
        more @ 1.. => format!("{more} more than before"),
        fewer => format!("{} fewer than before", -fewer),
    }
}

/// Shortens a text to `longest` characters.
pub fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
    }
}

/// A moment and a zone by which other moments are worded.
#[derive(Clone, Copy)]
pub struct LocalClock {
    pub now: Timestamp,
    pub zone: Tz,
    /// How a time of day is written.
    pub format: &'static str,
}

impl LocalClock {
    pub fn today(&self) -> NaiveDate {
        self.local(self.now).date_naive()
    }

    /// Returns the time of day: `10:42`.
    pub fn time(&self, at: Timestamp) -> String {
        self.local(at).format(self.format).to_string()
    }

    /// Returns the moment in full: `Fri 20 Nov 2026, 10:42 CST`.
    pub fn full(&self, at: Timestamp) -> String {
        self.local(at).format(&format!("%a %-d %b %Y, {} %Z", self.format)).to_string()
    }

    /// Returns the moment as seen from now: `10 min ago`, `yesterday 23:00`, `3 Nov`.
    pub fn relative(&self, at: Timestamp) -> String {
        let (ago, ahead) = (self.now.since(at).as_secs(), at.since(self.now).as_secs());
        let days = self.today().signed_duration_since(self.local(at).date_naive()).num_days();
        let time = self.time(at);
        match days {
            _ if ago < 45 && ahead == 0 => "just now".to_owned(),
            _ if ahead == 0 && ago < HOUR => format!("{} min ago", ago.div_ceil(MINUTE)),
            _ if ahead > 0 && ahead < HOUR => format!("in {} min", ahead.div_ceil(MINUTE)),
            0 => format!("today {time}"),
            1 => format!("yesterday {time}"),
            -1 => format!("tomorrow {time}"),
            -6..=6 => format!("{} {time}", self.local(at).format("%a")),
            _ => self.date(self.local(at).date_naive()),
        }
    }

    /// Returns a date, with its year where that is not this one: `3 Nov`.
    pub fn date(&self, day: NaiveDate) -> String {
        let format = if day.year() == self.today().year() { "%-d %b" } else { "%-d %b %Y" };
        day.format(format).to_string()
    }

    /// Returns a day as people call it: `Today`, `Tomorrow`, `Tuesday, 24 Nov`.
    pub fn day(&self, day: NaiveDate) -> String {
        match day.signed_duration_since(self.today()).num_days() {
            0 => "Today".to_owned(),
            1 => "Tomorrow".to_owned(),
            _ => format!("{}, {}", day.format("%A"), self.date(day)),
        }
    }

    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        at.utc().with_timezone(&self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn moments_are_worded_as_people_say_them() {
        // Friday, 20 November 2026, 10:00 in Chicago.
        let clock = LocalClock {
            now: at("2026-11-20T16:00:00Z"),
            zone: chrono_tz::America::Chicago,
            format: "%H:%M",
        };
        let cases = [
            ("2026-11-20T16:00:00Z", "just now"),
            ("2026-11-20T15:50:00Z", "10 min ago"),
            ("2026-11-20T07:00:00Z", "today 01:00"),
            ("2026-11-20T05:00:00Z", "yesterday 23:00"),
            ("2026-11-16T15:00:00Z", "Mon 09:00"),
            ("2026-11-03T15:00:00Z", "3 Nov"),
            ("2025-11-03T15:00:00Z", "3 Nov 2025"),
            ("2026-11-20T16:00:30Z", "in 1 min"),
            ("2026-11-20T23:00:00Z", "today 17:00"),
            ("2026-11-21T13:00:00Z", "tomorrow 07:00"),
            ("2026-11-24T13:00:00Z", "Tue 07:00"),
        ];
        for (moment, expected) in cases {
            assert_eq!(clock.relative(at(moment)), expected, "{moment}");
        }
        assert_eq!(clock.full(at("2026-11-20T15:50:00Z")), "Fri 20 Nov 2026, 09:50 CST");
        assert_eq!(clock.day(clock.today()), "Today");
    }

    #[test]
    fn distances_have_one_unit() {
        let now = at("2026-11-20T16:00:00Z");
        let past = |seconds| distance(now - Duration::from_secs(seconds), now);
        assert_eq!([0, 59, 60, 3_600].map(past), ["0 s ago", "59 s ago", "1 min ago", "1 h ago"]);
        assert_eq!([172_799, 172_800].map(past), ["47 h ago", "2 days ago"]);
        assert_eq!(distance(now + Duration::from_secs(300), now), "in 5 min");
    }

    #[test]
    fn lengths_have_two_units_at_most() {
        let worded = |seconds| length(Duration::from_secs(seconds));
        assert_eq!(
            [0, 9, 60, 135, 1_300, 13_200].map(worded),
            ["under 1 s", "9 s", "1 min", "2 min 15 s", "21 min", "3 h 40 min"]
        );
        assert_eq!([86_400, 180_000].map(worded), ["1 day", "2 days 2 h"]);
        let spoken = |seconds| spoken_length(Duration::from_secs(seconds));
        assert_eq!([0, 1, 9, 60].map(spoken), ["under a second", "1 second", "9 seconds", "1 min"]);
        assert_eq!(working_time(Duration::from_secs(31 * 3_600 + 1_200)), "31 h 20 min");
    }

    #[test]
    fn a_length_is_read_as_people_write_it() {
        assert_eq!(parse_length(" 1h 30m ").unwrap(), Duration::from_secs(5_400));
        assert_eq!(parse_length("soon").unwrap_err().message(), "`soon` is not a duration");
    }

    #[test]
    fn numbers_take_the_word_that_goes_with_them() {
        assert_eq!([count(0, "lead", "leads"), count(1, "lead", "leads")], ["0 leads", "1 lead"]);
        assert_eq!([plural(1_i64, "it", "they"), plural(-1_i64, "it", "they")], ["it", "they"]);
        assert_eq!(
            [compared(4, 4), compared(5, 4), compared(1, 4)],
            ["as many as before", "1 more than before", "3 fewer than before"]
        );
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!([cut("Jo", 2), cut("Jörg", 2), cut("a bcd", 2)], ["Jo", "Jö…", "a…"]);
    }
}
