//! A label as it is found in a line of a mail: one that is known, or one by its shape.

use crate::lead::lead_format::ending::{Passing, ends_message};
use crate::lead::lead_format::html::{Gap, Line};
use crate::lead::lead_format::label::{self, Certainty, Meaning};
use crate::lead::lead_format::layout::{Piece, is_rule, plain};
use crate::lead::lead_format::voice::is_of_sender;

/// The longest label.
pub const LABEL_LENGTH: usize = 120;
const UNKNOWN_LABEL_LENGTH: usize = 60;
const UNKNOWN_LABEL_WORDS: usize = 9;

/// Pieces that are looked at to see whether a message has ended.
pub const FOLLOWING: usize = 30;

/// A label as it was found in a line.
pub struct Found<'a> {
    pub label: &'a str,
    pub meaning: Option<Meaning>,
    pub value: &'a str,
    pub is_marked: bool,
}

/// Reads a line as a known label with its value beside it, or its own sign behind it.
pub fn known_label(line: &Line) -> Option<Found<'_>> {
    let text = line.text.as_str();
    let marked = text.get(..line.marked_bytes).unwrap_or_default();
    if !marked.is_empty() && marked.len() < text.len() && marked.len() <= LABEL_LENGTH {
        let rest = text.get(marked.len()..).unwrap_or_default();
        let is_signed = marked.trim_end().ends_with([':', '?'])
            || rest.trim_start().starts_with([':', '=', '|', '-', '–']);
        let value = plain(rest.trim_start().trim_start_matches([':', '=', '|', '-', '–']));
        if let Some((meaning, certainty)) = label::meaning(marked)
            && (is_signed || certainty == Certainty::Whole)
        {
            return Some(Found { label: marked, meaning: Some(meaning), value, is_marked: true });
        }
    }
    let (label, value, _) = split(text)?;
    let (meaning, certainty) = label::meaning(label)?;
    let is_likely = match meaning {
        Meaning::Field(field) => label::is_likely(field, value) || value.is_empty(),
        _ => true,
    };
    let is_short = label.split_whitespace().count() <= UNKNOWN_LABEL_WORDS;
    let is_known = certainty == Certainty::Whole || (is_likely && is_short);
    let is_marked = line.is_strong && line.marked_bytes >= label.len();
    is_known.then_some(Found { label, meaning: Some(meaning), value, is_marked })
}

/// Reads a line as a label that is not known, by its shape alone.
pub fn unknown_label(line: &Line) -> Option<Found<'_>> {
    let text = line.text.as_str();
    let marked = text.get(..line.marked_bytes).unwrap_or_default();
    if line.is_strong
        && line.is_heading()
        && text.len() <= LABEL_LENGTH
        && split(text).is_none_or(|(_, value, _)| value.is_empty())
    {
        return Some(Found { label: text, meaning: None, value: "", is_marked: true });
    }
    let rest = text.get(marked.len()..).unwrap_or_default().trim_start();
    let signs = [':', '-', '–', '=', '|'];
    let is_signed = marked.trim_end().ends_with([':', '?']) || rest.starts_with(signs);
    let is_set_off = line.is_strong || marked.ends_with(':');
    if is_set_off
        && !marked.is_empty()
        && marked.len() < text.len()
        && is_signed
        && marked.len() <= LABEL_LENGTH
    {
        let value = plain(rest.trim_start_matches(signs));
        return Some(Found { label: marked, meaning: None, value, is_marked: true });
    }
    let (label, value, sign) = split(text)?;
    let is_sign = sign == ":" || sign == "=" || sign == "..." || sign == " | ";
    (is_sign && is_title(label.trim_end_matches(['?', ':']))).then_some(Found {
        label,
        meaning: None,
        value,
        is_marked: false,
    })
}

/// Splits a line at the first sign that stands behind labels.
fn split(line: &str) -> Option<(&str, &str, &'static str)> {
    let signs = [":", " | ", "\t", " - ", " – ", " — ", " -> ", " → ", "=", "..."];
    let is_there = |sign: &'static str| {
        let (label, rest) = line.split_once(sign)?;
        // A time, a link, or a number with points in it.
        let is_other = sign == ":" && !rest.is_empty() && !rest.starts_with(char::is_whitespace);
        let is_kept = !is_other || matches!(label::meaning(label), Some((_, Certainty::Whole)));
        (is_kept && !label.trim().is_empty() && label.len() <= LABEL_LENGTH && !rest.starts_with("//"))
            .then_some((label, rest, sign))
    };
    let (label, rest, sign) =
        signs.into_iter().filter_map(is_there).min_by_key(|(label, _, _)| label.len())?;
    let rest = rest.trim_start().trim_start_matches([':', '|', '=', '.']).trim_start_matches("> ");
    let label = plain(label).trim_start_matches("- ");
    Some((label.trim_matches(['[', ']']), plain(rest), sign))
}

/// Tells whether a text has the shape of a label: few words, and no sentence.
pub fn is_title(text: &str) -> bool {
    let starts = text.chars().next().is_some_and(char::is_alphanumeric);
    text.len() <= UNKNOWN_LABEL_LENGTH
        && text.split_whitespace().count() <= UNKNOWN_LABEL_WORDS
        && starts
        && text.chars().any(char::is_alphabetic)
        && !text.contains([',', ';', '!', '@', '"', '<'])
        && !text.contains(". ")
        && !text.ends_with('.')
}

/// What a lead costs the business.
pub fn is_fee(label: &str, value: &str) -> bool {
    let folded = label::folded(label);
    let is_of_money =
        ["fee", "price", "cost", "charge"].iter().any(|word| folded.split(' ').any(|part| part == *word));
    is_of_money && value.starts_with(['$', '£', '€'])
}

/// What a form's program says of a box: ticked or not.
pub fn is_box(value: &str) -> bool {
    let boxes = [
        "on", "off", "yes", "no", "true", "false", "checked", "accepted", "ja", "nein", "sí", "oui", "non",
        "nee",
    ];
    boxes.contains(&value.trim().to_lowercase().as_str())
}

/// Reads a line as a label that is not known and a value behind a dash, for forms that write no colon.
pub fn dashed(line: &Line) -> Option<Found<'_>> {
    let (label, value, sign) = split(&line.text)?;
    let is_one = sign == " - " && is_title(label) && !value.is_empty();
    is_one.then_some(Found { label, meaning: None, value, is_marked: false })
}

/// Tells whether a value is the address of a page and nothing else.
pub fn is_page(value: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| value.starts_with(scheme)) && !value.contains(' ')
}

/// `Transcript: https://…`
pub fn is_link(line: &str) -> bool {
    split(line).is_some_and(|(label, value, _)| is_page(value) && is_title(label))
}

/// Words that people, too, end a letter with.
pub fn is_of_letters(label: &str) -> bool {
    let words =
        ["ps", "p.s.", "nb", "note", "thanks", "thank you", "regards", "best", "update", "edit", "btw"];
    words.contains(&label.trim().to_lowercase().as_str())
}

/// Tells whether nothing but labels with their values comes before the paragraph ends.
pub fn only_labels_go_on(after: &[Piece]) -> bool {
    let is_near = |piece: &&Piece| matches!(piece, Piece::Line(line) if line.gap == Gap::Break);
    let is_label = |piece: &Piece| match piece {
        Piece::Line(line) => {
            known_label(line).or_else(|| unknown_label(line)).is_some_and(|found| !found.value.is_empty())
        }
        Piece::Pair(..) => true,
    };
    after.iter().take(FOLLOWING).take_while(is_near).all(is_label)
}

/// Tells whether nothing but labels with their values, or the end of the mail, comes below.
pub fn only_labels_follow(after: &[Piece], passing: &Passing) -> bool {
    let is_label = |piece: &Piece| match piece {
        Piece::Line(line) => known_label(line).is_some() || unknown_label(line).is_some(),
        Piece::Pair(..) => true,
    };
    let ends = |piece: &&Piece| match piece {
        Piece::Line(line) => {
            is_rule(&line.text)
                || line.is_link
                || ends_message(&line.text)
                || passing.is_signature(&line.text)
                || is_of_sender(&line.text)
        }
        Piece::Pair(..) => false,
    };
    after.iter().take(FOLLOWING).take_while(|piece| !ends(piece)).all(is_label)
}
