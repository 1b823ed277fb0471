//! Sums of money: whole hundredths, in a currency that goes without saying.

use std::borrow::Cow;

use crate::base::{Error, Result};

/// Reads a sum such as `480`, `1,250.50` or `$ 95.5`, in hundredths, and `1.250,50` where two marks tell
/// which of them is the decimal one. A comma alone groups thousands, so `95,00` is refused rather than read
/// as 9500, and so is `1.234`, which may be either. Further places, as a computed sum has them, are rounded.
///
/// # Errors
/// `Usage` when the text is not a sum or is negative.
pub fn parse(text: &str) -> Result<i64> {
    read(text).ok_or_else(|| {
        Error::usage(format!("`{text}` is not an amount")).hint("write it like `480.00` or `1,250.50`")
    })
}

/// Shows a sum with its hundredths: `1250.50`.
pub fn shown(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
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

fn read(text: &str) -> Option<i64> {
    let is_currency = |c: char| c.is_alphabetic() || c.is_whitespace() || "$£€¥".contains(c);
    let number = &in_english(text.trim_matches(is_currency));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| !first.is_empty())?;
    let rest: Vec<&str> = groups.collect();
    let is_grouped = rest.is_empty() || (first.len() <= 3 && rest.iter().all(|group| group.len() == 3));
    let digits = format!("{first}{}", rest.concat());
    let are_digits = digits.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    // Three places alone may be a group of thousands.
    let is_ambiguous = part.len() == 3 && rest.is_empty();
    if !is_grouped || !are_digits || is_ambiguous {
        return None;
    }
    let thousandths: i64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    digits.parse::<i64>().ok()?.checked_mul(100)?.checked_add((thousandths + 5) / 10)
}

/// Turns `1.250,50`, `1 250,50` and `1.250.000` into the English form; what is no such sum stays as it is.
fn in_english(number: &str) -> Cow<'_, str> {
    const GROUPS: [char; 5] = ['.', ' ', '\u{a0}', '\u{202f}', '\''];
    let grouped = |whole: &str| whole.replace(GROUPS, ",");
    match number.rsplit_once(',') {
        Some((whole, part))
            if (1..=2).contains(&part.len()) && whole.contains(GROUPS) && !whole.contains(',') =>
        {
            Cow::Owned(format!("{}.{part}", grouped(whole)))
        }
        None if number.matches('.').count() > 1 => Cow::Owned(grouped(number)),
        _ => Cow::Borrowed(number),
    }
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
            ("1.250,50", 125_050),
            ("1.250,5 €", 125_050),
            ("1 250,50 €", 125_050),
            ("1\u{202f}250,50", 125_050),
            ("1.250.000", 125_000_000),
            ("333.333333", 33_333),
            ("0.99999", 100),
            ("1,234.567", 123_457),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_could_be_another_sum_is_refused() {
        for wrong in [
            "",
            "free",
            "1.234",
            "95,00",
            "1,25,000",
            "1234,567",
            ".50",
            "-5",
            "5-7",
            "99999999999999999999",
            "TRUE",
            "#N/A",
            "1.25,50",
            "1.2.3",
        ] {
            assert_eq!(parse(wrong).unwrap_err().message(), format!("`{wrong}` is not an amount"));
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
