//! Countries: how people there write telephone numbers, times of the day and sums.

use std::fmt;

use crate::base::money::Decimal;
use crate::base::{Error, Result};
use crate::model::address::Zone;

/// A country, for reading national telephone numbers (ISO 3166-1 alpha-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(phonenumber::country::Id);

/// Countries in which people read a clock of twelve hours.
const TWELVE_HOURS: [&str; 7] = ["US", "CA", "AU", "NZ", "IN", "PH", "PR"];

/// Countries in which the month of a date comes first (CLDR, short dates of their main languages).
const MONTH_FIRST: [&str; 4] = ["US", "PR", "PH", "GU"];

/// Countries in which a comma stands before the hundredths (CLDR, `decimal` of their main languages).
const DECIMAL_COMMA: [&str; 45] = [
    "AR", "AT", "BA", "BE", "BG", "BO", "BR", "BY", "CL", "CO", "CY", "CZ", "DE", "DK", "EC", "EE", "ES",
    "FI", "FR", "GR", "HR", "HU", "ID", "IS", "IT", "LT", "LU", "LV", "MD", "ME", "MK", "NL", "NO", "PL",
    "PT", "PY", "RO", "RS", "SE", "SI", "SK", "TR", "UA", "UY", "VN",
];

/// The zones of each country, by the time zone database's `zone.tab`.
const ZONES: &str = include_str!("country_zones.txt");

impl Country {
    /// Returns how people there write a time of the day, as chrono formats it.
    pub fn clock(self) -> &'static str {
        if self.counts_to_twelve() { "%-I:%M %p" } else { "%H:%M" }
    }

    /// Tells whether people there count the hours to twelve.
    pub fn counts_to_twelve(self) -> bool {
        TWELVE_HOURS.contains(&self.code())
    }

    /// Tells whether people there write the month of a date first.
    pub fn writes_month_first(self) -> bool {
        MONTH_FIRST.contains(&self.code())
    }

    /// Returns what stands before the hundredths of a sum there.
    pub fn decimal(self) -> Decimal {
        if DECIMAL_COMMA.contains(&self.code()) { Decimal::Comma } else { Decimal::Point }
    }

    /// Reads a two-letter code.
    ///
    /// # Errors
    /// `Usage` when no country has it.
    pub fn parse(text: &str) -> Result<Country> {
        text.to_uppercase().parse().map(Country).map_err(|_| {
            Error::usage(format!("`{text}` is not a country code")).hint("use two letters, like `US` or `GB`")
        })
    }

    /// Returns the country in which a time zone lies; nothing for one that names no place, such as `UTC`.
    pub fn of_zone(zone: Zone) -> Option<Country> {
        let line = ZONES.lines().find(|line| line.split(' ').skip(1).any(|name| name == zone.name()))?;
        Country::parse(line.get(..2)?).ok()
    }

    pub(crate) fn id(self) -> phonenumber::country::Id {
        self.0
    }

    pub(crate) fn code(&self) -> &str {
        self.0.as_ref()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_lies_in_its_country() {
        for (zone, wanted) in [
            ("America/Chicago", Some("US")),
            ("Europe/London", Some("GB")),
            ("Europe/Berlin", Some("DE")),
            ("Australia/Sydney", Some("AU")),
            ("Pacific/Auckland", Some("NZ")),
            ("America/Toronto", Some("CA")),
            ("UTC", None),
        ] {
            let found = Country::of_zone(Zone::parse(zone).unwrap());
            assert_eq!(found.map(|country| country.to_string()).as_deref(), wanted, "{zone}");
        }
    }

    #[test]
    fn every_listed_zone_has_a_country_that_numbers_are_known_of() {
        let unknown: Vec<&str> = ZONES
            .lines()
            .filter(|line| line.get(..2).is_none_or(|code| Country::parse(code).is_err()))
            .collect();
        // The Antarctic, and islands without numbers of their own.
        assert!(unknown.len() <= 6, "{unknown:?}");
    }
}
