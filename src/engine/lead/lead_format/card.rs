//! A person's card that bears no labels: a name, and below it a number, a mail address, a street and a town.

use crate::lead::lead_format::label::{self, address_in, is_only_phone, is_phone};
use crate::lead::lead_format::place::{code_before, is_address, is_place, is_town};

/// Lines of a card.
const LINES: usize = 6;

/// Words that stand in headings of lead mails, and in no name.
#[rustfmt::skip]
const OF_MAILS: &[&str] = &[
    "lead", "leads", "new", "request", "requested", "quote", "estimate", "job", "project", "contact", "details", "service", "services", "customer", "client",
    "message", "booking", "inquiry", "enquiry", "submission", "form", "information", "notification", "neue", "anfrage", "nouvelle", "demande", "nueva", "solicitud",
];

/// What a line of a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Email,
    Phone,
    Street,
    Place,
    /// A street and a town.
    Address,
}

/// A card, and where it stands among the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card<'a> {
    pub name: &'a str,
    pub parts: Vec<(Part, &'a str)>,
}

impl Card<'_> {
    /// Returns where the person lives, as far as the card says.
    pub fn address(&self) -> String {
        let parts = self.parts.iter().filter(|(part, _)| !matches!(part, Part::Email | Part::Phone));
        parts.map(|(_, line)| line.trim_end_matches(',')).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the first card among lines: a name with a way to reach the person below it, and nothing else between them.
pub fn find<'a>(lines: &[&'a str]) -> Option<Card<'a>> {
    (0..lines.len()).find_map(|start| {
        let (name, rest) = lines.get(start..)?.split_first()?;
        let parts: Vec<(Part, &str)> =
            rest.iter().take(LINES).map_while(|line| Some((part(line)?, *line))).collect();
        let is_reached = parts.iter().any(|(part, _)| matches!(part, Part::Email | Part::Phone));
        (is_person(name) && is_reached).then_some(Card { name, parts })
    })
}

/// Returns what a line is when nothing but one part of a card stands in it.
pub fn part(line: &str) -> Option<Part> {
    let text = without_label(line.trim());
    if address_in(text).is_some_and(|address| address == text) {
        Some(Part::Email)
    } else if is_only_phone(text) {
        Some(Part::Phone)
    } else if is_address(text) {
        Some(Part::Address)
    } else if is_place(text) || code_before(text).is_some_and(|(_, town)| is_town(town)) {
        Some(Part::Place)
    } else {
        is_street(text).then_some(Part::Street)
    }
}

/// `Tel. 0171 5550186` as the number.
pub fn without_label(text: &str) -> &str {
    let rest = text.split_once(' ').filter(|(label, rest)| {
        matches!(
            label::folded(label).as_str(),
            "tel" | "phone" | "mobile" | "mobil" | "cell" | "t" | "p" | "m" | "tél"
        ) && is_only_phone(rest.trim())
    });
    rest.map_or(text, |(_, rest)| rest.trim())
}

/// A number and a name: `901 S Pearl St`, `Rosenstraße 14`.
pub fn is_street(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_number = |word: &&str| word.len() <= 6 && word.starts_with(|c: char| c.is_ascii_digit());
    (2..=7).contains(&words.len())
        && (words.first().is_some_and(is_number) || words.last().is_some_and(is_number))
        && words.iter().any(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2)
        && !is_phone(text)
        && !text.contains([':', '?', '!', '$', '€', '£', '%'])
}

/// Two to four words, each with a capital: a person, or what cannot be told from one.
pub fn is_person(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_particle = |word: &str| {
        matches!(word, "van" | "von" | "de" | "den" | "der" | "da" | "di" | "del" | "dos" | "la" | "y")
    };
    let is_of_mails = |word: &str| OF_MAILS.contains(&word.to_lowercase().as_str());
    (2..=5).contains(&words.len())
        && !words.iter().any(|word| is_of_mails(word))
        && words.iter().all(|word| word.chars().next().is_some_and(char::is_uppercase) || is_particle(word))
        && words.iter().filter(|word| !is_particle(word)).count() >= 2
        && text.chars().all(|c| c.is_alphabetic() || " .'’-".contains(c))
        && label::meaning(text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_a_name_above_a_way_to_reach_its_owner() {
        let lines =
            ["New Lead", "Shawn Oduya", "3342 N Clark St", "Chicago, IL 60657", "(773) 555-0115", "Project"];
        let card = find(&lines).unwrap();
        let parts: Vec<Part> = card.parts.iter().map(|(part, _)| *part).collect();
        assert_eq!((card.name, parts), ("Shawn Oduya", vec![Part::Street, Part::Place, Part::Phone]));
        assert_eq!(find(&["Shawn Oduya", "Chicago, IL 60657", "Project"]), None);
        assert_eq!(find(&["Shawn Oduya", "Call soon", "(773) 555-0115"]), None);
        assert!(is_person("Marloes van den Berg") && !is_person("Your Phone") && !is_person("de la"));
    }
}
