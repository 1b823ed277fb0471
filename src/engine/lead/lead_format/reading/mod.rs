//! What was read of a mail, label by label, and the lead that it makes.

#[cfg(test)]
mod tests;
mod unlabelled;

use std::collections::BTreeMap;

use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::label::{self, Meaning, address_in, is_likely, is_only_phone, is_phone};
use crate::lead::lead_format::layout::plain;
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::place::{code_before, is_postcode, is_town, postcode_in};
use crate::lead::lead_format::voice;
use nexora_core::model::lead::{Attribution, Details};
use nexora_core::model::source::SourceField;

/// Labels that are kept at most.
const LABELS: usize = 200;
const DETAILS: usize = 40;

const PLACE: &[SourceField] = &[SourceField::Address, SourceField::City, SourceField::Region];
const PERSON: &[SourceField] = &[SourceField::Name, SourceField::FirstName, SourceField::LastName];
const ASIDES: usize = 200;

/// Labels that ask for the last name before the first, in a language in which both have a word of their own.
const LAST_FIRST: &[&str] = &["name vorname", "nachname vorname", "name und vorname", "nachname und vorname"];

/// Words of an answer from which on it is a message, and not only what the job is called.
const MESSAGE_WORDS: usize = 3;

/// Words of an answer to any question from which on it is no choice among several.
const ANSWER_WORDS: usize = 6;

/// A value with the label that it stood beside.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    label: String,
    value: String,
    /// The label is not known at all.
    is_unknown: bool,
}

impl Said {
    /// Returns the label and the value's lines.
    fn lines(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.label.as_str()).chain(self.value.lines())
    }
}

/// What was read of a mail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    said: BTreeMap<SourceField, Vec<Said>>,
    answers: Vec<Said>,
    others: Vec<Said>,
    origin: BTreeMap<String, String>,
    asides: Vec<String>,
    /// Whether each of them begins a paragraph.
    breaks: Vec<bool>,
    count: usize,
}

impl Reading {
    /// Notes a label with its value.
    pub fn note(&mut self, label: &str, meaning: Option<Meaning>, value: &str) {
        let value = value.trim();
        if value.is_empty() || self.count >= LABELS {
            return;
        }
        self.count += 1;
        if self.add_to_address(label, value) {
            return;
        }
        let said = Said { label: heading(label), value: value.to_owned(), is_unknown: meaning.is_none() };
        match meaning {
            Some(Meaning::Field(field)) => self.field(field, said),
            Some(Meaning::Question) => self.answers.push(said),
            Some(Meaning::Origin(name)) => {
                self.origin.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
            Some(Meaning::Technical) | None => self.others.push(said),
        }
    }

    /// Notes a line that belongs to no label, and whether it begins a paragraph.
    pub fn aside(&mut self, line: &str, starts: bool) {
        if self.asides.len() < ASIDES {
            self.asides.push(line.to_owned());
            self.breaks.push(starts);
        }
    }

    /// Returns the lines that belong to no label, in their order.
    pub fn asides(&self) -> impl Iterator<Item = &str> {
        self.asides.iter().map(String::as_str)
    }

    /// Returns the labels that are not known as those of a lead, as they were written.
    pub fn other_labels(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|said| said.label.as_str())
    }

    /// Returns the lines beside labels that are not known as those of a lead.
    pub fn other_values(&self) -> impl Iterator<Item = &str> {
        self.others.iter().flat_map(|said| said.value.lines())
    }

    /// Tells whether there is a value of the field that looks like one.
    pub fn has(&self, field: SourceField) -> bool {
        self.said.get(&field).is_some_and(|list| list.iter().any(|said| is_likely(field, &said.value)))
    }

    /// Returns the mail address that stands beside a label.
    pub fn email(&self) -> Option<&str> {
        self.said.get(&SourceField::Email)?.iter().find_map(|said| address_in(&said.value))
    }

    /// Tells whether there is a name beside a label.
    pub fn has_name(&self) -> bool {
        PERSON.iter().any(|field| self.has(*field))
    }

    /// Tells whether the person said what it is about.
    pub fn has_message(&self) -> bool {
        self.has(SourceField::Message) || !self.answers.is_empty()
    }

    /// Counts the ways in which the person is known: by name, by mail address, by telephone number, by place.
    pub fn contacts(&self) -> usize {
        let has = |fields: &[SourceField]| fields.iter().any(|field| self.has(*field));
        usize::from(self.has_name())
            + usize::from(has(&[SourceField::Email]))
            + usize::from(has(&[SourceField::Phone]))
            + usize::from(has(&[SourceField::Address, SourceField::City, SourceField::Postcode]))
    }

    /// Says how much was read, so that two readings of one mail can be compared.
    pub fn weight(&self) -> usize {
        let words = |said: &Said| said.value.split_whitespace().count();
        let answers = self.others.iter().any(|said| said.is_unknown && words(said) >= ANSWER_WORDS);
        self.contacts() * 2 + usize::from(self.has_message() || answers)
    }

    /// Makes a lead of what was read, and of `otherwise` where the mail itself says nothing; what has no field becomes
    /// a detail.
    pub fn into_lead(mut self, otherwise: Fields) -> ParsedLead {
        self.sort_answers();
        let mut read = Fields::default();
        let mut kept: Vec<Said> = Vec::new();
        for (field, list) in std::mem::take(&mut self.said) {
            let is_good = |said: &Said| is_likely(field, &said.value);
            let longest = || {
                let good = list.iter().enumerate().rev().filter(|(_, said)| is_good(said));
                good.max_by_key(|(_, said)| said.value.split_whitespace().count()).map(|(index, _)| index)
            };
            let best = match field {
                SourceField::Message => longest(),
                _ => list.iter().position(is_good),
            };
            let best = best.unwrap_or_default();
            for (index, said) in list.into_iter().enumerate() {
                match index == best {
                    true => Self::best(&mut read, field, said, &mut kept),
                    false => kept.push(said),
                }
            }
        }
        self.place(&mut read);
        read.fill(otherwise, &[PLACE, PERSON]);
        read.details = details(kept.into_iter().chain(self.others), &read);
        let mut lead = read.into_lead();
        let own = voice::without_talk_of(&lead.enquiry.message, &lead.enquiry.name).len();
        lead.enquiry.message.truncate(own);
        lead.enquiry.attribution = Attribution(self.origin);
        lead
    }

    fn field(&mut self, field: SourceField, said: Said) {
        let list = self.said.entry(field).or_default();
        list.push(said.clone());
        if field != SourceField::Name {
            return;
        }
        // A name with an address, or the lines of a card: name, number, address.
        let (name, rest) = match said.value.split_once('\n') {
            Some((name, rest)) => (name.to_owned(), rest.to_owned()),
            None => (said.value.clone(), String::new()),
        };
        // Where a name is not known, callers are told by their number.
        if is_only_phone(&name) {
            let said = Said { value: name.clone(), ..said.clone() };
            self.said.entry(SourceField::Phone).or_default().push(said);
            self.said.entry(SourceField::Name).or_default().pop();
            return;
        }
        let mut person = person(&name);
        // `Name, Vorname` has the last name first.
        if LAST_FIRST.contains(&label::folded(&said.label).as_str())
            && let Some((last, first)) = person.split_once(' ').filter(|(_, first)| !first.contains(' '))
        {
            person = format!("{first} {last}");
        }
        if let Some(last) = list.last_mut() {
            last.value = person;
        }
        let mut place: Vec<&str> = Vec::new();
        let found = address_in(&name).into_iter().chain(rest.lines());
        for line in found {
            let part = Said { value: line.trim().to_owned(), ..said.clone() };
            if address_in(line).is_some() {
                self.said.entry(SourceField::Email).or_default().push(part);
            } else if is_phone(line) && line.len() <= 40 {
                self.said.entry(SourceField::Phone).or_default().push(part);
            } else if !line.trim().is_empty() {
                place.push(line.trim());
            }
        }
        if !place.is_empty() {
            let part = Said { value: place.join("\n"), ..said.clone() };
            self.said.entry(SourceField::Address).or_default().push(part);
        }
    }

    /// Adds a house number or a second line to the address before it.
    fn add_to_address(&mut self, label: &str, value: &str) -> bool {
        let label = label::folded(label);
        let Some(address) = self.said.get_mut(&SourceField::Address).and_then(|list| list.last_mut()) else {
            return false;
        };
        let is_short = value.len() <= 40 && !value.contains('\n');
        match label.as_str() {
            "house number" | "house no" | "street number" if is_short => {
                address.value.insert_str(0, &format!("{value} "));
            }
            "hausnummer" | "huisnummer" | "nr" | "número" | "numero civico" if is_short => {
                address.value.extend([" ", value]);
            }
            "address line 2"
            | "address 2"
            | "street address line 2"
            | "apt"
            | "apartment"
            | "unit"
            | "suite"
            | "apt unit"
                if is_short =>
            {
                address.value.extend(["\n", value]);
            }
            _ => return false,
        }
        true
    }

    /// The longest answer to an open question is the message, where there is no other; the first of the rest is the job.
    fn sort_answers(&mut self) {
        let words = |said: &Said| said.value.split_whitespace().count();
        if !self.has(SourceField::Message) && self.answers.iter().all(|said| words(said) < MESSAGE_WORDS) {
            // An answer in a sentence says more than a choice, whatever was asked.
            let asked = self.others.iter().enumerate().filter(|(_, said)| is_said(said));
            let longest = asked.max_by_key(|(_, said)| words(said));
            if let Some(index) =
                longest.filter(|(_, said)| words(said) >= ANSWER_WORDS).map(|(index, _)| index)
            {
                let said = self.others.remove(index);
                self.said.entry(SourceField::Message).or_default().push(said);
            }
        }
        // A job in a sentence.
        if !self.has(SourceField::Message)
            && self.answers.is_empty()
            && let Some(list) = self.said.get_mut(&SourceField::Service)
            && let Some(index) =
                list.iter().position(|said| words(said) >= ANSWER_WORDS && said.value.contains([',', '.']))
        {
            let said = list.remove(index);
            self.said.entry(SourceField::Message).or_default().push(said);
        }
        if !self.has(SourceField::Message) {
            let longest = self.answers.iter().enumerate().rev().max_by_key(|(_, said)| words(said));
            let longest = longest.filter(|(_, said)| words(said) >= MESSAGE_WORDS).map(|(index, _)| index);
            if let Some(index) = longest {
                let said = self.answers.remove(index);
                self.said.entry(SourceField::Message).or_default().push(said);
            }
        }
        for said in std::mem::take(&mut self.answers) {
            match self.has(SourceField::Service) {
                true => self.others.push(said),
                false => self.said.entry(SourceField::Service).or_default().push(said),
            }
        }
    }

    fn best(read: &mut Fields, field: SourceField, said: Said, kept: &mut Vec<Said>) {
        let lines = |separator: &str| {
            let lines = said.value.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join(separator)
        };
        match field {
            SourceField::Email => {
                let address = address_in(&said.value);
                read.offer(field, address.unwrap_or(&said.value));
                if address.is_some_and(|address| is_more_than(&said.value, address)) {
                    kept.push(said);
                }
            }
            SourceField::Phone => read.offer(field, without_scheme(&lines(", "))),
            SourceField::Id if !is_likely(field, &said.value) || is_vague(&said) => kept.push(said),
            SourceField::Name if !is_likely(field, &said.value) => kept.push(said),
            SourceField::Message => read.offer(field, unquoted(&said.value)),
            SourceField::City => {
                let place = lines(", ");
                let (code, city) = code_before(&place).unwrap_or(("", &place));
                let tail = postcode_in(city).unwrap_or_default();
                read.offer(SourceField::Postcode, code);
                read.offer(SourceField::Postcode, &tail);
                let town = city.trim_end_matches(')').trim_end_matches(tail.as_str());
                read.offer(
                    field,
                    if tail.is_empty() { city } else { town.trim_end_matches([' ', ',', '(']) },
                );
            }
            SourceField::Address if code_before(said.value.trim()).is_some_and(|(_, town)| is_town(town)) => {
                Self::best(read, SourceField::City, said, kept);
            }
            SourceField::Address if is_postcode(said.value.trim()) => {
                read.offer(SourceField::Postcode, &said.value);
            }
            SourceField::Address => {
                let mut address = String::new();
                let lines = said.value.lines().map(|line| line.trim().trim_end_matches(','));
                for line in lines.filter(|line| !line.is_empty()) {
                    // A post code below the town belongs to it.
                    let separator = if is_postcode(line) { " " } else { ", " };
                    address.push_str(if address.is_empty() { "" } else { separator });
                    address.push_str(line);
                }
                read.offer(field, &address);
            }
            _ => read.offer(field, &lines(", ")),
        }
    }
}

/// Returns the name before an address: `Jo Miller <jo@x.example>`.
fn person(text: &str) -> String {
    let Some(address) = address_in(text) else { return text.trim().to_owned() };
    let name = text.split(address).next().unwrap_or_default();
    let name = name.trim().trim_end_matches("mailto:").trim_matches(|c: char| "<([\"' -–,:".contains(c));
    name.to_owned()
}

/// Tells whether a text says more than an address that mail programs wrote twice.
fn is_more_than(text: &str, address: &str) -> bool {
    let rest = text.replace(address, "").replace("mailto:", "");
    rest.chars().any(char::is_alphanumeric)
}

/// Takes away the marks of a quotation that is all of a text.
fn unquoted(text: &str) -> &str {
    [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .filter(|inner| !inner.contains(['"', '“', '„', '«']))
        .map_or(text, str::trim)
}

fn without_scheme(text: &str) -> &str {
    ["tel:", "sms:", "callto:"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text).trim()
}

/// Tells whether a person may have written a value: not the form's program, nor who wrote the words of a box.
fn is_said(said: &Said) -> bool {
    let lower = said.value.to_lowercase();
    label::meaning(&said.label).is_none()
        && !["agree", "consent", "privacy", "terms", "://"].iter().any(|word| lower.contains(word))
}

/// A word such as "Reference" stands before many things: only a longer number is then an id.
fn is_vague(said: &Said) -> bool {
    let is_named =
        ["id", "lead", "job", "request", "submission", "entry", "number", "no", "ticket", "srid", "#"];
    let label = said.label.to_lowercase();
    let is_exact = is_named
        .iter()
        .any(|word| label.split(|c: char| !c.is_alphanumeric() && c != '#').any(|part| part == *word));
    !is_exact && said.value.bytes().filter(u8::is_ascii_digit).count() < 4
}

/// A label as people read it, without the signs around it.
fn heading(label: &str) -> String {
    plain(label).trim_end_matches([':', '*', ' ', '.', '=']).replace('_', " ")
}

/// Keeps what has no field of its own, two values of one label one below the other.
fn details(said: impl Iterator<Item = Said>, fields: &Fields) -> Details {
    let mut details = Details::new();
    for Said { label, value, .. } in said {
        let is_known = fields.values().any(|known| known == value)
            || is_only_phone(&value) && fields.values().any(|known| known.contains(&value));
        if is_known || label.is_empty() || (details.len() >= DETAILS && !details.contains_key(&label)) {
            continue;
        }
        let text = details.entry(label).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&value);
    }
    details
}
