//! The name by which a person is greeted, taken from the name that was written.

use std::borrow::Cow;

use nexora_core::base::text::visible;

/// Words before a name.
const TITLES: [&str; 43] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "doctor",
    "sir",
    "madam",
    "rev",
    "fr",
    "capt",
    "lt",
    "sgt",
    "herr",
    "frau",
    "herrn",
    "dipl",
    "ing",
    "mag",
    "sr",
    "sra",
    "srta",
    "señor",
    "señora",
    "señorita",
    "doña",
    "m",
    "mme",
    "mlle",
    "monsieur",
    "madame",
    "sig",
    "signor",
    "signora",
    "dott",
    "dhr",
    "mevr",
    "mevrouw",
    "und",
    "&",
];

/// Words with which a family name begins.
const PARTICLES: [&str; 24] = [
    "de", "da", "do", "dos", "das", "del", "della", "di", "du", "des", "la", "le", "van", "von", "der",
    "den", "ten", "ter", "zu", "bin", "ibn", "abu", "st", "saint",
];

/// Words behind a name.
const SUFFIXES: [&str; 12] = ["jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "dds", "mba", "cpa", "rn"];

/// Words that say that it is no person's name.
const OTHERS: [&str; 46] = [
    "family",
    "llc",
    "inc",
    "ltd",
    "limited",
    "corp",
    "gmbh",
    "ag",
    "kg",
    "bv",
    "sarl",
    "co",
    "company",
    "office",
    "team",
    "customer",
    "client",
    "homeowner",
    "tenant",
    "guest",
    "wireless",
    "caller",
    "unknown",
    "anonymous",
    "none",
    "null",
    "undefined",
    "test",
    "info",
    "sales",
    "support",
    "admin",
    "contact",
    "enquiry",
    "inquiry",
    "lead",
    "mail",
    "from",
    "services",
    "plumbing",
    "roofing",
    "property",
    "properties",
    "management",
    "the",
    "familie",
];

const LENGTH: usize = 30;

/// Returns the first name in `name`; nothing where it has none, or which it is cannot be told.
pub fn first_name(name: &str) -> Option<String> {
    let name = visible(name);
    if name.contains(['@', '/', ':', '_']) || name.chars().any(char::is_numeric) {
        return None;
    }
    let words = words(&given(&called(&name))?);
    if words.iter().any(|word| OTHERS.contains(&word.to_lowercase().as_str())) {
        return None;
    }
    let is_title = |word: &String| TITLES.contains(&word.to_lowercase().trim_end_matches('.'));
    let named: Vec<&String> = words.iter().skip_while(|word| is_title(word)).collect();
    let had_title = named.len() < words.len();
    let whole: Vec<&&String> = named.iter().skip_while(|word| is_initial(word)).collect();
    let is_shortened = whole.len() < named.len();
    let first = whole.first()?;
    let is_particle = PARTICLES.contains(&first.to_lowercase().as_str());
    // Behind a title or an initial, one word is the family name.
    let is_family = (had_title || is_shortened) && whole.len() == 1;
    let fits = first.chars().count() <= LENGTH && !first.contains('.');
    (!is_particle && !is_family && fits).then(|| capitalised(first))
}

/// Takes the brackets away from a name by which somebody is called where it stands first: `(Bob) Smith`.
fn called(name: &str) -> Cow<'_, str> {
    let bracketed = name.trim().strip_prefix('(').and_then(|rest| rest.split_once(')'));
    match bracketed.filter(|(inner, _)| inner.chars().all(char::is_alphabetic) && !inner.is_empty()) {
        Some((inner, rest)) => Cow::Owned(format!("{inner} {rest}")),
        None => Cow::Borrowed(name),
    }
}

/// Returns the part of a name in which the first name stands: `Jo` of `Miller, Jo`, all of `Jo Miller, Jr`.
fn given(name: &str) -> Option<String> {
    let Some((before, behind)) = name.split_once(',') else { return Some(name.to_owned()) };
    let is_suffix = |word: &String| SUFFIXES.contains(&word.to_lowercase().trim_end_matches('.'));
    let behind_words = words(behind);
    match behind_words.iter().all(is_suffix) {
        // A family name and a comma, with nothing behind it.
        true if behind_words.is_empty() || words(before).len() < 2 => None,
        true => Some(before.to_owned()),
        false => Some(behind.to_owned()),
    }
}

/// Splits into words of letters; what stands in brackets, and signs such as emoji, are left out.
fn words(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let is_kept = |c: &char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    };
    let kept: String = text.chars().filter(is_kept).collect();
    let is_letter =
        |c: char| c.is_alphabetic() || is_mark(c) || matches!(c, '\'' | '\u{2019}' | '-' | '.' | '&');
    let plain: String = kept.chars().map(|c| if is_letter(c) { c } else { ' ' }).collect();
    let words =
        plain.split(' ').map(|word| word.trim_matches(|c: char| matches!(c, '-' | '\'' | '\u{2019}')));
    words.filter(|word| word.chars().any(|c| c.is_alphabetic() || c == '&')).map(str::to_owned).collect()
}

/// Marks that combine with the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{93c}'..='\u{94d}' | '\u{5b0}'..='\u{5c7}' | '\u{64b}'..='\u{65f}')
}

/// `M`, `M.` and `J.R.`; a sign of a script without capitals can be a whole name.
fn is_initial(word: &str) -> bool {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    let has_case = letters.iter().all(|c| c.is_lowercase() || c.is_uppercase());
    let is_dotted = word.split('.').filter(|part| !part.is_empty()).all(|part| part.chars().count() == 1);
    has_case && (letters.len() <= 1 || (word.contains('.') && is_dotted))
}

/// `JO` and `jo` as `Jo`; a name with capitals of its own, such as `McKenna`, stays.
fn capitalised(word: &str) -> String {
    let word = word.trim_end_matches('.');
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    let is_flat = letters().all(char::is_uppercase) || letters().all(char::is_lowercase);
    if !is_flat {
        return word.to_owned();
    }
    let mut begins = true;
    let letter = |c: char| -> String {
        let changed = if begins { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
        begins = !c.is_alphabetic() && c != '\'' && c != '\u{2019}';
        changed
    };
    word.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_is_found_however_the_name_is_written() {
        for (name, wanted) in [
            ("Jo Miller", "Jo"),
            ("  jo   miller ", "Jo"),
            ("JO MILLER", "Jo"),
            ("Miller, Jo", "Jo"),
            ("MILLER, JO A.", "Jo"),
            ("de la Cruz, Maria", "Maria"),
            ("Jo Miller, Jr.", "Jo"),
            ("Dr. Jo Miller", "Jo"),
            ("Prof. Dr. Eva Roth", "Eva"),
            ("Herr Jan Roth", "Jan"),
            ("Anne-Marie Roth", "Anne-Marie"),
            ("anne-marie roth", "Anne-Marie"),
            ("McKenna Roth", "McKenna"),
            ("J. Robert Smith", "Robert"),
            ("Ana M Lopez Jr", "Ana"),
            ("🔥 Jo 🔥 Miller", "Jo"),
            ("Jo (the one with the dog) Miller", "Jo"),
            ("Jo & Sam Miller", "Jo"),
            ("(Bob) Smith", "Bob"),
            ("José García", "José"),
            ("\u{200b}Jo Miller", "Jo"),
            ("D'Angelo Roth", "D'Angelo"),
            ("李 明", "李"),
            ("Al Roth", "Al"),
            ("Jo", "Jo"),
        ] {
            assert_eq!(first_name(name).as_deref(), Some(wanted), "{name}");
        }
    }

    #[test]
    fn without_a_first_name_there_is_none() {
        for name in [
            "",
            " ",
            "Smith,",
            "Smith,,",
            "Dr.",
            "Dr. Smith",
            "Mrs Roth",
            "M",
            "M.",
            "J.R.",
            "M Jones",
            "de la Cruz",
            "van Dyke",
            "The Smith Family",
            "Acme Plumbing LLC",
            "jo@example.com",
            "512-555-0142",
            "🔥",
            "www.example.com",
            "Wireless Caller",
            "https://example.com",
            "Cheap.pills.example",
            "N/A",
            "unknown",
        ] {
            assert_eq!(first_name(name), None, "{name}");
        }
    }
}
