//! Amounts of money as people write them.

use crate::base::{Error, Result};

/// Reads an amount of money such as `480`, `1,250.50` or `$ 95.00`, in hundredths.
///
/// # Errors
/// `Usage` when it is no amount.
pub fn cents(text: &str) -> Result<i64> {
    let wrong = || Error::usage(format!("`{text}` is not an amount")).hint("write it like `480.00`");
    let digits: String = text.chars().filter(|c| c.is_ascii_digit() || ['.', '-'].contains(c)).collect();
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    if whole.is_empty() || part.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let part: i64 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(100)
        .and_then(|cents| cents.checked_add(part))
        .filter(|cents| *cents >= 0)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_people_write_them() {
        for (text, expected) in [("480", 48_000), ("1,250.50", 125_050), ("$ 95.5", 9_550), ("0.05", 5)] {
            assert_eq!(cents(text).unwrap(), expected, "{text}");
        }
        for wrong in ["", "free", "1.234", "-5", "99999999999999999999"] {
            assert!(cents(wrong).is_err(), "{wrong}");
        }
    }
}
