//! Sums of money: whole hundredths, in a currency that goes without saying.

use crate::base::{Error, Result};

/// Reads a sum such as `480`, `1,250.50` or `$ 95.5`, in hundredths. A comma groups thousands and is never
/// a decimal mark, so `95,00` is refused rather than read as 9500.
///
/// # Errors
/// `Usage` when the text is not a sum, is negative or has parts of a hundredth.
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
    let number = text.trim_matches(is_currency);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| !first.is_empty())?;
    let rest: Vec<&str> = groups.collect();
    let is_grouped = rest.is_empty() || (first.len() <= 3 && rest.iter().all(|group| group.len() == 3));
    let digits = format!("{first}{}", rest.concat());
    let are_digits = digits.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_grouped || !are_digits || part.len() > 2 {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    digits.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
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
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_could_be_another_sum_is_refused() {
        for wrong in
            ["", "free", "1.234", "95,00", "1,25,000", "1234,567", ".50", "-5", "5-7", "99999999999999999999"]
        {
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
