//! Rows in a sheet, exactly once: one atomic batch adds the row and a mark with an id made from
//! the effect's, so that the mark is there just when the row is.
//!
//! A mark is developer metadata, of which a spreadsheet holds little: it is removed as soon as the
//! row has been noted as added. Cells are found by header, so columns may be moved; a missing
//! header is added at the end. Writers of one spreadsheet take turns, since Google loses rows that
//! are appended at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use google_apis_common::FieldMask;
use google_sheets4::api::{
    AddSheetRequest, AppendCellsRequest, BatchUpdateSpreadsheetRequest, CellData,
    CreateDeveloperMetadataRequest, DataFilter, DeleteDeveloperMetadataRequest, DeveloperMetadata,
    DeveloperMetadataLocation, DeveloperMetadataLookup, ExtendedValue, GridCoordinate, Request, RowData,
    SheetProperties, UpdateCellsRequest,
};
use sha2::{Digest, Sha256};

use crate::Endpoints;
use crate::fault::Fault;
use crate::hub::{Caller, Cost, encoded};
use crate::range::{quoted, same, text};
use nexora_connector::Task;
use nexora_connector::https::Connect;
use nexora_core::base::text::Json;
use nexora_core::model::EffectId;
use nexora_core::model::outcome::{Finding, Made, Outcome};
use nexora_core::model::request::AppendRow;

pub struct Sheets {
    hub: google_sheets4::Sheets<Connect>,
    pub(super) caller: Caller,
    pub(super) base: String,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

const MARK_KEY: &str = "nexora.effect";
const CELL_VALUE: &str = "userEnteredValue";

impl Sheets {
    pub fn new(caller: &Caller, endpoints: &Endpoints) -> Sheets {
        let mut hub = google_sheets4::Sheets::new(caller.client.clone(), caller.tokens.clone());
        hub.base_url(endpoints.sheets_url.clone());
        hub.root_url(endpoints.sheets_url.clone());
        Sheets { hub, caller: caller.clone(), base: endpoints.sheets_url.clone(), turns: Mutex::default() }
    }

    /// Adds the row with its mark, or removes the mark once the evidence says that both are there.
    pub async fn append(&self, task: &Task, request: &AppendRow) -> Result<Outcome, Outcome> {
        if task.evidence.is_some() {
            return self.remove_mark(task, request).await;
        }
        let turn = self.turn(&request.spreadsheet);
        let _turn = turn.lock().await;
        let sheet_id = self.sheet_id(request).await?;
        let headers = self.headers(request).await.map_err(Fault::of_reading)?;
        let (added, row) = arrange(&headers, &request.cells);
        let mut batch = Vec::new();
        if !added.is_empty() {
            batch.push(write_headers(sheet_id, headers.len(), &added));
        }
        batch.push(append_row(sheet_id, &row));
        batch.push(make_mark(&task.effect_id));
        match self.update(&request.spreadsheet, batch).await {
            Ok(()) => Ok(Outcome::Partly { evidence: appended() }),
            // The mark may be there already: another attempt's batch came in since we asked.
            Err(fault) if fault.status() == Some(400) => match self.find(task, request).await {
                Ok(Finding::Partly { evidence }) => Ok(Outcome::Partly { evidence }),
                Ok(_) => Err(fault.of_change()),
                Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
            },
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Removing what is not there is no failure, so this part may be repeated at will.
    async fn remove_mark(&self, task: &Task, request: &AppendRow) -> Result<Outcome, Outcome> {
        match self.update(&request.spreadsheet, vec![delete_mark(&task.effect_id)]).await {
            Ok(()) => Ok(Outcome::Delivered(Made::named(Some(request.spreadsheet.clone())))),
            // The row is there; that somebody removed the spreadsheet since does not undo it.
            Err(fault) if matches!(fault.status(), Some(400 | 404)) => {
                Ok(Outcome::Delivered(Made::named(Some(request.spreadsheet.clone()))))
            }
            Err(fault) => Err(fault.of_reading()),
        }
    }

    /// Asks for the mark.
    pub async fn find(&self, task: &Task, request: &AppendRow) -> Result<Finding, Fault> {
        if task.evidence.is_some() {
            return Ok(Finding::Partly { evidence: appended() });
        }
        self.find_mark(task, &request.spreadsheet, appended()).await
    }

    /// Looks for a task's mark, which proves what `evidence` says.
    pub(super) async fn find_mark(
        &self,
        task: &Task,
        spreadsheet: &str,
        evidence: Json,
    ) -> Result<Finding, Fault> {
        let read = self
            .caller
            .call(Cost::SheetsRead, |mut watch| async move {
                let spreadsheets = self.hub.spreadsheets();
                let call =
                    spreadsheets.developer_metadata_get(&encoded(spreadsheet), mark_id(&task.effect_id));
                call.delegate(&mut watch).doit().await.map(|(_, mark)| mark)
            })
            .await;
        match read {
            Ok(mark) if mark.metadata_value.as_deref() == Some(task.effect_id.as_str()) => {
                Ok(Finding::Partly { evidence })
            }
            Ok(_) => Ok(Finding::Unknown { reason: "the mark belongs to another effect".to_owned() }),
            Err(fault) if fault.status() == Some(404) => Ok(Finding::NotDelivered),
            Err(fault) => Err(fault),
        }
    }

    pub(super) fn turn(&self, spreadsheet: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(spreadsheet.to_owned()).or_default())
    }

    /// Returns the sheet's id by its title, after making the sheet where it is missing.
    async fn sheet_id(&self, request: &AppendRow) -> Result<i32, Outcome> {
        for _ in 0..2 {
            let found = self.find_sheet(&request.spreadsheet, &request.sheet).await;
            if let Some(id) = found.map_err(Fault::of_reading)? {
                return Ok(id);
            }
            match self.update(&request.spreadsheet, vec![add_sheet(&request.sheet)]).await {
                Ok(()) => {}
                // Another daemon may have made it just now: look again.
                Err(fault) if fault.status() == Some(400) => {}
                // Making it again cannot double it: a title exists once.
                Err(fault) => return Err(fault.of_reading()),
            }
        }
        Err(Outcome::Retry {
            reason: format!("sheet `{}` cannot be found after making it", request.sheet),
            after: None,
        })
    }

    /// Returns a sheet's id by its title.
    pub(super) async fn find_sheet(&self, spreadsheet: &str, title: &str) -> Result<Option<i32>, Fault> {
        let read = self.caller.call(Cost::SheetsRead, |mut watch| async move {
            let call = self.hub.spreadsheets().get(&encoded(spreadsheet));
            call.delegate(&mut watch).doit().await.map(|(_, spreadsheet)| spreadsheet)
        });
        let sheets = read.await?.sheets.unwrap_or_default();
        let mut sheets = sheets.into_iter().filter_map(|sheet| sheet.properties);
        let found = sheets.find(|properties| properties.title.as_deref() == Some(title));
        Ok(found.map(|properties| properties.sheet_id.unwrap_or(0)))
    }

    async fn headers(&self, request: &AppendRow) -> Result<Vec<String>, Fault> {
        let range = &format!("{}!1:1", quoted(&request.sheet));
        let values = self
            .caller
            .call(Cost::SheetsRead, |mut watch| async move {
                let call =
                    self.hub.spreadsheets().values_get(&encoded(&request.spreadsheet), &encoded(range));
                call.delegate(&mut watch).doit().await.map(|(_, range)| range.values)
            })
            .await?;
        let first = values.unwrap_or_default().into_iter().next().unwrap_or_default();
        Ok(first.iter().map(text).collect())
    }

    pub(super) async fn update(&self, spreadsheet: &str, batch: Vec<Request>) -> Result<(), Fault> {
        let batch = &BatchUpdateSpreadsheetRequest { requests: Some(batch), ..Default::default() };
        self.caller
            .call(Cost::SheetsWrite, |mut watch| async move {
                let call = self.hub.spreadsheets().batch_update(batch.clone(), &encoded(spreadsheet));
                call.delegate(&mut watch).doit().await.map(|_| ())
            })
            .await
    }
}

/// Returns the headers to add at the end, and the row's cells in the order of all headers.
fn arrange(headers: &[String], cells: &[(String, String)]) -> (Vec<String>, Vec<String>) {
    let mut all: Vec<String> = headers.to_vec();
    for (header, _) in cells {
        if !all.iter().any(|known| same(known, header)) {
            all.push(header.clone());
        }
    }
    let row = all
        .iter()
        .enumerate()
        .map(|(index, header)| {
            // Of two columns with the same header, the first is meant.
            let first = all.iter().position(|known| same(known, header)) == Some(index);
            let cell = cells.iter().find(|(name, _)| first && same(name, header));
            cell.map_or_else(String::new, |(_, value)| value.clone())
        })
        .collect();
    (all.split_off(headers.len()), row)
}

/// A cell is always text: a message that begins with `=` must not become a formula.
fn row_data(cells: &[String]) -> RowData {
    let cell = |text: &String| CellData {
        user_entered_value: Some(ExtendedValue { string_value: Some(text.clone()), ..Default::default() }),
        ..Default::default()
    };
    RowData { values: Some(cells.iter().map(cell).collect()) }
}

fn value_mask() -> Option<FieldMask> {
    CELL_VALUE.parse().ok()
}

fn append_row(sheet_id: i32, row: &[String]) -> Request {
    let append = AppendCellsRequest {
        sheet_id: Some(sheet_id),
        rows: Some(vec![row_data(row)]),
        fields: value_mask(),
        ..Default::default()
    };
    Request { append_cells: Some(append), ..Default::default() }
}

pub(super) fn write_headers(sheet_id: i32, first_column: usize, headers: &[String]) -> Request {
    let start = GridCoordinate {
        sheet_id: Some(sheet_id),
        row_index: Some(0),
        column_index: Some(i32::try_from(first_column).unwrap_or(0)),
    };
    let update = UpdateCellsRequest {
        start: Some(start),
        rows: Some(vec![row_data(headers)]),
        fields: value_mask(),
        ..Default::default()
    };
    Request { update_cells: Some(update), ..Default::default() }
}

fn add_sheet(title: &str) -> Request {
    let properties = SheetProperties { title: Some(title.to_owned()), ..Default::default() };
    Request { add_sheet: Some(AddSheetRequest { properties: Some(properties) }), ..Default::default() }
}

/// Returns the request for a mark on the spreadsheet, where nothing moves it.
fn make_mark(effect: &EffectId) -> Request {
    mark_at(effect, DeveloperMetadataLocation { spreadsheet: Some(true), ..Default::default() })
}

/// Returns the request for an effect's mark at a place.
pub(super) fn mark_at(effect: &EffectId, place: DeveloperMetadataLocation) -> Request {
    let mark = DeveloperMetadata {
        metadata_id: Some(mark_id(effect)),
        metadata_key: Some(MARK_KEY.to_owned()),
        metadata_value: Some(effect.to_string()),
        location: Some(place),
        visibility: Some("DOCUMENT".to_owned()),
    };
    let create = CreateDeveloperMetadataRequest { developer_metadata: Some(mark) };
    Request { create_developer_metadata: Some(create), ..Default::default() }
}

pub(super) fn delete_mark(effect: &EffectId) -> Request {
    let lookup = DeveloperMetadataLookup { metadata_id: Some(mark_id(effect)), ..Default::default() };
    let filter = DataFilter { developer_metadata_lookup: Some(lookup), ..Default::default() };
    let delete = DeleteDeveloperMetadataRequest { data_filter: Some(filter) };
    Request { delete_developer_metadata: Some(delete), ..Default::default() }
}

/// Returns a positive 31-bit number made from the effect's id.
pub(super) fn mark_id(effect: &EffectId) -> i32 {
    let digest = Sha256::digest(effect.as_str());
    let first = digest.first_chunk::<4>().copied().unwrap_or_default();
    (i32::from_be_bytes(first) & i32::MAX).max(1)
}

fn appended() -> Json {
    Json::of(&serde_json::json!({ "appended": true })).unwrap_or_else(|_| Json::empty_object())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn cells_find_their_columns_by_header() {
        let cells = [("Name", "Jo"), ("Phone", "1"), ("Source", "form")]
            .map(|(header, cell)| (header.to_owned(), cell.to_owned()));
        let cases: [(&[&str], &[&str], &[&str]); 4] = [
            (&[], &["Name", "Phone", "Source"], &["Jo", "1", "form"]),
            (&["Phone", "Notes", "name "], &["Source"], &["1", "", "Jo", "form"]),
            (&["Source", "Name", "Phone"], &[], &["form", "Jo", "1"]),
            (&["Name", "Name", "Phone", "Source"], &[], &["Jo", "", "1", "form"]),
        ];
        for (headers, added, row) in cases {
            assert_eq!(arrange(&texts(headers), &cells), (texts(added), texts(row)), "{headers:?}");
        }
    }
}
