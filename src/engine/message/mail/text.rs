//! The text of a mail as it is kept: plain, or out of HTML.

use super::html;

/// Returns what an HTML text says, line by line. Cells of a row stand on one line, `a | b`.
pub fn of_html(html: &str) -> String {
    let lines = html::lines(html);
    tidy(&lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n"))
}

/// Trims lines, folds blanks, and keeps at most one empty line between others.
pub fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_after_empty = false;
    for line in text.lines() {
        let line = folded(line);
        if line.is_empty() {
            is_after_empty = true;
            continue;
        }
        if is_after_empty && !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&line);
        out.push('\n');
        is_after_empty = false;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Makes one blank of many, and trims.
pub fn folded(line: &str) -> String {
    let words = line.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
