//! What a mail says of a person beside no label: a card, a message, a name, a place.

use super::{Reading, Said};
use crate::lead::lead_format::card::{self, Part, is_street};
use crate::lead::lead_format::ending::ends_message;
use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::label::{Meaning, address_in, is_only_phone};
use crate::lead::lead_format::layout::is_rule;
use crate::lead::lead_format::place::{is_place, postcode_in};
use crate::lead::lead_format::voice::is_of_sender;
use nexora_core::model::source::SourceField;

/// Words of a line from which on a person may have written it.
const SENTENCE_WORDS: usize = 4;

/// Words beside a mail address, at most, with which it is still all that is said.
const BESIDE: usize = 4;

impl Reading {
    /// Takes what stands beside labels that are not known and says by itself what it is: a mail address, a number, and the name
    /// that the address holds.
    pub fn take_by_value(&mut self) {
        let unknown: Vec<Said> = self.others.iter().filter(|said| said.is_unknown).cloned().collect();
        for said in &unknown {
            let rest = |address: &str| said.value.replace(address, "").split_whitespace().count();
            if address_in(&said.value).is_some_and(|address| rest(address) <= BESIDE) {
                self.note_missing(SourceField::Email, &said.value);
            }
            let number =
                said.value.split(['/', ',', ';', '|']).map(str::trim).find(|part| is_only_phone(part));
            if let Some(number) = number {
                self.note_missing(SourceField::Phone, number);
            }
        }
        let local = self.email().and_then(|email| email.split('@').next()).unwrap_or_default().to_lowercase();
        let is_of_address = |name: &str| {
            let mut words = name.split_whitespace().map(str::to_lowercase).filter(|word| word.len() > 2);
            card::is_person(name) && words.any(|word| local.contains(&word))
        };
        let values = unknown.iter().map(|said| said.value.as_str());
        let name = values.chain(self.asides()).find(|name| is_of_address(name)).map(str::to_owned);
        if let Some(name) = name {
            self.note_missing(SourceField::Name, &name);
        }
    }

    /// Tells whether there is a card of somebody whom the subject, or the mail address on it, names.
    pub fn has_named_card(&self, subject: &str) -> bool {
        let others = self.others.iter().flat_map(Said::lines);
        let lines: Vec<&str> = self.asides().chain(others).collect();
        card::find(&lines).is_some_and(|card| {
            let email = card
                .parts
                .iter()
                .find(|(part, _)| *part == Part::Email)
                .map(|(_, email)| email.to_lowercase());
            let mut words = card.name.split_whitespace().map(str::to_lowercase).filter(|word| word.len() > 2);
            subject.contains(card.name) || email.is_some_and(|email| words.any(|word| email.contains(&word)))
        })
    }

    /// Takes a person's card that bears no labels; of somebody else than is expected, all but the name.
    pub fn take_card(&mut self, expected: Option<&str>) {
        // What stands below a heading was read as its value.
        let has_card = |said: &Said| card::find(&said.lines().collect::<Vec<_>>()).is_some();
        if let Some(said) = self.others.iter().position(has_card).map(|index| self.others.remove(index)) {
            let before = self.asides.len();
            self.asides.splice(0..0, said.lines().map(str::to_owned));
            self.breaks.splice(0..0, std::iter::repeat_n(true, self.asides.len() - before));
        }
        let asides = std::mem::take(&mut self.asides);
        let lines: Vec<&str> = asides.iter().map(String::as_str).collect();
        if let Some(card) = card::find(&lines) {
            let first = |name: &str| name.split_whitespace().next().map(str::to_lowercase);
            match expected.filter(|name| card::is_person(name)).filter(|name| first(name) != first(card.name))
            {
                Some(expected) => self.note_missing(SourceField::Name, expected),
                None => self.note_missing(SourceField::Name, card.name),
            }
            // `Property: Single-family` is no address where the card gives one.
            let has_number = |said: &Said| said.value.bytes().any(|byte| byte.is_ascii_digit());
            if card.address().bytes().any(|byte| byte.is_ascii_digit())
                && let Some(list) = self.said.get_mut(&SourceField::Address)
                && !list.iter().any(has_number)
            {
                self.others.append(list);
            }
            if !self.has(SourceField::City) {
                self.note_missing(SourceField::Address, &card.address());
            }
        }
        for line in lines {
            match card::part(line) {
                Some(Part::Email) => self.note_missing(SourceField::Email, line),
                Some(Part::Phone) => self.note_missing(SourceField::Phone, card::without_label(line.trim())),
                Some(Part::Street | Part::Place | Part::Address) | None => {}
            }
        }
        self.asides = asides;
    }

    /// Takes what a person wrote where a message is told of and stands beside no label: the longest text that is not
    /// about the person.
    pub fn take_words_of_message(&mut self, subject: &str, is_told: bool) {
        let subject = subject.to_lowercase();
        if self.has_message() || !is_told {
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

    /// Takes all that stands beside no label in a mail of a site's own form, from the first sentence to where the program's words
    /// begin.
    pub fn take_letter(&mut self) {
        let is_theirs = |line: &str| line.split_whitespace().count() >= SENTENCE_WORDS && !ends_message(line);
        let lines = self.asides.iter().zip(&self.breaks).map(|(line, starts)| (line.as_str(), *starts));
        let mut lines = lines.skip_while(|(line, _)| {
            !is_theirs(line) || line.contains('@') || line.ends_with(':') || is_of_sender(line)
        });
        let Some((first, _)) = lines.next().filter(|_| !self.has_message()) else { return };
        let mut letter = first.to_owned();
        for (line, starts) in lines {
            if is_rule(line) || ends_message(line) || line.contains("://") || (starts && is_of_sender(line)) {
                break;
            }
            letter.extend([if starts { "\n\n" } else { "\n" }, line]);
        }
        self.note("", Some(Meaning::Field(SourceField::Message)), &letter);
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
            && let lines = self.asides().chain(others).flat_map(parts).collect::<Vec<_>>()
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
        // `Hood cleaning in 95112`
        let is_code = |word: &&str| word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit());
        let in_place = |line: &str| {
            let (before, last) = line.rsplit_once(' ')?;
            let is_in = ["in", "near", "à", "en"].iter().any(|word| before.ends_with(&format!(" {word}")));
            Some(last).filter(is_code).filter(|_| is_in).map(str::to_owned)
        };
        if read.get(SourceField::Address).is_none()
            && read.get(SourceField::City).is_none()
            && let Some(code) = self.asides().find_map(in_place)
        {
            read.offer(SourceField::Postcode, &code);
        }
        for field in [SourceField::Address, SourceField::City] {
            if let Some(code) = read.get(field).and_then(postcode_in) {
                read.offer(SourceField::Postcode, &code);
            }
        }
    }
}

/// Parts a line at the signs that stand between facts: `Door installation · Tacoma, WA 98403`.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    line.split(['·', '•', '|']).flat_map(|part| part.split(" - ")).map(str::trim)
}
