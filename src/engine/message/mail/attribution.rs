//! The lines with which mail programs introduce what they quote, in the languages they write them in:
//! "On Mon, 30 Nov 2026 at 5:00, Acme <a@example.com> wrote:", or the headers of the mail one by one.

use super::own::{Line, Origin};

/// Lines over which one introduction may be wrapped.
const WRAPPED: usize = 4;
const LENGTH: usize = 400;

/// Lines after `From:` in which the other headers are looked for.
const HEADER_LINES: usize = 8;

/// What was done, in the languages of the mail programs.
const WROTE: [&str; 14] = [
    "wrote",
    "schrieb",
    "geschrieben",
    "escribió",
    "escribio",
    "écrit",
    "ecrit",
    "scritto",
    "escreveu",
    "schreef",
    "geschreven",
    "skrev",
    "napisał",
    "kirjoitti",
];

/// With what they begin, where not with the day, the hour or the name.
const LEADS: [&str; 13] = [
    "on ", "am ", "el ", "le ", "il ", "em ", "a ", "no dia ", "op ", "den ", "dnia ", "w dniu ", "---- on ",
];

const FROM: [&str; 5] = ["from", "von", "de", "da", "van"];

const SENT: [&str; 17] = [
    "sent",
    "date",
    "gesendet",
    "datum",
    "enviado",
    "enviado el",
    "enviado em",
    "enviada",
    "enviada em",
    "fecha",
    "envoyé",
    "envoyé le",
    "inviato",
    "data",
    "verzonden",
    "date sent",
    "sent at",
];

const TO_OR_SUBJECT: [&str; 12] =
    ["to", "an", "para", "à", "a", "aan", "subject", "betreff", "asunto", "objet", "oggetto", "assunto"];

const ORIGINAL: [&str; 9] = [
    "original message",
    "ursprüngliche nachricht",
    "originalnachricht",
    "message d'origine",
    "message d’origine",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
];

/// How sure it is that lines introduce a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Only if what follows is marked as a quote.
    Likely,
    /// They name an address, or a day and an hour.
    Sure,
}

/// Returns how many lines introduce a quote here.
pub fn introduction(lines: &[Line]) -> Option<(usize, Certainty)> {
    let first = lines.first()?;
    let mut joined = String::new();
    for (index, line) in lines.iter().take(WRAPPED).enumerate() {
        if line.origin != Origin::Own || line.text.is_empty() || joined.len() + line.text.len() > LENGTH {
            return None;
        }
        joined.push_str(&line.text);
        joined.push(' ');
        if let Some(certainty) = certainty(joined.trim_end()) {
            return Some((index + 1, certainty));
        }
        // What no line can introduce is not looked at with those after it.
        if index == 0 && !may_begin(&first.text.to_lowercase()) {
            return None;
        }
    }
    None
}

/// Tells whether a line ends an introduction, or is one.
pub fn ends_one(line: &str) -> bool {
    let line = line.to_lowercase();
    line.len() <= LENGTH
        && ends(&line)
        && (says_wrote(&line) || line.trim_end_matches([':', ' ']).ends_with('>'))
}

/// Tells whether lines say "original message", or give the headers of one.
pub fn begins_original(lines: &[Line]) -> bool {
    let Some(first) = lines.first() else { return false };
    let is_ruled = first.text.starts_with("--") && first.text.ends_with("--");
    let lower = first.text.to_lowercase();
    if is_ruled && ORIGINAL.iter().any(|words| lower.contains(words)) {
        return true;
    }
    let is_rule = first.text.len() >= 20 && first.text.bytes().all(|byte| byte == b'_' || byte == b'-');
    let after = lines.iter().skip(1).position(|line| !line.text.is_empty());
    match (is_rule, after) {
        (true, Some(blank)) => lines.get(blank + 1..).is_some_and(gives_headers),
        (true, None) => false,
        (false, _) => gives_headers(lines),
    }
}

/// Returns how many of these lines give the headers of a mail that is passed on, in whatever order; 0 where they do not begin with
/// any.
pub fn count_headers(lines: &[Line]) -> usize {
    let is_header = |line: &&Line| {
        label(&line.text).is_some_and(|label| {
            let known = [&FROM[..], &SENT, &TO_OR_SUBJECT, &["cc", "reply-to"]];
            known.iter().any(|list| list.contains(&label.as_str()))
        })
    };
    let count = lines.iter().take(HEADER_LINES).take_while(is_header).count();
    let headers = lines.get(..count).unwrap_or_default();
    let has = |known: &[&str]| {
        headers.iter().filter_map(|line| label(&line.text)).any(|label| known.contains(&label.as_str()))
    };
    if has(&FROM) && has(&SENT) && has(&TO_OR_SUBJECT) { count } else { 0 }
}

/// The headers of a mail as Outlook writes them: from whom, when, and to whom or about what.
fn gives_headers(lines: &[Line]) -> bool {
    let Some(first) = lines.first() else { return false };
    if !label(&first.text).is_some_and(|label| FROM.contains(&label.as_str())) {
        return false;
    }
    let labels = lines.iter().skip(1).take(HEADER_LINES).filter_map(|line| label(&line.text));
    let labels: Vec<String> = labels.collect();
    let has = |known: &[&str]| labels.iter().any(|label| known.contains(&label.as_str()));
    has(&SENT) && has(&TO_OR_SUBJECT)
}

/// Returns what stands before the colon of a line, `*From:*` as well.
fn label(line: &str) -> Option<String> {
    let (label, value) = line.split_once(':')?;
    let label = label.trim_matches(|c: char| c == '*' || c == '>' || c.is_whitespace());
    let is_label = label.chars().count() <= 12 && !value.trim_matches(['*', ' ', '|']).is_empty();
    is_label.then(|| label.to_lowercase())
}

fn certainty(line: &str) -> Option<Certainty> {
    let lower = line.to_lowercase();
    if !ends(&lower) || !may_begin(&lower) {
        return None;
    }
    let (has_address, has_hour, has_day) = (lower.contains('@'), has_hour(&lower), has_day(&lower));
    if !says_wrote(&lower) {
        // An older Gmail: the day, the name, the address.
        let is_dated = has_day && lower.trim_end_matches([':', ' ']).ends_with('>') && has_address;
        return (is_dated && lower.starts_with(|c: char| c.is_ascii_digit())).then_some(Certainty::Sure);
    }
    match (has_address, has_hour, has_day) {
        (true, ..) | (_, true, true) => Some(Certainty::Sure),
        (_, true, _) | (_, _, true) => Some(Certainty::Likely),
        _ => None,
    }
}

fn ends(lower: &str) -> bool {
    let end = lower.trim_end();
    end.ends_with(':') || end.ends_with('：') || end.ends_with("wrote ----") || end.ends_with("):")
}

fn may_begin(lower: &str) -> bool {
    LEADS.iter().any(|lead| lower.starts_with(lead))
        || lower.starts_with(|c: char| c.is_ascii_digit() || c == '<' || c == '"')
        || lower.contains('@')
        || says_wrote(lower)
}

fn says_wrote(lower: &str) -> bool {
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| WROTE.contains(&word))
}

/// 5:00, 5.00 or 5h00.
fn has_hour(lower: &str) -> bool {
    let bytes = lower.as_bytes();
    bytes.windows(4).any(|window| {
        matches!(window, [a, b':' | b'.' | b'h', c, d] if a.is_ascii_digit() && c.is_ascii_digit() && d.is_ascii_digit())
    })
}

/// A year, or a day in digits.
fn has_day(lower: &str) -> bool {
    let mut numbers = lower.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    let is_year = |number: &str| number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
    let has_slashes = lower.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        let parts: Vec<&str> = word.split(['/', '.', '-']).collect();
        parts.len() == 3
            && parts
                .iter()
                .all(|part| part.bytes().all(|b| b.is_ascii_digit()) && part.len() <= 4 && !part.is_empty())
    });
    has_slashes || numbers.any(is_year)
}
