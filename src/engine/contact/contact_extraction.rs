//! Addresses that a text mentions: mail addresses and telephone numbers, as people write them.

use nexora_core::model::address::{Country, EmailAddress, PhoneNumber};
use nexora_core::model::contact::AddressKind;

/// Addresses that are looked for in one text at most.
const LIMIT: usize = 20;

/// Returns the addresses in a text, in the form that matching uses.
pub fn addresses(text: &str, country: Country) -> Vec<(AddressKind, String)> {
    let emails = emails(text).map(|email| (AddressKind::Email, email.key()));
    // In a text, digits that could be a number are more often an order's or a date.
    let numbers = phones(text, country).filter(|phone| !phone.is_doubtful());
    emails.chain(numbers.map(|phone| (AddressKind::Phone, phone.key()))).take(LIMIT).collect()
}

/// Finds the mail addresses in a text.
pub fn emails(text: &str) -> impl Iterator<Item = EmailAddress> {
    let words = text.split(|c: char| c.is_whitespace() || "<>()[],;\"'|/".contains(c));
    words.filter(|word| word.contains('@')).filter_map(|word| {
        let word = word.trim_start_matches("mailto:").trim_matches(|c: char| ".:!?".contains(c));
        word.parse().ok()
    })
}

/// Finds whatever could be a telephone number in a text.
pub fn phones(text: &str, country: Country) -> impl Iterator<Item = PhoneNumber> {
    let is_part = |c: char| c.is_ascii_digit() || "+-() .".contains(c);
    let runs = text.split(move |c: char| !is_part(c));
    let runs = runs.filter(|part| (7..=15).contains(&part.bytes().filter(u8::is_ascii_digit).count()));
    runs.filter_map(move |part| PhoneNumber::parse_in(country, part.trim().trim_end_matches(['.', '-'])).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_as_people_write_them() {
        let text = "Boiler, Jo Miller <Jo@Example.com>. Call (512) 555-0142 before 9!\nOrder 12345, 20261120";
        let found = addresses(text, Country::parse("US").unwrap());
        let shown: Vec<String> = found.into_iter().map(|(kind, value)| format!("{kind} {value}")).collect();
        assert_eq!(shown, ["email jo@example.com", "phone +15125550142"]);
        assert!(addresses("nothing here", Country::parse("US").unwrap()).is_empty());
    }
}
