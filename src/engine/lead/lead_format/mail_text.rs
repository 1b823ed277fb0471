//! Labels and values in the text of a mail: `Phone: 555 0100`, `Phone | 555 0100`, or the value on
//! the line below.
//!
//! A label is the whole of what stands before its sign, so that `First Name:` is never taken for
//! `Name:`.

use crate::lead::lead_format::fields::{self, Fields};
use nexora_core::model::source::SourceField;

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

/// Finds the labels and values of a text, the first of each field.
pub fn fields(text: &str) -> Fields {
    let mut found = Fields::default();
    let mut open: Option<SourceField> = None;
    let mut message = String::new();
    for line in text.lines().take(LINES) {
        let line = plain(line);
        if let Some((field, value)) = labelled(line) {
            found.offer(SourceField::Message, &message);
            message.clear();
            open = Some(field);
            if field == SourceField::Message {
                message.push_str(value);
            } else if !value.is_empty() {
                found.offer(field, value);
                open = None;
            }
            continue;
        }
        match open {
            Some(SourceField::Message) if ends_message(line) => {
                found.offer(SourceField::Message, &message);
                message.clear();
                open = None;
            }
            Some(SourceField::Message) if message.len() < MESSAGE_LENGTH => {
                message.push('\n');
                message.push_str(line);
            }
            Some(field) if field != SourceField::Message && !line.is_empty() => {
                found.offer(field, line);
                open = None;
            }
            _ => {}
        }
    }
    found.offer(SourceField::Message, &message);
    found
}

/// Takes away what programs put around a line for show.
fn plain(line: &str) -> &str {
    line.trim().trim_matches(|c: char| matches!(c, '*' | '_' | '•' | '·' | '▪' | '|')).trim()
}

fn labelled(line: &str) -> Option<(SourceField, &str)> {
    let signs = [":", " | ", "\t", " - ", " – ", "="];
    let split = signs.iter().filter_map(|sign| line.split_once(sign)).min_by_key(|(label, _)| label.len());
    if let Some((label, value)) = split
        && let Some(field) = field_called(label)
    {
        return Some((field, plain(value.trim_start_matches([':', '|', '=']))));
    }
    field_called(line).map(|field| (field, ""))
}

fn field_called(label: &str) -> Option<SourceField> {
    if label.len() > LABEL_LENGTH {
        return None;
    }
    let label = plain(label).trim_end_matches(['?', '*', ':']).trim().to_lowercase();
    fields::of_label(&label)
}

fn ends_message(line: &str) -> bool {
    let lower = line.to_lowercase();
    line == "--"
        || lower.starts_with("http://")
        || lower.starts_with("https://")
        || ENDINGS.iter().any(|ending| lower.starts_with(ending))
}
