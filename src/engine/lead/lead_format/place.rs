//! Places as people write them: a town with its post code, in a line or within an address.

/// `Austin, TX 78745` on a line of its own.
pub fn is_place(line: &str) -> bool {
    let Some((city, rest)) = line.split_once(", ") else { return false };
    let mut words = rest.split(' ');
    let is_state =
        words.next().is_some_and(|state| state.len() == 2 && state.bytes().all(|b| b.is_ascii_uppercase()));
    let is_zip = words.next().is_some_and(is_zip);
    let is_city = city.len() <= 40 && city.chars().all(|c| c.is_alphabetic() || " .'-".contains(c));
    is_state && is_zip && is_city && words.next().is_none()
}

/// Returns the post code in an address: five digits that do not begin it, or a British one at its end.
pub fn postcode_in(address: &str) -> Option<String> {
    let words: Vec<&str> = address.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let zip = words.iter().skip(1).rev().find(|word| is_zip(word)).map(|word| (*word).to_owned());
    zip.or_else(|| match words.as_slice() {
        [.., outward, inward] if is_outward(outward) && is_inward(inward) => {
            Some(format!("{outward} {inward}"))
        }
        _ => None,
    })
}

/// Parts a post code from the town behind it: `40212 Düsseldorf`, `3511 AB Utrecht`.
pub fn code_before(place: &str) -> Option<(&str, &str)> {
    let (digits, rest) = place.split_once(' ')?;
    let is_code = (4..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let letters = rest
        .split(' ')
        .next()
        .filter(|word| word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_uppercase()));
    let length = digits.len() + letters.map_or(0, |letters| letters.len() + 1);
    is_code.then_some((place.get(..length)?, place.get(length..)?.trim()))
}

fn is_zip(word: &str) -> bool {
    let (five, four) = word.split_once('-').unwrap_or((word, "0000"));
    five.len() == 5 && four.len() == 4 && five.bytes().chain(four.bytes()).all(|byte| byte.is_ascii_digit())
}

fn is_outward(word: &str) -> bool {
    (2..=4).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_inward(word: &str) -> bool {
    let mut bytes = word.bytes();
    word.len() == 3
        && bytes.next().is_some_and(|b| b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn post_codes_are_found_in_addresses() {
        for (address, code) in [
            ("500 Congress Ave, Austin, TX 78701, United States", Some("78701")),
            ("12345 Main St, Austin", None),
            ("Königsallee 5, 40212 Düsseldorf", Some("40212")),
            ("Leeds, LS6 3AA", Some("LS6 3AA")),
            ("Apt 3", None),
        ] {
            assert_eq!(postcode_in(address).as_deref(), code, "{address}");
        }
    }

    #[test]
    fn a_town_with_its_state_and_code_is_a_place() {
        for (line, wanted) in [
            ("Austin, TX 78745", true),
            ("St. Mary's, GA 31558-1234", true),
            ("Austin, TX", false),
            ("Call Jo, TX 78745 now", false),
            ("a, b", false),
        ] {
            assert_eq!(is_place(line), wanted, "{line}");
        }
        assert_eq!(code_before("3511 AB Utrecht"), Some(("3511 AB", "Utrecht")));
        assert_eq!(code_before("Austin 78701"), None);
    }
}
