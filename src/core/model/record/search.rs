//! What a search compares: the words of a record, in small letters, and how the words of its name sound, so that
//! `jon smyth` finds John Smith.

use rphonetic::{DoubleMetaphone, Encoder as _};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::model::record::{Schema, Values};

/// Stands before what says how a word sounds, and nowhere else.
const SOUND: char = '~';

/// Letters of a word whose sound is looked at.
const LONGEST: usize = 40;

/// Returns the text that is kept beside a record to be searched.
pub fn text_of(schema: &Schema, values: &Values) -> String {
    let mut texts: Vec<String> = Vec::new();
    for field in schema.fields().filter(|field| field.is_searched) {
        match values.get(field.name.as_ref()) {
            Some(Value::String(text)) => texts.push(folded(text)),
            Some(Value::Array(words)) => texts.extend(words.iter().filter_map(Value::as_str).map(folded)),
            _ => {}
        }
    }
    let name = schema.kind.fields.first().and_then(|field| values.get(field.name.as_ref()));
    let sounds = name.and_then(Value::as_str).map(sounds_of).unwrap_or_default();
    texts.extend(sounds.split_whitespace().map(str::to_owned));
    format!(" {} ", texts.join(" "))
}

/// Returns the text that is kept beside a record of which only the name is known.
pub fn text_of_name(name: &str) -> String {
    format!(" {} {} ", folded(name), sounds_of(name))
}

/// Returns a text in small letters and without marks on them: `Zoë` is `zoe`.
fn folded(text: &str) -> String {
    let plain = text.nfd().filter(|letter| !is_combining_mark(*letter));
    plain.collect::<String>().to_lowercase().replace(SOUND, " ")
}

fn sounds_of(name: &str) -> String {
    name.split_whitespace().filter_map(sound).collect::<Vec<_>>().join(" ")
}

/// Tells how a word sounds; nothing where it has no letters.
fn sound(word: &str) -> Option<String> {
    // Its rules know the letters of English alone.
    let letters: String = folded(word).chars().filter(char::is_ascii_alphabetic).take(LONGEST).collect();
    let code = DoubleMetaphone::default().encode(&letters);
    (!code.is_empty()).then(|| format!("{SOUND}{}", code.to_lowercase()))
}

/// A word that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What the text of a record holds, in small letters.
    pub text: String,
    /// Or how a word of its name sounds.
    pub sound: Option<String>,
    /// Or the digits that one of its numbers holds.
    pub digits: Option<String>,
}

/// The most words that are looked for.
const MOST: usize = 8;

/// The fewest digits that are looked for in numbers.
const DIGITS: usize = 3;

/// Reads what is searched: every word of it has to be found.
pub fn words(wanted: &str) -> Vec<Word> {
    let is_number = |text: &str| {
        text.chars().any(|letter| letter.is_ascii_digit())
            && text.chars().all(|letter| !letter.is_alphabetic())
    };
    let digits_of = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    // `(512) 555-0142` is one number.
    let whole = digits_of(wanted);
    if is_number(wanted) && whole.len() >= DIGITS {
        return vec![Word { text: folded(wanted.trim()), sound: None, digits: Some(whole) }];
    }
    let words = wanted.split_whitespace().take(MOST);
    words
        .map(|word| {
            let digits = Some(digits_of(word)).filter(|digits| is_number(word) && digits.len() >= DIGITS);
            Word { text: folded(word), sound: sound(word).map(|code| format!(" {code} ")), digits }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::record::CONTACT;

    #[test]
    fn names_are_found_by_how_they_sound() {
        let schema = Schema { kind: &CONTACT, custom: Vec::new() };
        let values =
            Values::from([("name".to_owned(), "John Smith".into()), ("city".to_owned(), "Austin".into())]);
        let text = text_of(&schema, &values);
        let finds = |wanted: &str| {
            words(wanted).iter().all(|word| {
                text.contains(&word.text) || word.sound.as_ref().is_some_and(|sound| text.contains(sound))
            })
        };
        for wanted in ["jon smyth", "SMITH", "smi", "john austin", "ohn"] {
            assert!(finds(wanted), "{wanted}");
        }
        for wanted in ["mary", "john miller", "~"] {
            assert!(!finds(wanted) || wanted == "~", "{wanted}");
        }
        assert_eq!(
            text_of_name("John Smith"),
            text_of(&schema, &Values::from([("name".to_owned(), "John Smith".into())]))
        );
    }

    #[test]
    fn marks_on_letters_do_not_matter() {
        let text = text_of_name("Zoë Ruíz");
        for wanted in ["zoe", "RUIZ", "ruíz", "ZOË"] {
            assert!(words(wanted).iter().all(|word| text.contains(&word.text)), "{wanted}: {text}");
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_it(name in "\\PC{0,60}", letters in "[a-zA-Z]{0,50}") {
            for name in [name, letters] {
                let _ = (text_of_name(&name), words(&name));
            }
        }
    }

    #[test]
    fn a_part_of_a_number_is_digits() {
        assert_eq!(words("(512) 555-0142")[0].digits.as_deref(), Some("5125550142"));
        assert_eq!(words("555-01")[0].digits.as_deref(), Some("55501"));
        assert_eq!(words("jo 42")[1].digits, None);
    }
}
