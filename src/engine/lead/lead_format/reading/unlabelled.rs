//! What a mail says of a person beside no label: a card, a message, a name, a place.

use super::{Reading, Said};
use crate::lead::lead_format::card::{self, Part, is_street};
use crate::lead::lead_format::ending::ends_message;
use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::label::Meaning;
use crate::lead::lead_format::place::{is_place, postcode_in};
use nexora_core::model::source::SourceField;

/// Words of a line from which on a person may have written it.
const SENTENCE_WORDS: usize = 4;

impl Reading {
    /// Takes a person's card that bears no labels.
    pub fn take_card(&mut self) {
        // What stands below a heading was read as its value.
        let has_card = |said: &Said| card::find(&said.lines().collect::<Vec<_>>()).is_some();
        if let Some(said) = self.others.iter().position(has_card).map(|index| self.others.remove(index)) {
            self.asides.splice(0..0, said.lines().map(str::to_owned));
        }
        let asides = std::mem::take(&mut self.asides);
        let lines: Vec<&str> = asides.iter().map(String::as_str).collect();
        if let Some(card) = card::find(&lines) {
            self.note_missing(SourceField::Name, card.name);
            if !self.has(SourceField::City) {
                self.note_missing(SourceField::Address, &card.address());
            }
        }
        for line in lines {
            match card::part(line) {
                Some(Part::Email) => self.note_missing(SourceField::Email, line),
                Some(Part::Phone) => self.note_missing(SourceField::Phone, line),
                Some(Part::Street | Part::Place | Part::Address) | None => {}
            }
        }
        self.asides = asides;
    }

    /// Takes what a person wrote where a message is told of and stands beside no label: the longest text that is not
    /// about the person.
    pub fn take_words_of_message(&mut self, subject: &str) {
        let subject = subject.to_lowercase();
        if self.has_message() || !subject.contains("message") {
            return;
        }
        // `Jo Miller sent your business a message`, which the subject says as well.
        let is_told = |line: &str| {
            let lower = line.to_lowercase();
            lower.contains(" message")
                && lower.split_whitespace().filter(|word| subject.contains(word)).count() >= 3
        };
        let is_theirs = |line: &str| {
            line.split_whitespace().count() >= SENTENCE_WORDS
                && !ends_message(line)
                && !line.contains("://")
                && !is_told(line)
        };
        let told = self.others.iter().find(|said| said.label.to_lowercase().contains("message"));
        let told: Vec<&str> = told.map(|said| said.value.lines().collect()).unwrap_or_default();
        let below = told.iter().position(|line| is_theirs(line)).map(|start| {
            let lines = told.iter().skip(start).take_while(|line| !ends_message(line));
            lines.copied().collect::<Vec<_>>().join("\n")
        });
        let longest = || self.asides().filter(|line| is_theirs(line)).max_by_key(|line| line.len());
        if let Some(words) = below.or_else(|| longest().map(str::to_owned)) {
            self.note("", Some(Meaning::Field(SourceField::Message)), &words);
        }
    }

    /// Takes the name of the person that a subject tells of by the first name: `You've unlocked Louisa's details`.
    pub fn take_person_of(&mut self, subject: &str, is_business: impl Fn(&str) -> bool) {
        if self.has_name() {
            return;
        }
        let words = |text: &str| {
            let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
            words.filter(|word| word.len() > 1).collect::<Vec<_>>()
        };
        let told = words(subject);
        let is_told = |line: &&str| {
            card::is_person(line)
                && words(line).first().is_some_and(|first| told.contains(first) && !is_business(first))
        };
        let others = self.others.iter().flat_map(Said::lines);
        let found = self.asides().chain(others).find(is_told).map(str::to_owned);
        if let Some(name) = found {
            self.note("", Some(Meaning::Field(SourceField::Name)), &name);
        }
    }

    fn note_missing(&mut self, field: SourceField, value: &str) {
        let is_missing = if field == SourceField::Name { !self.has_name() } else { !self.has(field) };
        if is_missing {
            self.note("", Some(Meaning::Field(field)), value);
        }
    }

    /// Finds a place that stands beside no label, and the post code within an address.
    pub(super) fn place(&self, read: &mut Fields) {
        if read.get(SourceField::Address).is_none()
            && read.get(SourceField::City).is_none()
            && let others = self.others.iter().flat_map(|said| said.value.lines())
            && let lines = self.asides().chain(others).collect::<Vec<_>>()
            && let Some(index) = lines.iter().position(|line| is_place(line))
            && let Some(place) = lines.get(index)
        {
            let above = index.checked_sub(1).and_then(|above| lines.get(above));
            match above.filter(|line| is_street(line)) {
                Some(street) => {
                    read.offer(SourceField::Address, &format!("{}, {place}", street.trim_end_matches(',')));
                }
                None => read.offer(SourceField::Address, place),
            }
        }
        for field in [SourceField::Address, SourceField::City] {
            if let Some(code) = read.get(field).and_then(postcode_in) {
                read.offer(SourceField::Postcode, &code);
            }
        }
    }
}
