//! Sums of money: whole hundredths, in a currency that goes without saying.

use crate::base::{Error, Result};

/// What stands before the hundredths where a reader comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    Point,
    Comma,
}

impl Decimal {
    pub fn mark(self) -> char {
        if self == Decimal::Point { '.' } else { ',' }
    }
}

/// Signs and words that may stand beside a sum, besides the codes of currencies (ISO 4217).
const CURRENCIES: [&str; 24] = [
    "$", "\u{a3}", "\u{20ac}", "\u{a5}", "\u{20b9}", "\u{20a9}", "\u{20ba}", "\u{20b4}", "US$", "A$", "AU$",
    "C$", "CA$", "NZ$", "R$", "R", "kr", "kr.", "Fr", "Fr.", "z\u{142}", "K\u{10d}", "Ft", "lei",
];

/// Reads a sum such as `480`, `1,250.50` or `$ 95.5`, in hundredths, as programs and people write it who put a
/// point before the hundredths.
///
/// # Errors
/// As [`parse_in`].
pub fn parse(text: &str) -> Result<i64> {
    parse_in(Decimal::Point, text)
}

/// Reads a sum, in hundredths. `1.250,50` and `1,250.50` say themselves which sign stands before the hundredths, and so
/// does a sign with one or two digits behind it; what is left goes by `decimal`. More than three decimals, as a sheet
/// computes them, are rounded.
///
/// # Errors
/// `Usage` when the text is not a sum, is negative, or could be another sum than the one read.
pub fn parse_in(decimal: Decimal, text: &str) -> Result<i64> {
    without_currency(text).and_then(|number| read(decimal, &number)).ok_or_else(|| {
        let example = match decimal {
            Decimal::Point => "`480.00` or `1,250.50`",
            Decimal::Comma => "`480,00` or `1.250,50`",
        };
        Error::usage(format!("`{text}` is not an amount")).hint(format!("write it like {example}"))
    })
}

/// Shows a sum with its hundredths: `1250.50`.
pub fn shown(cents: i64) -> String {
    shown_with(Decimal::Point, cents)
}

/// Shows a sum with its hundredths behind the sign that a reader expects there: `1250,50`.
pub fn shown_with(decimal: Decimal, cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}{}{:02}", cents / 100, decimal.mark(), cents % 100)
}

/// Shows a sum in whole units, rounded, with its thousands grouped: `3,240`.
pub fn rounded(cents: i64) -> String {
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

/// Takes away the sign or code of a currency before or behind the number; nothing when there is anything else.
fn without_currency(text: &str) -> Option<String> {
    let text = text.trim();
    let first = text.find(|c: char| c.is_ascii_digit())?;
    let last = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (before, number, behind) =
        (text.get(..first)?.trim(), text.get(first..last)?, text.get(last..)?.trim());
    // `95.`, and `480,-` and `480.--` for a sum without hundredths.
    let behind = behind.trim_start_matches(['.', ',']).trim_start_matches(['-', '\u{2013}']).trim();
    let is_currency = |word: &str| {
        let is_code = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        word.is_empty() || is_code || CURRENCIES.contains(&word)
    };
    (is_currency(before) && is_currency(behind)).then(|| number.to_owned())
}

/// What stands between groups of three digits, besides the sign that is not the decimal one.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '\u{2019}')
}

fn read(decimal: Decimal, number: &str) -> Option<i64> {
    let (whole, group, part) = split(decimal, number)?;
    let is_group_sign = |c: char| Some(c) == group || is_gap(c);
    let groups: Vec<&str> = whole.split(is_group_sign).collect();
    let (first, rest) = groups.split_first()?;
    let is_grouped =
        rest.is_empty() || ((1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3));
    let digits = groups.concat();
    let are_digits = digits.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_grouped || !are_digits || digits.is_empty() {
        return None;
    }
    let hundredths = hundredths(part)?;
    digits.parse::<i64>().ok()?.checked_mul(100)?.checked_add(hundredths)
}

/// Splits a number into its whole part, the sign between its groups, and its decimals.
fn split(decimal: Decimal, number: &str) -> Option<(&str, Option<char>, &str)> {
    let own = if decimal == Decimal::Point { '.' } else { ',' };
    let other = |sign| if sign == '.' { ',' } else { '.' };
    let (points, commas) = (number.matches('.').count(), number.matches(',').count());
    let sign = match (points, commas) {
        (0, 0) => return Some((number, None, "")),
        // Of both, the last is the decimal one, and stands once.
        (1.., 1..) => number.chars().rev().find(|c| matches!(c, '.' | ','))?,
        (2.., 0) => return Some((number, Some('.'), "")),
        (0, 2..) => return Some((number, Some(','), "")),
        (1, 0) => '.',
        _ => ',',
    };
    let (whole, part) = number.rsplit_once(sign)?;
    match part.len() {
        3 if points + commas == 1 && sign != own => Some((number, Some(sign), "")),
        // Of thousands or of thousandths: a sum has none of these, and a wrong guess is a thousandfold.
        3 if points + commas == 1 => None,
        _ if whole.contains(sign) => None,
        _ => Some((whole, Some(other(sign)), part)),
    }
}

/// Reads decimals as hundredths, rounding those that no person writes.
fn hundredths(part: &str) -> Option<i64> {
    let two: i64 = format!("{part:0<2}").get(..2)?.parse().ok()?;
    let rounds_up = part.as_bytes().get(2).is_some_and(|digit| *digit >= b'5');
    Some(two + i64::from(rounds_up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_as_people_and_programs_write_them() {
        let cases = [
            ("480", 48_000),
            ("25.67", 2_567),
            ("1,250.50", 125_050),
            ("$1,025.5", 102_550),
            ("$ 95.5", 9_550),
            ("USD 1,000,000", 100_000_000),
            ("30 EUR", 3_000),
            ("0.05", 5),
            ("95.", 9_500),
            ("480,50", 48_050),
            ("95,00", 9_500),
            ("1.234,50", 123_450),
            ("1 250.50", 125_050),
            ("CHF 1'250.50", 125_050),
            ("480,-", 48_000),
            ("480.-- kr", 48_000),
            ("333.333333333333", 33_333),
            ("66.6666666", 6_667),
            ("1.000.000", 100_000_000),
            ("1.250,5 \u{20ac}", 125_050),
            ("1 250,50 \u{20ac}", 125_050),
            ("1\u{202f}250,50", 125_050),
            ("0.99999", 100),
            ("1,234.567", 123_457),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_lone_sign_means_goes_by_where_the_reader_comes_from() {
        assert_eq!(parse_in(Decimal::Point, "1,250").unwrap(), 125_000);
        assert_eq!(parse_in(Decimal::Comma, "1.250").unwrap(), 125_000);
        assert_eq!(parse_in(Decimal::Comma, "\u{20ac} 1.250,5").unwrap(), 125_050);
        assert!(parse_in(Decimal::Point, "1.250").is_err());
        let error = parse_in(Decimal::Comma, "1,250").unwrap_err();
        assert_eq!(error.hint_text(), Some("write it like `480,00` or `1.250,50`"));
    }

    #[test]
    fn what_could_be_another_sum_is_refused() {
        for wrong in [
            "",
            "free",
            "1.234",
            "1,25,000",
            "1234,567",
            ".50",
            "-5",
            "5-7",
            "99999999999999999999",
            "$1.2k",
            "1.2 mio",
            "480 / 520",
            "#480",
            "~480",
            "(480)",
            "1,234,56",
            "1.2.3",
            "480?",
            "2x480",
        ] {
            assert_eq!(parse(wrong).unwrap_err().message(), format!("`{wrong}` is not an amount"), "{wrong}");
        }
    }

    #[test]
    fn sums_are_shown_whole_or_with_their_hundredths() {
        assert_eq!([0, 5, 125_050, -150].map(shown), ["0.00", "0.05", "1250.50", "-1.50"]);
        assert_eq!(
            [0, 49, 99_950, 324_000, 123_456_789, -150_000].map(rounded),
            ["0", "0", "1,000", "3,240", "1,234,568", "-1,500"]
        );
    }
}
