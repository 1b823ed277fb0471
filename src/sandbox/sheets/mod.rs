//! Sheets: values in A1 notation, and batches that take effect whole or not at all.
//!
//! Spreadsheets belong to nobody in particular: every mailbox of the sandbox may use all of them.

mod a1;
mod batch;
mod filter;
pub mod grid;
mod metadata;
mod table;
mod values;

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::serve::route::{Route, route};
use crate::sheets::grid::{Sheet, Spreadsheet};
use crate::world::World;

const ALL: &str = "https://www.googleapis.com/auth/spreadsheets";
const READONLY: &str = "https://www.googleapis.com/auth/spreadsheets.readonly";
const DRIVE: &str = "https://www.googleapis.com/auth/drive";
const DRIVE_FILE: &str = "https://www.googleapis.com/auth/drive.file";
const DRIVE_READONLY: &str = "https://www.googleapis.com/auth/drive.readonly";

const TO_READ: &[&str] = &[ALL, READONLY, DRIVE, DRIVE_FILE, DRIVE_READONLY];
const TO_WRITE: &[&str] = &[ALL, DRIVE, DRIVE_FILE];

pub const ROUTES: &[Route] = &[
    route(Method::POST, "/v4/spreadsheets", "spreadsheets.create", TO_WRITE, create),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}:batchUpdate",
        "spreadsheets.batchUpdate",
        TO_WRITE,
        batch::update,
    ),
    route(Method::GET, "/v4/spreadsheets/{spreadsheet}", "spreadsheets.get", TO_READ, get),
    route(
        Method::GET,
        "/v4/spreadsheets/{spreadsheet}/values:batchGet",
        "values.batchGet",
        TO_READ,
        values::batch_get,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/values:batchUpdate",
        "values.batchUpdate",
        TO_WRITE,
        values::batch_update,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/values:batchGetByDataFilter",
        "values.batchGetByDataFilter",
        TO_WRITE,
        filter::batch_get,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/values:batchUpdateByDataFilter",
        "values.batchUpdateByDataFilter",
        TO_WRITE,
        filter::batch_update,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/values/{range}:append",
        "values.append",
        TO_WRITE,
        values::append,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/values/{range}:clear",
        "values.clear",
        TO_WRITE,
        values::clear,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/values:batchClear",
        "values.batchClear",
        TO_WRITE,
        values::batch_clear,
    ),
    route(Method::GET, "/v4/spreadsheets/{spreadsheet}/values/{range}", "values.get", TO_READ, values::get),
    route(
        Method::PUT,
        "/v4/spreadsheets/{spreadsheet}/values/{range}",
        "values.update",
        TO_WRITE,
        values::update,
    ),
    route(
        Method::POST,
        "/v4/spreadsheets/{spreadsheet}/developerMetadata:search",
        "developerMetadata.search",
        TO_READ,
        metadata::search,
    ),
    route(
        Method::GET,
        "/v4/spreadsheets/{spreadsheet}/developerMetadata/{metadata}",
        "developerMetadata.get",
        TO_READ,
        metadata::get,
    ),
];

fn spreadsheet<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Spreadsheet, Refusal> {
    world.spreadsheets.get_mut(call.param("spreadsheet")).ok_or_else(Refusal::not_found)
}

/// Changes a spreadsheet as a whole: `edit` works on a copy, which takes the place of the original
/// only if all went well.
fn change<T>(
    world: &mut World,
    call: &Call,
    name: &'static str,
    request: Value,
    edit: impl FnOnce(&mut Spreadsheet) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let original = spreadsheet(world, call)?;
    let mut copy = original.clone();
    let outcome = edit(&mut copy)?;
    copy.check_room(0)?;
    copy.note(call, name, request);
    *original = copy;
    Ok(outcome)
}

/// What a client says about a spreadsheet or a sheet; the rest of what Google knows is not kept.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    title: Option<String>,
    sheet_id: Option<i64>,
    #[serde(rename = "gridProperties")]
    grid: Option<GridProperties>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GridProperties {
    row_count: Option<usize>,
    column_count: Option<usize>,
}

impl Properties {
    /// Makes the sheet; what is not said gets `title` and `id`.
    fn sheet(self, title: String, id: i64) -> Sheet {
        let title = self.title.filter(|title| !title.is_empty()).unwrap_or(title);
        let mut sheet = Sheet::new(self.sheet_id.unwrap_or(id), title);
        let grid = self.grid.unwrap_or_default();
        sheet.row_count = grid.row_count.unwrap_or(sheet.row_count).max(1);
        sheet.column_count = grid.column_count.unwrap_or(sheet.column_count).max(1);
        sheet
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    properties: Properties,
    sheets: Vec<AskedSheet>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AskedSheet {
    properties: Properties,
}

fn create(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let mut asked: Asked = call.read()?;
    world.check_spreadsheet_room()?;
    let title = asked.properties.title.take().unwrap_or_else(|| "Untitled spreadsheet".to_owned());
    let mut spreadsheet = Spreadsheet::new(title, call.at);
    if asked.sheets.is_empty() {
        asked.sheets.push(AskedSheet::default());
    }
    for (position, sheet) in asked.sheets.into_iter().enumerate() {
        let id = if position == 0 { 0 } else { new_sheet_id(world) };
        spreadsheet.add_sheet(sheet.properties.sheet(format!("Sheet{}", position + 1), id))?;
    }
    spreadsheet.check_room(0)?;
    spreadsheet.note(call, "spreadsheets.create", call.read()?);
    let id = world.ids.spreadsheet(call.at);
    let answer = shown(&id, &spreadsheet, &call.origin);
    world.spreadsheets.insert(id, spreadsheet);
    Ok(Reply::json(&answer))
}

/// Returns the id of a sheet that the client chose none for.
fn new_sheet_id(world: &mut World) -> i64 {
    100_000_000 + i64::try_from(world.ids.next()).unwrap_or(0)
}

fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    if call.query_flag("includeGridData") {
        return Err(Refusal::bad_request("The sandbox does not answer grid data; read values instead."));
    }
    let found = spreadsheet(world, call)?;
    Ok(Reply::json(&shown(call.param("spreadsheet"), found, &call.origin)))
}

fn shown(id: &str, spreadsheet: &Spreadsheet, origin: &str) -> Value {
    let sheets = spreadsheet.sheets.iter().enumerate();
    let sheets: Vec<Value> =
        sheets.map(|(index, sheet)| json!({ "properties": sheet.properties(index) })).collect();
    let mut shown = json!({
        "spreadsheetId": id,
        "properties": {
            "title": spreadsheet.title, "locale": "en_US", "autoRecalc": "ON_CHANGE", "timeZone": "Etc/UTC",
        },
        "sheets": sheets,
        "spreadsheetUrl": format!("{origin}/#sheet-{id}"),
    });
    let marks = spreadsheet.marks.shown();
    if !marks.is_empty() {
        merge(&mut shown, json!({ "developerMetadata": marks }));
    }
    shown
}
