//! Bounces that are written for people only: of qmail, Exim, Postfix, sendmail, Exchange, Gmail and others.
//!
//! A person may pass on such words, too, so they count in a mail of a mail system alone.

use nexora_core::model::mail::{MailReport, ReportedRecipient};
use nexora_core::model::message::DeliveryState;

use super::{delivery_status, header, line, report};

/// Characters of what stands about one address.
const WORDS_LIMIT: usize = 600;
const RECIPIENT_LIMIT: usize = 50;

/// What says that a mail was not delivered.
const FAILED: [&str; 30] = [
    "qmail-send program",
    "created automatically by mail delivery software",
    "this is the mail system at host",
    "delivery has failed",
    "delivery failed",
    "delivery to the following",
    "could not be delivered",
    "couldn't be delivered",
    "couldn’t be delivered",
    "wasn't delivered",
    "wasn’t delivered",
    "was not delivered",
    "not be delivered",
    "undeliverable",
    "undelivered",
    "unable to deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "permanent fatal errors",
    "permanent error",
    "failed permanently",
    "address not found",
    "user unknown",
    "returned to sender",
    "konnte nicht zugestellt",
    "nicht zustellbar",
    "no se pudo entregar",
    "n'a pas pu être",
    "non è stato possibile",
    "não foi possível entregar",
];

/// What says that delivery goes on.
const DELAYED: [&str; 14] = [
    "warning only",
    "warning message only",
    "has not yet been delivered",
    "not yet been delivered",
    "delivery is delayed",
    "delivery delayed",
    "has been delayed",
    "will be retried",
    "will retry for",
    "will keep trying",
    "will continue to try",
    "delivery attempts will continue",
    "wird weiter versucht",
    "noch nicht zugestellt",
];

/// The lines below which the mail itself, or its head, comes back.
const COPY_BELOW: [&str; 9] = [
    "below this line is a copy",
    "this is a copy of",
    "original message headers",
    "original message follows",
    "original message -----",
    "message header follows",
    "unsent message follows",
    "header of the original message",
    "ursprüngliche nachricht",
];

/// What the head of the mail begins with, where no line announces it.
const HEAD: [&str; 7] = [
    "return-path:",
    "received:",
    "message-id:",
    "dkim-signature:",
    "mime-version:",
    "x-nexora-effect:",
    "delivered-to:",
];

/// What the headers of a mail say of its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    Person,
    /// Some program.
    Program,
    /// The account of a mail system.
    MailSystem,
}

/// Reads a mail that its text makes a bounce: one of a mail system in words that are known or with the code of a
/// failure, one of another program with both. Programs also send what customers write in forms, where a parcel
/// "could not be delivered".
pub fn read(headers: &[(String, String)], text: &str, writer: Writer) -> Option<MailReport> {
    let named = header(headers, "X-Failed-Recipients");
    let lower = text.to_lowercase();
    let is_known = FAILED.iter().chain(&DELAYED).any(|words| lower.contains(words));
    let is_bounce = match writer {
        _ if named.is_some() => true,
        Writer::Person => false,
        Writer::Program => is_known && delivery_status::names_enhanced(text),
        Writer::MailSystem => is_known || delivery_status::names_failure(text),
    };
    if !is_bounce {
        return None;
    }
    let (words, copy) = parted(text);
    let is_late = DELAYED.iter().any(|phrase| lower.contains(phrase));
    let mut found: Vec<String> = named.unwrap_or_default().split(',').filter_map(address).collect();
    found.extend(words.split(|c: char| c.is_whitespace() || "<>()[],;\"'|".contains(c)).filter_map(address));
    let mut recipients: Vec<ReportedRecipient> = Vec::new();
    for address in found.into_iter().take(RECIPIENT_LIMIT) {
        if recipients.iter().any(|known| known.addresses.contains(&address)) {
            continue;
        }
        let said = about(words, &address);
        let state = match is_late {
            true => DeliveryState::Delayed,
            false => delivery_status::failure(None, said),
        };
        recipients.push(ReportedRecipient { addresses: vec![address], state, diagnostic: line(said) });
    }
    if recipients.is_empty() {
        let state = if is_late { DeliveryState::Delayed } else { delivery_status::failure(None, words) };
        recipients.push(ReportedRecipient { addresses: Vec::new(), state, diagnostic: line(words) });
    }
    let mut report = MailReport { recipients, ..MailReport::default() };
    note_copy(&mut report, copy);
    Some(report)
}

/// Parts what the mail system says from the mail that it returns.
fn parted(text: &str) -> (&str, &str) {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.trim_start_matches(['>', ' ']).to_lowercase();
        let begins_head = HEAD.iter().any(|name| lower.starts_with(name));
        if begins_head || COPY_BELOW.iter().any(|words| lower.contains(words)) {
            return text.split_at(offset);
        }
        offset += line.len();
    }
    (text, "")
}

/// Notes the names of the returned mail, wherever in the copy its head begins.
fn note_copy(report: &mut MailReport, copy: &str) {
    let wanted = ["message-id:", "x-nexora-effect:"];
    let mut lines = copy.lines().peekable();
    let mut head = String::new();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches(['>', ' ']);
        if wanted.iter().any(|name| line.to_lowercase().starts_with(name)) && head.len() < 4_000 {
            head.push_str(line);
            // A long id stands on the next line.
            if line.trim_end().ends_with(':') {
                head.extend([" ", lines.peek().copied().unwrap_or_default().trim()]);
            }
            head.push_str("\r\n");
        }
    }
    head.push_str("\r\n");
    report::returned(report, &head);
}

/// Returns what is said about an address: from where it stands to where the next begins a line.
fn about<'a>(words: &'a str, address: &str) -> &'a str {
    let lower = words.to_lowercase();
    // Lower case may be longer; the place is then not that of the address, and all is looked at.
    let start = lower.find(address).filter(|_| lower.len() == words.len()).unwrap_or_default();
    let rest = words.get(start..).unwrap_or(words);
    let mut end = 0;
    for (index, text) in rest.split_inclusive('\n').enumerate() {
        let begins_next = text
            .split_whitespace()
            .next()
            .is_some_and(|word| self::address(word).is_some_and(|next| next != address));
        if (index > 0 && begins_next) || end > WORDS_LIMIT {
            break;
        }
        end += text.len();
    }
    let said = rest.get(..end).unwrap_or(rest);
    // What comes before the address may be all that is said: "Address not found: jo@example.com".
    if said.trim().len() > address.len() + 3 { said } else { words }
}

fn address(word: &str) -> Option<String> {
    let word = word.trim().trim_start_matches("mailto:").trim_matches(|c: char| "<>.:!?,;\"'()".contains(c));
    let (local, domain) = word.split_once('@')?;
    let is_address =
        !local.is_empty() && domain.contains('.') && !domain.contains(['@', '/']) && word.len() <= 254;
    is_address.then(|| word.to_lowercase())
}
