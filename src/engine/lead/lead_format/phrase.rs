//! Sentences by which a sender tells of a lead, with holes: `New lead: {name} needs {service} in {city}`.

use crate::lead::lead_format::card;
use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::label;
use nexora_core::model::source::SourceField;

/// How many senders name the person in a subject.
#[rustfmt::skip]
pub const COMMON: &[&str] = &[
    "message from {name} on {_}", "message from {name} for {_}", "message from {name} via {_}", "message from {name} at {_}",
    "request from {name} for {_}", "lead from {name} for {_}", "lead from {name} on {_}", "enquiry from {name} for {_}", "inquiry from {name} for {_}",
    "lead from {name}", "request from {name}", "inquiry from {name}", "enquiry from {name}", "message from {name}",
    "booking from {name}", "nachricht von {name}", "anfrage von {name}", "message de {name}",
];

/// What marketplaces write of a person; what stands before the verb has to look like a name.
#[rustfmt::skip]
pub const OF_PERSONS: &[&str] = &[
    "{name} wants a quote for {service}", "{name} wants {_}", "{name} is looking for {service}", "{name} needs {service}", "{name} is interested in {service}",
    "{name} requested {_}", "{name} has requested {_}", "{name} is requesting {_}", "{name} sent {_}", "{name} assigned {_}", "{name} would like {_}", "{name} is waiting {_}", "{name} contacted {_}", "{name} just {_}", "{name} has submitted {_}", "{name} has shortlisted {_}", "{name} has chosen {_}", "{name} chose {_}", "{name} shortlisted {_}", "{name} invited {_}", "{name} submitted {_}", "{name} answered {_}", "{name} booked {_}",
    "{name} sucht {_}", "{name} cherche {_}", "{name} busca {_}", "{name} ha solicitado {_}", "{name} cerca {_}", "{name} zoekt {_}",
];

const VALUE_LENGTH: usize = 160;

/// Offers what a text says by the first pattern that it follows.
///
/// A pattern may begin anywhere in the text, unless it begins with a hole. The last of its words between two holes are
/// looked for from the end: `Boiler in the attic in Leeds` is one in Leeds.
pub fn offer(fields: &mut Fields, patterns: &[&str], text: &str) {
    let Some(found) = patterns.iter().find_map(|pattern| read(pattern, text)) else { return };
    for (field, value) in found {
        // Where a name is not known, the number stands in its place.
        match field {
            SourceField::Name if label::is_only_phone(value) => fields.offer(SourceField::Phone, value),
            SourceField::Name if is_anybody(value) => {}
            _ => fields.offer(field, value),
        }
    }
}

/// `a homeowner`, `your customer`: somebody who is not named.
fn is_anybody(name: &str) -> bool {
    #[rustfmt::skip]
    const ARTICLES: &[&str] = &[
        "a", "an", "the", "your", "one", "someone", "ein", "eine", "einem", "un", "una", "une", "uno", "el", "la", "le", "een",
    ];
    let mut words = name.split_whitespace();
    let is_article = words.next().is_some_and(|first| ARTICLES.contains(&first));
    is_article && words.all(|word| !word.starts_with(char::is_uppercase))
}

/// Offers a person and a job where a text tells of both.
pub fn offer_person(fields: &mut Fields, text: &str) {
    let is_of_person = |found: &Vec<(SourceField, &str)>| {
        found.iter().any(|(field, value)| *field == SourceField::Name && card::is_person(value))
    };
    let found = OF_PERSONS.iter().filter_map(|pattern| read(pattern, text)).find(is_of_person);
    for (field, value) in found.unwrap_or_default() {
        fields.offer(field, value);
    }
}

fn read<'a>(pattern: &str, text: &'a str) -> Option<Vec<(SourceField, &'a str)>> {
    let (text, lower) = (text.trim(), text.trim().to_ascii_lowercase());
    let mut parts = pattern.split('{');
    let start = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut at = if start.is_empty() { 0 } else { lower.find(&start)? + start.len() };
    let holes: Vec<(&str, String)> = parts
        .filter_map(|part| part.split_once('}'))
        .map(|(name, words)| (name, words.to_ascii_lowercase()))
        .collect();
    let last = holes.iter().rposition(|(_, words)| !words.is_empty());
    let mut found = Vec::new();
    for (index, (name, words)) in holes.iter().enumerate() {
        let rest = lower.get(at..)?;
        let length = match words.as_str() {
            "" => rest.len(),
            words if Some(index) == last => rest.rfind(words)?,
            words => rest.find(words)?,
        };
        let value = text.get(at..at + length)?.trim().trim_end_matches('!');
        at += length + words.len();
        if value.is_empty() || value.len() > VALUE_LENGTH {
            return None;
        }
        found.extend(SourceField::parse(name).ok().map(|field| (field, value)));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_from_what_stands_between_words() {
        for (pattern, text, wanted) in [
            (
                "new lead: {name} has a {service} project in {city}",
                "Fwd: NEW LEAD: Jo has a Tap in wall project in Austin!",
                "Jo/Tap in wall/Austin",
            ),
            ("{service} in {city}", "Boiler in the attic in Leeds", "Boiler in the attic/Leeds"),
            ("{name} requested a call back", "Jo M. requested a call back", "Jo M."),
            ("message from {name}", "New message from Jo", "Jo"),
            (
                "{_} is looking for a {service} in {city}",
                "Jo is looking for a Plumber in Leeds",
                "Plumber/Leeds",
            ),
            ("message from {name}", "a message", "-"),
            ("message from {name}", "message from ", "-"),
        ] {
            let found = read(pattern, text);
            let said =
                found.map(|list| list.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join("/"));
            assert_eq!(said.as_deref().unwrap_or("-"), wanted, "{pattern}: {text}");
        }
        let mut fields = Fields::default();
        offer(&mut fields, &["lead from {name}"], "New phone lead from (512) 555-0171");
        assert_eq!(fields.get(SourceField::Phone), Some("(512) 555-0171"));
    }
}
