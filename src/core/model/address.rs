//! Addresses of people, parsed once at the edge: e-mail, the tenant's slug and zone. Telephone numbers and countries
//! have files of their own.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::text::{store_as_text, visible};
use crate::base::{Error, Result};
pub use crate::model::country::Country;
pub use crate::model::phone::PhoneNumber;

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
pub(crate) use parsed_text;

/// An e-mail address, as given, but for its domain: an international one is kept in its ASCII form (RFC 5891), so
/// that both ways to write it are one address. Header injection is impossible: no control character gets in.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct EmailAddress(String);

/// The longest address that SMTP can carry in a path (RFC 5321, 4.5.3.1.3, less the brackets).
const EMAIL_LENGTH: usize = 254;

impl EmailAddress {
    /// Reads an address; blanks around it and characters that show nothing are ignored.
    ///
    /// # Errors
    /// `Usage` when it is not `local@domain` with a dotted domain (RFC 5321 mailbox).
    pub fn parse(text: &str) -> Result<EmailAddress> {
        let seen = visible(text);
        let text = seen.trim();
        let wrong = || {
            Error::usage(format!("`{}` is not an e-mail address", text.escape_debug()))
                .hint("an address looks like `name@example.com`")
        };
        let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
        let domain = match domain.is_ascii() {
            true => Cow::Borrowed(domain),
            false => Cow::Owned(idna::domain_to_ascii(domain).map_err(|_| wrong())?),
        };
        let dotted = domain.contains('.') && !domain.ends_with('.') && !domain.starts_with('[');
        let address = format!("{local}@{domain}");
        if address.len() > EMAIL_LENGTH || !dotted || address.parse::<lettre::Address>().is_err() {
            return Err(wrong());
        }
        Ok(EmailAddress(address))
    }

    /// Returns the part after the `@`, in lower case.
    pub fn domain(&self) -> String {
        self.0.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default()
    }

    /// Returns the form that matching uses: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// Returns the forms in which an address may have been kept, the one that matching uses first: an international
    /// domain was once kept as it is shown.
    pub fn kept_forms(key: &str) -> Vec<String> {
        let mut forms = vec![key.to_owned()];
        if let Some((local, domain)) = key.split_once('@').filter(|(_, domain)| domain.contains("xn--")) {
            let (shown, _) = idna::domain_to_unicode(domain);
            forms.push(format!("{local}@{shown}"));
        }
        forms
    }

    /// Returns the form that matching uses of what a header or an entry holds, even if that is no address.
    pub fn key_of(written: &str) -> String {
        EmailAddress::parse(written).map_or_else(|_| written.trim().to_lowercase(), |address| address.key())
    }
}

parsed_text!(EmailAddress);

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
    fn one_address_has_one_form_however_its_domain_is_written() {
        let wanted = "jo@xn--bcher-kva.example";
        for written in
            ["jo@b\u{fc}cher.example", "jo@B\u{dc}CHER.example", "jo@bu\u{308}cher.example", wanted]
        {
            assert_eq!(EmailAddress::parse(written).unwrap().as_str(), wanted, "{written}");
        }
        for written in ["jo@example.com\u{200b}", "\u{feff}jo@example.com", "j\u{ad}o@exam\u{200c}ple.com"] {
            assert_eq!(EmailAddress::parse(written).unwrap().as_str(), "jo@example.com", "{written:?}");
        }
        assert!(EmailAddress::parse("jo@\u{200b}.example").is_err());
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
