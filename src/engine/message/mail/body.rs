//! The text of a mail out of its parts: all that people see of it, and what its writer newly wrote.

use std::collections::HashSet;

use nexora_core::base::text::visible;
use nexora_core::model::mail::Part;

use super::own::{self, Line};
use super::{BODY_LIMIT_BYTES, TEXT_LIMIT, charset, cut, decode, header, html, text};

/// Characters of a plain text that may be a stub, which only says that the mail is HTML.
const STUB_LIMIT: usize = 500;

/// Words of a plain text that only points to a web page.
const POINTER_WORDS: usize = 14;
const POINTERS: [&str; 8] =
    ["html", "browser", "reader", "client", "navegador", "navigateur", "webversion", "online"];

#[derive(Debug, Default)]
pub struct Body {
    pub text: String,
    pub own: String,
}

/// A piece of the body: one part, or the parts that say the same in two forms.
#[derive(Default)]
struct Piece {
    alternative: Option<u32>,
    plain: String,
    html: String,
}

/// Tells whether a part is read as text of the mail, rather than kept as an attachment.
pub fn is_body(part: &Part) -> bool {
    let disposition = header(&part.headers, "Content-Disposition").unwrap_or_default().to_ascii_lowercase();
    part.filename.is_none()
        && !disposition.starts_with("attachment")
        && ["text/plain", "text/html"].contains(&part.mime_type.as_str())
}

/// Reads the body of a mail with this subject.
pub fn read(parts: &[Part], subject: &str) -> Body {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in parts.iter().filter(|part| is_body(part)) {
        let Some(body) = &part.body else { continue };
        let decoded = decode(body, charset(&part.headers));
        let decoded = visible(&decoded);
        let is_same = |last: &&mut Piece| part.alternative.is_some() && last.alternative == part.alternative;
        let piece = match pieces.iter_mut().rev().find(is_same) {
            Some(piece) => piece,
            None => {
                pieces.push(Piece { alternative: part.alternative, ..Piece::default() });
                let Some(piece) = pieces.last_mut() else { continue };
                piece
            }
        };
        let target = if part.mime_type == "text/html" { &mut piece.html } else { &mut piece.plain };
        target.push_str(cut(&decoded, BODY_LIMIT_BYTES));
        target.push('\n');
    }
    let mut body = Body::default();
    for piece in &pieces {
        if body.text.chars().count() > TEXT_LIMIT {
            break;
        }
        let lines = piece.lines();
        let whole = text::tidy(&lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n"));
        if !says(&body.text, &whole) {
            add(&mut body.own, &own::of_lines(&lines, subject));
            add(&mut body.text, &whole);
        }
    }
    body
}

impl Piece {
    fn lines(&self) -> Vec<Line> {
        let plain = own::plain_lines(&self.plain);
        if self.html.trim().is_empty() {
            return plain;
        }
        let html = html::lines(&cleaned(&self.html));
        let is_empty = |lines: &[Line]| lines.iter().all(|line| line.text.is_empty());
        if is_empty(&plain) || (!is_empty(&html) && is_stub(&self.plain, &html)) { html } else { plain }
    }
}

/// The text of HTML may be made invisible by references, which stand for characters only once they are read.
fn cleaned(html: &str) -> String {
    const REFERENCES: [&str; 12] = [
        "&zwnj;", "&zwj;", "&shy;", "&lrm;", "&rlm;", "&#8203;", "&#8204;", "&#65279;", "&#173;", "&#847;",
        "&#xfeff;", "&#x200b;",
    ];
    if !html.contains('&') {
        return html.to_owned();
    }
    REFERENCES.iter().fold(html.to_owned(), |html, reference| html.replace(reference, ""))
}

/// Tells whether a plain text says something else than the HTML that stands beside it: that a mail program
/// for HTML is needed, or where to read the mail.
fn is_stub(plain: &str, html: &[Line]) -> bool {
    if plain.chars().count() > STUB_LIMIT {
        return false;
    }
    let said: HashSet<String> = html.iter().flat_map(|line| words(&line.text)).collect();
    let words: HashSet<String> = words(plain).collect();
    let shared = words.intersection(&said).count();
    let points = words.len() <= POINTER_WORDS && words.iter().any(|word| POINTERS.contains(&word.as_str()));
    // Of two that differ, the one that says less is the stub, unless it is the one that points to the other.
    let is_less = points || words.len() <= said.len();
    let differs = is_less && shared * 2 < words.len() && shared * 2 < said.len();
    differs || (points && said.len() > words.len() * 2)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 1);
    words.map(str::to_lowercase)
}

/// Tells whether a text is there already: some programs send the same twice without saying so.
fn says(text: &str, piece: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    letters(text).contains(&letters(piece))
}

fn add(text: &mut String, piece: &str) {
    if !text.is_empty() && !piece.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(piece);
}
