//! The languages that a business can speak with its customers and its owner.
//!
//! A language is a variant of [`Language`], a file here with its [`Words`], and a folder of messages
//! (`config/messages/`). What one of them lacks does not compile. No word depends on who reads it: rows,
//! names and decisions stay outside.

mod de;
mod en;
mod es;
mod fr;
mod said;
#[cfg(test)]
mod tests;
mod words;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};

use crate::base::money::{self, Decimal};
use crate::base::text::define_words;
use crate::model::country::Country;
pub use said::{Flaw, PageNotice, Place, Trouble};
pub use words::{Dates, Day, FormWords, PasswordMail, PasswordWords, ThanksWords, UnsubscribeWords, Words};

define_words! {
    /// A language, by its code (ISO 639-1).
    Language = "language" { English = "en", German = "de", Spanish = "es", French = "fr" }
}

impl Language {
    /// Returns what is said in it.
    pub const fn words(self) -> &'static Words {
        match self {
            Language::English => &en::WORDS,
            Language::German => &de::WORDS,
            Language::Spanish => &es::WORDS,
            Language::French => &fr::WORDS,
        }
    }

    /// Returns the first language that a browser asks for (`Accept-Language`, RFC 9110) and that we speak; else English.
    pub fn asked_for(accepted: &str) -> Language {
        let mut asked: Vec<(i32, Language)> = Vec::new();
        for range in accepted.split(',') {
            let (name, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let code = name.trim().split('-').next().unwrap_or_default().to_lowercase();
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            let weight = weight.filter(|weight| *weight > 0.0 && *weight <= 1.0);
            if let (Some(weight), Ok(language)) = (weight, code.parse()) {
                // Whole thousandths are all that there are.
                #[expect(clippy::cast_possible_truncation, reason = "it is between 0 and 1000")]
                asked.push(((weight * 1_000.0) as i32, language));
            }
        }
        // The first of those that are asked for as much.
        asked
            .iter()
            .rev()
            .max_by_key(|(weight, _)| *weight)
            .map_or(Language::English, |(_, language)| *language)
    }

    /// Writes a day: `Friday, November 20`.
    pub fn day(self, day: NaiveDate) -> String {
        (self.words().dates.day)(&self.named(day))
    }

    /// Writes a day in short, with its year, and a time: `Fri 20 Nov 2026, 10:30`.
    pub fn moment(self, at: NaiveDateTime, country: Option<Country>) -> String {
        let day = (self.words().dates.short)(&self.named(at.date()));
        format!("{day}, {}", self.time(at.time(), country))
    }

    /// Writes a time of the day: `10:30`, or `10:30 AM` where people of the country and the language count to twelve.
    pub fn time(self, at: NaiveTime, country: Option<Country>) -> String {
        let dates = &self.words().dates;
        match dates.halves.filter(|_| country.is_some_and(Country::counts_to_twelve)) {
            Some([morning, afternoon]) => {
                let half = if at.hour() < 12 { morning } else { afternoon };
                format!("{} {half}", at.format("%-I:%M"))
            }
            None => at.format(dates.clock).to_string(),
        }
    }

    /// Returns the name of a day of the week.
    pub fn weekday(self, day: Weekday) -> &'static str {
        at(&self.words().dates.weekdays, day.num_days_from_monday())
    }

    /// Returns the name of a day of the week in short.
    pub fn weekday_short(self, day: Weekday) -> &'static str {
        at(&self.words().dates.weekdays_short, day.num_days_from_monday())
    }

    /// Writes a sum of money with its hundredths: `1250.50`.
    pub fn sum(self, cents: i64, country: Option<Country>) -> String {
        money::shown_with(self.decimal(country), cents)
    }

    /// Returns what stands before the decimals of a number where it is spoken in this country.
    pub fn decimal(self, country: Option<Country>) -> Decimal {
        country.map_or(Decimal::Point, self.words().decimal)
    }

    fn named(self, day: NaiveDate) -> Day {
        let dates = &self.words().dates;
        Day {
            weekday: self.weekday(day.weekday()),
            weekday_short: self.weekday_short(day.weekday()),
            number: day.day(),
            month: at(&dates.months, day.month0()),
            month_short: at(&dates.months_short, day.month0()),
            year: day.year(),
        }
    }
}

fn at(names: &[&'static str], index: u32) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
}
