//! The text of HTML in lines, with what its marks say of them: which are emphasised, and which stand side by side.
//!
//! Tokens are read as browsers read them (WHATWG HTML, 13.2.5). No tree is made, so that time and memory grow with the
//! length alone. What browsers do not show is left out.
//!
//! `message/mail/html.rs` reads the same texts for another question, whose words they are: it follows quotations through
//! all elements that hold them, and needs neither rows nor marks. What people are shown of a mail comes from there.

mod builder;
mod position;

use html5gum::{DefaultEmitter, Token, Tokenizer};

use crate::lead::lead_format::html::builder::Builder;
pub use crate::lead::lead_format::html::position::Position;

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    /// The bytes at its start that one inline element holds, such as the label in `<b>Name</b> Jo`.
    pub marked_bytes: usize,
    /// What holds them is shown as a heading or in bold type.
    pub is_strong: bool,
    /// All of it is a link to a page.
    pub is_link: bool,
    pub gap: Gap,
    pub position: Position,
}

/// What stands between a line and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gap {
    /// A line break in the same paragraph.
    Break,
    #[default]
    Block,
    Paragraph,
}

/// What stands in one cell of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub lines: Vec<Line>,
    pub is_header: bool,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Line(Line),
    /// Two cells or more, or a term with its descriptions. Rows of tables that hold tables are lines.
    Row(Vec<Cell>),
}

impl Cell {
    /// Returns the lines as one text.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl Line {
    /// Tells whether all of it is emphasised.
    pub fn is_heading(&self) -> bool {
        self.is_strong && self.marked_bytes == self.text.len()
    }
}

/// Takes an HTML text apart.
pub fn blocks(html: &str) -> Vec<Block> {
    let mut emitter = DefaultEmitter::default();
    // The content of scripts and styles is no text.
    emitter.naively_switch_states(true);
    let mut builder = Builder::default();
    for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match token {
            Token::StartTag(tag) => builder.start(&tag),
            Token::EndTag(tag) => builder.end(&tag),
            Token::String(text) => builder.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(html: &str) -> Vec<String> {
        let show = |line: &Line| match (line.marked_bytes, line.is_strong) {
            (0, _) => line.text.clone(),
            (end, true) => format!("*{}*{}", &line.text[..end], &line.text[end..]),
            (end, false) => format!("[{}]{}", &line.text[..end], &line.text[end..]),
        };
        blocks(html)
            .iter()
            .map(|block| match block {
                Block::Line(line) => show(line),
                Block::Row(cells) => cells.iter().map(Cell::text).collect::<Vec<_>>().join(" | "),
            })
            .collect()
    }

    #[test]
    fn lines_rows_and_marks_are_told_apart() {
        let cases: [(&str, &[&str]); 14] = [
            ("a<br>b<p>c</p>d", &["a", "b", "c", "d"]),
            ("<b>Name</b>: Jo<br><span>Mail</span> x", &["*Name*: Jo", "[Mail] x"]),
            ("<font><b>Name</b> Jo</font>", &["*Name* Jo"]),
            ("<strong><p>Name</p></strong><h3>Job</h3>x", &["*Name*", "*Job*", "x"]),
            ("<table><tr><td>a<td>b<br>c<tr><th>d</table>e", &["a | b\nc", "*d*", "e"]),
            (
                "<table><tr><td>x<table><tr><td>a</td><td>b</td></tr></table>y</td><td>z</td></tr></table>",
                &["x", "a | b", "y", "z"],
            ),
            ("<dl><dt>a<dd>b<dt>c</dt><dd>d</dd></dl>", &["a | b", "c | d"]),
            (
                "<style>p{}</style><div style='DISPLAY: none'><div>no</div>no</div><script>if (a<b) x</script>yes",
                &["yes"],
            ),
            (
                "<a href='tel:+15125550100'>call me</a> <a href='mailto:a%2Bb@x.example?subject=y'>write</a>",
                &["[+15125550100] a+b@x.example"],
            ),
            ("<a href='mailto:a@x.example'>a@x.example</a>", &["[a@x.example]"]),
            ("M\u{fc}ller &amp; S&ouml;hne &#8211; &nbsp; &#x41;\u{200b}B", &["Müller & Söhne – AB"]),
            ("<pre>a\n  b</pre>c", &["a", "b", "c"]),
            ("a</td></tr></table></b><td>b", &["a", "b"]),
            (
                "<div style='font-weight:600'>Name</div><div>Jo</div><p style='font-weight: bold'>x</p>y",
                &["*Name*", "Jo", "*x*", "y"],
            ),
        ];
        for (html, wanted) in cases {
            assert_eq!(lines(html), wanted, "{html}");
        }
    }

    #[test]
    fn no_nesting_is_too_deep() {
        for html in ["<div><td>", "<table><tr><td>", "<b>x", "<a href=tel:1>", "</table>", "<dl><dt>"] {
            blocks(&html.repeat(100_000));
        }
    }
}
