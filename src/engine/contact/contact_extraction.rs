//! Addresses that a text mentions: mail addresses and telephone numbers, as people write them.

use nexora_core::model::address::{Country, EmailAddress, PhoneNumber};
use nexora_core::model::contact::AddressKind;

/// Addresses that are looked for in one text at most.
const LIMIT: usize = 20;

/// Returns the addresses in a text, in the form that matching uses.
pub fn addresses(text: &str, country: Country) -> Vec<(AddressKind, String)> {
    let words = text.split(|c: char| c.is_whitespace() || "<>()[],;\"'|".contains(c));
    let emails = words
        .filter(|word| word.contains('@'))
        .filter_map(|word| {
            let word = word.trim_start_matches("mailto:").trim_matches(|c: char| ".:!?".contains(c));
            word.parse::<EmailAddress>().ok()
        })
        .map(|email| (AddressKind::Email, email.key()));
    let is_part = |c: char| c.is_ascii_digit() || "+-() .".contains(c);
    let numbers = text
        .split(|c: char| !is_part(c))
        .filter(|part| (7..=15).contains(&part.bytes().filter(u8::is_ascii_digit).count()))
        .filter_map(|part| PhoneNumber::parse_in(country, part.trim().trim_end_matches(['.', '-'])).ok())
        .map(|phone| (AddressKind::Phone, phone.to_string()));
    emails.chain(numbers).take(LIMIT).collect()
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
