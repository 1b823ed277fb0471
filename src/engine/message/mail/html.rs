//! The text of an HTML mail, line by line, with a note of the lines that quote another mail.
//!
//! Total and linear: what is not closed, or nested too deep, is read as it comes. How a lead's labels stand beside their
//! values is read by `lead/lead_format/html`, which keeps rows, marks and links, and knows nothing of quotations.

use html5gum::{StartTag, Token, Tokenizer};

use super::own::{Line, Origin};
use super::{attribution, own};

/// Elements that may stand in each other; those within are read, but not told apart.
const DEPTH: usize = 400;

/// How far up the open element is looked for that an end tag closes.
const REACH: usize = 64;

const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Elements that begin and end a line.
const BLOCKS: [&str; 28] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Elements that one of their own kind closes.
const CLOSED_BY_THE_NEXT: [&str; 8] = ["p", "li", "tr", "td", "th", "dt", "dd", "option"];

const UNSEEN: [&str; 4] = ["script", "style", "title", "template"];

/// Classes and ids by which mail programs mark what they quote, and signatures: Gmail, Thunderbird, Yahoo,
/// Proton, Tuta, Zoho, Roundcube, Outlook. Outlook writes `x_` before those of the mail that it answers.
const QUOTE_MARKS: [&str; 15] = [
    "gmail_attr",
    "moz-cite-prefix",
    "yahoo_quoted",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "reply-intro",
    "outlookmessageheader",
    "gmail_signature",
    "gmail_signature_prefix",
    "moz-signature",
    "protonmail_signature_block",
    "signature",
    "ms-outlook-mobile-signature",
    "applemailsignature",
];

/// Ids of the elements behind which Outlook quotes all the rest.
const REST_MARKS: [&str; 6] = [
    "divrplyfwdmsg",
    "appendonsend",
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-body-separator-line",
    "ms-outlook-mobile-reference-message",
    "stopspelling",
];

struct Element {
    name: Vec<u8>,
    quotes: bool,
    keeps_space: bool,
    is_unseen: bool,
}

#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    line: String,
    open: Vec<Element>,
    quoted: usize,
    spaced: usize,
    unseen: usize,
    rest: bool,
    /// What follows was forwarded, and is no quote.
    forwarded: bool,
}

/// Returns what an HTML text says. Cells of a row stand on one line, `a | b`.
pub fn lines(html: &str) -> Vec<Line> {
    let mut reader = Reader::default();
    for token in Tokenizer::new(html).flatten() {
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&tag.name),
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    reader.end_line();
    reader.lines
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        let is_its_own_end = self.open.last().is_some_and(|last| last.name == name);
        if is_its_own_end && is_one_of(name, &CLOSED_BY_THE_NEXT) {
            self.end(name);
        }
        match name {
            b"br" => self.push_line(),
            _ if is_one_of(name, &BLOCKS) => self.end_line(),
            _ => {}
        }
        if name == b"p" {
            self.end_paragraph();
        }
        if is_marked(tag, &REST_MARKS) {
            self.end_line();
            self.rest = true;
        }
        if is_one_of(name, &VOID) || self.open.len() >= DEPTH {
            return;
        }
        let style = attribute(tag, "style").replace(' ', "");
        let element = Element {
            quotes: self.is_quote(tag, &style),
            keeps_space: name == b"pre" || style.contains("white-space:pre"),
            is_unseen: is_one_of(name, &UNSEEN),
            name: name.to_vec(),
        };
        if element.quotes {
            self.end_line();
        }
        self.quoted += usize::from(element.quotes);
        self.spaced += usize::from(element.keeps_space);
        self.unseen += usize::from(element.is_unseen);
        self.open.push(element);
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"p" => self.end_paragraph(),
            b"td" | b"th" if !self.line.is_empty() => self.line.push_str(" | "),
            _ if is_one_of(name, &BLOCKS) => self.end_line(),
            _ => {}
        }
        let found = self.open.iter().rev().take(REACH).position(|element| element.name == name);
        for _ in 0..found.map_or(0, |above| above + 1) {
            let Some(element) = self.open.pop() else { return };
            if element.quotes {
                self.end_line();
            }
            self.quoted -= usize::from(element.quotes);
            self.spaced -= usize::from(element.keeps_space);
            self.unseen -= usize::from(element.is_unseen);
        }
    }

    fn text(&mut self, text: &str) {
        if self.unseen > 0 {
            return;
        }
        for character in text.chars() {
            match character {
                '\n' if self.spaced > 0 => self.push_line(),
                _ if !character.is_whitespace() => self.line.push(character),
                _ if self.line.ends_with(' ') => {}
                _ => self.line.push(' '),
            }
        }
    }

    /// Ends the line and leaves an empty one, if there was anything before.
    fn end_paragraph(&mut self) {
        self.end_line();
        if self.lines.last().is_some_and(|last| !last.text.is_empty()) {
            self.push(String::new());
        }
    }

    fn end_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.push_line();
        }
    }

    /// Ends a line, also one without words.
    fn push_line(&mut self) {
        let text = super::text::folded(&std::mem::take(&mut self.line));
        let text = text.trim_matches(|c: char| c == '|' || c == ' ').to_owned();
        self.forwarded |= own::begins_forwarded(&text);
        self.push(text);
    }

    fn push(&mut self, text: String) {
        let origin = match (self.forwarded, self.quoted, self.rest) {
            (true, ..) | (_, 0, false) => Origin::Own,
            (_, 0, true) => Origin::Rest,
            _ => Origin::Quoted,
        };
        self.lines.push(Line { text, origin });
    }

    fn is_quote(&self, tag: &StartTag<()>, style: &str) -> bool {
        if is_marked(tag, &QUOTE_MARKS) || attribute(tag, "id").starts_with("yahoo_quoted") {
            return true;
        }
        if &*tag.name != b"blockquote" {
            return false;
        }
        let is_cited =
            attribute(tag, "type").eq_ignore_ascii_case("cite") || tag.attributes.contains_key(&b"cite"[..]);
        is_cited || is_marked(tag, &["gmail_quote"]) || (!is_indent(style) && self.follows_attribution())
    }

    fn follows_attribution(&self) -> bool {
        let last =
            [self.line.as_str()].into_iter().chain(self.lines.iter().rev().map(|line| line.text.as_str()));
        last.take(4).find(|text| !text.trim().is_empty()).is_some_and(attribution::ends_one)
    }
}

/// A block quotation that only moves a paragraph to the right.
fn is_indent(style: &str) -> bool {
    style.contains("border:none") || style.contains("margin:0004") || style.contains("border:0")
}

fn attribute(tag: &StartTag<()>, name: &str) -> String {
    let value = tag.attributes.get(name.as_bytes());
    value.map(|value| String::from_utf8_lossy(value).to_ascii_lowercase()).unwrap_or_default()
}

fn is_marked(tag: &StartTag<()>, marks: &[&str]) -> bool {
    let (classes, id) = (attribute(tag, "class"), attribute(tag, "id"));
    let mut names = classes.split_whitespace().chain([id.as_str()]);
    names.any(|name| {
        let mut name = name;
        while let Some(rest) = name.strip_prefix("x_") {
            name = rest;
        }
        marks.contains(&name)
    })
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}
