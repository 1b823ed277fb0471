//! Labels and values in a mail: `Phone: 555 0100`, `Phone | 555 0100`, rows of a table, or the value on the lines
//! below its label.
//!
//! What is not known as a label of a lead becomes a detail. A message ends where another part of the form begins, and
//! not at a line that only looks like it: what a label asks for has to follow it.

mod arranged;
mod found;
mod manner;

use crate::lead::lead_format::card;
use crate::lead::lead_format::ending::{
    Passing, closes_for_program, ends_message, without_closing, without_last_paragraph,
};
use crate::lead::lead_format::html::{Gap, Line, Position};
use crate::lead::lead_format::label::{self, Certainty, Meaning};
use crate::lead::lead_format::layout::{self, Piece, is_drawn_heading, is_rule};
use crate::lead::lead_format::mail_text::arranged::{columns, forwarded, upright};
use crate::lead::lead_format::mail_text::found::{
    FOLLOWING, Found, LABEL_LENGTH, dashed, is_box, is_fee, is_link, is_of_letters, is_page, is_title,
    known_label, only_labels_follow, only_labels_go_on, unknown_label,
};
use crate::lead::lead_format::mail_text::manner::{Manner, is_whole};
use crate::lead::lead_format::reading::Reading;
use crate::lead::lead_format::voice::{is_of_self, is_of_sender};
use nexora_core::model::mail::Mail;
use nexora_core::model::source::SourceField;

/// Words of an answer up to which it is no message.
const ANSWER_WORDS: usize = 4;
const VALUE_LINES: usize = 12;
/// Words of a line from which on it is a sentence.
const SENTENCE_WORDS: usize = 6;
/// Labels in a row from which on they are a form's.
const ROW: usize = 2;
const MESSAGE_LENGTH: usize = 20_000;

/// Reads a mail: its text or its HTML, whichever says more.
pub fn read(mail: &Mail) -> Reading {
    let passing = Passing::of(mail);
    let read = |pieces| of_pieces(forwarded(pieces, &mail.subject), passing.clone());
    let lines = layout::of_text(&mail.text);
    let of_text = match read(lines.clone()) {
        nothing if nothing.weight() == 0 => columns(lines).map_or(nothing, read),
        found => found,
    };
    let Some(html) = &mail.html else { return of_text };
    let of_html = read(layout::of_html(html));
    if of_html.weight() >= of_text.weight() { of_html } else { of_text }
}

fn of_pieces(pieces: Vec<Piece>, passing: Passing) -> Reading {
    let pieces = upright(pieces);
    let manner = Manner::of(&pieces);
    let mut reader = Reader { passing, manner, ..Reader::default() };
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

/// A label whose value is being read.
struct Open {
    label: String,
    meaning: Option<Meaning>,
    lines: Vec<String>,
    /// The value began on the label's own line.
    is_beside: bool,
    /// Where the value begins.
    position: Option<Position>,
    /// It was taken for a message by its length alone.
    is_guessed: bool,
}

impl Open {
    fn is_message(&self) -> bool {
        matches!(self.meaning, Some(Meaning::Field(SourceField::Message) | Meaning::Question))
    }

    fn push(&mut self, line: &Line, may_be_message: bool) {
        // A sentence below a label that is not known is as good as one below an open question.
        let is_sentence = line.text.split_whitespace().count() >= SENTENCE_WORDS;
        if may_be_message && self.meaning.is_none() && !self.is_beside && self.lines.is_empty() && is_sentence
        {
            self.meaning = Some(Meaning::Question);
            self.is_guessed = true;
        }
        self.position.get_or_insert(line.position);
        self.lines.push(line.text.clone());
    }

    /// Tells whether a line stands where nothing of the value can.
    fn is_left_by(&self, line: &Line) -> bool {
        self.position.is_some_and(|position| line.position.is_elsewhere(position))
    }
}

#[derive(Default)]
struct Reader {
    reading: Reading,
    passing: Passing,
    open: Option<Open>,
    /// Labels with their values beside them that stand in a row, one below the other.
    row: usize,
    /// They have a dash between them.
    is_dashed: bool,
    /// What stands below the sender's signature is the sender's.
    is_signed: bool,
    manner: Manner,
}

impl Reader {
    fn pair(&mut self, label: &str, lines: &[Line]) {
        self.close();
        // `Form: How can we help` beside its value.
        let part = label.rsplit_once(": ").map_or(label, |(_, part)| part);
        let meaning = label::meaning(label).or_else(|| label::meaning(part)).map(|(meaning, _)| meaning);
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
        self.open = Some(Open {
            label: label.to_owned(),
            meaning,
            lines,
            is_beside: false,
            position: None,
            is_guessed: false,
        });
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
            let goes_on = line.gap == Gap::Break || self.row == 0;
            self.is_dashed = dashed(line).is_some() && found.meaning.is_some()
                || (self.is_dashed && line.gap == Gap::Break);
            self.row = if found.value.is_empty() { 0 } else { usize::from(goes_on) * self.row + 1 };
            let lines = Some(found.value).filter(|value| !value.is_empty()).map(str::to_owned);
            self.open = Some(Open {
                label: found.label.to_owned(),
                meaning: found.meaning,
                is_beside: lines.is_some(),
                position: lines.as_ref().map(|_| line.position),
                is_guessed: false,
                lines: lines.into_iter().collect(),
            });
            return;
        }
        self.go_on(line, after);
    }

    /// Reads a line as one that begins with a label.
    fn found<'a>(&self, line: &'a Line, next: Option<&Line>, then: Option<&Piece>) -> Option<Found<'a>> {
        // A button: `Message Jo`.
        if line.is_link {
            return None;
        }
        if let Some(known) = known_label(line) {
            return Some(known);
        }
        let bare = |meaning| Found { label: &line.text, meaning, value: "", is_marked: line.is_heading() };
        // A known label on a line of its own. One that is known by its words has to be followed by what it asks for.
        if let Some((meaning, certainty)) = label::meaning(&line.text)
            && line.text.len() <= LABEL_LENGTH
        {
            let is_sure = certainty == Certainty::Whole || self.is_sure(meaning, line, next);
            if is_sure {
                return Some(bare(Some(meaning)));
            }
        }
        // A name in bold type above a number or a town is the head of a card.
        if card::is_person(&line.text) && next.is_some_and(|next| card::part(&next.text).is_some()) {
            return None;
        }
        // Above a label of one it is the person's, too.
        let is_of_person = |next: &Line| {
            let meaning =
                known_label(next).filter(|found| !found.value.is_empty()).and_then(|found| found.meaning);
            matches!(meaning, Some(Meaning::Field(SourceField::Email | SourceField::Phone)))
        };
        if line.is_heading()
            && card::is_person(&line.text)
            && next.is_some_and(is_of_person)
            && !self.reading.has_name()
        {
            let name = Some(Meaning::Field(SourceField::Name));
            return Some(Found { label: "", meaning: name, value: &line.text, is_marked: true });
        }
        if let Some(unknown) = unknown_label(line).or_else(|| dashed(line).filter(|_| self.is_dashed)) {
            return Some(unknown);
        }
        let ends_there = !matches!(then, Some(Piece::Line(then)) if then.gap == Gap::Break);
        let is_above = next.is_some_and(|next| next.gap == Gap::Break) && ends_there;
        let is_alone = line.gap == Gap::Paragraph && is_title(&line.text);
        let is_set_off =
            self.manner.is_set_off && is_whole(line) && line.gap != Gap::Break && is_title(&line.text);
        let is_of_look = self.manner.look == Some(line.position.look())
            && next.is_some_and(|next| next.position.look() != line.position.look())
            && is_title(&line.text);
        let awaits_value = self.open.as_ref().is_some_and(|open| open.lines.is_empty());
        let is_label =
            is_of_look || (is_set_off && next.is_some()) || (self.manner.is_stacked && is_alone && is_above);
        let known = label::meaning(&line.text).map(|(meaning, _)| meaning);
        (is_label && !awaits_value).then(|| bare(known))
    }

    /// Tells whether a line that is known by its words alone is a label.
    fn is_sure(&self, meaning: Meaning, line: &Line, next: Option<&Line>) -> bool {
        let is_followed = |field| next.is_some_and(|next| label::is_likely(field, &next.text));
        let is_set_off = line.marked_bytes == line.text.len() || line.text.ends_with(['?', ':']);
        match meaning {
            Meaning::Field(field @ (SourceField::Email | SourceField::Phone)) => {
                is_set_off || is_followed(field)
            }
            // At the head of its own paragraph or in an element of its own, and no part of a message.
            Meaning::Field(SourceField::Message) | Meaning::Question => {
                let is_above = next.is_some_and(|next| match line.gap {
                    Gap::Paragraph => next.gap == Gap::Break,
                    Gap::Block => next.gap == Gap::Block,
                    Gap::Break => false,
                });
                let is_within =
                    self.open.as_ref().is_some_and(|open| open.is_message() && !open.lines.is_empty());
                is_set_off || (is_above && !is_within && is_title(label::without_number(&line.text)))
            }
            Meaning::Field(_) | Meaning::Origin(_) | Meaning::Technical => is_set_off,
        }
    }

    /// Tells whether a label may end what is open.
    fn may_begin(&self, found: &Found<'_>, line: &Line, after: &[Piece]) -> bool {
        let next = after.first().and_then(|piece| match piece {
            Piece::Line(line) => Some(line),
            Piece::Pair(..) => None,
        });
        let Some(open) = self.open.as_ref().filter(|open| open.is_message()) else { return true };
        if open.is_left_by(line)
            || (open.is_guessed && line.gap != Gap::Break)
            || (found.is_marked && (line.is_strong || self.manner.is_marked))
            || (self.manner.is_set_off && is_whole(line) && line.gap != Gap::Break)
        {
            return true;
        }
        // A fact that the sender adds in a paragraph of its own is none of the person's words.
        let is_fact = line.gap != Gap::Break
            && (found.meaning == Some(Meaning::Technical) || is_fee(found.label, found.value));
        if self.manner.is_marked && !found.is_marked && !open.lines.is_empty() && !is_fact {
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
            // The button below the last field, in a form whose labels stand close together.
            Some(Meaning::Technical | Meaning::Origin(_)) if open.is_beside && self.row > ROW => true,
            Some(Meaning::Technical | Meaning::Origin(_)) => {
                let is_above = line.gap == Gap::Paragraph && next.is_some_and(|next| next.gap == Gap::Break);
                !found.value.is_empty() || (self.manner.is_stacked && is_above)
            }
            None if is_fact => true,
            // An answer of a few words, and the next question above its own.
            None if found.value.is_empty() && self.manner.is_stacked && line.gap == Gap::Paragraph => {
                let words = open.lines.iter().flat_map(|line| line.split_whitespace()).count();
                let is_alone = !matches!(after.get(1), Some(Piece::Line(then)) if then.gap == Gap::Break);
                let is_question = line.text.ends_with('?') && is_alone;
                (words <= ANSWER_WORDS || is_question) && next.is_some_and(|next| next.gap == Gap::Break)
            }
            None if found.value.is_empty() || is_of_letters(found.label) => false,
            None if is_box(found.value) => true,
            // `How shall we call?: By phone` is a form's, and no sentence.
            None if found.label.ends_with('?') => true,
            // In a form whose labels stand close together, more of them follow the message.
            None if line.gap == Gap::Break && open.is_beside && self.row > ROW && open.lines.len() == 1 => {
                only_labels_go_on(after)
            }
            None => {
                line.gap == Gap::Paragraph
                    && (is_page(found.value) || only_labels_follow(after, &self.passing))
            }
        }
    }

    fn go_on(&mut self, line: &Line, after: &[Piece]) {
        let starts = line.gap != Gap::Break;
        let next = after.first().and_then(|piece| match piece {
            Piece::Line(line) => Some(line),
            Piece::Pair(..) => None,
        });
        // What the form says of a question, set apart from what was answered.
        let is_hint = is_whole(line)
            && !line.is_strong
            && next.is_some_and(|next| next.gap != Gap::Break && next.marked_bytes == 0)
            && self.open.as_ref().is_some_and(|open| open.is_message() && open.lines.is_empty());
        if is_hint && self.manner.is_marked {
            self.aside(line);
            return;
        }
        let is_signature = self.passing.is_signature(&line.text)
            || (self.passing.is_name(&line.text) && self.is_below_closing());
        if is_signature {
            self.sign(starts);
            return;
        }
        let ends = self.ends(line, next, after);
        let may_be_message = !self.reading.has_message() && self.reading.contacts() > 0;
        let Some(open) = &mut self.open else {
            self.aside(line);
            return;
        };
        if open.is_message() && open.is_left_by(line) {
            self.close();
            self.aside(line);
            return;
        }
        if open.is_message() {
            let length: usize = open.lines.iter().map(String::len).sum();
            match ends {
                true => self.close(),
                false if length < MESSAGE_LENGTH => {
                    if line.gap == Gap::Paragraph && !open.lines.is_empty() {
                        open.lines.push(String::new());
                    }
                    open.push(line, false);
                }
                false => {}
            }
            return;
        }
        // A name below a heading such as "Contact details" is no value of it.
        let is_heading = open.meaning == Some(Meaning::Technical) && !open.is_beside;
        let is_above_card =
            open.meaning.is_none() && next.is_some_and(|next| card::part(&next.text).is_some());
        let is_person = (is_heading || is_above_card) && card::is_person(&line.text);
        let is_first = open.lines.is_empty() && !is_person;
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
            true => open.push(line, may_be_message),
            false => {
                self.close();
                self.aside(line);
            }
        }
    }

    /// Tells whether what a person said has ended above a line.
    fn ends(&self, line: &Line, next: Option<&Line>, after: &[Piece]) -> bool {
        let starts = line.gap != Gap::Break;
        is_rule(&line.text)
            || is_drawn_heading(&line.text)
            || next.is_some_and(|next| closes_for_program(&line.text, &next.text))
            || (starts
                && (line.is_link
                    || is_link(&line.text)
                    || ends_message(&line.text)
                    || self.passing.is_way_back(&line.text)))
            || (line.gap == Gap::Paragraph
                && self.is_answered()
                && self.is_of_sender(&paragraph(line, after)))
    }

    fn is_of_sender(&self, paragraph: &str) -> bool {
        let links = self.passing.links_to_own(paragraph) && !is_of_self(paragraph);
        links || self.passing.speaks(paragraph) || is_of_sender(paragraph)
    }

    fn aside(&mut self, line: &Line) {
        if !self.is_signed {
            self.reading.aside(&line.text, line.gap == Gap::Paragraph);
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
        // A heading with nothing below it may be a name.
        if open.lines.is_empty() && open.meaning.is_none() && !self.is_signed {
            self.reading.aside(&open.label, true);
        }
        let value = open.lines.join("\n");
        self.reading.note(&open.label, open.meaning, &value);
    }
}

/// Returns a line with those that stand below it in the same paragraph.
fn paragraph(line: &Line, after: &[Piece]) -> String {
    let mut text = line.text.clone();
    for piece in after.iter().take(FOLLOWING) {
        match piece {
            Piece::Line(next) if next.gap == Gap::Break && !is_rule(&next.text) => {
                text.extend(["\n", &next.text]);
            }
            Piece::Line(_) | Piece::Pair(..) => break,
        }
    }
    text
}
