//! `batchUpdate`: a list of requests of which either all take effect or none.
//!
//! A kind of request that Google does not know is refused in Google's words.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::sheets::grid::{Cell, Spreadsheet, same_title};
use crate::sheets::metadata::{AskedMark, DataFilter, Dimension, DimensionRange};
use crate::sheets::{Properties, change, new_sheet_id, shown};
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    requests: Vec<Map<String, Value>>,
    #[serde(default)]
    include_spreadsheet_in_response: bool,
}

pub fn update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let batch: Batch = call.read()?;
    if batch.requests.is_empty() {
        return Err(Refusal::bad_request("Must specify at least one request."));
    }
    // Ids are given out before the batch is tried: one that is lost is never used again.
    let ids: Vec<i64> = batch.requests.iter().map(|_| new_sheet_id(world)).collect();
    let request = call.read()?;
    let (replies, after) = change(world, call, "spreadsheets.batchUpdate", request, |spreadsheet| {
        let mut replies = Vec::new();
        for (position, (request, id)) in batch.requests.into_iter().zip(ids).enumerate() {
            replies.push(one(spreadsheet, position, request, id)?);
        }
        let after = batch
            .include_spreadsheet_in_response
            .then(|| shown(call.param("spreadsheet"), spreadsheet, &call.origin));
        Ok((replies, after))
    })?;
    let mut answer = json!({"spreadsheetId": call.param("spreadsheet"), "replies": replies});
    if let Some(after) = after {
        merge(&mut answer, json!({ "updatedSpreadsheet": after }));
    }
    Ok(Reply::json(&answer))
}

/// Applies one request and says in a refusal which one it was.
fn one(
    spreadsheet: &mut Spreadsheet,
    position: usize,
    request: Map<String, Value>,
    id: i64,
) -> Result<Value, Refusal> {
    let mut fields = request.into_iter();
    let (Some((kind, content)), None) = (fields.next(), fields.next()) else {
        return Err(Refusal::bad_request(format!(
            "Invalid requests[{position}]: exactly one kind must be set."
        )));
    };
    apply(spreadsheet, &kind, content, id).map_err(|failure| {
        Refusal::bad_request(match failure {
            Failure::Unknown => format!(
                "Invalid JSON payload received. Unknown name \"{kind}\" at 'requests[{position}]': Cannot find field."
            ),
            Failure::Refused(reason) => format!("Invalid requests[{position}].{kind}: {reason}"),
        })
    })
}

enum Failure {
    Unknown,
    Refused(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal.into_message())
    }
}

fn apply(spreadsheet: &mut Spreadsheet, kind: &str, content: Value, id: i64) -> Result<Value, Failure> {
    match kind {
        "addSheet" => add_sheet(spreadsheet, read(content)?, id),
        "deleteSheet" => delete_sheet(spreadsheet, &read(content)?),
        "updateSheetProperties" => update_sheet(spreadsheet, read(content)?),
        "appendCells" => append_cells(spreadsheet, &read(content)?),
        "updateCells" => update_cells(spreadsheet, &read(content)?),
        "insertDimension" => insert_dimension(spreadsheet, &read(content)?),
        "deleteDimension" => delete_dimension(spreadsheet, &read(content)?),
        "appendDimension" => append_dimension(spreadsheet, &read(content)?),
        "createDeveloperMetadata" => create_mark(spreadsheet, read(content)?, id),
        "deleteDeveloperMetadata" => delete_mark(spreadsheet, &read(content)?),
        kind if LOOKS.contains(&kind) => Ok(json!({})),
        kind if NOT_SERVED.contains(&kind) => {
            Err(Refusal::bad_request("The sandbox does not serve this kind of request."))
        }
        _ => return Err(Failure::Unknown),
    }
    .map_err(Failure::from)
}

/// Kinds that change how a sheet looks or is used, and none of its values: they are taken and not kept.
const LOOKS: [&str; 14] = [
    "updateSpreadsheetProperties",
    "updateDimensionProperties",
    "autoResizeDimensions",
    "updateBorders",
    "setDataValidation",
    "setBasicFilter",
    "clearBasicFilter",
    "addProtectedRange",
    "updateProtectedRange",
    "deleteProtectedRange",
    "addConditionalFormatRule",
    "deleteConditionalFormatRule",
    "addBanding",
    "addNamedRange",
];

/// Kinds that Google knows and that change values.
const NOT_SERVED: [&str; 16] = [
    "repeatCell",
    "autoFill",
    "cutPaste",
    "copyPaste",
    "mergeCells",
    "unmergeCells",
    "insertRange",
    "moveDimension",
    "deleteRange",
    "textToColumns",
    "findReplace",
    "sortRange",
    "duplicateSheet",
    "pasteData",
    "trimWhitespace",
    "deleteDuplicates",
];

fn read<T: DeserializeOwned>(content: Value) -> Result<T, Failure> {
    serde_json::from_value(content).map_err(|error| Failure::Refused(error.to_string()))
}

#[derive(Deserialize)]
struct AddSheet {
    #[serde(default)]
    properties: Properties,
}

fn add_sheet(spreadsheet: &mut Spreadsheet, asked: AddSheet, id: i64) -> Result<Value, Refusal> {
    let title = format!("Sheet{}", spreadsheet.sheets.len() + 1);
    let index = spreadsheet.sheets.len();
    let sheet = spreadsheet.add_sheet(asked.properties.sheet(title, id))?;
    Ok(json!({ "addSheet": {"properties": sheet.properties(index)} }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteSheet {
    #[serde(default)]
    sheet_id: i64,
}

fn delete_sheet(spreadsheet: &mut Spreadsheet, asked: &DeleteSheet) -> Result<Value, Refusal> {
    spreadsheet.sheet(asked.sheet_id)?;
    if spreadsheet.sheets.len() == 1 {
        return Err(Refusal::bad_request("You can't remove all the sheets in a document."));
    }
    spreadsheet.sheets.retain(|sheet| sheet.id != asked.sheet_id);
    spreadsheet.marks.delete_sheet(asked.sheet_id);
    Ok(json!({}))
}

#[derive(Deserialize)]
struct UpdateSheet {
    properties: Properties,
    fields: Option<String>,
}

/// Renames a sheet; what else it may have, such as frozen rows, is taken and not kept.
fn update_sheet(spreadsheet: &mut Spreadsheet, asked: UpdateSheet) -> Result<Value, Refusal> {
    let id = asked.properties.sheet_id.unwrap_or(0);
    let current = spreadsheet.sheet(id)?.title.clone();
    let names_title = mask(asked.fields.as_deref())?.any(|field| field == "*" || field == "title");
    if let Some(title) = asked.properties.title.filter(|_| names_title) {
        if !same_title(&title, &current) {
            spreadsheet.check_title(&title)?;
        }
        spreadsheet.sheet_mut(id)?.title = title;
    }
    Ok(json!({}))
}

/// Returns the fields of a mask, which must name at least one.
fn mask(fields: Option<&str>) -> Result<impl Iterator<Item = &str>, Refusal> {
    let fields = fields.filter(|fields| !fields.trim().is_empty());
    let fields = fields.ok_or_else(|| {
        Refusal::bad_request(
            "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)",
        )
    })?;
    Ok(fields.split(',').map(str::trim))
}

fn names_values(fields: Option<&str>) -> Result<bool, Refusal> {
    Ok(mask(fields)?.any(|field| field == "*" || field.contains("userEnteredValue")))
}

#[derive(Deserialize)]
struct RowData {
    #[serde(default)]
    values: Vec<CellData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CellData {
    user_entered_value: Option<Entered>,
}

#[derive(Deserialize)]
enum Entered {
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "numberValue")]
    Number(f64),
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "formulaValue")]
    Formula(String),
}

impl CellData {
    fn cell(&self) -> Cell {
        match &self.user_entered_value {
            None => Cell::Empty,
            Some(Entered::Text(text)) if text.is_empty() => Cell::Empty,
            Some(Entered::Text(text)) => Cell::Text(text.clone()),
            Some(Entered::Number(number)) => Cell::Number(*number),
            Some(Entered::Bool(value)) => Cell::Bool(*value),
            Some(Entered::Formula(formula)) => Cell::Formula(formula.clone()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppendCells {
    #[serde(default)]
    sheet_id: i64,
    #[serde(default)]
    rows: Vec<RowData>,
    fields: Option<String>,
}

fn append_cells(spreadsheet: &mut Spreadsheet, asked: &AppendCells) -> Result<Value, Refusal> {
    let names_values = names_values(asked.fields.as_deref())?;
    let sheet = spreadsheet.sheet_mut(asked.sheet_id)?;
    if names_values {
        let first = sheet.used_rows();
        // Rows are inserted as they are needed, columns are not (`AppendCellsRequest`).
        sheet.grow(first + asked.rows.len(), 0);
        for (row, cells) in asked.rows.iter().enumerate() {
            for (column, cell) in cells.values.iter().enumerate() {
                sheet.set(first + row, column, cell.cell())?;
            }
        }
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateCells {
    start: Option<GridCoordinate>,
    range: Option<GridRange>,
    #[serde(default)]
    rows: Vec<RowData>,
    fields: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GridCoordinate {
    sheet_id: i64,
    row_index: usize,
    column_index: usize,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GridRange {
    sheet_id: i64,
    start_row_index: usize,
    end_row_index: Option<usize>,
    start_column_index: usize,
    end_column_index: Option<usize>,
}

impl GridRange {
    fn start(&self) -> GridCoordinate {
        GridCoordinate {
            sheet_id: self.sheet_id,
            row_index: self.start_row_index,
            column_index: self.start_column_index,
        }
    }
}

/// Writes cells from a corner on, or over a range, whose other cells are then emptied.
fn update_cells(spreadsheet: &mut Spreadsheet, asked: &UpdateCells) -> Result<Value, Refusal> {
    let names_values = names_values(asked.fields.as_deref())?;
    let (start, range) = match (&asked.start, &asked.range) {
        (Some(start), None) => (*start, None),
        (None, Some(range)) => (range.start(), Some(range)),
        _ => return Err(Refusal::bad_request("Exactly one of start and range must be set.")),
    };
    let sheet = spreadsheet.sheet_mut(start.sheet_id)?;
    if !names_values {
        return Ok(json!({}));
    }
    if let Some(range) = range {
        let end_row = range.end_row_index.unwrap_or(usize::MAX).min(sheet.used_rows());
        for row in range.start_row_index..end_row {
            let end = range.end_column_index.unwrap_or(usize::MAX).min(sheet.row(row).len());
            for column in range.start_column_index..end {
                sheet.set(row, column, Cell::Empty)?;
            }
        }
    }
    for (row, cells) in asked.rows.iter().enumerate() {
        for (column, cell) in cells.values.iter().enumerate() {
            sheet.set(
                start.row_index.saturating_add(row),
                start.column_index.saturating_add(column),
                cell.cell(),
            )?;
        }
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
struct ChangeDimension {
    range: DimensionRange,
}

fn insert_dimension(spreadsheet: &mut Spreadsheet, asked: &ChangeDimension) -> Result<Value, Refusal> {
    let range = &asked.range;
    let sheet = spreadsheet.sheet(range.sheet_id)?;
    let (held, across) = match range.dimension {
        Dimension::Rows => (sheet.row_count, sheet.column_count),
        Dimension::Columns => (sheet.column_count, sheet.row_count),
    };
    if range.end_index <= range.start_index || range.start_index > held {
        return Err(Refusal::bad_request("The range to insert is empty or beyond the sheet."));
    }
    let count = range.end_index - range.start_index;
    // Looked at before it is done: the cells in between take memory.
    spreadsheet.check_room(count.saturating_mul(across))?;
    let sheet = spreadsheet.sheet_mut(range.sheet_id)?;
    match range.dimension {
        Dimension::Rows => sheet.insert_rows(range.start_index, count),
        Dimension::Columns => sheet.insert_columns(range.start_index, count),
    }
    spreadsheet.marks.inserted(range);
    Ok(json!({}))
}

fn delete_dimension(spreadsheet: &mut Spreadsheet, asked: &ChangeDimension) -> Result<Value, Refusal> {
    let range = &asked.range;
    let sheet = spreadsheet.sheet_mut(range.sheet_id)?;
    let held = match range.dimension {
        Dimension::Rows => sheet.row_count,
        Dimension::Columns => sheet.column_count,
    };
    if range.end_index <= range.start_index || range.end_index > held {
        return Err(Refusal::bad_request("The range to delete is empty or beyond the sheet."));
    }
    if range.end_index - range.start_index == held {
        return Err(Refusal::bad_request("You can't delete all the rows or columns on the sheet."));
    }
    match range.dimension {
        Dimension::Rows => sheet.delete_rows(range.start_index, range.end_index),
        Dimension::Columns => sheet.delete_columns(range.start_index, range.end_index),
    }
    spreadsheet.marks.deleted(range);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppendDimension {
    #[serde(default)]
    sheet_id: i64,
    dimension: Dimension,
    length: usize,
}

fn append_dimension(spreadsheet: &mut Spreadsheet, asked: &AppendDimension) -> Result<Value, Refusal> {
    let sheet = spreadsheet.sheet_mut(asked.sheet_id)?;
    match asked.dimension {
        Dimension::Rows => sheet.row_count = sheet.row_count.saturating_add(asked.length),
        Dimension::Columns => sheet.column_count = sheet.column_count.saturating_add(asked.length),
    }
    spreadsheet.check_room(0)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateMark {
    developer_metadata: AskedMark,
}

fn create_mark(spreadsheet: &mut Spreadsheet, asked: CreateMark, id: i64) -> Result<Value, Refusal> {
    let asked = asked.developer_metadata;
    if let Some(sheet) = asked.place()?.sheet_id() {
        spreadsheet.sheet(sheet)?;
    }
    let made = spreadsheet.marks.add(asked, id)?;
    Ok(json!({ "createDeveloperMetadata": {"developerMetadata": made} }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteMark {
    data_filter: DataFilter,
}

fn delete_mark(spreadsheet: &mut Spreadsheet, asked: &DeleteMark) -> Result<Value, Refusal> {
    let gone = spreadsheet.marks.delete(&asked.data_filter)?;
    let gone = if gone.is_empty() { json!({}) } else { json!({ "deletedDeveloperMetadata": gone }) };
    Ok(json!({ "deleteDeveloperMetadata": gone }))
}
