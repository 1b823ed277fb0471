//! A1 notation: `Leads!A1:C`, `'Jo''s leads'!2:5`, `A:Z`, `Leads` (Sheets API, cell concepts).

/// A range of cells; a side that is open reaches as far as the sheet. Ends are exclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The sheet's title; the first sheet when absent.
    pub sheet: Option<String>,
    pub first_row: usize,
    pub first_column: usize,
    pub end_row: Option<usize>,
    pub end_column: Option<usize>,
}

/// Google's limit; columns go to ZZZ.
pub const COLUMN_LIMIT: usize = 18_278;
pub const ROW_LIMIT: usize = 10_000_000;

/// One end of a range: a cell, a whole column or a whole row.
#[derive(Clone, Copy)]
struct Corner {
    row: Option<usize>,
    column: Option<usize>,
}

impl Range {
    /// Reads a range; `None` when it is no A1 notation.
    pub fn parse(text: &str) -> Option<Range> {
        let (sheet, cells) = split_sheet(text)?;
        match (sheet, cells) {
            (sheet, Some(cells)) => Some(Range { sheet, ..parse_cells(cells)? }),
            // Without cells it is a title; but what reads as cells is meant as cells.
            (Some(title), None) if !text.starts_with('\'') => {
                Some(parse_cells(text).unwrap_or(Range { sheet: Some(title), ..Range::default() }))
            }
            (sheet, None) => Some(Range { sheet, ..Range::default() }),
        }
    }

    /// Writes the range for the sheet `title`, with its open sides closed at `rows` and `columns`.
    pub fn name(&self, title: &str, rows: usize, columns: usize) -> String {
        let end_row = self.end_row.unwrap_or(rows).max(self.first_row + 1);
        let end_column = self.end_column.unwrap_or(columns).max(self.first_column + 1);
        let first = format!("{}{}", column_name(self.first_column), self.first_row + 1);
        let last = format!("{}{}", column_name(end_column - 1), end_row);
        let title = quote(title);
        if first == last { format!("{title}!{first}") } else { format!("{title}!{first}:{last}") }
    }
}

/// Parts a range into the title, unquoted, and the cells after the exclamation mark.
fn split_sheet(text: &str) -> Option<(Option<String>, Option<&str>)> {
    if text.is_empty() {
        return None;
    }
    let Some(quoted) = text.strip_prefix('\'') else {
        return Some(match text.rsplit_once('!') {
            Some((title, cells)) => (Some(title.to_owned()), Some(cells)),
            None => (Some(text.to_owned()), None),
        });
    };
    let mut title = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('\'')?;
        title.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                title.push('\'');
                rest = more;
            }
            None if after.is_empty() => return Some((Some(title), None)),
            None => return Some((Some(title), Some(after.strip_prefix('!')?))),
        }
    }
}

fn parse_cells(text: &str) -> Option<Range> {
    let Some((first, last)) = text.split_once(':') else {
        let Corner { row: Some(row), column: Some(column) } = corner(text)? else { return None };
        return Some(Range {
            sheet: None,
            first_row: row,
            first_column: column,
            end_row: Some(row + 1),
            end_column: Some(column + 1),
        });
    };
    let (first, last) = (corner(first)?, corner(last)?);
    let (first_row, end_row) = span(first.row, last.row);
    let (first_column, end_column) = span(first.column, last.column);
    Some(Range { sheet: None, first_row, first_column, end_row, end_column })
}

/// Returns beginning and exclusive end; the ends may come in either order, and either may be open.
fn span(one: Option<usize>, other: Option<usize>) -> (usize, Option<usize>) {
    match (one, other) {
        (Some(one), Some(other)) => (one.min(other), Some(one.max(other) + 1)),
        (Some(one), None) | (None, Some(one)) => (one, None),
        (None, None) => (0, None),
    }
}

/// Reads `B7`, `B` or `7`, with dollar signs as in formulas.
fn corner(text: &str) -> Option<Corner> {
    let text: String = text.chars().filter(|c| *c != '$').collect();
    let digits_at = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let (letters, digits) = text.split_at(digits_at);
    let column = if letters.is_empty() { None } else { Some(column_index(letters)?) };
    let row = match digits {
        "" => None,
        digits => Some(digits.parse::<usize>().ok()?.checked_sub(1).filter(|row| *row < ROW_LIMIT)?),
    };
    (column.is_some() || row.is_some()).then_some(Corner { row, column })
}

fn column_index(letters: &str) -> Option<usize> {
    let mut index: usize = 0;
    for letter in letters.bytes() {
        if !letter.is_ascii_alphabetic() {
            return None;
        }
        index = index * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        if index > COLUMN_LIMIT {
            return None;
        }
    }
    index.checked_sub(1)
}

/// Returns the letters of a column: 0 is A, 26 is AA.
pub fn column_name(index: usize) -> String {
    let mut name = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        name.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    name.iter().rev().collect()
}

/// Quotes a title unless it is a plain word.
fn quote(title: &str) -> String {
    let is_plain = title.chars().all(|c| c.is_alphanumeric() || c == '_')
        && title.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && parse_cells(title).is_none();
    if is_plain { title.to_owned() } else { format!("'{}'", title.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Option<&'static str>, usize, usize, Option<usize>, Option<usize>);

    #[test]
    fn every_form_is_read() {
        let cases: [(&str, Parts); 14] = [
            ("Leads", (Some("Leads"), 0, 0, None, None)),
            ("'Leads'!A:Z", (Some("Leads"), 0, 0, None, Some(26))),
            ("Leads!A1", (Some("Leads"), 0, 0, Some(1), Some(1))),
            ("A1", (None, 0, 0, Some(1), Some(1))),
            ("B2:C", (None, 1, 1, None, Some(3))),
            ("Leads!1:1", (Some("Leads"), 0, 0, Some(1), None)),
            ("Leads!C5:A2", (Some("Leads"), 1, 0, Some(5), Some(3))),
            ("$A$1:$AA$10", (None, 0, 0, Some(10), Some(27))),
            ("'Jo''s leads'!A2:B", (Some("Jo's leads"), 1, 0, None, Some(2))),
            ("'Q#1 / x!y'!A1", (Some("Q#1 / x!y"), 0, 0, Some(1), Some(1))),
            ("'A1'", (Some("A1"), 0, 0, None, None)),
            ("A:B", (None, 0, 0, None, Some(2))),
            ("Rechnung Übersicht", (Some("Rechnung Übersicht"), 0, 0, None, None)),
            ("a1:b2", (None, 0, 0, Some(2), Some(2))),
        ];
        for (text, (sheet, first_row, first_column, end_row, end_column)) in cases {
            let wanted =
                Range { sheet: sheet.map(str::to_owned), first_row, first_column, end_row, end_column };
            assert_eq!(Range::parse(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["", "Leads!", "Leads!A0", "Leads!1A", "'Leads!A1", "'Leads'A1", "Leads!A1:", "Leads!AAAA1"]
        {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_survives_its_name() {
        for text in ["Leads!A1", "Leads!B2:AA10", "'Jo''s leads'!A1:B2", "'A1'!A1"] {
            assert_eq!(
                Range::parse(text).map(|range| range.name(range.sheet.as_deref().unwrap(), 1, 1)).as_deref(),
                Some(text)
            );
        }
        assert_eq!(Range::parse("Leads!A2:B").unwrap().name("Leads", 100, 26), "Leads!A2:B100");
    }

    #[test]
    fn columns_count_in_letters() {
        for (index, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_name(index), name);
            assert_eq!(column_index(name), Some(index));
        }
    }
}
