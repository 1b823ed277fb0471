//! Moments and lengths of time as people say them. A moment is relative in the text and absolute in its
//! attributes; all of it is made of our own words, so that it may stand in a page as it is.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::base::clock::Timestamp;

/// The clock by which a page is read.
#[derive(Clone, Copy)]
pub struct Clock {
    pub now: Timestamp,
    pub zone: Tz,
    /// How a time of day is written.
    pub format: &'static str,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

impl Clock {
    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        at.utc().with_timezone(&self.zone)
    }

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

    /// Returns a `time` element that says how long ago or how soon.
    pub fn when(&self, at: Timestamp) -> String {
        self.element(at, &self.relative(at))
    }

    /// Returns a `time` element that says the time of day.
    pub fn at(&self, at: Timestamp) -> String {
        self.element(at, &self.time(at))
    }

    fn element(&self, at: Timestamp, text: &str) -> String {
        let machine = at.utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        format!("<time datetime=\"{machine}\" title=\"{}\">{text}</time>", self.full(at))
    }

    fn relative(&self, at: Timestamp) -> String {
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
}

/// Says a length of time with its two largest units: `9 s`, `3 h 40 min`.
pub fn length(length: Duration) -> String {
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
        _ => two(seconds / DAY, if seconds < 2 * DAY { "day" } else { "days" }, seconds % DAY / HOUR, "h"),
    }
}

/// Says working time that was saved, which has no days: `31 h 20 min`.
pub fn hours(length: Duration) -> String {
    let minutes = length.as_secs() / MINUTE;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Says how many there are: `1 lead`, `3 leads`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Writes a sum of money in whole units, without its currency: `3,240`.
pub fn amount(cents: i64) -> String {
    let whole = (cents.unsigned_abs().saturating_add(50) / 100).to_string();
    let mut text = if cents < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Shortens a text to what fits into a line or two.
pub fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
    }
}

/// Says how a figure compares with an earlier one.
pub fn compared(now: i64, before: i64) -> String {
    match now - before {
        _ if now == 0 && before == 0 => String::new(),
        0 => "as many as before".to_owned(),
        more @ 1.. => format!("{more} more than before"),
        fewer => format!("{} fewer than before", -fewer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_as_people_say_them() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        // Friday, 20 November 2026, 10:00 in Chicago.
        let clock =
            Clock { now: at("2026-11-20T16:00:00Z"), zone: chrono_tz::America::Chicago, format: "%H:%M" };
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
        assert_eq!(
            clock.when(at("2026-11-20T15:50:00Z")),
            "<time datetime=\"2026-11-20T15:50:00Z\" title=\"Fri 20 Nov 2026, 09:50 CST\">10 min ago</time>"
        );
        assert_eq!(clock.day(clock.today()), "Today");
    }

    #[test]
    fn sums_are_rounded_and_grouped() {
        let said = [0, 49, 99_950, 324_000, 123_456_789, -150_000].map(amount);
        assert_eq!(said, ["0", "0", "1,000", "3,240", "1,234,568", "-1,500"]);
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!([cut("Jo", 2), cut("Jörg", 2), cut("a bcd", 2)], ["Jo", "Jö…", "a…"]);
    }

    #[test]
    fn lengths_have_two_units_at_most() {
        let said = |seconds| length(Duration::from_secs(seconds));
        assert_eq!(
            [0, 9, 60, 135, 1_300, 13_200].map(said),
            ["under 1 s", "9 s", "1 min", "2 min 15 s", "21 min", "3 h 40 min"]
        );
        assert_eq!([86_400, 180_000].map(said), ["1 day", "2 days 2 h"]);
        assert_eq!(hours(Duration::from_secs(31 * 3_600 + 1_200)), "31 h 20 min");
        assert_eq!(
            [compared(4, 4), compared(5, 4), compared(1, 4)],
            ["as many as before", "1 more than before", "3 fewer than before"]
        );
    }
}
