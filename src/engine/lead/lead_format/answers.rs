//! Answers of a form, made into a lead: by the source's own map, else by the usual names. What has no
//! field here is kept beside it, by its label.

use std::collections::BTreeMap;

use crate::lead::lead_format::fields::{self, Fields};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use nexora_core::model::lead::Attribution;
use nexora_core::model::source::SourceField;

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What a map names it by.
    pub key: String,
    /// What the person was asked.
    pub label: String,
    pub value: String,
    /// What it is, where the format says so.
    pub field: Option<SourceField>,
}

/// Makes a lead of answers.
pub fn lead(answers: Vec<Answer>, map: &BTreeMap<String, SourceField>) -> ParsedLead {
    let mut best: BTreeMap<SourceField, (usize, Answer)> = BTreeMap::new();
    let mut details: Vec<Answer> = Vec::new();
    let mut attribution = Attribution::default();
    for answer in answers {
        if answer.value.trim().is_empty() {
            continue;
        }
        let mapped = map.get(&answer.key).map(|field| (*field, 0));
        let known = mapped.or_else(|| answer.field.map(|field| (field, 1)));
        let known = known.or_else(|| fields::of_key(&answer.key)).or_else(|| fields::of_key(&answer.label));
        let Some((field, rank)) = known else {
            match Attribution::NAMES.iter().find(|name| **name == fields::folded(&answer.key)) {
                Some(name) => {
                    attribution.0.insert((*name).to_owned(), answer.value);
                }
                None => details.push(answer),
            }
            continue;
        };
        match best.get_mut(&field) {
            // Two parts that the map gives to one field stand one below the other.
            Some((0, earlier)) if rank == 0 => {
                earlier.value.push('\n');
                earlier.value.push_str(&answer.value);
            }
            Some((earlier, _)) if *earlier <= rank => details.push(answer),
            _ => details.extend(best.insert(field, (rank, answer)).map(|(_, worse)| worse)),
        }
    }
    let mut fields = Fields::default();
    for (field, (_, answer)) in best {
        fields.offer(field, &answer.value);
    }
    let mut lead = fields.into_lead();
    lead.enquiry.attribution = attribution;
    for answer in details {
        let kept = lead.enquiry.details.entry(label(&answer)).or_default();
        if !kept.is_empty() && *kept != answer.value {
            kept.push_str(", ");
        }
        if !kept.ends_with(&answer.value) {
            kept.push_str(&answer.value);
        }
    }
    lead
}

/// Returns the name under which an answer is kept: templates refer to it as `lead.details.NAME`. A question that
/// lost its blanks gets them back.
fn label(answer: &Answer) -> String {
    let label = if answer.label.trim().is_empty() { &answer.key } else { &answer.label };
    let is_name = label.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if is_name { label.trim().to_owned() } else { label.trim().replace('_', " ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(key: &str, value: &str) -> Answer {
        Answer { key: key.into(), value: value.into(), ..Answer::default() }
    }

    #[test]
    fn the_map_decides_then_the_better_name_and_nothing_is_lost() {
        let map = BTreeMap::from([
            ("q1".to_owned(), SourceField::Message),
            ("q2".to_owned(), SourceField::Message),
            ("internal".to_owned(), SourceField::Ignore),
        ]);
        let answers = [
            ("work_email", "jo@work.example.com"),
            ("E-Mail", "jo@example.com"),
            ("q1", "No hot water"),
            ("q2", "Since Monday"),
            ("comments", "Dog in the yard"),
            ("first_name", "Jo"),
            ("Last Name", "Miller"),
            ("internal", "x"),
            ("utm_source", "bing"),
            ("How old is the boiler?", "12 years"),
        ];
        let found = lead(answers.map(|(key, value)| answer(key, value)).into(), &map);
        let enquiry = found.enquiry;
        assert_eq!((enquiry.name.as_str(), enquiry.email.as_str()), ("Jo Miller", "jo@example.com"));
        assert_eq!(enquiry.message, "No hot water\nSince Monday");
        assert_eq!(enquiry.attribution.0["utm_source"], "bing");
        let details: Vec<&str> = enquiry.details.keys().map(String::as_str).collect();
        assert_eq!(details, ["How old is the boiler?", "comments", "work_email"]);
    }
}
