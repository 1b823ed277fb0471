//! Spreadsheets: sheets of cells, and the developer metadata on them.
//!
//! Rows are shared between copies, so that a batch can be tried on a copy of the whole spreadsheet
//! at little cost and then take its place.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::serve::call::Call;
use crate::serve::envelope::Refusal;
use crate::sheets::a1::{COLUMN_LIMIT, ROW_LIMIT, Range, column_name};
use crate::sheets::metadata::Marks;
use nexora_core::base::clock::Timestamp;

/// Cells that a spreadsheet may have, its empty ones included (Google's limit).
const CELL_LIMIT: usize = 10_000_000;
/// Characters that a cell may hold (Google's limit).
const CELL_LENGTH_LIMIT: usize = 50_000;
const SHEET_LIMIT: usize = 200;
const CHANGE_LIMIT: usize = 1_000;
const USUAL_ROWS: usize = 1_000;
const USUAL_COLUMNS: usize = 26;

#[derive(Clone)]
pub struct Spreadsheet {
    pub title: String,
    pub sheets: Vec<Sheet>,
    pub marks: Marks,
    /// Grows with every change.
    pub version: u64,
    pub modified_at: Timestamp,
    changes: VecDeque<Change>,
}

/// What a call asked for and got.
#[derive(Clone)]
struct Change {
    at: Timestamp,
    by: Arc<str>,
    what: &'static str,
    request: Arc<Value>,
}

#[derive(Clone)]
pub struct Sheet {
    pub id: i64,
    pub title: String,
    pub row_count: usize,
    pub column_count: usize,
    rows: Vec<Arc<Vec<Cell>>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    #[default]
    Empty,
    Text(String),
    Number(f64),
    Bool(bool),
    /// Kept as it was written; the sandbox does not compute.
    Formula(String),
}

impl Spreadsheet {
    pub fn new(title: String, at: Timestamp) -> Spreadsheet {
        Spreadsheet {
            title,
            sheets: Vec::new(),
            marks: Marks::default(),
            version: 1,
            modified_at: at,
            changes: VecDeque::new(),
        }
    }

    pub fn sheet(&self, id: i64) -> Result<&Sheet, Refusal> {
        self.sheets.iter().find(|sheet| sheet.id == id).ok_or_else(|| no_grid(id))
    }

    pub fn sheet_mut(&mut self, id: i64) -> Result<&mut Sheet, Refusal> {
        self.sheets.iter_mut().find(|sheet| sheet.id == id).ok_or_else(|| no_grid(id))
    }

    /// Reads a range and returns it with the id of the sheet it is on.
    pub fn locate(&self, text: &str) -> Result<(Range, i64), Refusal> {
        let unknown = || Refusal::bad_request(format!("Unable to parse range: {text}"));
        let range = Range::parse(text).ok_or_else(unknown)?;
        let sheet = match &range.sheet {
            None => self.sheets.first(),
            Some(title) => self.sheets.iter().find(|sheet| same_title(&sheet.title, title)),
        };
        let id = sheet.ok_or_else(unknown)?.id;
        Ok((range, id))
    }

    /// Adds a sheet; id and title must be new.
    pub fn add_sheet(&mut self, sheet: Sheet) -> Result<&Sheet, Refusal> {
        if self.sheets.iter().any(|known| known.id == sheet.id) {
            return Err(Refusal::bad_request(format!("A sheet with the ID {} already exists.", sheet.id)));
        }
        self.check_title(&sheet.title)?;
        if self.sheets.len() >= SHEET_LIMIT {
            return Err(Refusal::bad_request("This action would exceed the number of sheets allowed."));
        }
        self.sheets.push(sheet);
        self.sheets.last().ok_or_else(Refusal::not_found)
    }

    pub fn check_title(&self, title: &str) -> Result<(), Refusal> {
        if self.sheets.iter().any(|known| same_title(&known.title, title)) {
            let message =
                format!("A sheet with the name \"{title}\" already exists. Please enter another name.");
            return Err(Refusal::bad_request(message));
        }
        Ok(())
    }

    /// Refuses a spreadsheet that has grown, or with `more` cells would grow, beyond Google's limit.
    pub fn check_room(&self, more: usize) -> Result<(), Refusal> {
        let cells = self.sheets.iter().map(|sheet| sheet.row_count.saturating_mul(sheet.column_count));
        if cells.fold(more, usize::saturating_add) > CELL_LIMIT {
            let message = "This action would increase the number of cells in the workbook above the limit of \
                           10000000 cells.";
            return Err(Refusal::bad_request(message));
        }
        Ok(())
    }

    /// Notes a change that took effect.
    pub fn note(&mut self, call: &Call, what: &'static str, request: Value) {
        self.version += 1;
        self.modified_at = call.at;
        if self.changes.len() >= CHANGE_LIMIT {
            self.changes.pop_front();
        }
        let change =
            Change { at: call.at, by: Arc::from(call.mailbox.as_str()), what, request: Arc::new(request) };
        self.changes.push_back(change);
    }

    pub fn state(&self) -> Value {
        let sheets = self.sheets.iter().map(|sheet| {
            let rows: Vec<Vec<Value>> =
                sheet.rows().map(|row| row.iter().map(Cell::plain).collect()).collect();
            json!({"sheetId": sheet.id, "title": sheet.title, "rows": rows})
        });
        let changes = self.changes.iter().map(|change| {
            json!({"at": change.at, "by": *change.by, "call": change.what, "request": *change.request})
        });
        json!({
            "title": self.title,
            "sheets": sheets.collect::<Vec<_>>(),
            "developer_metadata": self.marks.shown(),
            "changes": changes.collect::<Vec<_>>(),
        })
    }
}

/// Tells whether two titles are the same to Google, which does not look at case.
pub fn same_title(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn no_grid(id: i64) -> Refusal {
    Refusal::bad_request(format!("No grid with id: {id}"))
}

impl Sheet {
    pub fn new(id: i64, title: String) -> Sheet {
        Sheet { id, title, row_count: USUAL_ROWS, column_count: USUAL_COLUMNS, rows: Vec::new() }
    }

    /// Goes through the rows up to the last that has anything in it.
    pub fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        self.rows.iter().take(self.used_rows()).map(|row| row.as_slice())
    }

    pub fn row(&self, index: usize) -> &[Cell] {
        self.rows.get(index).map_or(&[], |row| row.as_slice())
    }

    pub fn used_rows(&self) -> usize {
        let is_used = |row: &Arc<Vec<Cell>>| row.iter().any(|cell| *cell != Cell::Empty);
        self.rows.iter().rposition(is_used).map_or(0, |last| last + 1)
    }

    /// Makes the grid as large as this at least.
    pub fn grow(&mut self, rows: usize, columns: usize) {
        self.row_count = self.row_count.max(rows);
        self.column_count = self.column_count.max(columns);
    }

    /// Writes a cell, which must lie in the grid and hold no more than a cell can.
    pub fn set(&mut self, row: usize, column: usize, cell: Cell) -> Result<(), Refusal> {
        if row >= self.row_count.min(ROW_LIMIT) || column >= self.column_count.min(COLUMN_LIMIT) {
            let message = format!(
                "Range ({}{}) exceeds grid limits. Max rows: {}, max columns: {}",
                column_name(column),
                row + 1,
                self.row_count,
                self.column_count
            );
            return Err(Refusal::bad_request(message));
        }
        if cell.length() > CELL_LENGTH_LIMIT {
            let message = "Your input contains more than the maximum of 50000 characters in a single cell.";
            return Err(Refusal::bad_request(message));
        }
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Arc::default());
        }
        if let Some(cells) = self.rows.get_mut(row) {
            let cells = Arc::make_mut(cells);
            if cells.len() <= column {
                cells.resize(column + 1, Cell::Empty);
            }
            if let Some(slot) = cells.get_mut(column) {
                *slot = cell;
            }
        }
        Ok(())
    }

    pub fn insert_rows(&mut self, at: usize, count: usize) {
        let at_or_end = at.min(self.rows.len());
        if at_or_end < self.rows.len() {
            self.rows.splice(at_or_end..at_or_end, std::iter::repeat_n(Arc::default(), count));
        }
        self.row_count += count;
    }

    pub fn insert_columns(&mut self, at: usize, count: usize) {
        for row in self.rows.iter_mut().filter(|row| row.len() > at) {
            Arc::make_mut(row).splice(at..at, std::iter::repeat_n(Cell::Empty, count));
        }
        self.column_count += count;
    }

    pub fn delete_rows(&mut self, start: usize, end: usize) {
        let held = self.rows.len();
        self.rows.drain(start.min(held)..end.min(held));
        self.row_count -= end - start;
    }

    pub fn delete_columns(&mut self, start: usize, end: usize) {
        for row in &mut self.rows {
            let row = Arc::make_mut(row);
            let held = row.len();
            row.drain(start.min(held)..end.min(held));
        }
        self.column_count -= end - start;
    }

    pub fn properties(&self, index: usize) -> Value {
        json!({
            "sheetId": self.id,
            "title": self.title,
            "index": index,
            "sheetType": "GRID",
            "gridProperties": {"rowCount": self.row_count, "columnCount": self.column_count},
        })
    }
}

impl Cell {
    /// Returns how many characters it holds, in the units that Google counts (UTF-16).
    fn length(&self) -> usize {
        match self {
            Cell::Text(text) | Cell::Formula(text) => text.encode_utf16().count(),
            Cell::Empty | Cell::Number(_) | Cell::Bool(_) => 0,
        }
    }

    /// Reads a value as `RAW` takes it.
    pub fn raw(value: &Value) -> Cell {
        match value {
            Value::Null => Cell::Empty,
            Value::Bool(value) => Cell::Bool(*value),
            Value::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
            Value::String(text) if text.is_empty() => Cell::Empty,
            Value::String(text) => Cell::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string()),
        }
    }

    /// Reads a value as if a person had typed it: a phone number loses its plus sign and its zeros
    /// this way, as it does in Google Sheets.
    pub fn typed(value: &Value) -> Cell {
        let Value::String(text) = value else { return Cell::raw(value) };
        if let Some(text) = text.strip_prefix('\'') {
            return Cell::Text(text.to_owned());
        }
        if text.starts_with('=') && text.len() > 1 {
            return Cell::Formula(text.clone());
        }
        let trimmed = text.trim();
        let is_number = trimmed.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && trimmed.ends_with(|c: char| c.is_ascii_digit());
        match trimmed.to_ascii_uppercase().as_str() {
            "TRUE" => Cell::Bool(true),
            "FALSE" => Cell::Bool(false),
            _ if is_number => trimmed.parse().map_or_else(|_| Cell::raw(value), Cell::Number),
            _ => Cell::raw(value),
        }
    }

    /// Returns what a cell shows.
    pub fn text(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) | Cell::Formula(text) => text.clone(),
            Cell::Number(_) => self.plain().to_string(),
            Cell::Bool(value) => value.to_string().to_uppercase(),
        }
    }

    /// Returns what a cell shows, as a value.
    pub fn formatted(&self) -> Value {
        Value::String(self.text())
    }

    /// Returns the value itself; an empty cell is an empty text, as Google answers it.
    pub fn plain(&self) -> Value {
        match self {
            Cell::Empty => json!(""),
            Cell::Text(text) | Cell::Formula(text) => json!(text),
            Cell::Bool(value) => json!(value),
            Cell::Number(number) => whole(*number).map_or_else(|| json!(number), |whole| json!(whole)),
        }
    }
}

/// Returns a number that has no fraction as an integer, if that is exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > EXACT {
        return None;
    }
    format!("{number:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_what_it_looks_like() {
        let cases = [
            (json!("12"), Cell::Number(12.0)),
            (json!("+49170"), Cell::Number(49_170.0)),
            (json!("0170 123"), Cell::Text("0170 123".into())),
            (json!("'0170"), Cell::Text("0170".into())),
            (json!("true"), Cell::Bool(true)),
            (json!("=A1"), Cell::Formula("=A1".into())),
            (json!("inf"), Cell::Text("inf".into())),
            (json!(""), Cell::Empty),
            (json!(1.5), Cell::Number(1.5)),
        ];
        for (value, wanted) in cases {
            assert_eq!(Cell::typed(&value), wanted, "{value}");
        }
        assert_eq!(Cell::raw(&json!("12")), Cell::Text("12".into()));
        assert_eq!((Cell::Number(12.0).formatted(), Cell::Number(12.0).plain()), (json!("12"), json!(12)));
    }

    #[test]
    fn rows_and_columns_move_together() {
        let mut sheet = Sheet::new(0, "Leads".into());
        for (row, column, text) in [(0, 0, "a"), (0, 1, "b"), (1, 0, "c")] {
            sheet.set(row, column, Cell::Text(text.into())).unwrap();
        }
        sheet.insert_rows(1, 2);
        sheet.insert_columns(1, 1);
        assert_eq!(sheet.row(3), [Cell::Text("c".into())]);
        assert_eq!(sheet.row(0), [Cell::Text("a".into()), Cell::Empty, Cell::Text("b".into())]);
        sheet.delete_rows(0, 3);
        sheet.delete_columns(1, 2);
        assert_eq!((sheet.used_rows(), sheet.row_count, sheet.column_count), (1, 999, 26));
    }

    #[test]
    fn a_copy_does_not_change_with_the_original() {
        let mut sheet = Sheet::new(0, "Leads".into());
        sheet.set(0, 0, Cell::Bool(true)).unwrap();
        let copy = sheet.clone();
        sheet.set(0, 0, Cell::Bool(false)).unwrap();
        assert_eq!(copy.row(0), [Cell::Bool(true)]);
    }
}
