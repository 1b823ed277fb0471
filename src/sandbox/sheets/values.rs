//! Values of ranges: read, written over, added at the end, cleared.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::sheets::a1::Range;
use crate::sheets::grid::{Cell, Sheet, Spreadsheet};
use crate::sheets::{change, spreadsheet, table};
use crate::world::World;

/// How values are read: typed as by a person, or taken as they are.
pub(super) type Input = fn(&Value) -> Cell;

/// How cells are shown.
type Render = fn(&Cell) -> Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValueRange {
    range: Option<String>,
    major_dimension: Option<String>,
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

impl ValueRange {
    /// Returns the values row by row.
    pub(super) fn rows(self) -> Result<Vec<Vec<Value>>, Refusal> {
        if is_by_columns(self.major_dimension.as_deref())? {
            Ok(turned(&self.values))
        } else {
            Ok(self.values)
        }
    }
}

fn is_by_columns(dimension: Option<&str>) -> Result<bool, Refusal> {
    match dimension {
        None | Some("ROWS" | "DIMENSION_UNSPECIFIED") => Ok(false),
        Some("COLUMNS") => Ok(true),
        Some(other) => Err(Refusal::bad_request(format!("Invalid value at 'major_dimension': \"{other}\""))),
    }
}

/// Turns rows into columns. Nothing fills the gaps: null means to leave a cell as it is.
fn turned(values: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let length = values.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| values.iter().map(|line| line.get(at).cloned().unwrap_or_default()).collect();
    (0..length).map(line).collect()
}

pub(super) fn input(option: Option<&str>) -> Result<Input, Refusal> {
    match option {
        Some("RAW") => Ok(Cell::raw),
        Some("USER_ENTERED") => Ok(Cell::typed),
        None | Some("INPUT_VALUE_OPTION_UNSPECIFIED") => {
            Err(Refusal::bad_request("'valueInputOption' is required but not specified"))
        }
        Some(other) => {
            Err(Refusal::bad_request(format!("Invalid value at 'value_input_option': \"{other}\"")))
        }
    }
}

fn render(option: Option<&str>) -> Result<Render, Refusal> {
    match option {
        None | Some("FORMATTED_VALUE") => Ok(Cell::formatted),
        Some("UNFORMATTED_VALUE" | "FORMULA") => Ok(Cell::plain),
        Some(other) => {
            Err(Refusal::bad_request(format!("Invalid value at 'value_render_option': \"{other}\"")))
        }
    }
}

pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let view = View::of_query(call)?;
    let range = read(spreadsheet(world, call)?, call.param("range"), &view)?;
    Ok(Reply::json(&range))
}

pub fn batch_get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let view = View::of_query(call)?;
    let spreadsheet = spreadsheet(world, call)?;
    let ranges = call.query_all("ranges").map(|range| read(spreadsheet, range, &view));
    let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::json(&json!({"spreadsheetId": call.param("spreadsheet"), "valueRanges": ranges})))
}

/// How values are wanted.
pub(super) struct View {
    show: Render,
    by_columns: bool,
}

impl View {
    pub(super) fn new(render_option: Option<&str>, dimension: Option<&str>) -> Result<View, Refusal> {
        Ok(View { show: render(render_option)?, by_columns: is_by_columns(dimension)? })
    }

    fn of_query(call: &Call) -> Result<View, Refusal> {
        View::new(call.query("valueRenderOption"), call.query("majorDimension"))
    }
}

pub(super) fn read(spreadsheet: &Spreadsheet, text: &str, view: &View) -> Result<Value, Refusal> {
    let View { show, by_columns } = *view;
    let (mut range, id) = spreadsheet.locate(text)?;
    let sheet = spreadsheet.sheet(id)?;
    if range.first_row >= sheet.row_count || range.first_column >= sheet.column_count {
        return Err(Refusal::bad_request(format!(
            "Range ({text}) exceeds grid limits. Max rows: {}, max columns: {}",
            sheet.row_count, sheet.column_count
        )));
    }
    range.end_row = Some(range.end_row.unwrap_or(sheet.row_count).min(sheet.row_count));
    range.end_column = Some(range.end_column.unwrap_or(sheet.column_count).min(sheet.column_count));
    let end_row = range.end_row.unwrap_or(0).min(sheet.used_rows());
    let rows = (range.first_row..end_row).map(|row| cells(sheet, &range, row).iter().map(show).collect());
    let mut rows: Vec<Vec<Value>> = rows.collect();
    if by_columns {
        rows = turned(&rows);
        // A gap reads as an empty text.
        rows.iter_mut().flatten().filter(|value| value.is_null()).for_each(|value| *value = json!(""));
    }
    for row in &mut rows {
        let used = row.iter().rposition(|value| value != "").map_or(0, |last| last + 1);
        row.truncate(used);
    }
    rows.truncate(rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1));
    let mut answer = json!({
        "range": range.name(&sheet.title, sheet.row_count, sheet.column_count),
        "majorDimension": if by_columns { "COLUMNS" } else { "ROWS" },
    });
    if !rows.is_empty() {
        merge(&mut answer, json!({ "values": rows }));
    }
    Ok(answer)
}

/// Returns the cells of a row that lie in the range.
fn cells<'a>(sheet: &'a Sheet, range: &Range, row: usize) -> &'a [Cell] {
    let cells = sheet.row(row);
    let end = range.end_column.unwrap_or(usize::MAX).min(cells.len());
    cells.get(range.first_column.min(end)..end).unwrap_or_default()
}

pub fn update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let input = input(call.query("valueInputOption"))?;
    let body: ValueRange = call.read()?;
    let text = call.param("range");
    if body.range.as_deref().is_some_and(|range| Range::parse(range) != Range::parse(text)) {
        let message = format!("Requested writing within range [{text}], but the body names another range.");
        return Err(Refusal::bad_request(message));
    }
    let rows = body.rows()?;
    let written = change(world, call, "values.update", call.read()?, |spreadsheet| {
        write(spreadsheet, text, &rows, input)
    })?;
    Ok(Reply::json(&written.shown(call)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchUpdate {
    value_input_option: Option<String>,
    #[serde(default)]
    data: Vec<ValueRange>,
}

pub fn batch_update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let body: BatchUpdate = call.read()?;
    let input = input(body.value_input_option.as_deref())?;
    let written = change(world, call, "values.batchUpdate", call.read()?, |spreadsheet| {
        let mut written = Vec::new();
        for mut range in body.data {
            let text = range.range.take().unwrap_or_default();
            written.push(write(spreadsheet, &text, &range.rows()?, input)?);
        }
        Ok(written)
    })?;
    let responses: Vec<Value> = written.iter().map(|written| written.shown(call)).collect();
    Ok(Reply::json(&json!({
        "spreadsheetId": call.param("spreadsheet"),
        "totalUpdatedRows": written.iter().map(|written| written.rows).sum::<usize>(),
        "totalUpdatedCells": written.iter().map(|written| written.cells).sum::<usize>(),
        "responses": responses,
    })))
}

/// What was written, and where.
pub(super) struct Written {
    range: String,
    pub(super) rows: usize,
    columns: usize,
    pub(super) cells: usize,
}

impl Written {
    pub(super) fn shown(&self, call: &Call) -> Value {
        json!({
            "spreadsheetId": call.param("spreadsheet"),
            "updatedRange": self.range,
            "updatedRows": self.rows,
            "updatedColumns": self.columns,
            "updatedCells": self.cells,
        })
    }
}

/// Writes over a range; the values must not reach beyond it, unless it is a single cell.
pub(super) fn write(
    spreadsheet: &mut Spreadsheet,
    text: &str,
    rows: &[Vec<Value>],
    input: Input,
) -> Result<Written, Refusal> {
    let (range, id) = spreadsheet.locate(text)?;
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_cell =
        range.end_row == Some(range.first_row + 1) && range.end_column == Some(range.first_column + 1);
    let is_beyond = |end: Option<usize>, written: usize| end.is_some_and(|end| written > end);
    if !is_cell
        && (is_beyond(range.end_row, range.first_row + rows.len())
            || is_beyond(range.end_column, range.first_column + columns))
    {
        let message = format!("Requested writing within range [{text}], but tried writing beyond it.");
        return Err(Refusal::bad_request(message));
    }
    put(spreadsheet.sheet_mut(id)?, range.first_row, range.first_column, rows, input)
}

/// Writes rows from one cell on; null leaves a cell as it is.
fn put(
    sheet: &mut Sheet,
    first_row: usize,
    first_column: usize,
    rows: &[Vec<Value>],
    input: Input,
) -> Result<Written, Refusal> {
    let mut cells = 0;
    for (row, values) in rows.iter().enumerate() {
        for (column, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
            sheet.set(first_row + row, first_column + column, input(value))?;
            cells += 1;
        }
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let range = Range {
        sheet: None,
        first_row,
        first_column,
        end_row: Some(first_row + rows.len().max(1)),
        end_column: Some(first_column + columns.max(1)),
    };
    let range = range.name(&sheet.title, sheet.row_count, sheet.column_count);
    Ok(Written { range, rows: rows.len(), columns, cells })
}

/// Adds rows below the last table in a range, beginning at the table's first column; where there is no
/// table, at the range's own beginning (Sheets API, "Append values").
pub fn append(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let input = input(call.query("valueInputOption"))?;
    let insert = call.query("insertDataOption").unwrap_or("OVERWRITE");
    if !["OVERWRITE", "INSERT_ROWS"].contains(&insert) {
        return Err(Refusal::bad_request(format!("Invalid value at 'insert_data_option': \"{insert}\"")));
    }
    let rows = call.read::<ValueRange>()?.rows()?;
    let (table, written) = change(world, call, "values.append", call.read()?, |spreadsheet| {
        let (range, id) = spreadsheet.locate(call.param("range"))?;
        let sheet = spreadsheet.sheet_mut(id)?;
        let table = table::last_in(sheet, &range);
        let (first_row, column) = match &table {
            Some(table) => (table.end_row.unwrap_or(table.first_row), table.first_column),
            None => (range.first_row, range.first_column),
        };
        if insert == "INSERT_ROWS" && first_row < sheet.used_rows() {
            sheet.insert_rows(first_row, rows.len());
        }
        let table = table.map(|table| table.name(&sheet.title, sheet.row_count, sheet.column_count));
        // What is added at the end makes room for itself, other than what is written.
        sheet.grow(first_row + rows.len(), column + rows.iter().map(Vec::len).max().unwrap_or(0));
        Ok((table, put(sheet, first_row, column, &rows, input)?))
    })?;
    let updates = written.shown(call);
    let mut answer = json!({"spreadsheetId": call.param("spreadsheet"), "updates": updates});
    if let Some(table) = table {
        merge(&mut answer, json!({ "tableRange": table }));
    }
    Ok(Reply::json(&answer))
}

pub fn clear(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let text = call.param("range");
    let cleared =
        change(world, call, "values.clear", json!({ "range": text }), |spreadsheet| wipe(spreadsheet, text))?;
    Ok(Reply::json(&json!({"spreadsheetId": call.param("spreadsheet"), "clearedRange": cleared})))
}

#[derive(Deserialize)]
struct BatchClear {
    #[serde(default)]
    ranges: Vec<String>,
}

/// Clears several ranges, or none of them.
pub fn batch_clear(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: BatchClear = call.read()?;
    let cleared = change(world, call, "values.batchClear", call.read()?, |spreadsheet| {
        asked.ranges.iter().map(|range| wipe(spreadsheet, range)).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(Reply::json(&json!({"spreadsheetId": call.param("spreadsheet"), "clearedRanges": cleared})))
}

/// Empties the cells of a range and returns its name.
fn wipe(spreadsheet: &mut Spreadsheet, text: &str) -> Result<String, Refusal> {
    let (range, id) = spreadsheet.locate(text)?;
    let sheet = spreadsheet.sheet_mut(id)?;
    let end_row = range.end_row.unwrap_or(usize::MAX).min(sheet.used_rows());
    for row in range.first_row..end_row {
        let width = cells(sheet, &range, row).len();
        for column in range.first_column..range.first_column + width {
            sheet.set(row, column, Cell::Empty)?;
        }
    }
    Ok(range.name(&sheet.title, sheet.row_count, sheet.column_count))
}
