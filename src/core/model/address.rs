//! Addresses of people, parsed once at the edge: e-mail, telephone, the tenant's slug and zone.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::text::store_as_text;
use crate::base::{Error, Result};

/// Declares the parts that every parsed text has: show, JSON, column, `FromStr` through `parse`.
macro_rules! parsed_text {
    ($name:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<$name> {
                $name::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = String::deserialize(deserializer)?;
                $name::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        store_as_text!($name, |value| &value.0, |text| Ok($name(text)));
    };
}

/// An e-mail address, as given. Header injection is impossible: no control character gets in.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct EmailAddress(String);

/// The longest address that SMTP can carry in a path (RFC 5321, 4.5.3.1.3, less the brackets).
const EMAIL_LENGTH: usize = 254;

impl EmailAddress {
    /// Reads an address, blanks around it ignored.
    ///
    /// # Errors
    /// `Usage` when it is not `local@domain` with a dotted domain (RFC 5321 mailbox).
    pub fn parse(text: &str) -> Result<EmailAddress> {
        let text = text.trim();
        let wrong = || {
            Error::usage(format!("`{}` is not an e-mail address", text.escape_debug()))
                .hint("an address looks like `name@example.com`")
        };
        let (_, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
        let dotted = domain.contains('.') && !domain.ends_with('.') && !domain.starts_with('[');
        if text.len() > EMAIL_LENGTH || !dotted || text.parse::<lettre::Address>().is_err() {
            return Err(wrong());
        }
        Ok(EmailAddress(text.to_owned()))
    }

    /// Returns the form that matching uses: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

parsed_text!(EmailAddress);

/// A telephone number in E.164 form (ITU-T E.164): a plus sign and up to 15 digits.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number written in international form.
    ///
    /// # Errors
    /// `Usage` when it does not start with `+` or is no valid number.
    pub fn parse(text: &str) -> Result<PhoneNumber> {
        PhoneNumber::read(None, text)
    }

    /// Reads a number as people of `country` write it, or in international form.
    ///
    /// # Errors
    /// `Usage` when it is no valid number there.
    pub fn parse_in(country: Country, text: &str) -> Result<PhoneNumber> {
        PhoneNumber::read(Some(country.0), text)
    }

    /// Returns the number as people of `country` write it: `(512) 555-0142` there, `+1 512-555-0142`
    /// elsewhere.
    pub fn shown_in(&self, country: Country) -> String {
        let Ok(number) = phonenumber::parse(None, &self.0) else { return self.0.clone() };
        let mode = match number.country().id() == Some(country.0) {
            true => phonenumber::Mode::National,
            false => phonenumber::Mode::International,
        };
        number.format().mode(mode).to_string()
    }

    fn read(country: Option<phonenumber::country::Id>, text: &str) -> Result<PhoneNumber> {
        let text = text.trim();
        phonenumber::parse(country, text)
            .ok()
            .filter(phonenumber::is_valid)
            .map(|number| PhoneNumber(number.format().mode(phonenumber::Mode::E164).to_string()))
            .ok_or_else(|| {
                Error::usage(format!("`{}` is not a telephone number", text.escape_debug()))
                    .hint("write it with its area code, or in international form like `+1 512 555 0142`")
            })
    }
}

parsed_text!(PhoneNumber);

/// A country, for reading national telephone numbers (ISO 3166-1 alpha-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(phonenumber::country::Id);

/// Countries in which people read a clock of twelve hours.
const TWELVE_HOURS: [&str; 7] = ["US", "CA", "AU", "NZ", "IN", "PH", "PR"];

impl Country {
    /// Returns how people there write a time of the day, as chrono formats it.
    pub fn clock(self) -> &'static str {
        if TWELVE_HOURS.contains(&self.to_string().as_str()) { "%-I:%M %p" } else { "%H:%M" }
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
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_ref())
    }
}

/// A short name that is part of an address: `acme-plumbing` in `/lead/acme-plumbing`.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Slug(String);

const SLUG_LENGTH: usize = 63;

impl Slug {
    /// Reads a slug: 1 to 63 lower-case letters, digits and inner hyphens.
    ///
    /// # Errors
    /// `Usage` when it has anything else.
    pub fn parse(text: &str) -> Result<Slug> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let framed = text.starts_with('-') || text.ends_with('-');
        if text.is_empty() || text.len() > SLUG_LENGTH || !plain || framed {
            return Err(Error::usage(format!("`{}` is not a slug", text.escape_debug()))
                .hint("use lower-case letters, digits and hyphens, like `acme-plumbing`"));
        }
        Ok(Slug(text.to_owned()))
    }
}

parsed_text!(Slug);

/// A time zone by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Reads an IANA name such as `America/Chicago`.
    ///
    /// # Errors
    /// `Usage` when the zone data has no such name; the hint names the nearest one.
    pub fn parse(text: &str) -> Result<Zone> {
        text.parse().map(Zone).map_err(|_| {
            let nearest = chrono_tz::TZ_VARIANTS
                .iter()
                .map(|zone| zone.name())
                .max_by(|a, b| strsim::jaro_winkler(text, a).total_cmp(&strsim::jaro_winkler(text, b)))
                .unwrap_or("America/Chicago");
            Error::usage(format!("`{text}` is not a time zone")).hint(format!("did you mean `{nearest}`?"))
        })
    }

    pub fn tz(self) -> Tz {
        self.0
    }

    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name())
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Zone> {
        Zone::parse(text)
    }
}

/// What stands for itself in the local part of an address in a link (RFC 6068, section 2: `qchar` without what
/// separates or encodes).
const IN_LINK: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');

/// Returns the link by which a mail to an address is begun (RFC 6068). Whatever the address has in it, the link says
/// nothing but whom to write to.
pub fn mailto(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let [local, domain] = [local, domain].map(|part| utf8_percent_encode(part, IN_LINK));
    format!("mailto:{local}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails() {
        for good in ["jo@example.com", " Jo.O'Neil+x@Sub.Example.co.uk ", "ünï@exämple.com"] {
            assert!(EmailAddress::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(260));
        for bad in ["", "jo", "jo@", "@example.com", "jo@localhost", "a@b.c\r\nBcc: x@y.z", "a b@c.de", &long]
        {
            assert!(EmailAddress::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(EmailAddress::parse("Jo@Example.com").unwrap().key(), "jo@example.com");
    }

    #[test]
    fn phones_take_the_tenants_country() {
        let us = Country::parse("us").unwrap();
        let gb = Country::parse("GB").unwrap();
        let cases = [
            (us, "(512) 555-0142", Some("+15125550142")),
            (us, "+44 20 7946 0018", Some("+442079460018")),
            (gb, "020 7946 0018", Some("+442079460018")),
            (us, "12345", None),
            (us, "call me", None),
            (us, "", None),
        ];
        for (country, text, expected) in cases {
            let read = PhoneNumber::parse_in(country, text).ok();
            assert_eq!(read.as_ref().map(PhoneNumber::as_str), expected, "{text}");
        }
    }

    #[test]
    fn slugs() {
        assert!(Slug::parse("acme-plumbing2").is_ok());
        for bad in ["", "-acme", "acme-", "Acme", "a b", "ä", &"a".repeat(64)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mistyped_zone_is_answered_with_the_nearest() {
        let error = Zone::parse("America/Chicgo").unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `America/Chicago`?"));
    }
}
