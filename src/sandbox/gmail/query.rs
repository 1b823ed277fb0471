//! Gmail's search language, as far as it is used here.
//!
//! An operator that is not known is refused: to ignore it would find what was not asked for.

use std::time::Duration;

use chrono::NaiveDate;

use crate::base::clock::Timestamp;
use crate::sandbox::gmail::mailbox::{DRAFT, INBOX, Message, SENT, UNREAD};
use crate::sandbox::serve::envelope::Refusal;

const DAY: Duration = Duration::from_hours(24);

/// What a message must be to be found: every term must hold.
#[derive(Debug, Default, PartialEq)]
pub struct Query(Vec<Term>);

#[derive(Debug, PartialEq)]
struct Term {
    is_negated: bool,
    test: Test,
}

#[derive(Debug, PartialEq)]
enum Test {
    Anywhere,
    Label(&'static str),
    /// The header holds the text, whatever the case.
    Header(&'static str, String),
    MessageId(String),
    After(Timestamp),
    Before(Timestamp),
    /// The word is in the subject, the text or an address.
    Word(String),
}

/// Reads a query; `now` is what ages are counted from.
pub fn parse(text: &str, now: Timestamp) -> Result<Query, Refusal> {
    words(text).into_iter().map(|word| term(&word, now)).collect::<Result<_, _>>().map(Query)
}

/// Cuts a query at blanks outside quotes, and drops the quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            c if c.is_whitespace() && !is_quoted => words.push(String::new()),
            c => words.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn term(word: &str, now: Timestamp) -> Result<Term, Refusal> {
    let (is_negated, word) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, word),
    };
    let test = match word.split_once(':') {
        Some((operator, value))
            if operator.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
        {
            test(&operator.to_ascii_lowercase(), value.trim_matches(['(', ')']), now)?
        }
        _ => Test::Word(word.to_lowercase()),
    };
    Ok(Term { is_negated, test })
}

fn test(operator: &str, value: &str, now: Timestamp) -> Result<Test, Refusal> {
    let unknown =
        || Refusal::invalid(format!("The sandbox does not know the search operator `{operator}:{value}`."));
    Ok(match operator {
        "in" | "is" | "label" => match value.to_ascii_lowercase().as_str() {
            "anywhere" => Test::Anywhere,
            "sent" => Test::Label(SENT),
            "draft" | "drafts" => Test::Label(DRAFT),
            "inbox" => Test::Label(INBOX),
            "unread" => Test::Label(UNREAD),
            _ => return Err(unknown()),
        },
        "from" => Test::Header("From", value.to_lowercase()),
        "to" => Test::Header("To", value.to_lowercase()),
        "cc" => Test::Header("Cc", value.to_lowercase()),
        "subject" => Test::Header("Subject", value.to_lowercase()),
        "rfc822msgid" => Test::MessageId(bare_id(value).to_owned()),
        "after" | "newer" => Test::After(moment(value).ok_or_else(unknown)?),
        "before" | "older" => Test::Before(moment(value).ok_or_else(unknown)?),
        "newer_than" => Test::After(now - age(value).ok_or_else(unknown)?),
        "older_than" => Test::Before(now - age(value).ok_or_else(unknown)?),
        _ => return Err(unknown()),
    })
}

fn bare_id(text: &str) -> &str {
    text.trim().trim_start_matches('<').trim_end_matches('>')
}

/// Reads seconds since 1970, or a day as `2026/09/21`.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_millis(seconds.checked_mul(1_000)?));
    }
    let day =
        ["%Y/%m/%d", "%Y-%m-%d"].into_iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    Some(Timestamp::from(day.and_hms_opt(0, 0, 0)?.and_utc()))
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

impl Query {
    pub fn matches(&self, message: &Message) -> bool {
        self.0.iter().all(|term| term.test.holds(message) != term.is_negated)
    }
}

impl Test {
    fn holds(&self, message: &Message) -> bool {
        let holds = |header: &str, text: &str| message.letter.header(header).to_lowercase().contains(text);
        match self {
            Test::Anywhere => true,
            Test::Label(label) => message.labels.contains(label),
            Test::Header(name, text) => holds(name, text),
            Test::MessageId(id) => bare_id(message.letter.header("Message-ID")) == id,
            Test::After(moment) => message.at >= *moment,
            Test::Before(moment) => message.at < *moment,
            Test::Word(word) => {
                ["Subject", "From", "To", "Cc"].into_iter().any(|header| holds(header, word))
                    || message.letter.text.as_ref().is_some_and(|text| text.to_lowercase().contains(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::gmail::mailbox::HistoryId;
    use crate::sandbox::letter::{Letter, write};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn sent() -> Message {
        let headers = [
            ("From", "Office <office@acme.example>"),
            ("To", "jo@example.com"),
            ("Subject", "Your boiler visit"),
        ];
        let raw =
            write(&[headers[0], headers[1], headers[2], ("Message-ID", "<x1@mail>")], "See you on Monday");
        Message {
            id: "1".into(),
            thread_id: "1".into(),
            labels: vec![SENT],
            history_id: HistoryId(2),
            at: Timestamp::from_millis(1_789_999_000_000),
            letter: Letter::read(&raw).unwrap(),
            raw: raw.into(),
        }
    }

    #[test]
    fn every_term_must_hold() {
        let cases = [
            ("", true),
            ("in:sent", true),
            ("in:draft", false),
            ("-in:drafts", true),
            ("in:anywhere to:JO@example.com", true),
            ("from:acme subject:(boiler)", true),
            ("subject:\"boiler visit\"", true),
            ("subject:\"visit boiler\"", false),
            ("rfc822msgid:<x1@mail>", true),
            ("rfc822msgid:x2@mail", false),
            ("after:1789998999 before:1789999001", true),
            ("after:1789999001", false),
            ("before:2026/09/20", false),
            ("newer_than:1d", true),
            ("older_than:1h", false),
            ("monday", true),
            ("tuesday", false),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text, NOW).unwrap().matches(&sent()), wanted, "{text}");
        }
    }

    #[test]
    fn an_unknown_operator_is_refused() {
        for text in ["has:attachment", "in:somewhere", "newer_than:x", "after:soon"] {
            assert!(parse(text, NOW).is_err(), "{text}");
        }
    }
}
