//! Answers of a form, made into an enquiry: by the source's own map, else by the usual names. What has no
//! field here is kept beside it, by its label.

use std::collections::BTreeMap;

use crate::engine::enquiry::Enquiry;
use crate::engine::lead_format::{Found, joined};
use crate::model::lead::Attribution;
use crate::model::source::SourceField;

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

/// The usual names of each field; the first are the better ones.
const USUAL: [(SourceField, &[&str]); 13] = [
    (SourceField::Name, &["name", "full_name", "fullname", "your_name", "customer_name", "contact_name"]),
    (SourceField::FirstName, &["first_name", "firstname", "first", "given_name"]),
    (SourceField::LastName, &["last_name", "lastname", "last", "surname", "family_name"]),
    (SourceField::Email, &["email", "e_mail", "email_address", "e_mail_address", "your_email", "work_email"]),
    (
        SourceField::Phone,
        &["phone", "phone_number", "telephone", "tel", "mobile", "mobile_number", "your_phone", "work_phone"],
    ),
    (SourceField::Service, &["service", "service_type", "services", "category", "job_type", "task_name"]),
    (SourceField::Message, &["message", "comments", "comment", "description", "notes", "your_message"]),
    (SourceField::Address, &["address", "street_address", "street", "address_line_1", "address1"]),
    (SourceField::City, &["city", "town"]),
    (SourceField::Region, &["region", "state", "province", "state_province", "county"]),
    (SourceField::Postcode, &["postcode", "postal_code", "zip", "zip_code", "zipcode", "post_code"]),
    (SourceField::PreferredTime, &["preferred_time", "best_time", "preferred_date", "when", "schedule"]),
    (SourceField::IsTest, &["is_test"]),
];

/// Returns what an answer by this name usually is, and how sure that is: less is better.
pub fn usual(name: &str) -> Option<(SourceField, usize)> {
    let name = folded(name);
    USUAL.iter().find_map(|(field, names)| {
        names.iter().position(|usual| *usual == name).map(|position| (*field, position + 1))
    })
}

/// `What's your Name?` as `what_s_your_name`.
fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// Makes a lead of answers.
pub fn fill(answers: Vec<Answer>, map: &BTreeMap<String, SourceField>) -> Found {
    let mut best: BTreeMap<SourceField, (usize, Answer)> = BTreeMap::new();
    let mut details: Vec<Answer> = Vec::new();
    let mut attribution = Attribution::default();
    for answer in answers {
        if answer.value.trim().is_empty() {
            continue;
        }
        let mapped = map.get(&answer.key).map(|field| (*field, 0));
        let known = mapped.or_else(|| answer.field.map(|field| (field, 1)));
        let known = known.or_else(|| usual(&answer.key)).or_else(|| usual(&answer.label));
        let Some((field, rank)) = known else {
            match Attribution::NAMES.iter().find(|name| **name == folded(&answer.key)) {
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
    let mut take = |field| best.remove(&field).map(|(_, answer)| answer.value).unwrap_or_default();
    let parts = [take(SourceField::FirstName), take(SourceField::LastName)];
    let name = match take(SourceField::Name) {
        whole if whole.trim().is_empty() => joined(&parts, " "),
        whole => whole,
    };
    let place = [take(SourceField::Address), take(SourceField::City), take(SourceField::Region)];
    let external_id = Some(take(SourceField::Id)).filter(|id| !id.trim().is_empty());
    let enquiry = Enquiry {
        name,
        email: take(SourceField::Email),
        phone: take(SourceField::Phone),
        service: take(SourceField::Service),
        message: take(SourceField::Message),
        address: joined(&place, ", "),
        postcode: take(SourceField::Postcode),
        preferred_time: take(SourceField::PreferredTime),
        is_test: matches!(take(SourceField::IsTest).trim(), "true" | "1" | "yes"),
        attribution,
        details: details.into_iter().map(|answer| (label(&answer), answer.value)).collect(),
        ..Enquiry::default()
    };
    Found { enquiry, external_id, ..Found::default() }
}

fn label(answer: &Answer) -> String {
    let label = if answer.label.trim().is_empty() { &answer.key } else { &answer.label };
    label.trim().replace('_', " ")
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
        let found = fill(answers.map(|(key, value)| answer(key, value)).into(), &map);
        let enquiry = found.enquiry;
        assert_eq!((enquiry.name.as_str(), enquiry.email.as_str()), ("Jo Miller", "jo@example.com"));
        assert_eq!(enquiry.message, "No hot water\nSince Monday");
        assert_eq!(enquiry.attribution.0["utm_source"], "bing");
        let details: Vec<&str> = enquiry.details.keys().map(String::as_str).collect();
        assert_eq!(details, ["How old is the boiler?", "comments", "work email"]);
    }
}
