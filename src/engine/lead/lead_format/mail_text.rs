//! Labels and values in a mail: `Phone: 555 0100`, `Phone | 555 0100`, rows of a table, or the value on the lines
//! below its label.
//!
//! What is not known as a label of a lead becomes a detail. A message ends where another part of the form begins, and
//! not at a line that only looks like it: what a label asks for has to follow it.

use crate::lead::lead_format::card;
use crate::lead::lead_format::ending::{Passing, ends_message, without_closing, without_last_paragraph};
use crate::lead::lead_format::html::{Gap, Line};
use crate::lead::lead_format::label::{self, Certainty, Meaning};
use crate::lead::lead_format::layout::{self, Piece, is_drawn_heading, is_rule, plain};
use crate::lead::lead_format::reading::Reading;
use nexora_core::model::mail::Mail;
use nexora_core::model::source::SourceField;

const LABEL_LENGTH: usize = 120;
const UNKNOWN_LABEL_LENGTH: usize = 60;
const UNKNOWN_LABEL_WORDS: usize = 9;
/// Words of an answer up to which it is no message.
const ANSWER_WORDS: usize = 4;
const VALUE_LINES: usize = 12;
const MESSAGE_LENGTH: usize = 20_000;

/// Pieces that are looked at to see whether a message has ended.
const FOLLOWING: usize = 30;

/// Reads a mail: its text or its HTML, whichever says more.
pub fn read(mail: &Mail) -> Reading {
    let passing = Passing::of(mail);
    let of_text = of_pieces(layout::of_text(&mail.text), passing.clone());
    let Some(html) = &mail.html else { return of_text };
    let of_html = of_pieces(layout::of_html(html), passing);
    if of_html.weight() >= of_text.weight() { of_html } else { of_text }
}

fn of_pieces(pieces: Vec<Piece>, passing: Passing) -> Reading {
    let mut reader = Reader {
        passing,
        is_marked: is_marked(&pieces),
        is_stacked: is_stacked(&pieces),
        is_set_off: is_set_off(&pieces),
        ..Reader::default()
    };
    let mut rest = pieces.as_slice();
    while let Some((piece, after)) = rest.split_first() {
        match piece {
            Piece::Pair(label, lines) => reader.pair(label, lines),
            Piece::Line(line) => reader.line(line, after),
        }
        rest = after;
    }
    reader.close();
    reader.reading
}

/// Tells whether labels are emphasised, or stand in rows: then no line of a message is one.
fn is_marked(pieces: &[Piece]) -> bool {
    let known = |piece: &&Piece| match piece {
        Piece::Pair(label, _) => label::meaning(label).is_some(),
        Piece::Line(line) => {
            let marked = line.text.get(..line.marked_bytes).unwrap_or_default();
            line.is_strong && label::meaning(marked).is_some()
        }
    };
    pieces.iter().filter(known).count() >= 2
}

/// Tells whether labels stand in elements of their own that are not emphasised, and their values do not.
fn is_set_off(pieces: &[Piece]) -> bool {
    let known = |pair: &&[Piece]| match pair {
        [Piece::Line(label), Piece::Line(value)] => {
            let is_known = matches!(label::meaning(&label.text), Some((_, Certainty::Whole)));
            is_known && is_whole(label) && !label.is_strong && (!is_whole(value) || value.gap == Gap::Break)
        }
        _ => false,
    };
    pieces.windows(2).filter(known).count() >= 2
}

/// Tells whether one element holds all of a line.
fn is_whole(line: &Line) -> bool {
    line.marked_bytes == line.text.len()
}

/// Tells whether a label stands at the head of its own paragraph, above its value.
fn is_stacked(pieces: &[Piece]) -> bool {
    pieces.windows(2).any(|pair| match pair {
        [Piece::Line(label), Piece::Line(value)] => {
            let known = label::meaning(&label.text);
            let is_sure = label.text.ends_with(['?', ':']) || matches!(known, Some((_, Certainty::Whole)));
            label.gap == Gap::Paragraph && value.gap == Gap::Break && known.is_some() && is_sure
        }
        _ => false,
    })
}

/// A label whose value is being read.
struct Open {
    label: String,
    meaning: Option<Meaning>,
    lines: Vec<String>,
    /// The value began on the label's own line.
    is_beside: bool,
}

impl Open {
    fn is_message(&self) -> bool {
        matches!(self.meaning, Some(Meaning::Field(SourceField::Message) | Meaning::Question))
    }
}

/// A label as it was found in a line.
struct Found<'a> {
    label: &'a str,
    meaning: Option<Meaning>,
    value: &'a str,
    is_marked: bool,
}

#[derive(Default)]
struct Reader {
    reading: Reading,
    passing: Passing,
    open: Option<Open>,
    /// What stands below the sender's signature is the sender's.
    is_signed: bool,
    is_marked: bool,
    is_stacked: bool,
    is_set_off: bool,
}

impl Reader {
    fn pair(&mut self, label: &str, lines: &[Line]) {
        self.close();
        let meaning = label::meaning(label).map(|(meaning, _)| meaning);
        // A form within a cell: `City: Austin` below `Address`.
        let is_composed = matches!(meaning, Some(Meaning::Field(SourceField::Address | SourceField::Name)));
        let parts: Vec<Found<'_>> = lines.iter().filter_map(known_label).collect();
        if is_composed && parts.len() >= 2 && parts.len() == lines.len() {
            for part in parts {
                self.reading.note(part.label, part.meaning, part.value);
            }
            return;
        }
        let mut texts: Vec<String> = Vec::new();
        for line in lines.iter().filter(|line| !line.is_link || meaning.is_none()) {
            if line.gap == Gap::Paragraph && !texts.is_empty() {
                texts.push(String::new());
            }
            texts.push(line.text.clone());
        }
        let lines = texts;
        self.open = Some(Open { label: label.to_owned(), meaning, lines, is_beside: false });
        self.close();
    }

    fn line(&mut self, line: &Line, after: &[Piece]) {
        let next = after.first().and_then(|piece| match piece {
            Piece::Line(line) => Some(line),
            Piece::Pair(..) => None,
        });
        let is_way_back = line.gap != Gap::Break && self.passing.is_way_back(&line.text);
        if let Some(found) = self.found(line, next, after.get(1))
            && !is_way_back
            && self.may_begin(&found, line, after)
        {
            self.close();
            let lines = Some(found.value).filter(|value| !value.is_empty()).map(str::to_owned);
            self.open = Some(Open {
                label: found.label.to_owned(),
                meaning: found.meaning,
                is_beside: lines.is_some(),
                lines: lines.into_iter().collect(),
            });
            return;
        }
        self.go_on(line);
    }

    /// Reads a line as one that begins with a label.
    fn found<'a>(&self, line: &'a Line, next: Option<&Line>, then: Option<&Piece>) -> Option<Found<'a>> {
        if let Some(known) = known_label(line) {
            return Some(known);
        }
        let bare = |meaning| Found { label: &line.text, meaning, value: "", is_marked: line.is_heading() };
        // A known label on a line of its own. One that is known by its words has to be followed by what it asks for.
        if let Some((meaning, certainty)) = label::meaning(&line.text)
            && line.text.len() <= LABEL_LENGTH
        {
            let is_followed = |field| next.is_some_and(|next| label::is_likely(field, &next.text));
            let is_set_off = line.marked_bytes == line.text.len() || line.text.ends_with(['?', ':']);
            let is_sure = match (certainty, meaning) {
                (Certainty::Whole, _) => true,
                (Certainty::ByWords, Meaning::Field(field @ (SourceField::Email | SourceField::Phone))) => {
                    is_set_off || is_followed(field)
                }
                // At the head of its own paragraph or in an element of its own, and no part of a message.
                (Certainty::ByWords, Meaning::Field(SourceField::Message) | Meaning::Question) => {
                    let is_above = next.is_some_and(|next| match line.gap {
                        Gap::Paragraph => next.gap == Gap::Break,
                        Gap::Block => next.gap == Gap::Block,
                        Gap::Break => false,
                    });
                    let is_within =
                        self.open.as_ref().is_some_and(|open| open.is_message() && !open.lines.is_empty());
                    is_set_off || (is_above && !is_within && is_title(label::without_number(&line.text)))
                }
                (Certainty::ByWords, _) => is_set_off,
            };
            if is_sure {
                return Some(bare(Some(meaning)));
            }
        }
        // A name in bold type above a number or a town is the head of a card.
        if card::is_person(&line.text) && next.is_some_and(|next| card::part(&next.text).is_some()) {
            return None;
        }
        if let Some(unknown) = unknown_label(line) {
            return Some(unknown);
        }
        let ends_there = !matches!(then, Some(Piece::Line(then)) if then.gap == Gap::Break);
        let is_above = next.is_some_and(|next| next.gap == Gap::Break) && ends_there;
        let is_alone = line.gap == Gap::Paragraph && is_title(&line.text);
        let is_set_off = self.is_set_off && is_whole(line) && line.gap != Gap::Break && is_title(&line.text);
        let awaits_value = self.open.as_ref().is_some_and(|open| open.lines.is_empty());
        let is_label = (is_set_off && next.is_some()) || (self.is_stacked && is_alone && is_above);
        let known = label::meaning(&line.text).map(|(meaning, _)| meaning);
        (is_label && !awaits_value).then(|| bare(known))
    }

    /// Tells whether a label may end what is open.
    fn may_begin(&self, found: &Found<'_>, line: &Line, after: &[Piece]) -> bool {
        let next = after.first().and_then(|piece| match piece {
            Piece::Line(line) => Some(line),
            Piece::Pair(..) => None,
        });
        let Some(open) = self.open.as_ref().filter(|open| open.is_message()) else { return true };
        if (found.is_marked && line.is_strong)
            || (self.is_set_off && is_whole(line) && line.gap != Gap::Break)
        {
            return true;
        }
        // A fact that the sender adds in a paragraph of its own is none of the person's words.
        let is_fact = line.gap != Gap::Break
            && (found.meaning == Some(Meaning::Technical) || is_fee(found.label, found.value));
        if self.is_marked && !found.is_marked && !open.lines.is_empty() && !is_fact {
            return false;
        }
        let is_followed = |field| match found.value {
            // A question within the message is none of the form's.
            "" if line.gap == Gap::Break && !matches!(field, SourceField::Email | SourceField::Phone) => {
                false
            }
            "" => next.is_some_and(|next| label::is_likely(field, &next.text)),
            value => label::is_likely(field, value),
        };
        match found.meaning {
            // `Reason for call: Leak` says what it is about, and the message comes below it.
            Some(Meaning::Field(SourceField::Message))
                if open.meaning == Some(Meaning::Question) && open.is_beside && open.lines.len() == 1 =>
            {
                true
            }
            Some(Meaning::Field(SourceField::Message) | Meaning::Question) => {
                open.lines.is_empty() || (line.gap != Gap::Break && found.value.is_empty())
            }
            Some(Meaning::Field(field)) => !self.reading.has(field) && is_followed(field),
            Some(Meaning::Technical | Meaning::Origin(_)) => {
                let is_above = line.gap == Gap::Paragraph && next.is_some_and(|next| next.gap == Gap::Break);
                !found.value.is_empty() || (self.is_stacked && is_above)
            }
            None if is_fact => true,
            // An answer of a few words, and the next question above its own.
            None if found.value.is_empty() && self.is_stacked && line.gap == Gap::Paragraph => {
                let words = open.lines.iter().flat_map(|line| line.split_whitespace()).count();
                words <= ANSWER_WORDS && next.is_some_and(|next| next.gap == Gap::Break)
            }
            None if found.value.is_empty() || is_of_letters(found.label) => false,
            None if is_box(found.value) => true,
            // `How shall we call?: By phone` is a form's, and no sentence.
            None if found.label.ends_with('?') => true,
            None => line.gap == Gap::Paragraph && only_labels_follow(after),
        }
    }

    fn go_on(&mut self, line: &Line) {
        let starts = line.gap != Gap::Break;
        let is_signature = self.passing.is_signature(&line.text)
            || (self.passing.is_name(&line.text) && self.is_below_closing());
        if is_signature {
            self.sign(starts);
            return;
        }
        let ends = is_rule(&line.text)
            || is_drawn_heading(&line.text)
            || (starts && (line.is_link || ends_message(&line.text) || self.passing.is_way_back(&line.text)))
            || (line.gap == Gap::Paragraph && self.is_answered() && self.passing.speaks(&line.text));
        let Some(open) = &mut self.open else {
            self.aside(line);
            return;
        };
        if open.is_message() {
            let length: usize = open.lines.iter().map(String::len).sum();
            match ends {
                true => self.close(),
                false if length < MESSAGE_LENGTH => {
                    if line.gap == Gap::Paragraph && !open.lines.is_empty() {
                        open.lines.push(String::new());
                    }
                    open.lines.push(line.text.clone());
                }
                false => {}
            }
            return;
        }
        // A name below a heading such as "Contact details" is no value of it.
        let is_heading = open.meaning == Some(Meaning::Technical) && !open.is_beside;
        let is_first = open.lines.is_empty() && !(is_heading && card::is_person(&line.text));
        let is_ended = ends || line.is_link || ends_message(&line.text) || open.lines.len() >= VALUE_LINES;
        let is_address = open.meaning == Some(Meaning::Field(SourceField::Address));
        let looks_like_one = line.text.contains(|c: char| c == ',' || c.is_ascii_digit());
        let is_near = line.gap != Gap::Paragraph && !line.is_heading();
        // The lines of a card below the name, each in a row of its own.
        let is_card = open.meaning == Some(Meaning::Field(SourceField::Name))
            && is_near
            && !is_first
            && card::part(&line.text).is_some();
        let goes_on = (!starts && !open.is_beside) || (is_address && is_near && looks_like_one) || is_card;
        match !is_ended && (is_first || goes_on) {
            true => open.lines.push(line.text.clone()),
            false => {
                self.close();
                self.aside(line);
            }
        }
    }

    fn aside(&mut self, line: &Line) {
        if !self.is_signed {
            self.reading.aside(&line.text);
        }
    }

    fn is_answered(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.lines.is_empty())
    }

    /// Tells whether the open text ends with a word such as "Regards".
    fn is_below_closing(&self) -> bool {
        let mut lines = self.open.as_ref().map(|open| open.lines.clone()).unwrap_or_default();
        let count = lines.len();
        without_closing(&mut lines);
        lines.len() < count
    }

    /// Ends what is open above the sender's own signature.
    fn sign(&mut self, starts: bool) {
        if let Some(open) = &mut self.open {
            if !starts {
                without_last_paragraph(&mut open.lines);
            }
            without_closing(&mut open.lines);
        }
        self.close();
        self.is_signed = self.reading.contacts() > 0;
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let value = open.lines.join("\n");
        self.reading.note(&open.label, open.meaning, &value);
    }
}

/// Reads a line as a known label with its value beside it, or its own sign behind it.
fn known_label(line: &Line) -> Option<Found<'_>> {
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
fn unknown_label(line: &Line) -> Option<Found<'_>> {
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
    if line.is_strong && !marked.is_empty() && is_signed && marked.len() <= LABEL_LENGTH {
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
    Some((plain(label).trim_matches(['[', ']']), plain(rest), sign))
}

/// Tells whether a text has the shape of a label: few words, and no sentence.
fn is_title(text: &str) -> bool {
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
fn is_fee(label: &str, value: &str) -> bool {
    let folded = label::folded(label);
    let is_of_money =
        ["fee", "price", "cost", "charge"].iter().any(|word| folded.split(' ').any(|part| part == *word));
    is_of_money && value.starts_with(['$', '£', '€'])
}

/// What a form's program says of a box: ticked or not.
fn is_box(value: &str) -> bool {
    let boxes = [
        "on", "off", "yes", "no", "true", "false", "checked", "accepted", "ja", "nein", "sí", "oui", "non",
        "nee",
    ];
    boxes.contains(&value.trim().to_lowercase().as_str())
}

/// Words that people, too, end a letter with.
fn is_of_letters(label: &str) -> bool {
    let words =
        ["ps", "p.s.", "nb", "note", "thanks", "thank you", "regards", "best", "update", "edit", "btw"];
    words.contains(&label.trim().to_lowercase().as_str())
}

/// Tells whether nothing but labels with their values, or the end of the mail, comes below.
fn only_labels_follow(after: &[Piece]) -> bool {
    let is_label = |piece: &Piece| match piece {
        Piece::Line(line) => known_label(line).is_some() || unknown_label(line).is_some(),
        Piece::Pair(..) => true,
    };
    let ends = |piece: &&Piece| match piece {
        Piece::Line(line) => is_rule(&line.text) || line.is_link || ends_message(&line.text),
        Piece::Pair(..) => false,
    };
    after.iter().take(FOLLOWING).take_while(|piece| !ends(piece)).all(is_label)
}
