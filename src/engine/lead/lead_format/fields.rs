//! What the parts of a lead are called in bodies, and a lead made of them. `label.rs` knows the labels of mails.

use std::collections::BTreeMap;

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::value::joined;
use nexora_core::model::lead::Details;
use nexora_core::model::source::SourceField;

/// The names of one field, as people write them; the first are the better ones.
struct Names {
    field: SourceField,
    everywhere: &'static [&'static str],
    /// The less usual ones.
    in_bodies: &'static [&'static str],
}

const NAMES: &[Names] = &[
    Names {
        field: SourceField::Name,
        everywhere: &["name", "full name", "your name", "customer name", "contact name"],
        in_bodies: &["fullname"],
    },
    Names {
        field: SourceField::FirstName,
        everywhere: &["first name", "firstname", "given name"],
        in_bodies: &["first"],
    },
    Names {
        field: SourceField::LastName,
        everywhere: &["last name", "lastname", "surname", "family name"],
        in_bodies: &["last"],
    },
    Names {
        field: SourceField::Email,
        everywhere: &["email", "e-mail", "email address", "e-mail address", "your email"],
        in_bodies: &["work email"],
    },
    Names {
        field: SourceField::Phone,
        everywhere: &["phone", "phone number", "telephone", "tel", "mobile", "mobile number", "your phone"],
        in_bodies: &["work phone"],
    },
    Names {
        field: SourceField::Service,
        everywhere: &["service", "service type", "services", "category", "job type"],
        in_bodies: &["task name"],
    },
    Names {
        field: SourceField::Message,
        everywhere: &["message", "comments", "comment", "description", "notes", "your message"],
        in_bodies: &[],
    },
    Names {
        field: SourceField::Address,
        everywhere: &["address", "street address", "street"],
        in_bodies: &["address line 1", "address1"],
    },
    Names { field: SourceField::City, everywhere: &["city", "town"], in_bodies: &[] },
    Names {
        field: SourceField::Region,
        everywhere: &[],
        in_bodies: &["region", "state", "province", "state province", "county"],
    },
    Names {
        field: SourceField::Postcode,
        everywhere: &["postcode", "postal code", "zip", "zip code", "zipcode", "post code"],
        in_bodies: &[],
    },
    Names {
        field: SourceField::PreferredTime,
        everywhere: &["preferred time", "preferred date", "when"],
        in_bodies: &["best time", "schedule"],
    },
    Names { field: SourceField::IsTest, everywhere: &[], in_bodies: &["is test"] },
];

/// Returns what a part of a body by this key usually is, whatever stands between its words, and how good a name
/// that is: less is better.
pub fn of_key(key: &str) -> Option<(SourceField, usize)> {
    let key = key.to_lowercase();
    NAMES.iter().find_map(|names| {
        let mut known = names.everywhere.iter().chain(names.in_bodies);
        known.position(|known| words(known).eq(words(&key))).map(|position| (names.field, position + 1))
    })
}

/// `What's your Name?` as `what_s_your_name`.
pub fn folded(name: &str) -> String {
    words(&name.to_lowercase()).collect::<Vec<_>>().join("_")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What was said, by field, and what has no field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    values: BTreeMap<SourceField, String>,
    pub details: Details,
}

impl Fields {
    /// Notes a value, unless it is empty or the field has one.
    pub fn offer(&mut self, field: SourceField, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.values.entry(field).or_insert_with(|| value.to_owned());
        }
    }

    /// Takes what is missing from others; of each group of fields that say one thing, all or none.
    pub fn fill(&mut self, others: Fields, groups: &[&[SourceField]]) {
        let said: Vec<SourceField> = groups
            .iter()
            .filter(|group| group.iter().any(|field| self.values.contains_key(field)))
            .flat_map(|group| group.iter().copied())
            .collect();
        for (field, value) in others.values.iter().filter(|(field, _)| !said.contains(field)) {
            self.offer(*field, value);
        }
        for (label, value) in others.details {
            self.details.entry(label).or_insert(value);
        }
    }

    pub fn get(&self, field: SourceField) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }

    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.values().map(String::as_str)
    }

    /// Makes a lead of the fields.
    pub fn into_lead(mut self) -> ParsedLead {
        let mut take = |field| self.values.remove(&field).unwrap_or_default();
        let name =
            whole_name(&take(SourceField::Name), &take(SourceField::FirstName), &take(SourceField::LastName));
        let place = [take(SourceField::Address), take(SourceField::City), take(SourceField::Region)];
        let external_id = Some(take(SourceField::Id)).filter(|id| !id.is_empty());
        let enquiry = Enquiry {
            name,
            email: take(SourceField::Email),
            phone: take(SourceField::Phone),
            service: take(SourceField::Service),
            message: take(SourceField::Message),
            address: joined(&place, ", "),
            postcode: take(SourceField::Postcode),
            preferred_time: take(SourceField::PreferredTime),
            is_test: matches!(take(SourceField::IsTest).as_str(), "true" | "1" | "yes"),
            details: self.details,
            ..Enquiry::default()
        };
        ParsedLead { enquiry, external_id, ..ParsedLead::default() }
    }
}

/// Puts a name together. Some languages have one word for a whole name and for one of its parts, so that what is called
/// a name may be the last beside a first, or the first beside a last.
fn whole_name(name: &str, first: &str, last: &str) -> String {
    let lower = name.to_lowercase();
    let holds = |part: &str| lower.contains(&part.to_lowercase());
    match (name.is_empty(), first.is_empty(), last.is_empty()) {
        (true, ..) => joined(&[first, last], " "),
        (false, false, true) if !holds(first) => joined(&[first, name], " "),
        (false, true, false) if !holds(last) => joined(&[name, last], " "),
        _ => name.to_owned(),
    }
}
