//! Where a line of HTML stands: in which element, and how its letters are set.
//!
//! A program puts what a person wrote into one element, all of it set alike. A line that stands elsewhere, or is set
//! otherwise, is the program's.

use std::collections::BTreeMap;

/// Elements that are looked into no deeper than this.
const DEPTH_LIMIT: usize = 200;

/// How far up the open element is looked for that a tag closes.
const REACH: usize = 64;

/// Elements that hold paragraphs. Those of the first list stand for their content alone; of a loose one, each line of a text may
/// have its own.
#[rustfmt::skip]
const CLOSED: &[&str] = &[
    "td", "th", "li", "dt", "dd", "blockquote", "pre", "section", "article", "header", "footer", "aside", "main", "fieldset",
];
const LOOSE: &[&str] = &["div", "center", "form"];

const VOID: &[&str] = &["br", "hr", "img", "input", "meta", "link", "wbr", "area", "col", "source"];

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of the innermost element that holds paragraphs; 0 for none.
    block: u32,
    /// The number of the one around it.
    outer: u32,
    is_loose: bool,
    /// How its first letters are set, and its last: equal where size and colour are.
    first_look: u32,
    last_look: u32,
}

impl Position {
    /// Tells whether a line cannot belong to a text that begins, or goes on, at another.
    pub fn is_elsewhere(self, text: Position) -> bool {
        let is_sibling = self.outer == text.outer && self.is_loose && text.is_loose;
        let is_child = self.outer == text.block && self.is_loose;
        self.first_look != text.last_look || (self.block != text.block && !is_sibling && !is_child)
    }

    /// Returns how the line is set: equal where size and colour are.
    pub fn look(self) -> u32 {
        self.first_look
    }

    /// Returns the position with another end.
    pub fn until(self, end: Position) -> Position {
        Position { last_look: end.first_look, ..self }
    }
}

struct Element {
    name: String,
    /// 0 for one that holds no paragraphs.
    number: u32,
    is_loose: bool,
    look: u32,
}

/// The elements that are open.
#[derive(Default)]
pub struct Open {
    elements: Vec<Element>,
    count: u32,
    looks: BTreeMap<String, u32>,
}

impl Open {
    /// Opens an element; `style` is in lower case and without blanks.
    pub fn start(&mut self, name: &str, style: &str, size: &str, color: &str) {
        self.end_implied(name);
        if VOID.contains(&name) || self.elements.len() >= DEPTH_LIMIT {
            return;
        }
        let is_loose = LOOSE.contains(&name);
        let holds = is_loose || CLOSED.contains(&name);
        self.count += u32::from(holds);
        let number = if holds { self.count } else { 0 };
        let look = self.look_of(name, style, size, color);
        self.elements.push(Element { name: name.to_owned(), number, is_loose, look });
    }

    /// Closes the last element of a name, and what was left open in it.
    pub fn end(&mut self, name: &str) {
        let near = self.elements.len().saturating_sub(REACH);
        let found = self.elements.iter().rposition(|element| element.name == name);
        if let Some(found) = found.filter(|found| *found >= near) {
            self.elements.truncate(found);
        }
    }

    /// Returns where a word would stand now.
    pub fn position(&self) -> Position {
        let mut holders = self.elements.iter().rev().filter(|element| element.number > 0);
        let (block, outer) = (holders.next(), holders.next());
        let look = self.elements.last().map_or(0, |element| element.look);
        Position {
            block: block.map_or(0, |element| element.number),
            outer: outer.map_or(0, |element| element.number),
            is_loose: block.is_none_or(|element| element.is_loose),
            first_look: look,
            last_look: look,
        }
    }

    /// Closes what the start of an element ends without a tag of its own (WHATWG HTML, 13.1.2.4).
    fn end_implied(&mut self, name: &str) {
        let (ended, within): (&[&str], &[&str]) = match name {
            "td" | "th" => (&["td", "th"], &["table"]),
            "tr" | "tbody" | "tfoot" => (&["td", "th", "tr"], &["table"]),
            "li" => (&["li"], &["ul", "ol"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "p" | "div" | "table" | "ul" | "ol" => (&["p"], &["td", "th", "div", "li", "table"]),
            _ => return,
        };
        let mut near = self.elements.iter().enumerate().rev().take(REACH);
        let mut found = None;
        while let Some((index, element)) =
            near.next().filter(|(_, open)| !within.contains(&open.name.as_str()))
        {
            if ended.contains(&element.name.as_str()) {
                found = Some(index);
            }
        }
        if let Some(found) = found {
            self.elements.truncate(found);
        }
    }

    fn look_of(&mut self, name: &str, style: &str, size: &str, color: &str) -> u32 {
        let outer = self.elements.last().map_or(0, |element| element.look);
        let own = |key: &str| {
            let part = style.split(';').find_map(|part| part.strip_prefix(key)?.strip_prefix(':'));
            part.unwrap_or_default().to_owned()
        };
        let size = if name == "small" { "small".to_owned() } else { format!("{}{size}", own("font-size")) };
        let color = format!("{}{color}", own("color"));
        if size.is_empty() && color.is_empty() {
            return outer;
        }
        let next = u32::try_from(self.looks.len()).unwrap_or_default() + 1;
        *self.looks.entry(format!("{outer} {size} {color}")).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use crate::lead::lead_format::html::{Block, Line, blocks};

    fn lines(html: &str) -> Vec<Line> {
        let block = |block| match block {
            Block::Line(line) => vec![line],
            Block::Row(cells) => cells.into_iter().flat_map(|cell| cell.lines).collect(),
        };
        blocks(html).into_iter().flat_map(block).collect()
    }

    #[test]
    fn what_stands_in_another_element_or_is_set_otherwise_is_elsewhere() {
        for (html, wanted) in [
            ("<p>a</p><p>b</p>", false),
            ("<div>a</div><div>b</div>", false),
            ("<td>a<br>b</td>", false),
            ("<div>a<div>b</div></div>", false),
            ("<p><b style='color:red'>Text</b> a</p><p>b</p>", false),
            ("<table><tr><td><p>a<p>b</table>", false),
            ("<table><tr><td>a<tr><td>b</table>", true),
            ("<table><tr><td>a</td></tr></table><p>b</p>", true),
            ("<ul><li>a</ul><p>b</p>", true),
            ("<ul><li>a<li>b</ul>", true),
            ("<div><div>a</div></div><div>b</div>", true),
            ("<dl><dt>a<dd>b</dl>", true),
            ("<p>a</p><p><small>b</small></p>", true),
            ("<p>a</p><p style='font-size: 11px'>b</p>", true),
            ("<p style='font-size: 11px'>a</p><p style='font-size:11px'>b</p>", false),
            ("<font color=red>a</font><br>b", true),
            ("<blockquote>a</blockquote><p>b</p>", true),
        ] {
            let lines = lines(html);
            assert_eq!(lines[1].position.is_elsewhere(lines[0].position), wanted, "{html}");
        }
    }
}
