//! Telephone numbers, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::text::{store_as_text, visible};
use crate::base::{Error, Result};
use crate::model::address::parsed_text;
use crate::model::country::Country;

/// A telephone number in E.164 form (ITU-T E.164), a plus sign and up to 15 digits, with its extension as
/// RFC 3966 writes it, if it has one: `+15125550142;ext=7`. After `tel:` it is a link.
///
/// Any number that can exist is taken: tables of area codes in use grow old, and refuse people.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct PhoneNumber(String);

/// How an extension is marked, the longer ones first. A comma is a pause in dialling.
const EXTENSION_MARKS: [&str; 15] = [
    ";ext=",
    "extension",
    "durchwahl",
    "anexo",
    "poste",
    "ext.",
    "extn",
    "int.",
    "ext",
    "dw.",
    "tst",
    "x.",
    "x",
    "#",
    ",",
];

const EXTENSION_DIGITS: usize = 7;

/// Digits behind a comma or a number sign: more of them are another number.
const VAGUE_DIGITS: usize = 5;

/// The fewest digits of a number that may have an extension.
const NUMBER_DIGITS: usize = 7;

impl PhoneNumber {
    /// Reads a number written in international form.
    ///
    /// # Errors
    /// `Usage` when it does not start with `+` or cannot be a number.
    pub fn parse(text: &str) -> Result<PhoneNumber> {
        PhoneNumber::read(None, text)
    }

    /// Reads a number as people of `country` write it, or in international form.
    ///
    /// # Errors
    /// `Usage` when it cannot be a number there.
    pub fn parse_in(country: Country, text: &str) -> Result<PhoneNumber> {
        PhoneNumber::read(Some(country.id()), text)
    }

    /// Returns the number without its extension: the form that matching uses.
    pub fn key(&self) -> String {
        self.base().to_owned()
    }

    /// Returns a text without the extension that it ends with, if it ends with one.
    pub fn without_extension(text: &str) -> String {
        split_extension(&plain(text)).0.to_owned()
    }

    /// Tells whether no area code or kind of number is known that would have this one. It may still be right.
    pub fn is_doubtful(&self) -> bool {
        !phonenumber::parse(None, self.base()).is_ok_and(|number| phonenumber::is_valid(&number))
    }

    /// Returns the number as people of `country` write it: `(512) 555-0142` there, `+1 512-555-0142`
    /// elsewhere.
    pub fn shown_in(&self, country: Country) -> String {
        let Ok(number) = phonenumber::parse(None, self.base()) else { return self.0.clone() };
        let mode = match number.country().id() == Some(country.id()) {
            true => phonenumber::Mode::National,
            false => phonenumber::Mode::International,
        };
        let shown = number.format().mode(mode).to_string();
        match self.0.split_once(";ext=") {
            Some((_, extension)) => format!("{shown} ext. {extension}"),
            None => shown,
        }
    }

    fn base(&self) -> &str {
        self.0.split(';').next().unwrap_or_default()
    }

    fn read(country: Option<phonenumber::country::Id>, text: &str) -> Result<PhoneNumber> {
        let written = plain(text);
        let (number, extension) = split_extension(&written);
        let parsed = phonenumber::parse(country, without_trunk(number)).ok().filter(is_possible);
        parsed
            .map(|number| {
                let base = number.format().mode(phonenumber::Mode::E164).to_string();
                PhoneNumber(extension.map_or(base.clone(), |digits| format!("{base};ext={digits}")))
            })
            .ok_or_else(|| {
                Error::usage(format!("`{}` is not a telephone number", text.trim().escape_debug()))
                    .hint("write it with its area code, or in international form like `+1 512 555 0142`")
            })
    }
}

parsed_text!(PhoneNumber);

/// Returns the text in plain signs: digits of any script and full-width signs as ASCII, every dash a hyphen.
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{660}'..='\u{669}' => digit(c, 0x660),
        '\u{6f0}'..='\u{6f9}' => digit(c, 0x6f0),
        '\u{966}'..='\u{96f}' => digit(c, 0x966),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    };
    let text: String = visible(text).chars().map(plain).collect();
    let text = text.trim();
    text.strip_prefix("tel:").unwrap_or(text).trim().to_owned()
}

fn digit(c: char, zero: u32) -> char {
    u32::from(c).checked_sub(zero).and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// Leaves out the `(0)` of `+44 (0)20 …`, which is dialled only inside the country.
fn without_trunk(number: &str) -> String {
    match number.starts_with('+') || number.starts_with("00") {
        true => number.replace("(0)", ""),
        false => number.to_owned(),
    }
}

/// Splits `555-0142 ext. 7` into the number and the digits of its extension.
fn split_extension(text: &str) -> (&str, Option<&str>) {
    let end = text.trim_end_matches([')', ' ', '.']);
    let head = end.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = end.get(head.len()..).unwrap_or_default();
    if digits.is_empty() || digits.len() > EXTENSION_DIGITS {
        return (text, None);
    }
    let head = head.trim_end_matches([' ', ':', '.']);
    let lower = head.to_ascii_lowercase();
    let marked = EXTENSION_MARKS.iter().find_map(|mark| {
        let is_vague = matches!(*mark, "," | "#") && digits.len() > VAGUE_DIGITS;
        let mark = mark.trim_end_matches('.');
        (lower.ends_with(mark) && !is_vague).then(|| head.len() - mark.len())
    });
    let ends = [' ', '(', ',', ';', '-'];
    let number = marked.and_then(|at| head.get(..at)).map(|number| number.trim_end_matches(ends));
    match number {
        Some(number) if number.bytes().filter(u8::is_ascii_digit).count() >= NUMBER_DIGITS => {
            (number, Some(digits))
        }
        _ => (text, None),
    }
}

/// Tells whether a number can exist: it is as long as numbers of its country are. What is fixed by the plan of a
/// country's numbers holds, too; which of them are in use is not asked.
fn is_possible(number: &phonenumber::PhoneNumber) -> bool {
    if phonenumber::is_valid(number) {
        return true;
    }
    let national = number.national().to_string();
    if national.bytes().all(|byte| national.as_bytes().first() == Some(&byte)) {
        return false;
    }
    let code = number.code().value();
    let regions = phonenumber::metadata::DATABASE.by_code(&code).unwrap_or_default();
    let fits = regions.iter().any(|region| {
        let kinds = region.descriptors();
        let kinds =
            [kinds.fixed_line(), kinds.mobile(), kinds.toll_free(), kinds.voip(), kinds.shared_cost()];
        let mut lengths =
            kinds.into_iter().flatten().flat_map(phonenumber::metadata::Descriptor::possible_length);
        lengths.any(|length| usize::from(*length) == national.len())
    });
    fits && (code != NORTH_AMERICA || fits_north_america(&national))
}

const NORTH_AMERICA: u16 = 1;

/// Neither an area code nor an exchange begins with 0 or 1 (North American Numbering Plan, ATIS-0300051).
fn fits_north_america(national: &str) -> bool {
    let begins = |at: usize| national.as_bytes().get(at).is_some_and(|byte| (b'2'..=b'9').contains(byte));
    begins(0) && begins(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    fn read(code: &str, text: &str) -> Option<String> {
        PhoneNumber::parse_in(country(code), text).ok().map(|phone| phone.to_string())
    }

    #[test]
    fn numbers_are_read_as_people_of_a_country_write_them() {
        let cases = [
            ("US", "(512) 555-0142", "+15125550142"),
            ("US", "512.555.0142", "+15125550142"),
            ("US", "+44 20 7946 0018", "+442079460018"),
            ("GB", "020 7946 0018", "+442079460018"),
            ("US", "+44 (0)20 7946 0018", "+442079460018"),
            ("DE", "+49 (0) 30 901820", "+4930901820"),
            ("DE", "0049 (0)30 901820", "+4930901820"),
            ("US", "\u{ff15}\u{ff11}\u{ff12}\u{ff0d}555\u{2013}0142", "+15125550142"),
            ("US", "\u{665}\u{661}\u{662}5550142", "+15125550142"),
            ("US", "512\u{200b}-555\u{a0}0142", "+15125550142"),
            ("US", "tel:+15125550142", "+15125550142"),
            // Area codes that no table of today knows.
            ("US", "436-555-0142", "+14365550142"),
            ("US", "(679) 555-0142", "+16795550142"),
            ("US", "472 555 0142", "+14725550142"),
        ];
        for (code, text, wanted) in cases {
            assert_eq!(read(code, text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_number_is_refused() {
        for text in [
            "12345",
            "555-0134",
            "call me",
            "",
            "000-000-0000",
            "1234567890",
            "2222222222",
            "512-555-01423",
            "x7",
        ] {
            assert_eq!(read("US", text), None, "{text}");
        }
    }

    #[test]
    fn an_extension_is_kept_and_does_not_decide_whose_number_it_is() {
        for written in [
            "512-555-0142 x7",
            "512-555-0142x7",
            "512-555-0142 ext 7",
            "(512) 555-0142 ext. 7",
            "512-555-0142 Ext: 7",
            "512-555-0142 extension 7",
            "512-555-0142 (ext. 7)",
            "512-555-0142 #7",
            "512-555-0142,7",
            "+15125550142;ext=7",
        ] {
            let phone = PhoneNumber::parse_in(country("US"), written).unwrap();
            assert_eq!(
                (phone.as_str(), phone.key().as_str()),
                ("+15125550142;ext=7", "+15125550142"),
                "{written}"
            );
            assert_eq!(phone.shown_in(country("US")), "(512) 555-0142 ext. 7");
            assert_eq!(PhoneNumber::parse(phone.as_str()).unwrap(), phone);
        }
        assert_eq!(read("DE", "030 901820 Durchwahl 12").as_deref(), Some("+4930901820;ext=12"));
    }

    #[test]
    fn a_number_of_an_unknown_area_is_doubtful() {
        let doubtful = |text| PhoneNumber::parse_in(country("US"), text).unwrap().is_doubtful();
        assert!(doubtful("436-555-0142"));
        assert!(!doubtful("512-555-0142 x7"));
    }
}
