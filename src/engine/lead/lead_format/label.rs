//! What a label in a mail asks for, in the languages in which forms are written here: English, German, Spanish,
//! French, Italian and Dutch.
//!
//! A whole label is looked up first ([`PHRASES`]), so that `First Name` is never taken for `Name`. A longer one is known
//! by its words ([`WORDS`]): `Best number to call`, `Teléfono de contacto`. What is read so has to look like what the
//! label asks for ([`is_likely`]).

use crate::lead::lead_format::vocabulary::{
    ASKING, CONSENT, FILLERS, FIRST, LAST, MARKS, NO_NAMES, NOT_OF_PERSONS, OF_CITIES, OF_JOBS, OF_POSTCODES,
    OF_REMARKS, PHRASES, PLACED, QUESTIONS, STARTS, WHERE, WHOLES, WORDS,
};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::source::SourceField;

/// What is known of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Field(SourceField),
    /// An open question: what is answered is the job, or, in more words, the message.
    Question,
    /// The page of the form, or what led to it, by the name that advertisers call it.
    Origin(&'static str),
    /// What the form's program says of itself, such as when it was sent.
    Technical,
}

/// A label that stands by itself says more than a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    Whole,
    ByWords,
}

const WORD_LIMIT: usize = 12;

/// Returns what a label means, if that is known.
pub fn meaning(label: &str) -> Option<(Meaning, Certainty)> {
    let label = last_sentence(label);
    let label = without_number(label.trim().trim_start_matches(['[', '"']).trim_end_matches([']', '"']));
    let folded = folded(label);
    // What Elementor calls a field that has no name.
    let folded = folded.strip_prefix("no label ").map_or(folded.clone(), str::to_owned);
    if folded.is_empty() {
        return None;
    }
    let whole =
        |text: &str| PHRASES.iter().find(|(_, phrases)| phrases.contains(&text)).map(|(found, _)| *found);
    let mut rest = folded.as_str();
    loop {
        if let Some(found) = whole(rest) {
            return Some((found, Certainty::Whole));
        }
        match rest.split_once(' ') {
            Some((first, others)) if FILLERS.contains(&first) => rest = others,
            // `Address - City` and `Name - First` name a part.
            Some((first, others)) if WHOLES.contains(&first) && whole(others).is_some() => rest = others,
            _ => break,
        }
    }
    if QUESTIONS.iter().any(|start| folded.starts_with(start)) {
        return Some((Meaning::Question, Certainty::ByWords));
    }
    // `Jo's contact details` stands above several of them.
    if ["contact details", "contact information", "contact info"].iter().any(|end| folded.ends_with(end)) {
        return Some((Meaning::Technical, Certainty::ByWords));
    }
    let meaning = by_words(&folded).map(Meaning::Field).or_else(|| {
        let mut words = folded.split(' ');
        let asks = words.next().is_some_and(|first| ASKING.contains(&first));
        let is_of_job = words.clone().any(|word| OF_JOBS.contains(&word));
        match words.any(|word| CONSENT.contains(&word)) || CONSENT.contains(&folded.as_str()) {
            true => Some(Meaning::Technical),
            false => (asks && is_of_job).then_some(Meaning::Question),
        }
    });
    meaning.map(|meaning| (meaning, Certainty::ByWords))
}

/// Tells whether a value looks like one of the field.
pub fn is_likely(field: SourceField, value: &str) -> bool {
    match field {
        SourceField::Email => address_in(value).is_some(),
        SourceField::Phone => is_phone(value),
        SourceField::Postcode => value.len() <= 20 && value.chars().any(|c| c.is_ascii_digit()),
        SourceField::Id => is_id(value),
        SourceField::Name | SourceField::FirstName | SourceField::LastName => {
            value.chars().any(char::is_alphabetic)
                && !NO_NAMES.contains(&folded(value).as_str())
                && value.lines().next().is_some_and(|line| line.len() <= 120)
        }
        _ => !value.is_empty(),
    }
}

/// Tells whether a text holds as many digits as a telephone number has, with nothing but signs between them.
pub fn is_phone(text: &str) -> bool {
    let runs = text.split(|c: char| !(c.is_ascii_digit() || " +()-./\u{a0}\u{2011}\u{2013}".contains(c)));
    let digits = |run: &str| run.bytes().filter(u8::is_ascii_digit).count();
    !text.contains('@')
        && !text.contains("://")
        && runs.filter(|run| !is_date(run)).any(|run| digits(run) >= 7)
}

/// `2026-11-30 09:14` and the like, which are no numbers to call.
fn is_date(text: &str) -> bool {
    let mut parts = text.trim().split(['-', '/', '.', ' ']).map(str::len);
    matches!(
        (parts.next(), parts.next(), parts.next()),
        (Some(4), Some(2), Some(2)) | (Some(1 | 2), Some(1 | 2), Some(4))
    ) && text.bytes().filter(u8::is_ascii_digit).count() <= 14
}

/// Tells whether all of a text is a telephone number.
pub fn is_only_phone(text: &str) -> bool {
    is_phone(text) && text.chars().all(|c| c.is_ascii_digit() || " +()-./\u{2011}\u{2013}".contains(c))
}

/// An id of a lead has digits and no blanks; the name of a page is none.
pub fn is_id(text: &str) -> bool {
    text.len() <= 80
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:#./".contains(c))
}

/// Returns the first mail address in a text, whatever stands around it.
pub fn address_in(text: &str) -> Option<&str> {
    let is_edge = |c: char| c.is_whitespace() || "<>()[]\",;|".contains(c);
    text.split(is_edge).filter(|part| part.contains('@')).find_map(|part| {
        let part =
            part.trim_start_matches("mailto:").split('?').next()?.trim_matches(|c: char| "'.:".contains(c));
        EmailAddress::parse(part).is_ok().then_some(part)
    })
}

/// Brings a label into the form in which labels are compared: `firstName*` and `FIRST_NAME (required):` as `first name`.
pub fn folded(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    let mut depth = 0_usize;
    let mut before = ' ';
    for c in label.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            // `Phone #`; alone, it is the number of a row.
            '#' if !out.trim().is_empty() => out.push_str(" no "),
            '\'' | '’' | '`' => {}
            _ if c.is_alphanumeric() => {
                if c.is_uppercase() && before.is_lowercase() {
                    out.push(' ');
                }
                out.extend(c.to_lowercase());
            }
            _ => out.push(' '),
        }
        before = c;
    }
    let words: Vec<&str> = out.split_whitespace().filter(|word| !MARKS.contains(word)).collect();
    words.join(" ")
}

/// `Nice to meet you! What city are you in?` as `What city are you in?`.
fn last_sentence(label: &str) -> &str {
    match label.rsplit_once(['!', '.']) {
        Some((_, last))
            if label.ends_with('?') && last.starts_with(' ') && last.contains(char::is_alphabetic) =>
        {
            last
        }
        _ => label,
    }
}

/// `3. Phone number` as `Phone number`.
pub fn without_number(label: &str) -> &str {
    let rest = label.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['.', ')']) {
        Some(rest) if label.len() - rest.len() <= 3 && rest.starts_with(' ') => rest.trim_start(),
        _ => label,
    }
}

fn by_words(folded: &str) -> Option<SourceField> {
    let words: Vec<&str> = folded.split(' ').collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let begins = |list: &[&str]| words.iter().any(|word| list.iter().any(|start| word.starts_with(start)));
    // `Which town is the project in?` asks for the person's town all the same.
    let is_of_place = has(OF_CITIES) || has(OF_POSTCODES);
    // So does `Address of the job site`.
    let is_of_site = has(&["job", "work"]) && has(&["address", "location"]);
    let is_of_others = words.iter().any(|word| {
        NOT_OF_PERSONS.contains(word)
            && !(is_of_place && *word == "project")
            && !(is_of_site && *word == "site")
    });
    if words.len() > WORD_LIMIT || is_of_others {
        return None;
    }
    // `Number of bedrooms` asks for no number to call, and `End of message` for nothing.
    if folded.starts_with("end of ")
        || folded.starts_with("number of ")
        || folded.contains(" number of ")
        || folded.starts_with("how many ")
    {
        return None;
    }
    let (first, last) = (has(FIRST), has(LAST));
    if first && last {
        return Some(SourceField::Name);
    }
    if let Some(field) = by_several_words(&words) {
        return Some(field);
    }
    let found = WORDS.iter().find(|(_, limit, list)| words.len() <= *limit && has(list));
    let run_together =
        || STARTS.iter().find(|(_, list)| words.len() <= 4 && begins(list)).map(|(field, _)| *field);
    let field = found.map(|(field, _, _)| *field).or_else(run_together)?;
    let is_name = field == SourceField::Name;
    // `You have a new message` is what a program says.
    if field == SourceField::Message
        && has(&["new", "have", "got", "received", "neue", "nueva", "nuevo", "nouveau", "nuovo", "nieuw"])
    {
        return None;
    }
    if has(&["type", "kind", "method"]) && field != SourceField::Service {
        return None;
    }
    Some(match (is_name, first, last) {
        (true, true, _) => SourceField::FirstName,
        (true, _, true) => SourceField::LastName,
        _ => field,
    })
}

/// Knows a label by words that say something together.
fn by_several_words(words: &[&str]) -> Option<SourceField> {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    if has(&[
        "lead",
        "request",
        "job",
        "reference",
        "submission",
        "ticket",
        "enquiry",
        "inquiry",
        "message",
        "entry",
        "case",
        "conversation",
    ]) && has(&["number", "id", "no", "ref"])
    {
        return Some(SourceField::Id);
    }
    if words.len() <= 10
        && has(&["any", "other", "additional", "further", "more", "extra", "else"])
        && has(OF_REMARKS)
    {
        return Some(SourceField::Message);
    }
    if words.first().is_some_and(|first| WHERE.contains(first)) && has(PLACED) {
        return Some(SourceField::Address);
    }
    // `House number and street`
    let of_streets = ["street", "straße", "strasse", "rue", "calle", "via", "straat"];
    if words.len() <= 6
        && has(&of_streets)
        && has(&["number", "no", "nr", "numéro", "número", "numero", "name"])
    {
        return Some(SourceField::Address);
    }
    // A place in one line: `City, State, Zip`, `PLZ / Ort`.
    if words.len() <= 5 && has(OF_POSTCODES) && has(OF_CITIES) {
        return Some(SourceField::City);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Meaning::{Field, Origin, Question, Technical};
    use super::*;
    use SourceField::{
        Address, City, Email, FirstName, Id, Message, Name, Phone, Postcode, PreferredTime, Service,
    };

    #[test]
    fn labels_are_known_whole_or_by_their_words() {
        let field = |label: &str| match meaning(label) {
            Some((Field(field), _)) => Some(field),
            _ => None,
        };
        for (label, wanted) in [
            ("Name", Some(Name)),
            ("firstName*", Some(FirstName)),
            ("FIRST_NAME (required)", Some(FirstName)),
            ("Your name", Some(Name)),
            ("What's your name?", Some(Name)),
            ("Company name", None),
            ("Form Name", None),
            ("Vor- und Nachname", Some(Name)),
            ("E-Mail-Adresse", Some(Email)),
            ("emailAddress", Some(Email)),
            ("Best number to call", Some(Phone)),
            ("What's the best phone number to reach you?", Some(Phone)),
            ("Teléfono móvil de contacto", Some(Phone)),
            ("N° de téléphone", Some(Phone)),
            ("IP Address", None),
            ("Straße / Hausnummer", Some(Address)),
            ("Postal / Zip Code", Some(Postcode)),
            ("Service Request #", Some(Id)),
            ("Service Description", Some(Service)),
            ("Customer’s Note", Some(Message)),
            ("Preferred day", Some(PreferredTime)),
            ("How old is the boiler?", None),
            ("Number of bedrooms", None),
            ("Address - City", Some(City)),
            ("Name - First", Some(FirstName)),
            ("Phone #", Some(Phone)),
            ("3. Phone number", Some(Phone)),
            ("Nice to meet you! What city are you in?", Some(City)),
            ("Message #", Some(Id)),
            ("Which town is the project in?", Some(City)),
            ("Project name", None),
            ("Where is the job?", Some(Address)),
            ("Where did you hear about us?", None),
            ("HomeAdvisor lead number", Some(Id)),
            ("Any other information?", Some(Message)),
            ("Preferred contact method", None),
            ("Fax number", None),
            ("emailaddr", Some(Email)),
            ("Nachrichtentext", Some(Message)),
            ("City, State, Zip", Some(City)),
            ("PLZ / Ort", Some(City)),
            ("[phone]", Some(Phone)),
        ] {
            assert_eq!(field(label), wanted, "{label}");
        }
        assert_eq!(meaning("How can we help?").map(|found| found.0), Some(Question));
        assert_eq!(meaning("What seems to be the problem?").map(|found| found.0), Some(Question));
        assert_eq!(meaning("I agree to the privacy policy").map(|found| found.0), Some(Technical));
        assert_eq!(meaning("Page URL").map(|found| found.0), Some(Origin("landing_url")));
        assert_eq!(meaning("Remote IP").map(|found| found.0), Some(Technical));
    }

    #[test]
    fn no_label_stands_in_the_table_twice_or_as_it_is_never_compared() {
        let mut seen = std::collections::BTreeSet::new();
        for phrase in PHRASES.iter().flat_map(|(_, phrases)| phrases.iter()) {
            assert!(seen.insert(phrase), "{phrase}");
            assert_eq!(folded(phrase), *phrase);
        }
        assert!(WORDS.iter().flat_map(|(_, _, words)| words.iter()).all(|word| folded(word) == *word));
    }

    #[test]
    fn values_are_likely_or_not() {
        for (field, value, wanted) in [
            (Email, "Jo <jo@x.example>", true),
            (Email, "please don't", false),
            (Phone, "512 555 0100 (evenings)", true),
            (Phone, "n/a", false),
            (Phone, "Nov 30, 2026 9:04 AM", false),
            (Phone, "2026-11-30 09:14", false),
            (Phone, "30.11.2026", false),
            (Phone, "06.11.22.33.44", true),
            (Id, "RP-778120", true),
            (Id, "Homepage", false),
            (Id, "page 2", false),
        ] {
            assert_eq!(is_likely(field, value), wanted, "{value}");
        }
        assert_eq!(address_in("jo@x.example<mailto:jo@x.example>"), Some("jo@x.example"));
        assert_eq!(address_in("(mailto:jo@x.example?subject=hi)"), Some("jo@x.example"));
        assert!(is_only_phone("+1 (512) 555-0100") && !is_only_phone("512 555 0100 or 0101"));
    }
}
