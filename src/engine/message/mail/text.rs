//! The text of a mail: out of HTML, and without what it quotes.

use std::borrow::Cow;

use mail_parser::decoders::html::html_to_text;
use nexora_core::base::text::visible;

/// Tags that end a line, as the parser knows only `br` and `p` to do.
const BLOCKS: [&str; 12] =
    ["</div", "</tr", "</li", "</h1", "</h2", "</h3", "</h4", "</table", "</dt", "</dd", "<tr", "<table"];

/// Returns what an HTML text says, line by line. Cells of a row stand on one line, `a | b`.
pub fn of_html(html: &str) -> String {
    let text = tidy(&html_to_text(&with_lines(html)));
    let lines = text.lines().map(|line| line.trim_matches(|c: char| c == '|' || c == ' '));
    tidy(&lines.collect::<Vec<_>>().join("\n"))
}

/// Writes a line end before every tag that ends a line, and a gap between cells.
fn with_lines(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        if BLOCKS.iter().any(|block| begins(tag, block)) {
            out.push_str("<br>");
        } else if begins(tag, "</td") || begins(tag, "</th") {
            out.push_str(" | ");
        }
        out.push('<');
        rest = tag.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn begins(tag: &str, name: &str) -> bool {
    let ends = |next: Option<u8>| next.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && ends(tag.as_bytes().get(name.len()).copied())
}

/// Trims lines, folds blanks, and keeps at most one empty line between others.
pub fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = visible(text);
    let mut empty = 0;
    for line in text.lines() {
        let words = line.split(|c: char| c.is_whitespace() || c.is_control());
        let start = out.len();
        for word in words.filter(|word| !word.is_empty()) {
            if out.len() > start {
                out.push(' ');
            } else if empty > 0 && start > 0 {
                out.push('\n');
            }
            out.push_str(word);
        }
        if out.len() == start {
            empty += 1;
        } else {
            out.push('\n');
            empty = 0;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Returns what a person newly wrote, without the mail that it answers.
pub fn newly_written(text: &str) -> Cow<'_, str> {
    let mut end = 0;
    let mut offset = 0;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        if begins_quote(line.trim(), next.trim()) {
            break;
        }
        offset += line.len();
        if !line.trim_start().starts_with('>') && !line.trim().is_empty() {
            end = offset;
        }
    }
    let kept = text.get(..end).unwrap_or(text);
    if !kept.lines().any(|line| line.trim_start().starts_with('>')) {
        return Cow::Borrowed(kept.trim());
    }
    let own: Vec<&str> = kept.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    Cow::Owned(own.join("\n").trim().to_owned())
}

/// The lines with which mail programs begin what they quote.
fn begins_quote(line: &str, next: &str) -> bool {
    let lower = line.to_lowercase();
    let wrote =
        |text: &str| text.ends_with("wrote:") || text.ends_with("schrieb:") || text.ends_with("écrit :");
    (lower.starts_with("on ") && (wrote(&lower) || wrote(&next.to_lowercase())))
        || (lower.starts_with("am ") && wrote(&lower))
        || (lower.starts_with("le ") && wrote(&lower))
        || (line.starts_with("-----") && lower.contains("original message"))
        || (lower.starts_with("from: ") && next.to_lowercase().starts_with("sent: "))
        || (line.len() >= 20 && line.bytes().all(|byte| byte == b'_'))
}
