//! The filter of a mail trigger, in the words of Gmail's search box, as far as they can be decided
//! from the mail itself: https://support.google.com/mail/answer/7190.
//!
//! Gmail is not asked, since its index lags behind what has arrived, and since the same filter must
//! give the same answer when past mails are replayed.

use nexora_core::base::{Error, Result};
use nexora_core::model::event::MailEvent;
use nexora_core::model::mail::Mailbox;

/// A parsed filter. The empty one takes every mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Query(Term);

#[derive(Clone, Debug, PartialEq)]
enum Term {
    All(Vec<Term>),
    Any(Vec<Term>),
    Not(Box<Term>),
    From(String),
    To(String),
    Cc(String),
    Subject(String),
    Label(String),
    Filename(String),
    HasAttachment,
    /// A word or phrase anywhere in subject or text.
    Words(String),
}

const OPERATORS: &str = "from:, to:, cc:, subject:, label:, filename:, has:attachment";

/// How deep brackets may stand in each other.
const DEPTH: usize = 20;

impl Query {
    /// Reads a filter such as `from:leads@example.com subject:(estimate OR quote) -label:spam`.
    ///
    /// # Errors
    /// `Usage` naming what is not understood; Gmail's other operators cannot be decided here.
    pub fn parse(text: &str) -> Result<Query> {
        let mut parser = Parser { rest: text, depth: 0 };
        let term = parser.all(None)?;
        if !parser.rest.is_empty() {
            return Err(Error::usage(format!("`{text}`: a bracket closes that was not opened")));
        }
        Ok(Query(term))
    }

    pub fn matches(&self, event: &MailEvent) -> bool {
        matches(&self.0, event)
    }
}

fn matches(term: &Term, event: &MailEvent) -> bool {
    let mail = &event.mail;
    match term {
        Term::All(terms) => terms.iter().all(|term| matches(term, event)),
        Term::Any(terms) => terms.iter().any(|term| matches(term, event)),
        Term::Not(term) => !matches(term, event),
        Term::From(text) => mail.from.iter().any(|from| names(from, text)),
        Term::To(text) => mail.to.iter().chain(&mail.cc).any(|to| names(to, text)),
        Term::Cc(text) => mail.cc.iter().any(|cc| names(cc, text)),
        Term::Subject(text) => holds(&mail.subject, text),
        Term::Label(text) => event.labels.iter().any(|label| same_label(label, text)),
        Term::Filename(text) => mail.attachments.iter().any(|file| {
            let name = file.name.to_lowercase();
            holds(&name, text) || name.ends_with(&format!(".{}", text.trim_start_matches('.')))
        }),
        Term::HasAttachment => !mail.attachments.is_empty(),
        Term::Words(text) => holds(&mail.subject, text) || holds(&mail.text, text),
    }
}

fn names(mailbox: &Mailbox, text: &str) -> bool {
    mailbox.address.to_lowercase().contains(text)
        || mailbox.name.as_deref().is_some_and(|name| holds(name, text))
}

/// In a search, a label's spaces and slashes are written as hyphens.
fn same_label(label: &str, text: &str) -> bool {
    let plain = |label: &str| label.to_lowercase().replace([' ', '/'], "-");
    plain(label) == plain(text)
}

/// Tells whether `text` holds the words, as words and not as parts of others.
fn holds(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    let is_edge = |neighbour: Option<char>| neighbour.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(words).any(|(start, found)| {
        let before = text.get(..start).and_then(|head| head.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|tail| tail.chars().next());
        is_edge(before) && is_edge(after)
    })
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    /// Reads terms up to `end`: those side by side must all hold, and `OR` stands between choices.
    fn all(&mut self, end: Option<char>) -> Result<Term> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Error::usage(format!("brackets stand more than {DEPTH} deep in each other")));
        }
        let mut terms: Vec<Term> = Vec::new();
        let mut joins_previous = false;
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with([')', '}']) {
                break;
            }
            if let Some(rest) =
                self.rest.strip_prefix("OR").filter(|rest| rest.starts_with(char::is_whitespace))
            {
                self.rest = rest;
                joins_previous = !terms.is_empty();
                continue;
            }
            let term = self.term()?;
            match terms.pop() {
                Some(Term::Any(mut choices)) if joins_previous => {
                    choices.push(term);
                    terms.push(Term::Any(choices));
                }
                Some(previous) if joins_previous => terms.push(Term::Any(vec![previous, term])),
                previous => terms.extend(previous.into_iter().chain([term])),
            }
            joins_previous = false;
        }
        if let Some(end) = end {
            self.rest = self
                .rest
                .strip_prefix(end)
                .ok_or_else(|| Error::usage(format!("a bracket is not closed: `{end}` is missing")))?;
        }
        self.depth -= 1;
        Ok(Term::All(terms))
    }

    fn term(&mut self) -> Result<Term> {
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            return self.term().map(|term| Term::Not(Box::new(term)));
        }
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.all(Some(')'));
        }
        if let Some(rest) = self.rest.strip_prefix('{') {
            self.rest = rest;
            return match self.all(Some('}'))? {
                Term::All(terms) => Ok(Term::Any(terms)),
                other => Ok(other),
            };
        }
        let name_end = self.rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(0);
        let (name, rest) = self.rest.split_at(name_end);
        match rest.strip_prefix(':') {
            Some(rest) if !name.is_empty() => {
                self.rest = rest;
                let name = name.to_lowercase();
                self.operand(&name)
            }
            _ => Ok(Term::Words(self.word()?)),
        }
    }

    fn operand(&mut self, name: &str) -> Result<Term> {
        let make: fn(String) -> Term = match name {
            "from" => Term::From,
            "to" => Term::To,
            "cc" => Term::Cc,
            "subject" => Term::Subject,
            "label" => Term::Label,
            "filename" => Term::Filename,
            "has" => {
                let what = self.word()?;
                return match what.as_str() {
                    "attachment" => Ok(Term::HasAttachment),
                    _ => Err(Error::usage(format!("`has:{what}` cannot be decided from the mail itself"))
                        .hint(format!("use one of: {OPERATORS}"))),
                };
            }
            _ => {
                return Err(Error::usage(format!("unknown search operator `{name}:`"))
                    .hint(format!("use one of: {OPERATORS}, or put the words in quotation marks")));
            }
        };
        if !self.rest.starts_with(['(', '{']) {
            return Ok(make(self.word()?));
        }
        // `subject:(a OR b)`: the operator holds for each word in the brackets.
        Ok(spread(self.term()?, make))
    }

    fn word(&mut self) -> Result<String> {
        if let Some(rest) = self.rest.strip_prefix('"') {
            let (phrase, rest) =
                rest.split_once('"').ok_or_else(|| Error::usage("a quotation mark is not closed"))?;
            self.rest = rest;
            return Ok(phrase.to_lowercase());
        }
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '{' | '}' | '"'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() {
            return Err(Error::usage("a search operator has nothing to search for"));
        }
        Ok(word.to_lowercase())
    }
}

fn spread(term: Term, make: fn(String) -> Term) -> Term {
    let each = |terms: Vec<Term>| terms.into_iter().map(|term| spread(term, make)).collect();
    match term {
        Term::Words(words) => make(words),
        Term::All(terms) => Term::All(each(terms)),
        Term::Any(terms) => Term::Any(each(terms)),
        Term::Not(term) => Term::Not(Box::new(spread(*term, make))),
        other => other,
    }
}
