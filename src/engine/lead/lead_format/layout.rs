//! A mail's text as pieces: lines as they stand, and pairs of a label and its value where the layout says so.

use crate::lead::lead_format::html::{self, Block, Cell, Gap, Line};
use crate::lead::lead_format::label::{self, Certainty};
use nexora_core::base::text::visible;
use std::borrow::Cow;

/// One piece of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Line(Line),
    /// The cells of a row, a term and its description, or a column's head and what stands below it.
    Pair(String, Vec<Line>),
}

const LINES: usize = 5_000;

/// The longest label of a row.
const LABEL_LENGTH: usize = 120;

/// Takes a plain text apart.
pub fn of_text(text: &str) -> Vec<Piece> {
    let text = visible(text);
    let mut gap = Gap::Paragraph;
    let mut pieces = Vec::new();
    for raw in text.lines().take(LINES).flat_map(segments) {
        let raw = unquoted(&raw);
        let raw = raw.as_ref();
        let line = plain(raw);
        // What mail programs write of bold type, and of a heading.
        let is_strong =
            line.len() + 2 <= raw.trim().len() && raw.trim().starts_with('*') && raw.trim().ends_with('*');
        if line.is_empty() && !is_rule(raw) {
            gap = Gap::Paragraph;
            continue;
        }
        if gap == Gap::Break && is_underline(raw, pieces.last_mut()) {
            continue;
        }
        let text = if is_rule(raw) { raw.trim() } else { line }.to_owned();
        let marked_bytes = if is_strong { text.len() } else { 0 };
        pieces.push(Piece::Line(Line { text, marked_bytes, is_strong, gap, ..Line::default() }));
        gap = Gap::Break;
    }
    questions(pieces)
}

/// Tells whether a rule is drawn below a heading, as long as the heading is, and marks this as one.
fn is_underline(rule: &str, above: Option<&mut Piece>) -> bool {
    let Some(Piece::Line(above)) = above else { return false };
    let length = |text: &str| text.trim().chars().count();
    let is_one = is_rule(rule)
        && above.gap == Gap::Paragraph
        && length(rule) >= 3
        && length(rule).abs_diff(length(&above.text)) <= 1;
    if is_one {
        (above.is_strong, above.marked_bytes) = (true, above.text.len());
    }
    is_one
}

/// Parts a line in which several labels stand: `Name: Jo | Phone: 555 0100`.
fn segments(line: &str) -> Vec<String> {
    let starts = |rest: &str| {
        let label = rest.split_once(':').map(|(label, _)| label.trim());
        label.is_some_and(|label| {
            label.len() <= 30 && matches!(label::meaning(label), Some((_, Certainty::Whole)))
        })
    };
    let is_edge = |c: char| matches!(c, ',' | ';' | '|');
    if !line.contains(is_edge) || !starts(line) {
        return vec![line.to_owned()];
    }
    let mut parts: Vec<String> = Vec::new();
    for part in line.split_inclusive(is_edge) {
        match parts.last_mut() {
            Some(last) if !starts(part) => last.push_str(part),
            Some(last) => {
                last.truncate(last.trim_end_matches(is_edge).len());
                parts.push(part.to_owned());
            }
            None => parts.push(part.to_owned()),
        }
    }
    parts
}

/// A member of a JSON object as people write it: `"phone": "555",` as `phone: 555`.
fn unquoted(line: &str) -> Cow<'_, str> {
    let text = line.trim().trim_end_matches(',');
    let member = text.strip_prefix('"').and_then(|rest| rest.split_once("\":"));
    match member {
        Some((label, value)) => {
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            Cow::Owned(format!("{label}: {}", value.replace("\\\"", "\"").replace("\\n", "\n")))
        }
        None if matches!(text, "{" | "}" | "[" | "]") => Cow::Borrowed(""),
        None => Cow::Borrowed(line),
    }
}

/// Makes pairs of `Q: …` and `A: …`.
fn questions(pieces: Vec<Piece>) -> Vec<Piece> {
    let after = |piece: &Piece, sign: &str| match piece {
        Piece::Line(line) => {
            line.text.strip_prefix(sign).map(|rest| Line { text: rest.trim().to_owned(), ..line.clone() })
        }
        Piece::Pair(..) => None,
    };
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let answer = after(&piece, "A:");
        let asked = out.last().and_then(|last| after(last, "Q:"));
        match (answer, asked) {
            (Some(answer), Some(asked)) => {
                out.pop();
                out.push(Piece::Pair(asked.text, vec![answer]));
            }
            _ => out.push(piece),
        }
    }
    out
}

/// Takes an HTML text apart.
pub fn of_html(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut head: Vec<String> = Vec::new();
    for block in html::blocks(html) {
        match block {
            Block::Line(line) => {
                let line = shown(line);
                head.clear();
                let parts = segments(&line.text);
                if parts.len() == 1 {
                    pieces.push(Piece::Line(line));
                    continue;
                }
                pieces.extend(parts.iter().map(|part| {
                    let text = part.trim().to_owned();
                    Piece::Line(Line { text, gap: line.gap, ..Line::default() })
                }));
            }
            Block::Row(cells) => {
                let is_known = |text: &str| label::meaning(text).is_some();
                let names_values = head.len() == 2 && head.last().is_some_and(|text| is_of_values(text));
                let names_rows =
                    !head.is_empty() && (names_values || !head.iter().any(|text| is_known(text)));
                let is_row =
                    names_values || names_rows && cells.iter().take(2).any(|cell| is_known(&cell.text()));
                let is_below = !head.is_empty() && head.len() == cells.len() && !is_row;
                if is_row {
                    head.clear();
                }
                if is_below {
                    let pairs = head.drain(..).zip(cells).filter(|(_, cell)| !cell.lines.is_empty());
                    pieces.extend(pairs.map(|(label, cell)| Piece::Pair(label, cell.lines)));
                    continue;
                }
                if is_head(&cells) {
                    head = cells.iter().map(Cell::text).collect();
                } else {
                    row(cells, &mut pieces);
                }
            }
        }
        if pieces.len() >= LINES {
            break;
        }
    }
    // A head with nothing below it is a row like others.
    pieces.extend(head.into_iter().filter(|text| !text.is_empty()).map(|text| {
        Piece::Line(Line { marked_bytes: text.len(), is_strong: true, text, ..Line::default() })
    }));
    pieces
}

/// Takes away what programs put around a line for show, and the pictures before it.
pub fn plain(line: &str) -> &str {
    let line =
        line.trim().trim_matches(|c: char| matches!(c, '*' | '_' | '•' | '·' | '▪' | '|' | '>')).trim();
    without_picture(line.trim_start_matches('#').trim_start())
}

/// Takes away the pictures at the start of a line: a telephone before its number. A line of pictures alone is kept.
fn without_picture(line: &str) -> &str {
    let is_picture = |c: char| matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
    let rest = line.trim_start_matches(|c: char| is_picture(c) || c.is_whitespace());
    if rest.is_empty() { line } else { rest }
}

/// Tells whether a line is drawn: `-----`.
pub fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() >= 2 && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '—' | '–' | '─' | '*'))
}

fn shown(line: Line) -> Line {
    let text = without_picture(&line.text).to_owned();
    let marked_bytes = line.marked_bytes.saturating_sub(line.text.len() - text.len());
    Line { text, marked_bytes, ..line }
}

/// What stands above the values of a form: `Field | Value`.
pub fn is_of_values(head: &str) -> bool {
    let words = [
        "value",
        "values",
        "answer",
        "response",
        "wert",
        "antwort",
        "valor",
        "respuesta",
        "valeur",
        "réponse",
        "valore",
        "risposta",
        "waarde",
        "antwoord",
    ];
    words.contains(&label::folded(head).as_str())
}

/// Tells whether a line is a heading that is drawn: `=== OTHER ===`.
pub fn is_drawn_heading(line: &str) -> bool {
    let line = line.trim();
    let is_drawn = |c: char| matches!(c, '-' | '=' | '_' | '*' | '#' | '~');
    let inner = line.trim_matches(is_drawn);
    let length = |text: &str| text.chars().count();
    let is_framed =
        line.starts_with(is_drawn) && line.ends_with(is_drawn) && length(line) >= length(inner) + 4;
    is_framed && (1..=60).contains(&inner.trim().len())
}

/// A row of labels: each cell is a header, or known as a label.
fn is_head(cells: &[Cell]) -> bool {
    let is_heading = |cell: &Cell| cell.is_header || cell.lines.iter().all(Line::is_heading);
    let is_label = |cell: &Cell| {
        let certainty = label::meaning(&cell.text()).map(|(_, certainty)| certainty);
        cell.is_header || certainty == Some(Certainty::Whole) || (certainty.is_some() && is_heading(cell))
    };
    cells.len() >= 2 && cells.iter().all(|cell| !cell.lines.is_empty() && is_label(cell))
}

fn row(cells: Vec<Cell>, pieces: &mut Vec<Piece>) {
    let count = cells.len();
    let has_empty_value = count == 2 && cells.last().is_some_and(|cell| cell.lines.is_empty());
    let says = |cell: &Cell| cell.lines.iter().any(|line| line.text.chars().any(char::is_alphanumeric));
    let mut cells: Vec<Cell> = cells.into_iter().filter(says).collect();
    let is_number = |cell: &Cell| cell.text().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // The number of the row.
    if cells.len() > 2 && cells.first().is_some_and(is_number) {
        cells.remove(0);
    }
    let has_value = |text: &str| {
        let is_value = |value: &str| !value.trim().is_empty() && label::meaning(value).is_none();
        let parts = text.split_once(':').filter(|(_, value)| is_value(value));
        parts.is_some_and(|(label, _)| label::meaning(label).is_some())
    };
    let is_label =
        |cell: &Cell| cell.lines.len() == 1 && cell.text().len() <= LABEL_LENGTH && !has_value(&cell.text());
    let is_known = |cell: &Cell| is_label(cell) && label::meaning(&cell.text()).is_some();
    let labels = cells.iter().step_by(2).filter(|cell| is_known(cell)).count();
    let is_alternating = cells.len() > 2 && cells.len().is_multiple_of(2) && labels == cells.len() / 2;
    match cells.first() {
        Some(first) if has_empty_value && is_known(first) => {}
        Some(first) if cells.len() == 2 && is_label(first) || is_alternating => {
            let mut cells = cells.into_iter();
            while let (Some(label), Some(value)) = (cells.next(), cells.next()) {
                pieces.push(Piece::Pair(label.text(), value.lines));
            }
        }
        Some(first) if is_known(first) && cells.len() > 2 => {
            let label = first.text();
            let value = cells.into_iter().skip(1).flat_map(|cell| cell.lines).collect();
            pieces.push(Piece::Pair(label, value));
        }
        _ => pieces.extend(cells.into_iter().flat_map(|cell| cell.lines).map(Piece::Line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece]) -> Vec<String> {
        let text = |lines: &[Line]| lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("/");
        let show = |piece: &Piece| match piece {
            Piece::Line(line) => line.text.clone(),
            Piece::Pair(label, value) => format!("{label}={}", text(value)),
        };
        pieces.iter().map(show).collect()
    }

    #[test]
    fn rows_are_pairs_where_the_layout_says_so() {
        for (html, wanted) in [
            ("<table><tr><td>Age</td><td>12<br>years</td></tr></table>", &["Age=12/years"][..]),
            ("<table><tr><td></td><td>Jo</td></tr></table>", &["Jo"]),
            (
                "<table><tr><td>Phone</td><td></td></tr><tr><td>Left alone</td><td></td></tr></table>",
                &["Left alone"],
            ),
            ("<table><tr><th>Name<th>Age<tr><td>Jo<td>12</table>", &["Name=Jo", "Age=12"]),
            ("<table><tr><td><b>Name</b><td><b>Phone</b><tr><td>Jo<td>55</table>", &["Name=Jo", "Phone=55"]),
            ("<table><tr><td>Name<td>Jo<td>Phone<td>55</table>", &["Name=Jo", "Phone=55"]),
            ("<table><tr><td>a<br>b</td><td>c</td></tr></table>", &["a", "b", "c"]),
            ("<table><tr><th>Name</th><td>Jo</td></tr></table>", &["Name=Jo"]),
            ("<table><tr><th>Only</th><th>heads</th></tr></table>", &["Only", "heads"]),
            (
                "<table><tr><th>Field<th>Value<tr><td>Name<td>Jo<tr><td>Age<td>12</table>",
                &["Name=Jo", "Age=12"],
            ),
            (
                "<table><tr><td>First name<td>Last name<tr><td>Jo<td>Miller</table>",
                &["First name=Jo", "Last name=Miller"],
            ),
            ("<table><tr><td>Name: Jo<td>Phone: 55</table>", &["Name: Jo", "Phone: 55"]),
            ("<table><tr><td>1.<td>Name<td>Jo</table>", &["Name=Jo"]),
            ("<table><tr><td>Name<td>:<td>Jo</table>", &["Name=Jo"]),
            (
                "Name: Jo, Jr. | Phone: 55; Email: a@x.example",
                &["Name: Jo, Jr.", "Phone: 55", "Email: a@x.example"],
            ),
        ] {
            assert_eq!(shown(&of_html(html)), wanted, "{html}");
        }
    }

    #[test]
    fn questions_and_members_are_labels_too() {
        let text = "{\n \"name\": \"Jo \\\"J\\\" Miller\",\n \"age\": 12\n}\nQ: Which floor?\nA: The first";
        assert_eq!(shown(&of_text(text)), ["name: Jo \"J\" Miller", "age: 12", "Which floor?=The first"]);
    }

    #[test]
    fn a_text_loses_what_is_drawn_around_it() {
        let pieces = of_text("*Name*\n| Jo |\n\n> x\u{200b}y\n----\n");
        assert_eq!(shown(&pieces), ["Name", "Jo", "xy", "----"]);
        assert!(matches!(&pieces[0], Piece::Line(line) if line.is_heading()));
        let gaps: Vec<Gap> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Line(line) => line.gap,
                Piece::Pair(..) => Gap::Block,
            })
            .collect();
        assert_eq!(gaps, [Gap::Paragraph, Gap::Break, Gap::Paragraph, Gap::Break]);
    }
}
