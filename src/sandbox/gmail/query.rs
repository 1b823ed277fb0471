//! Gmail's search language ("Refine searches in Gmail" of Google's help).
//!
//! Terms beside each other must all hold; `OR` and braces ask for any of several, parentheses group,
//! a minus negates. An operator that is not known is a word like others, as in Gmail.

mod test;

use crate::gmail::label::Label;
use crate::gmail::mailbox::Message;
use crate::gmail::query::test::Test;
use nexora_core::base::clock::Timestamp;

/// Groups inside groups at most; what is deeper is not looked at.
const DEPTH_LIMIT: usize = 50;

/// What a message must be to be found.
#[derive(Debug)]
pub struct Query(Expression);

#[derive(Debug)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Is(Test),
}

/// Reads a query; `now` is what ages are counted from. There is none that cannot be read.
pub fn parse(text: &str, now: Timestamp) -> Query {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, now, depth: 0 };
    Query(Expression::All(reader.sequence(None, None)))
}

#[derive(Debug, PartialEq)]
enum Token {
    Open(char),
    Close(char),
    Minus,
    /// `from:`, with what it is for in the next token.
    Operator(String),
    Word(String),
}

/// Cuts a query at blanks and brackets outside quotes.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    fn end(word: &mut String, tokens: &mut Vec<Token>) {
        if !word.is_empty() {
            tokens.push(Token::Word(std::mem::take(word)));
        }
    }
    for c in text.chars() {
        match c {
            '"' => {
                end(&mut word, &mut tokens);
                is_quoted = !is_quoted;
            }
            c if is_quoted => word.push(c),
            '(' | '{' => {
                end(&mut word, &mut tokens);
                tokens.push(Token::Open(c));
            }
            ')' | '}' => {
                end(&mut word, &mut tokens);
                tokens.push(Token::Close(c));
            }
            '-' if word.is_empty() => tokens.push(Token::Minus),
            ':' if test::is_operator(&word) => {
                tokens.push(Token::Operator(std::mem::take(&mut word).to_lowercase()));
            }
            c if c.is_whitespace() => end(&mut word, &mut tokens),
            c => word.push(c),
        }
    }
    end(&mut word, &mut tokens);
    tokens
}

struct Reader<'a> {
    tokens: &'a [Token],
    now: Timestamp,
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Reads up to the bracket that ends a group; `operator` is the one before the group.
    fn sequence(&mut self, end: Option<char>, operator: Option<&str>) -> Vec<Expression> {
        let mut all: Vec<Expression> = Vec::new();
        let mut is_alternative = false;
        loop {
            match self.tokens.first() {
                None => return all,
                Some(Token::Close(bracket)) => {
                    let is_end = Some(*bracket) == end;
                    self.next();
                    if is_end {
                        return all;
                    }
                    continue;
                }
                Some(Token::Word(word)) if word == "OR" && !all.is_empty() => {
                    self.next();
                    is_alternative = true;
                    continue;
                }
                Some(Token::Word(word)) if word == "AND" => {
                    self.next();
                    continue;
                }
                Some(_) => {}
            }
            let Some(item) = self.item(operator) else { continue };
            match (is_alternative, all.pop()) {
                (true, Some(Expression::Any(mut any))) => {
                    any.push(item);
                    all.push(Expression::Any(any));
                }
                (true, Some(before)) => all.push(Expression::Any(vec![before, item])),
                (_, before) => {
                    all.extend(before);
                    all.push(item);
                }
            }
            is_alternative = false;
        }
    }

    fn item(&mut self, operator: Option<&str>) -> Option<Expression> {
        let now = self.now;
        match self.next()? {
            Token::Minus => {
                // Two of them would be one thing too many to keep in mind, for people and machines.
                while self.tokens.first() == Some(&Token::Minus) {
                    self.next();
                }
                self.item(operator).map(|item| Expression::Not(Box::new(item)))
            }
            Token::Word(word) => Some(Expression::Is(Test::read(operator, word, now))),
            Token::Operator(name) => {
                let name = name.clone();
                match self.tokens.first() {
                    Some(Token::Word(_) | Token::Open(_)) => self.item(Some(&name)),
                    _ => Some(Expression::Is(Test::read(None, &name, now))),
                }
            }
            Token::Open(bracket) => {
                let close = if *bracket == '{' { '}' } else { ')' };
                self.depth += 1;
                if self.depth > DEPTH_LIMIT {
                    self.tokens = &[];
                    return None;
                }
                let group = self.sequence(Some(close), operator);
                self.depth -= 1;
                Some(if close == '}' { Expression::Any(group) } else { Expression::All(group) })
            }
            Token::Close(_) => None,
        }
    }
}

impl Query {
    pub fn matches(&self, message: &Message, labels: &[Label]) -> bool {
        self.0.holds(message, labels)
    }

    /// Tells whether mails with a label that is usually left out are asked for.
    pub fn asks_for(&self, label: &str) -> bool {
        self.0.asks_for(label)
    }
}

impl Expression {
    fn holds(&self, message: &Message, labels: &[Label]) -> bool {
        match self {
            Expression::All(all) => all.iter().all(|one| one.holds(message, labels)),
            Expression::Any(any) => any.iter().any(|one| one.holds(message, labels)),
            Expression::Not(one) => !one.holds(message, labels),
            Expression::Is(test) => test.holds(message, labels),
        }
    }

    fn asks_for(&self, label: &str) -> bool {
        match self {
            Expression::All(all) | Expression::Any(all) => all.iter().any(|one| one.asks_for(label)),
            Expression::Not(_) => false,
            Expression::Is(test) => test.asks_for(label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gmail::mailbox::{HistoryId, SENT};
    use crate::letter::{ParsedMail, write};

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
            labels: vec![SENT.to_owned()],
            history_id: HistoryId(2),
            at: Timestamp::from_millis(1_789_999_000_000),
            letter: ParsedMail::read(&raw).unwrap(),
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
            assert_eq!(parse(text, NOW).matches(&sent(), &[]), wanted, "{text}");
        }
    }

    #[test]
    fn groups_and_alternatives_are_read_and_the_unknown_is_a_word() {
        let cases = [
            ("tuesday OR monday", true),
            ("tuesday OR friday boiler", false),
            ("{tuesday monday}", true),
            ("subject:(visit boiler)", true),
            ("subject:(visit dentist)", false),
            ("subject:{dentist visit}", true),
            ("-(in:sent monday)", false),
            ("-in:inbox (to:jo OR to:kim)", true),
            ("from:office -{tuesday friday}", true),
            ("larger:10", true),
            ("larger:1M", false),
            ("smaller:1K", true),
            ("has:attachment", false),
            ("is:read", true),
            ("is:unread", false),
            ("in:somewhere", false),
            ("after:soon", false),
            ("colour:blue", false),
            ("mond", false),
            ("\"see you on\"", true),
            ("((", true),
            ("subject:", false),
            ("https://example.com", false),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text, NOW).matches(&sent(), &[]), wanted, "{text}");
        }
        assert!(parse(&"(".repeat(100_000), NOW).matches(&sent(), &[]));
        assert!(parse("x OR in:trash", NOW).asks_for("TRASH"));
    }
}
