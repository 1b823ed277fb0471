//! Reads the tokens of an HTML text as lines, cells and rows.

use html5gum::{EndTag, StartTag};

use crate::lead::lead_format::html::position::Open;
use crate::lead::lead_format::html::{Block, Cell, Gap, Line};
use nexora_core::base::text::visible;

/// Elements that are looked into no deeper than this.
const DEPTH_LIMIT: usize = 200;

/// Elements whose content is never shown.
const UNSEEN: &[&str] = &["head", "style", "script", "template", "title", "noscript", "svg", "select"];
const HEADINGS: &[&str] = &["h1", "h2", "h3", "h4", "h5", "h6", "caption"];
#[rustfmt::skip]
const BLOCKS: &[&str] = &[
    "div", "li", "section", "article", "header", "footer", "form", "fieldset", "center", "main", "address", "legend",
    "aside", "nav", "tbody", "thead", "tfoot", "figure",
];
const PARAGRAPHS: &[&str] = &["p", "ul", "ol", "blockquote", "pre"];
#[rustfmt::skip]
const INLINE: &[&str] = &[
    "b", "strong", "span", "font", "label", "em", "i", "u", "a", "small", "big", "code", "mark",
];
const VOID: &[&str] = &["br", "hr", "img", "input", "meta", "link", "wbr", "area"];

/// A table, or a list of terms, that is open.
#[derive(Default)]
struct Table {
    cells: Vec<Cell>,
    open: Option<Cell>,
    /// The open row holds another table, so that its cells say nothing about each other.
    is_layout: bool,
}

/// An inline element that is open.
struct Inline {
    name: String,
    is_strong: bool,
    is_link: bool,
    /// What it leads to, where that is an address or a number.
    target: Option<String>,
    /// Where it begins in the line that was open then.
    start: usize,
    line: usize,
}

#[derive(Default)]
pub struct Builder {
    blocks: Vec<Block>,
    open: Open,
    tables: Vec<Table>,
    inline: Vec<Inline>,
    /// An element that is not shown, and how often it is open.
    hidden: Option<(String, usize)>,
    headings: usize,
    preformatted: usize,
    line: Line,
    linked_bytes: usize,
    /// The number of the open line.
    number: usize,
    gap: Gap,
    wants_space: bool,
    /// A blank that is to be seen stands where a line may begin.
    is_blank: bool,
}

impl Builder {
    pub fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let name = name.as_str();
        if let Some((hidden, depth)) = &mut self.hidden {
            *depth += usize::from(hidden.as_str() == name && !tag.self_closing);
            return;
        }
        let attribute = |key: &str| {
            let value =
                tag.attributes.get(key.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned());
            value.unwrap_or_default()
        };
        let style: String = attribute("style").to_ascii_lowercase().split_whitespace().collect();
        let is_hidden = style.contains("display:none") || tag.attributes.contains_key(b"hidden".as_slice());
        if (UNSEEN.contains(&name) || is_hidden) && !VOID.contains(&name) && !tag.self_closing {
            self.hidden = Some((name.to_owned(), 1));
            return;
        }
        self.open.start(name, &style, &attribute("size"), &attribute("color"));
        match name {
            "br" => self.end_line(Gap::Break),
            "hr" => {
                self.end_line(Gap::Paragraph);
                self.text("---");
                self.end_line(Gap::Paragraph);
            }
            "table" | "dl" => self.open_table(),
            "tr" => self.end_row(),
            "dt" => {
                self.end_row();
                self.open_cell(true);
            }
            "td" | "th" | "dd" => self.open_cell(name == "th" || is_bold(&style)),
            "pre" => {
                self.end_line(Gap::Paragraph);
                self.preformatted += 1;
            }
            _ if HEADINGS.contains(&name) => {
                self.end_line(Gap::Paragraph);
                self.headings += 1;
            }
            _ if PARAGRAPHS.contains(&name) || BLOCKS.contains(&name) => {
                self.end_line(if PARAGRAPHS.contains(&name) { Gap::Paragraph } else { Gap::Block });
                if !VOID.contains(&name) {
                    self.open_inline(name, &style, "");
                }
            }
            _ if INLINE.contains(&name) => self.open_inline(name, &style, &attribute("href")),
            _ => {}
        }
    }

    pub fn end(&mut self, tag: &EndTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let name = name.as_str();
        if let Some((hidden, depth)) = &mut self.hidden {
            *depth -= usize::from(hidden.as_str() == name);
            if *depth == 0 {
                self.hidden = None;
            }
            return;
        }
        self.open.end(name);
        match name {
            "table" | "dl" => self.close_table(),
            "tr" => self.end_row(),
            "td" | "th" | "dd" | "dt" => self.close_cell(),
            "pre" => {
                self.end_line(Gap::Paragraph);
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            _ if HEADINGS.contains(&name) => {
                self.end_line(Gap::Paragraph);
                self.headings = self.headings.saturating_sub(1);
            }
            _ if PARAGRAPHS.contains(&name) || BLOCKS.contains(&name) => {
                // `<div>&nbsp;</div>` is an empty line.
                let is_blank = self.is_blank && self.line.text.is_empty();
                let is_paragraph = is_blank || PARAGRAPHS.contains(&name);
                self.end_line(if is_paragraph { Gap::Paragraph } else { Gap::Block });
                self.close_inline(name);
            }
            _ if INLINE.contains(&name) => self.close_inline(name),
            _ => {}
        }
    }

    pub fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        self.is_blank = text.contains('\u{a0}') && text.trim().is_empty();
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                match self.preformatted > 0 {
                    true => self.end_line(Gap::Break),
                    false => self.wants_space = true,
                }
            }
            self.words(&visible(part));
        }
    }

    fn words(&mut self, text: &str) {
        let before = self.line.text.len();
        self.wants_space |= text.starts_with(char::is_whitespace);
        if !text.trim().is_empty() {
            let here = self.open.position();
            self.line.position =
                if self.line.text.is_empty() { here } else { self.line.position.until(here) };
        }
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
        {
            if self.wants_space && !self.line.text.is_empty() {
                self.line.text.push(' ');
            }
            self.line.text.push_str(word);
            self.wants_space = true;
        }
        if !text.trim().is_empty() {
            self.wants_space = text.ends_with(char::is_whitespace);
        }
        if self.inline.iter().any(|inline| inline.is_link) {
            self.linked_bytes += self.line.text.len() - before;
        }
    }

    fn open_inline(&mut self, name: &str, style: &str, href: &str) {
        if self.inline.len() >= DEPTH_LIMIT {
            return;
        }
        let is_page = href.starts_with("http");
        let target = ["mailto:", "tel:", "sms:"].iter().find_map(|scheme| {
            let start = href.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme))?;
            let rest = href.get(start.len()..)?.split('?').next()?;
            let decoded = percent_encoding::percent_decode_str(rest).decode_utf8_lossy().into_owned();
            Some(decoded).filter(|target| !target.trim().is_empty())
        });
        self.inline.push(Inline {
            name: name.to_owned(),
            is_strong: is_bold(style) || name == "b" || name == "strong",
            is_link: name == "a" && is_page,
            target,
            start: self.line.text.len(),
            line: self.number,
        });
    }

    fn close_inline(&mut self, name: &str) {
        let Some(at) = self.inline.iter().rposition(|inline| inline.name == name) else { return };
        let inline = self.inline.remove(at);
        if inline.line != self.number {
            return;
        }
        if let Some(target) = inline.target {
            self.add_target(inline.start, &target);
        }
        let is_first = self.line.marked_bytes == 0 || self.line.marked_bytes == self.line.text.len();
        if inline.start == 0 && (is_first || inline.is_strong) {
            let outer = self.inline.iter().any(|outer| outer.is_strong);
            self.line.is_strong = match self.line.marked_bytes == self.line.text.len() {
                true => self.line.is_strong || inline.is_strong || outer,
                false => inline.is_strong || outer,
            };
            self.line.marked_bytes = self.line.text.len();
        }
    }

    /// Writes what a link leads to in place of words that do not say it, such as "tap to call".
    fn add_target(&mut self, start: usize, target: &str) {
        let said = self.line.text.get(start..).unwrap_or_default();
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        let is_said =
            if target.contains('@') { said.contains('@') } else { digits(said) >= digits(target).min(5) };
        if !is_said {
            self.line.text.truncate(start);
            if start > 0 && !self.line.text.ends_with(' ') {
                self.line.text.push(' ');
            }
            self.line.text.push_str(target.trim());
        }
    }

    fn end_line(&mut self, gap: Gap) {
        let mut line = std::mem::take(&mut self.line);
        self.number += 1;
        self.wants_space = false;
        let linked = std::mem::take(&mut self.linked_bytes);
        if line.text.is_empty() {
            // Two breaks make a paragraph.
            self.gap = match (self.gap, gap) {
                (Gap::Break, Gap::Break) | (Gap::Paragraph, _) | (_, Gap::Paragraph) => Gap::Paragraph,
                (Gap::Block, _) | (_, Gap::Block) => Gap::Block,
            };
            return;
        }
        let is_bold = self.inline.iter().any(|inline| inline.is_strong && inline.line + 1 != self.number);
        let holds = self.inline.iter().any(|inline| inline.is_strong && inline.start == 0);
        if self.headings > 0 || is_bold || holds {
            (line.is_strong, line.marked_bytes) = (true, line.text.len());
        }
        line.is_link = linked >= line.text.len();
        line.gap = std::mem::replace(&mut self.gap, gap);
        let cell =
            self.tables.last_mut().filter(|table| !table.is_layout).and_then(|table| table.open.as_mut());
        match cell {
            Some(cell) => cell.lines.push(line),
            None => self.blocks.push(Block::Line(line)),
        }
    }

    fn open_table(&mut self) {
        self.end_line(Gap::Block);
        if let Some(outer) = self.tables.last_mut() {
            outer.is_layout = true;
            let cells = std::mem::take(&mut outer.cells).into_iter().chain(outer.open.take());
            self.blocks.extend(cells.flat_map(|cell| cell.lines).map(Block::Line));
        }
        if self.tables.len() < DEPTH_LIMIT {
            self.tables.push(Table::default());
        }
    }

    fn close_table(&mut self) {
        self.end_row();
        self.tables.pop();
        self.gap = Gap::Paragraph;
    }

    fn open_cell(&mut self, is_header: bool) {
        self.close_cell();
        if let Some(table) = self.tables.last_mut() {
            table.open = Some(Cell { lines: Vec::new(), is_header });
        }
    }

    fn close_cell(&mut self) {
        self.end_line(Gap::Block);
        if let Some(table) = self.tables.last_mut()
            && let Some(cell) = table.open.take()
        {
            table.cells.push(cell);
        }
    }

    fn end_row(&mut self) {
        self.close_cell();
        let Some(table) = self.tables.last_mut() else { return };
        table.is_layout = false;
        let cells = std::mem::take(&mut table.cells);
        match cells.len() {
            0 => {}
            1 => self.blocks.extend(cells.into_iter().flat_map(as_lines).map(Block::Line)),
            _ if cells.iter().all(|cell| cell.lines.is_empty()) => {}
            _ => self.blocks.push(Block::Row(cells)),
        }
    }

    pub fn finish(mut self) -> Vec<Block> {
        self.end_line(Gap::Block);
        while !self.tables.is_empty() {
            self.close_table();
        }
        self.blocks
    }
}

fn is_bold(style: &str) -> bool {
    let weight = style.split("font-weight:").nth(1).unwrap_or_default();
    ["bold", "6", "7", "8", "9"].iter().any(|start| weight.starts_with(start))
}

/// A header that stands alone is emphasised.
fn as_lines(cell: Cell) -> Vec<Line> {
    let mut lines = cell.lines;
    for line in lines.iter_mut().filter(|_| cell.is_header) {
        (line.is_strong, line.marked_bytes) = (true, line.text.len());
    }
    lines
}
