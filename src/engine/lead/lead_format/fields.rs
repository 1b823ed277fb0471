//! What the parts of a lead are called, in bodies and in the text of mails, and a lead made of them.

use std::collections::BTreeMap;

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::value::joined;
use nexora_core::model::source::SourceField;

/// The names of one field, as people write them; the first are the better ones.
struct Names {
    field: SourceField,
    everywhere: &'static [&'static str],
    /// Known as the key of a part of a body, and too vague where people write.
    in_bodies: &'static [&'static str],
    /// Known as a label in a text, and something else as the key of a part of a body.
    in_texts: &'static [&'static str],
}

const NAMES: &[Names] = &[
    Names {
        field: SourceField::Name,
        everywhere: &["name", "full name", "your name", "customer name", "contact name"],
        in_bodies: &["fullname"],
        in_texts: &["customer", "client name", "homeowner", "from"],
    },
    Names {
        field: SourceField::FirstName,
        everywhere: &["first name", "firstname", "given name"],
        in_bodies: &["first"],
        in_texts: &[],
    },
    Names {
        field: SourceField::LastName,
        everywhere: &["last name", "lastname", "surname", "family name"],
        in_bodies: &["last"],
        in_texts: &[],
    },
    Names {
        field: SourceField::Email,
        everywhere: &["email", "e-mail", "email address", "e-mail address", "your email"],
        in_bodies: &["work email"],
        in_texts: &["customer email", "mail"],
    },
    Names {
        field: SourceField::Phone,
        everywhere: &["phone", "phone number", "telephone", "tel", "mobile", "mobile number", "your phone"],
        in_bodies: &["work phone"],
        in_texts: &["cell", "cell phone", "customer phone", "daytime phone", "contact number"],
    },
    Names {
        field: SourceField::Service,
        everywhere: &["service", "service type", "services", "category", "job type"],
        in_bodies: &["task name"],
        in_texts: &[
            "service requested",
            "job category",
            "project",
            "project type",
            "what do you need",
            "how can we help",
            "type of work",
            "task",
        ],
    },
    Names {
        field: SourceField::Message,
        everywhere: &["message", "comments", "comment", "description", "notes", "your message"],
        in_bodies: &[],
        in_texts: &[
            "details",
            "job description",
            "project details",
            "customer's note",
            "customer’s note",
            "customer note",
            "note",
            "enquiry",
            "inquiry",
            "question",
            "additional information",
            "job details",
            "customer comments",
        ],
    },
    Names {
        field: SourceField::Address,
        everywhere: &["address", "street address", "street"],
        in_bodies: &["address line 1", "address1"],
        in_texts: &["service address", "project address", "location", "job location"],
    },
    Names { field: SourceField::City, everywhere: &["city", "town"], in_bodies: &[], in_texts: &[] },
    Names {
        field: SourceField::Region,
        everywhere: &[],
        in_bodies: &["region", "state", "province", "state province", "county"],
        in_texts: &[],
    },
    Names {
        field: SourceField::Postcode,
        everywhere: &["postcode", "postal code", "zip", "zip code", "zipcode", "post code"],
        in_bodies: &[],
        in_texts: &[],
    },
    Names {
        field: SourceField::PreferredTime,
        everywhere: &["preferred time", "preferred date", "when"],
        in_bodies: &["best time", "schedule"],
        in_texts: &[
            "date/time",
            "date & time",
            "date and time",
            "requested time",
            "requested date",
            "appointment",
            "appointment time",
            "timeline",
            "timing",
            "best time to call",
        ],
    },
    Names { field: SourceField::IsTest, everywhere: &[], in_bodies: &["is test"], in_texts: &[] },
    Names {
        field: SourceField::Id,
        everywhere: &[],
        in_bodies: &[],
        in_texts: &[
            "lead id",
            "lead number",
            "lead #",
            "reference",
            "reference number",
            "job number",
            "request id",
            "srid",
        ],
    },
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

/// Returns what a text with this label, in lower case, is.
pub fn of_label(label: &str) -> Option<SourceField> {
    let known = |names: &&Names| names.everywhere.contains(&label) || names.in_texts.contains(&label);
    NAMES.iter().find(known).map(|names| names.field)
}

/// `What's your Name?` as `what_s_your_name`.
pub fn folded(name: &str) -> String {
    words(&name.to_lowercase()).collect::<Vec<_>>().join("_")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What was said, by field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(BTreeMap<SourceField, String>);

impl Fields {
    /// Notes a value, unless it is empty or the field has one.
    pub fn offer(&mut self, field: SourceField, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.0.entry(field).or_insert_with(|| value.to_owned());
        }
    }

    /// Makes a lead of the fields.
    pub fn into_lead(mut self) -> ParsedLead {
        let mut take = |field| self.0.remove(&field).unwrap_or_default();
        let parts = [take(SourceField::FirstName), take(SourceField::LastName)];
        let name = match take(SourceField::Name) {
            whole if whole.is_empty() => joined(&parts, " "),
            whole => whole,
        };
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
            ..Enquiry::default()
        };
        ParsedLead { enquiry, external_id, ..ParsedLead::default() }
    }
}
