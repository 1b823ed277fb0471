//! Labels and values in the text of a mail: `Phone: 555 0100`, `Phone | 555 0100`, or the value on
//! the line below.
//!
//! A label is the whole of what stands before its sign, so that `First Name:` is never taken for
//! `Name:`.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Name,
    FirstName,
    LastName,
    Email,
    Phone,
    Service,
    Message,
    Address,
    City,
    Postcode,
    PreferredTime,
    Id,
}

/// The labels of each field, in lower case.
const LABELS: &[(Field, &[&str])] = &[
    (
        Field::Name,
        &[
            "name",
            "full name",
            "your name",
            "customer",
            "customer name",
            "contact name",
            "client name",
            "homeowner",
            "from",
        ],
    ),
    (Field::FirstName, &["first name", "firstname", "given name"]),
    (Field::LastName, &["last name", "lastname", "surname", "family name"]),
    (
        Field::Email,
        &["email", "e-mail", "email address", "e-mail address", "your email", "customer email", "mail"],
    ),
    (
        Field::Phone,
        &[
            "phone",
            "phone number",
            "telephone",
            "tel",
            "mobile",
            "mobile number",
            "cell",
            "cell phone",
            "your phone",
            "customer phone",
            "daytime phone",
            "contact number",
        ],
    ),
    (
        Field::Service,
        &[
            "service",
            "services",
            "service type",
            "service requested",
            "job category",
            "job type",
            "category",
            "project",
            "project type",
            "what do you need",
            "how can we help",
            "type of work",
            "task",
        ],
    ),
    (
        Field::Message,
        &[
            "message",
            "your message",
            "comments",
            "comment",
            "details",
            "job description",
            "description",
            "project details",
            "customer's note",
            "customer’s note",
            "customer note",
            "note",
            "notes",
            "enquiry",
            "inquiry",
            "question",
            "additional information",
            "job details",
            "customer comments",
        ],
    ),
    (
        Field::Address,
        &[
            "address",
            "street address",
            "street",
            "service address",
            "project address",
            "location",
            "job location",
        ],
    ),
    (Field::City, &["city", "town"]),
    (Field::Postcode, &["zip code", "zip", "zipcode", "postal code", "postcode", "post code"]),
    (
        Field::PreferredTime,
        &[
            "date/time",
            "date & time",
            "date and time",
            "preferred time",
            "preferred date",
            "requested time",
            "requested date",
            "appointment",
            "appointment time",
            "timeline",
            "timing",
            "best time to call",
            "when",
        ],
    ),
    (
        Field::Id,
        &[
            "lead id",
            "lead number",
            "lead #",
            "reference",
            "reference number",
            "job number",
            "request id",
            "srid",
        ],
    ),
];

/// Lines that end a message: what senders put below it.
const ENDINGS: [&str; 14] = [
    "view lead",
    "view details",
    "view request",
    "view message",
    "reply to",
    "respond to",
    "call now",
    "call customer",
    "unsubscribe",
    "log in",
    "sign in",
    "manage your",
    "this email was sent",
    "©",
];

const LINES: usize = 5_000;
const LABEL_LENGTH: usize = 40;
const MESSAGE_LENGTH: usize = 5_000;

/// What was found, the first of each field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(BTreeMap<Field, String>);

impl Fields {
    pub fn take(&mut self, field: Field) -> Option<String> {
        self.0.remove(&field)
    }

    /// Notes a value that was found elsewhere, unless there is one.
    pub fn offer(&mut self, field: Field, value: &str) {
        let value = value.trim();
        if !value.is_empty() && !self.0.contains_key(&field) {
            self.0.insert(field, value.to_owned());
        }
    }
}

/// Finds the labels and values of a text.
pub fn find(text: &str) -> Fields {
    let mut fields = Fields::default();
    let mut open: Option<Field> = None;
    let mut message = String::new();
    for line in text.lines().take(LINES) {
        let line = plain(line);
        if let Some((field, value)) = labelled(line) {
            fields.offer(Field::Message, &message);
            message.clear();
            open = Some(field);
            if field == Field::Message {
                message.push_str(value);
            } else if !value.is_empty() {
                fields.offer(field, value);
                open = None;
            }
            continue;
        }
        match open {
            Some(Field::Message) if ends_message(line) => {
                fields.offer(Field::Message, &message);
                message.clear();
                open = None;
            }
            Some(Field::Message) if message.len() < MESSAGE_LENGTH => {
                message.push('\n');
                message.push_str(line);
            }
            Some(field) if field != Field::Message && !line.is_empty() => {
                fields.offer(field, line);
                open = None;
            }
            _ => {}
        }
    }
    fields.offer(Field::Message, &message);
    fields
}

/// Takes away what programs put around a line for show.
fn plain(line: &str) -> &str {
    line.trim().trim_matches(|c: char| matches!(c, '*' | '_' | '•' | '·' | '▪' | '|')).trim()
}

fn labelled(line: &str) -> Option<(Field, &str)> {
    let signs = [":", " | ", "\t", " - ", " – ", "="];
    let split = signs.iter().filter_map(|sign| line.split_once(sign)).min_by_key(|(label, _)| label.len());
    if let Some((label, value)) = split
        && let Some(field) = field_called(label)
    {
        return Some((field, plain(value.trim_start_matches([':', '|', '=']))));
    }
    field_called(line).map(|field| (field, ""))
}

fn field_called(label: &str) -> Option<Field> {
    if label.len() > LABEL_LENGTH {
        return None;
    }
    let label = plain(label).trim_end_matches(['?', '*', ':']).trim().to_lowercase();
    LABELS.iter().find(|(_, names)| names.contains(&label.as_str())).map(|(field, _)| *field)
}

fn ends_message(line: &str) -> bool {
    let lower = line.to_lowercase();
    line == "--"
        || lower.starts_with("http://")
        || lower.starts_with("https://")
        || ENDINGS.iter().any(|ending| lower.starts_with(ending))
}
