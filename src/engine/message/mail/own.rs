//! What a person newly wrote, wherever it stands: the mail that is answered, and the signature, are left out.

use super::{attribution, text};
use attribution::Certainty;

/// Where a line of a mail comes from, as far as its form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Own,
    /// Marked as a quote.
    Quoted,
    /// After a mark behind which the mail program puts what is answered.
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub origin: Origin,
}

impl Line {
    /// Returns a line that nothing marks as a quote.
    pub fn own(text: &str) -> Line {
        Line { text: text.to_owned(), origin: Origin::Own }
    }
}

/// The line before a signature (RFC 3676, section 4.3), whose blank is often lost.
const DELIMITER: &str = "--";

/// Lines that a signature has at most where the delimiter has lost its blank.
const SIGNATURE_LINES: usize = 8;

const FORWARDED: [&str; 10] = [
    "forwarded message",
    "weitergeleitete nachricht",
    "mensaje reenviado",
    "message transféré",
    "message transfere",
    "messaggio inoltrato",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "doorgestuurd bericht",
    "doorgestuurde bericht",
];

/// How Apple Mail begins what it forwards.
const BEGIN_FORWARDED: [&str; 9] = [
    "begin forwarded message",
    "anfang der weitergeleiteten nachricht",
    "inicio del mensaje reenviado",
    "début du message transféré",
    "début du message réexpédié",
    "inizio messaggio inoltrato",
    "início da mensagem encaminhada",
    "início da mensagem reencaminhada",
    "begin doorgestuurd bericht",
];

/// What subjects of forwarded mails begin with.
const FORWARDS: [&str; 8] = ["fw", "fwd", "wg", "tr", "rv", "enc", "doorst", "i"];

/// What mail programs of telephones put below, and the words of which one must follow.
const SENT_FROM: [&str; 17] = [
    "sent from ",
    "sent via ",
    "sent with ",
    "get outlook for ",
    "gesendet mit ",
    "gesendet von ",
    "von meinem ",
    "enviado desde ",
    "enviado do ",
    "enviado de ",
    "envoyé de ",
    "envoyé depuis ",
    "inviato da ",
    "verzonden vanaf ",
    "verstuurd vanaf ",
    "outlook für ",
    "télécharger outlook ",
];
const DEVICES: [&str; 21] = [
    "iphone",
    "ipad",
    "android",
    "galaxy",
    "samsung",
    "outlook",
    "phone",
    "yahoo",
    "gmail",
    "huawei",
    "xiaomi",
    "blackberry",
    "mobile",
    "handy",
    "móvil",
    "celular",
    "telefon",
    "téléphone",
    "proton",
    "mail app",
    "ios",
];

/// Returns what a person newly wrote in a plain text.
pub fn newly_written(text: &str) -> String {
    of_lines(&plain_lines(text), "")
}

/// Reads a plain text, in which `>` marks what is quoted.
pub fn plain_lines(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let is_delimiter = line.trim_end_matches('\r') == "-- ";
        let folded = text::folded(line);
        let origin = if folded.starts_with('>') { Origin::Quoted } else { Origin::Own };
        Line { text: if is_delimiter { "-- ".to_owned() } else { folded }, origin }
    };
    text.lines().map(line).collect()
}

/// Returns what is new among the lines of a mail with this subject. What was forwarded counts as new: it is
/// what the person wants to show.
pub fn of_lines(lines: &[Line], subject: &str) -> String {
    let is_forward = is_forward(subject);
    let mut own: Vec<&str> = Vec::new();
    let mut at = 0;
    let mut is_quoting = false;
    while let Some(line) = lines.get(at) {
        let rest = lines.get(at..).unwrap_or_default();
        let has_own = own.iter().any(|line| !line.is_empty());
        if line.origin == Origin::Quoted {
            is_quoting = true;
            at += 1;
        } else if begins_forwarded(&line.text) || (line.origin == Origin::Rest && (is_forward || !has_own)) {
            own.extend(rest.iter().map(|line| line.text.trim_start_matches(['>', ' '])));
            break;
        } else if line.origin == Origin::Rest {
            break;
        } else if let Some((length, certainty)) = attribution::introduction(rest) {
            let after = rest.iter().skip(length).find(|line| !line.text.is_empty());
            let is_marked = after.is_none_or(|line| line.origin == Origin::Quoted);
            if is_marked {
                is_quoting = true;
                at += length;
            } else if certainty == Certainty::Sure && !is_forward {
                break;
            } else {
                own.push(&line.text);
                at += 1;
            }
        } else if !is_forward && (has_own || is_quoting) && attribution::begins_original(rest) {
            break;
        } else if let Some(length) = signature(rest) {
            at += length;
        } else {
            own.push(&line.text);
            at += 1;
        }
    }
    let own = without_device(text::tidy(&own.join("\n")));
    if own.is_empty() && !is_quoting { whole(lines) } else { own }
}

fn whole(lines: &[Line]) -> String {
    text::tidy(&lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n"))
}

/// Tells whether what follows was forwarded.
pub fn begins_forwarded(line: &str) -> bool {
    let lower = line.trim_start_matches(['>', ' ']).to_lowercase();
    let is_ruled = lower.starts_with("--") && FORWARDED.iter().any(|words| lower.contains(words));
    is_ruled || (lower.ends_with(':') && BEGIN_FORWARDED.iter().any(|words| lower.starts_with(words)))
}

/// Returns where a mail that was passed on begins among lines, below its headers; nothing where none was. In what is not said to
/// be forwarded the same lines may be a form's.
pub fn forwarded_from(lines: &[Line], subject: &str) -> Option<usize> {
    let is_forward = is_forward(subject);
    let mut is_announced = is_forward;
    for (index, line) in lines.iter().enumerate() {
        is_announced |= begins_forwarded(&line.text);
        let headers = if is_announced { attribution::count_headers(lines.get(index..)?) } else { 0 };
        if headers > 0 {
            return Some(index + headers);
        }
    }
    None
}

fn is_forward(subject: &str) -> bool {
    let prefix = subject.split_once(':').map(|(prefix, _)| prefix.trim().to_lowercase());
    prefix.is_some_and(|prefix| FORWARDS.contains(&prefix.as_str()))
}

/// Returns how many lines a signature has that begins here: to the next quote, or to the end.
fn signature(lines: &[Line]) -> Option<usize> {
    let first = lines.first().filter(|line| line.text.trim_end() == DELIMITER)?;
    let is_certain = first.text.ends_with(' ');
    let mut said = 0;
    for (index, line) in lines.iter().enumerate().skip(1) {
        let rest = lines.get(index..).unwrap_or_default();
        let is_quote = line.origin != Origin::Own || attribution::introduction(rest).is_some();
        if is_quote || attribution::begins_original(rest) {
            return Some(index);
        }
        said += usize::from(!line.text.is_empty());
        if !is_certain && said > SIGNATURE_LINES {
            return None;
        }
    }
    Some(lines.len())
}

/// Cuts off the last lines where they only name the telephone or its mail program.
fn without_device(mut own: String) -> String {
    loop {
        let last = own.lines().next_back().unwrap_or_default();
        let lower = last.to_lowercase();
        let names = SENT_FROM.iter().any(|start| lower.starts_with(start))
            && DEVICES.iter().any(|device| lower.contains(device))
            && lower.chars().count() <= 90;
        if !names {
            return own;
        }
        own.truncate(own.len() - last.len());
        own.truncate(own.trim_end().len());
    }
}
