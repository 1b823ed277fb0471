//! One term of a search: what it asks of a message.

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::America::Los_Angeles;

use crate::gmail::label::Label;
use crate::gmail::mailbox::{DRAFT, INBOX, Message, SENT, SPAM, TRASH, UNREAD};
use nexora_core::base::clock::Timestamp;

const DAY: Duration = Duration::from_hours(24);

const OPERATORS: [&str; 24] = [
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "label",
    "in",
    "is",
    "has",
    "filename",
    "after",
    "newer",
    "before",
    "older",
    "newer_than",
    "older_than",
    "rfc822msgid",
    "deliveredto",
    "list",
    "category",
    "larger",
    "size",
    "smaller",
    "replyto",
];

#[derive(Debug, PartialEq)]
pub enum Test {
    Anywhere,
    /// The label has this id, or a person gave it this name.
    Label(String),
    Read,
    Archived,
    /// It has a label that a person made.
    UserLabel,
    Attachment,
    Filename(String),
    /// The header holds the words, whatever the case.
    Header(&'static str, String),
    MessageId(String),
    After(Timestamp),
    Before(Timestamp),
    Larger(usize),
    Smaller(usize),
    /// The words are in the subject, the text or an address.
    Words(String),
}

pub fn is_operator(word: &str) -> bool {
    OPERATORS.iter().any(|operator| operator.eq_ignore_ascii_case(word))
}

impl Test {
    /// Reads a term; what makes no sense is looked for as words.
    pub fn read(operator: Option<&str>, value: &str, now: Timestamp) -> Test {
        let words = || Test::Words(value.to_lowercase());
        let Some(operator) = operator else { return words() };
        let found = match operator {
            "after" | "newer" => moment(value).map(Test::After),
            "before" | "older" => moment(value).map(Test::Before),
            "newer_than" => age(value).map(|age| Test::After(now - age)),
            "older_than" => age(value).map(|age| Test::Before(now - age)),
            "larger" | "size" => size(value).map(Test::Larger),
            "smaller" => size(value).map(Test::Smaller),
            "in" | "is" | "label" => Some(place(&value.to_lowercase())),
            "category" => Some(category(&value.to_lowercase())),
            "has" => has(&value.to_lowercase()),
            "filename" => Some(Test::Filename(value.to_lowercase())),
            "rfc822msgid" => Some(Test::MessageId(bare_id(value).to_owned())),
            operator => header(operator).map(|name| Test::Header(name, value.to_lowercase())),
        };
        found.unwrap_or_else(|| Test::Words(format!("{operator}:{}", value.to_lowercase())))
    }

    pub fn holds(&self, message: &Message, labels: &[Label]) -> bool {
        let letter = &message.letter;
        let in_header = |name: &str, words: &str| {
            let mut headers = letter.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            headers.any(|(_, value)| has_words(value, words))
        };
        match self {
            Test::Anywhere => true,
            Test::Label(label) => {
                message.has(label)
                    || labels.iter().any(|known| is_named(known, label) && message.has(&known.id))
            }
            Test::Read => !message.has(UNREAD),
            Test::Archived => ![INBOX, SENT, DRAFT, SPAM, TRASH].iter().any(|label| message.has(label)),
            Test::UserLabel => labels.iter().any(|label| message.has(&label.id)),
            Test::Attachment => letter.attachments.iter().any(|found| !found.filename.is_empty()),
            Test::Filename(words) => letter.attachments.iter().any(|found| has_words(&found.filename, words)),
            Test::Header(name, words) => in_header(name, words),
            Test::MessageId(id) => bare_id(letter.header("Message-ID")) == id,
            Test::After(moment) => message.at >= *moment,
            Test::Before(moment) => message.at < *moment,
            Test::Larger(size) => message.raw.len() > *size,
            Test::Smaller(size) => message.raw.len() < *size,
            Test::Words(words) => {
                ["Subject", "From", "To", "Cc"].into_iter().any(|name| in_header(name, words))
                    || letter.text.as_ref().is_some_and(|text| has_words(text, words))
            }
        }
    }

    pub fn asks_for(&self, label: &str) -> bool {
        matches!(self, Test::Anywhere) || matches!(self, Test::Label(asked) if asked == label)
    }
}

fn header(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "from" => "From",
        "to" => "To",
        "cc" => "Cc",
        "bcc" => "Bcc",
        "subject" => "Subject",
        "deliveredto" => "Delivered-To",
        "list" => "List-ID",
        "replyto" => "Reply-To",
        _ => return None,
    })
}

fn place(value: &str) -> Test {
    match value {
        "anywhere" => Test::Anywhere,
        "read" => Test::Read,
        "archive" => Test::Archived,
        "drafts" => Test::Label(DRAFT.to_owned()),
        value => Test::Label(value.to_uppercase()),
    }
}

fn category(value: &str) -> Test {
    let name = if value == "primary" { "personal" } else { value };
    Test::Label(format!("CATEGORY_{}", name.to_uppercase()))
}

fn has(value: &str) -> Option<Test> {
    match value {
        "attachment" => Some(Test::Attachment),
        "userlabels" => Some(Test::UserLabel),
        "yellow-star" => Some(Test::Label("YELLOW_STAR".to_owned())),
        _ => None,
    }
}

/// Tells whether a label is meant: in searches, blanks and slashes of its name are hyphens.
fn is_named(label: &Label, asked: &str) -> bool {
    let plain = |name: &str| name.to_uppercase().replace([' ', '/'], "-");
    plain(&label.name) == plain(asked)
}

/// Tells whether words stand in a text whole, one after the other and whatever the case.
fn has_words(text: &str, words: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    !words.is_empty()
        && text.match_indices(&words).any(|(at, found)| {
            let (before, after) = (text.get(..at), text.get(at + found.len()..));
            let begins = is_edge(before.and_then(|before| before.chars().next_back()));
            begins && is_edge(after.and_then(|after| after.chars().next()))
        })
}

fn bare_id(text: &str) -> &str {
    text.trim().trim_start_matches('<').trim_end_matches('>')
}

/// Reads seconds since 1970, or a day as `2026/09/21`, which begins at midnight in California
/// (Gmail API, "Searching for messages").
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_millis(seconds.checked_mul(1_000)?));
    }
    let day =
        ["%Y/%m/%d", "%Y-%m-%d"].into_iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    let midnight = day.and_hms_opt(0, 0, 0)?.and_local_timezone(Los_Angeles).earliest()?;
    Some(Timestamp::from(midnight.to_utc()))
}

/// Reads an age such as `7d`, `2m` or `1y`.
fn age(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u32 = count.parse().ok()?;
    let unit = match unit {
        "h" => DAY / 24,
        "d" => DAY,
        "m" => DAY * 30,
        "y" => DAY * 365,
        _ => return None,
    };
    unit.checked_mul(count)
}

/// Reads a size such as `500`, `10K` or `5M`, in bytes.
fn size(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)?.to_ascii_uppercase().as_str() {
        "" => 1,
        "K" | "KB" => 1_024,
        "M" | "MB" => 1_048_576,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}
