//! Hours as a tenant states them: when the business is open, and when customers are left alone.
//!
//! Both are times on a wall, without a zone; `engine/hours.rs` and `engine/quiet.rs` find the moments.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};

use crate::base::{Error, Result};
use crate::model::country::Country;
use crate::model::language::Language;

/// A span of wall time within a day.
pub type Span = (NaiveTime, NaiveTime);

/// Openings of a week: for each weekday, from Monday, at most a few spans of wall time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessHours([Vec<Span>; 7]);

impl BusinessHours {
    /// Reads hours such as `Mon-Fri 08:00-18:00, Sat 09:00-12:00`.
    ///
    /// # Errors
    /// `Usage` naming the part that is wrong.
    pub fn parse(text: &str) -> Result<BusinessHours> {
        let mut week: [Vec<Span>; 7] = Default::default();
        for part in text.split(',').map(str::trim) {
            let wrong = || {
                Error::usage(format!("`{part}` are not business hours"))
                    .hint("write them like `Mon-Fri 08:00-18:00, Sat 09:00-12:00`")
            };
            let (days, times) = part.split_once(' ').ok_or_else(wrong)?;
            let (open, close) = times.trim().split_once('-').ok_or_else(wrong)?;
            let open = parse_time(open).ok_or_else(wrong)?;
            let close = parse_time(close).filter(|close| *close > open).ok_or_else(wrong)?;
            for day in parse_days(days).ok_or_else(wrong)? {
                if let Some(spans) = week.get_mut(day) {
                    spans.push((open, close));
                }
            }
        }
        for spans in &mut week {
            spans.sort_unstable();
        }
        Ok(BusinessHours(week))
    }

    /// Returns the openings of a day, in order.
    pub fn on(&self, day: NaiveDate) -> &[Span] {
        let index = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        self.0.get(index).map_or(&[], Vec::as_slice)
    }

    /// Returns the hours for people of a country to read, days with the same hours together.
    pub fn shown(&self, language: Language, country: Option<Country>) -> Vec<String> {
        let names = &language.words().dates.weekdays_short;
        let days: Vec<_> = names.iter().zip(&self.0).collect();
        let groups = days.chunk_by(|(_, one), (_, next)| one == next);
        let group = |group: &[(&&str, &Vec<Span>)]| {
            let (first, spans) = group.first()?;
            let (last, _) = group.last()?;
            let time = |time: &NaiveTime| language.time(*time, country);
            let spans = spans.iter().map(|(open, close)| format!("{} – {}", time(open), time(close)));
            let spans = spans.collect::<Vec<_>>().join(", ");
            let days = if first == last { (**first).to_owned() } else { format!("{first} – {last}") };
            (!spans.is_empty()).then(|| format!("{days}: {spans}"))
        };
        groups.filter_map(group).collect()
    }
}

/// A window of wall time that may run over midnight, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours(Option<Span>);

impl QuietHours {
    /// Reads hours such as `21:00-08:00`, or `none`.
    ///
    /// # Errors
    /// `Usage` when the text is neither, or the window has no length.
    pub fn parse(text: &str) -> Result<QuietHours> {
        if text.trim() == "none" {
            return Ok(QuietHours(None));
        }
        let wrong = || {
            Error::usage(format!("`{text}` are not quiet hours"))
                .hint("write them like `21:00-08:00`, or `none`")
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (parse_time(from).ok_or_else(wrong)?, parse_time(to).ok_or_else(wrong)?);
        if from == to {
            return Err(wrong());
        }
        Ok(QuietHours(Some((from, to))))
    }

    /// Returns the window; nothing when no hours are quiet.
    pub fn window(&self) -> Option<Span> {
        self.0
    }
}

/// Reads a time of day such as `09:00`; `24:00` is the last second of the day.
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    match text.trim() {
        "24:00" => NaiveTime::from_hms_opt(23, 59, 59),
        time => NaiveTime::parse_from_str(time, "%H:%M").ok(),
    }
}

fn parse_days(text: &str) -> Option<Vec<usize>> {
    let day = |name: &str| -> Option<usize> {
        let weekday: Weekday = name.trim().parse().ok()?;
        usize::try_from(weekday.num_days_from_monday()).ok()
    };
    match text.split_once('-') {
        None => day(text).map(|only| vec![only]),
        Some((first, last)) => {
            let (first, last) = (day(first)?, day(last)?);
            Some((0..7).map(|step| (first + step) % 7).take((last + 7 - first) % 7 + 1).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_hours_are_named() {
        for wrong in ["", "Mon", "Mon 8-18", "Mon 18:00-08:00", "Noday 08:00-18:00", "Mon-Fri 08:00-18:00;"] {
            assert!(BusinessHours::parse(wrong).is_err(), "{wrong}");
        }
        assert!(BusinessHours::parse("Mon-Sun 00:00-24:00").is_ok());
    }

    #[test]
    fn hours_are_shown_as_people_write_them() {
        let hours = BusinessHours::parse("Mon-Fri 08:00-18:00, Sat 09:00-12:00").unwrap();
        let shown =
            |hours: &BusinessHours, language, country| hours.shown(language, Country::parse(country).ok());
        assert_eq!(
            shown(&hours, Language::English, "US"),
            ["Mon – Fri: 8:00 AM – 6:00 PM", "Sat: 9:00 AM – 12:00 PM"]
        );
        let noon = BusinessHours::parse("Wed 08:00-12:00, Wed 13:00-17:00").unwrap();
        assert_eq!(shown(&noon, Language::English, "GB"), ["Wed: 08:00 – 12:00, 13:00 – 17:00"]);
        assert_eq!(shown(&noon, Language::German, "DE"), ["Mi: 08:00 – 12:00, 13:00 – 17:00"]);
    }

    #[test]
    fn wrong_windows_are_named() {
        for wrong in ["", "21-8", "21:00", "08:00-08:00", "25:00-08:00"] {
            assert!(QuietHours::parse(wrong).is_err(), "{wrong}");
        }
    }
}
