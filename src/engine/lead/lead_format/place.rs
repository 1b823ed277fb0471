//! Places as people write them: a town with its post code, in a line or within an address.

/// A town with its state or province and its code, on a line of its own: `Austin, TX 78745`, `Marrickville NSW 2204`,
/// `Toronto, ON M5V 2T6`, `Leeds LS6 3AA`.
pub fn is_place(line: &str) -> bool {
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let Some((code, rest)) = code_at_end(&words) else { return false };
    let (state, town) = match rest.split_last() {
        Some((state, town)) if is_state(state) => (Some(*state), town),
        _ => (None, rest),
    };
    // Five digits alone stand behind many things, and a number of four is a code in Australia only.
    let is_sure = match code.len() {
        4 => state.is_some_and(|state| AUSTRALIA.contains(&state)),
        _ => {
            state.is_some_and(|state| state.len() == 2)
                || !code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        }
    };
    let is_name = |word: &&str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || ".'-".contains(c))
    };
    is_sure && (1..=4).contains(&town.len()) && town.iter().all(is_name) && line.len() <= 60
}

/// Tells whether a line is a whole address: `5 Elm St, Austin, TX 78745`.
pub fn is_address(line: &str) -> bool {
    let (mut street, mut town) = ("", line);
    if let Some((first, rest)) = line.split_once(", ") {
        (street, town) = (first, rest);
    }
    let is_street =
        street.starts_with(|c: char| c.is_ascii_digit()) && street.chars().any(char::is_alphabetic);
    is_street
        && line.len() <= 120
        && (is_place(town) || town.split_once(", ").is_some_and(|(_, town)| is_place(town)))
}

/// Tells whether a text behind a number is a town and no street.
pub fn is_town(text: &str) -> bool {
    let last = text.rsplit(' ').next().unwrap_or_default().trim_end_matches('.').to_lowercase();
    text.starts_with(char::is_uppercase)
        && text.chars().all(|c| c.is_alphabetic() || " -'".contains(c))
        && !STREETS.contains(&last.as_str())
}

/// Tells whether a text is a post code and nothing else.
pub fn is_postcode(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    is_dutch(text) || code_at_end(&words).is_some_and(|(code, rest)| rest.is_empty() && code.len() >= 5)
}

/// Returns the post code in an address: the last that follows a town or state, or stands before a town.
pub fn postcode_in(address: &str) -> Option<String> {
    let words: Vec<&str> =
        address.split([' ', ',', '\n', '(', ')']).filter(|word| !word.is_empty()).collect();
    let behind = (2..=words.len()).rev().find_map(|end| {
        let (code, rest) = code_at_end(words.get(..end)?)?;
        let is_behind_state = rest.last().is_some_and(|state| AUSTRALIA.contains(state));
        (!rest.is_empty() && (code.len() > 4 || is_behind_state)).then_some(code)
    });
    behind.or_else(|| {
        let parts = address.split([',', '\n']).map(str::trim);
        parts.skip(1).filter_map(|part| Some(code_before(part)?.0.to_owned())).last()
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

/// Words that end the name of a street.
#[rustfmt::skip]
const STREETS: &[&str] = &[
    "st", "street", "ave", "avenue", "av", "rd", "road", "dr", "drive", "ln", "lane", "blvd", "boulevard", "way", "ct", "court", "pl", "place", "cir", "circle", "hwy", "highway", "pkwy", "parkway", "ter", "terrace", "loop", "trail", "trl", "row", "run",
    "sq", "square", "pike", "path", "close", "crescent", "cres", "n", "s", "e", "w", "ne", "nw", "se", "sw",
];

const AUSTRALIA: &[&str] = &["NSW", "VIC", "QLD", "WA", "SA", "TAS", "ACT", "NT"];

/// Parts a post code from the words before it: American, Australian, British, Irish or Canadian.
fn code_at_end<'a, 'b>(words: &'b [&'a str]) -> Option<(String, &'b [&'a str])> {
    let (last, rest) = words.split_last()?;
    if is_zip(last) || (last.len() == 4 && last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(((*last).to_owned(), rest));
    }
    let (first, rest) = rest.split_last()?;
    let is_code = (is_outward(first) && is_inward(last))
        || (has_shape(first, "A0A") && has_shape(last, "0A0"))
        || (has_shape(first, "A00")
            && last.len() == 4
            && last.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    is_code.then(|| (format!("{first} {last}"), rest))
}

/// Compares letter by letter: `A` stands for a capital, `0` for a digit.
fn has_shape(word: &str, shape: &str) -> bool {
    word.len() == shape.len()
        && word.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'A' => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit(),
        })
}

/// `2011 RC`, with or without the blank.
fn is_dutch(text: &str) -> bool {
    has_shape(&text.split_whitespace().collect::<String>(), "0000AA")
}

fn is_state(word: &str) -> bool {
    (2..=3).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_zip(word: &str) -> bool {
    let (five, four) = word.split_once('-').unwrap_or((word, "0000"));
    has_shape(five, "00000") && has_shape(four, "0000")
}

fn is_outward(word: &str) -> bool {
    (2..=4).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_inward(word: &str) -> bool {
    has_shape(word, "0AA")
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
            ("4 Hill Rd, Leeds LS6 3AA, UK", Some("LS6 3AA")),
            ("Footscray, VIC 3011", Some("3011")),
            ("1 King St, Toronto, ON M5V 2T6", Some("M5V 2T6")),
            ("Herengracht 1, 1017 BS Amsterdam", Some("1017 BS")),
            ("Ring 3, 1010 Wien", Some("1010")),
            ("1410 SE Ash St, Portland", None),
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
            ("Marrickville NSW 2204", true),
            ("Toronto, ON M5V 2T6", true),
            ("London W2 6BD", true),
            ("Built In 1998", false),
            ("Order 12345", false),
            ("Call Jo, TX 78745 now", false),
            ("a, b", false),
        ] {
            assert_eq!(is_place(line), wanted, "{line}");
            assert_eq!(is_address(&format!("5 Elm St, Apt 2, {line}")), wanted, "{line}");
        }
        assert_eq!(code_before("3511 AB Utrecht"), Some(("3511 AB", "Utrecht")));
        assert_eq!(code_before("Austin 78701"), None);
    }
}
