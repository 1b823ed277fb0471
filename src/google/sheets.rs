//! Rows in a sheet, exactly once: one atomic batch adds the row and a mark with an id made from
//! the effect's, so that the mark is there just when the row is.
//!
//! A mark is developer metadata, of which a spreadsheet holds little. It stays until no request for its row
//! can be on the way any more: one that arrives late is refused whole, since its mark is there already.
//! Later rows take the old marks away. Cells are found by header, so columns may be moved; a missing
//! header is added at the end, and a column for it where the sheet has none. Writers of one spreadsheet
//! take turns, since Google loses rows that are appended at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use google_apis_common::FieldMask;
use google_sheets4::api::{
    AddSheetRequest, AppendCellsRequest, AppendDimensionRequest, CellData, CreateDeveloperMetadataRequest,
    DataFilter, DeleteDeveloperMetadataRequest, DeveloperMetadata, DeveloperMetadataLocation,
    DeveloperMetadataLookup, ExtendedValue, GridCoordinate, Request, RowData, SheetProperties,
    UpdateCellsRequest,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::sheets::{Cells, SheetsApi};
use crate::fault::Fault;
use crate::range::{self, fitting, quoted, same, text};
use nexora_connector::port::Delivery;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};
use nexora_core::model::request::AppendRow;

pub struct Sheets {
    pub(super) api: SheetsApi,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

pub(super) const MARK_KEY: &str = "nexora.effect";
const CELL_VALUE: &str = "userEnteredValue";

/// How long a mark stays: longer than any request can be on its way.
const MARK_LIFE: Duration = Duration::from_secs(1_800);

/// Marks of ours that a spreadsheet keeps at most. A mark takes some 60 of the 30,000 characters that a
/// spreadsheet may hold (Sheets API, "Developer metadata").
const MARK_LIMIT: usize = 250;

/// Cells by which a row may differ from one that is to be added, and still be the same that came again.
const ALIKE: usize = 2;

/// A sheet as it is written to.
#[derive(Clone, Debug)]
pub(super) struct Tab {
    pub(super) id: i32,
    pub(super) title: String,
    /// How many columns its grid has; a cell beyond them cannot be written.
    pub(super) columns: usize,
}

/// Whether an effect's mark is there.
pub(super) enum Mark {
    There,
    Missing,
    /// Another effect has the same number.
    OfAnother,
}

impl Sheets {
    pub fn new(api: SheetsApi) -> Sheets {
        Sheets { api, turns: Mutex::default() }
    }

    /// Adds the row with its mark.
    pub async fn append(&self, delivery: &Delivery, request: &AppendRow) -> Result<Outcome, Outcome> {
        // Earlier versions noted that the row was added, and took its mark away in a second part.
        if delivery.evidence.is_some() {
            return Ok(Outcome::Delivered(appended(request)));
        }
        let turn = self.turn(&request.spreadsheet);
        let _turn = turn.lock().await;
        let (tab, marks) = self.tab(request).await?;
        let headers = self.headers(request, &tab).await.map_err(Fault::of_reading)?;
        let (added, row) = arrange(&headers, &request.cells);
        let mut batch = Vec::new();
        batch.extend(widen(&tab, row.len()));
        if !added.is_empty() {
            batch.push(write_headers(tab.id, headers.len(), &added));
        }
        batch.push(append_row(tab.id, &row));
        let now = self.api.now();
        batch.push(make_mark(&delivery.mark, now));
        match self.api.update(&request.spreadsheet, batch).await {
            Ok(()) => {
                self.take_away(&request.spreadsheet, marks, now).await;
                Ok(Outcome::Delivered(appended(request)))
            }
            // The mark may be there already: another attempt's batch came in since we asked.
            Err(fault) if fault.status() == Some(400) => {
                match self.find_mark(delivery, &request.spreadsheet).await {
                    Ok(Mark::There) => Ok(Outcome::Delivered(appended(request))),
                    Ok(Mark::Missing | Mark::OfAnother) => Err(fault.of_change()),
                    Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
                }
            }
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Takes marks away that have had their time. That it fails does no harm: the next row tries again.
    async fn take_away(&self, spreadsheet: &str, marks: Vec<DeveloperMetadata>, now: Timestamp) {
        let old: Vec<Request> = old_marks(marks, now).into_iter().map(delete_numbered).collect();
        if !old.is_empty()
            && let Err(fault) = self.api.update(spreadsheet, old).await
        {
            tracing::debug!(reason = %fault.reason(), "old marks were not taken away");
        }
    }

    /// Asks for the mark.
    pub async fn find(&self, delivery: &Delivery, request: &AppendRow) -> Result<ReconcileResult, Fault> {
        if delivery.evidence.is_some() {
            return Ok(ReconcileResult::Delivered(appended(request)));
        }
        Ok(match self.find_mark(delivery, &request.spreadsheet).await? {
            Mark::There => ReconcileResult::Delivered(appended(request)),
            // The mark may have had its time.
            Mark::Missing if delivery.unseen_since.is_some() => self.find_row(request).await?,
            Mark::Missing => ReconcileResult::NotDelivered,
            Mark::OfAnother => of_another(),
        })
    }

    /// Looks for a row with the cells that are to be added, and for one like it: what came again may have another id, and
    /// another time.
    async fn find_row(&self, request: &AppendRow) -> Result<ReconcileResult, Fault> {
        let (Some(tab), _) = self.find_tab(&request.spreadsheet, &request.sheet).await? else {
            return Ok(ReconcileResult::NotDelivered);
        };
        let place = (request.spreadsheet.as_str(), tab.title.as_str());
        let rows = range::whole(&self.api, place, Cells::Shown).await?;
        let headers: Vec<String> = rows.first().map(|row| row.iter().map(text).collect()).unwrap_or_default();
        let wanted: Vec<_> = request.cells.iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let differing = |row: &Vec<Value>| {
            let differs = |(header, value): &&&(String, String)| {
                let column = headers.iter().position(|known| same(known, header));
                let cell = column.and_then(|column| row.get(column)).map(text).unwrap_or_default();
                cell.trim() != fitting(value).trim()
            };
            wanted.iter().filter(differs).count()
        };
        Ok(match rows.iter().skip(1).map(differing).min() {
            Some(0) if !wanted.is_empty() => ReconcileResult::Delivered(appended(request)),
            Some(few) if few <= ALIKE && wanted.len() > 2 * few => {
                ReconcileResult::Unknown { reason: "a row with almost the same cells is there".to_owned() }
            }
            Some(_) | None => ReconcileResult::NotDelivered,
        })
    }

    /// Looks for a delivery's mark.
    pub(super) async fn find_mark(&self, delivery: &Delivery, spreadsheet: &str) -> Result<Mark, Fault> {
        match self.api.metadata(spreadsheet, mark_id(&delivery.mark)).await {
            Ok(mark) => match mark.metadata_value.as_deref().map(marked) {
                Some((effect, _)) if effect == delivery.mark => Ok(Mark::There),
                _ => Ok(Mark::OfAnother),
            },
            Err(fault) if fault.status() == Some(404) => Ok(Mark::Missing),
            Err(fault) => Err(fault),
        }
    }

    pub(super) fn turn(&self, spreadsheet: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(spreadsheet.to_owned()).or_default())
    }

    /// Returns the sheet by its title, after making it where it is missing, and the spreadsheet's marks.
    async fn tab(&self, request: &AppendRow) -> Result<(Tab, Vec<DeveloperMetadata>), Outcome> {
        for _ in 0..2 {
            let found = self.find_tab(&request.spreadsheet, &request.sheet).await;
            if let (Some(tab), marks) = found.map_err(Fault::of_reading)? {
                return Ok((tab, marks));
            }
            match self.api.update(&request.spreadsheet, vec![add_sheet(&request.sheet)]).await {
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

    /// Returns a sheet by its title, which Google tells from others without regard to case, and the marks
    /// on the spreadsheet as a whole.
    pub(super) async fn find_tab(
        &self,
        spreadsheet: &str,
        title: &str,
    ) -> Result<(Option<Tab>, Vec<DeveloperMetadata>), Fault> {
        let found = self.api.spreadsheet(spreadsheet).await?;
        let tabs = found.sheets.unwrap_or_default().into_iter().filter_map(|sheet| sheet.properties);
        let tab = tabs.filter_map(tab_of).find(|tab| tab.title.to_lowercase() == title.to_lowercase());
        Ok((tab, found.developer_metadata.unwrap_or_default()))
    }

    async fn headers(&self, request: &AppendRow, tab: &Tab) -> Result<Vec<String>, Fault> {
        let range = &format!("{}!1:1", quoted(&tab.title));
        let values = self.api.values(&request.spreadsheet, range, Cells::Shown).await?;
        let first = values.into_iter().next().unwrap_or_default();
        Ok(first.iter().map(text).collect())
    }
}

fn tab_of(properties: SheetProperties) -> Option<Tab> {
    let columns = properties.grid_properties.and_then(|grid| grid.column_count);
    Some(Tab {
        // Google leaves out a number that is 0.
        id: properties.sheet_id.unwrap_or(0),
        title: properties.title?,
        columns: columns.and_then(|columns| usize::try_from(columns).ok()).unwrap_or(usize::MAX),
    })
}

/// Returns the request for the columns that a sheet lacks to be so wide. Rows are made by appending.
pub(super) fn widen(tab: &Tab, columns: usize) -> Option<Request> {
    let lacking = columns.checked_sub(tab.columns).filter(|lacking| *lacking > 0)?;
    let append = AppendDimensionRequest {
        sheet_id: Some(tab.id),
        dimension: Some("COLUMNS".to_owned()),
        length: i32::try_from(lacking).ok(),
    };
    Some(Request { append_dimension: Some(append), ..Default::default() })
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
        user_entered_value: Some(ExtendedValue {
            string_value: Some(fitting(text).into_owned()),
            ..Default::default()
        }),
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
fn make_mark(effect: &str, now: Timestamp) -> Request {
    mark_at(effect, now, DeveloperMetadataLocation { spreadsheet: Some(true), ..Default::default() })
}

/// Returns the request for an effect's mark at a place.
pub(super) fn mark_at(effect: &str, now: Timestamp, place: DeveloperMetadataLocation) -> Request {
    let mark = DeveloperMetadata {
        metadata_id: Some(mark_id(effect)),
        metadata_key: Some(MARK_KEY.to_owned()),
        metadata_value: Some(format!("{effect} {}", now.millis())),
        location: Some(place),
        visibility: Some("DOCUMENT".to_owned()),
    };
    let create = CreateDeveloperMetadataRequest { developer_metadata: Some(mark) };
    Request { create_developer_metadata: Some(create), ..Default::default() }
}

/// Reads a mark's value: the effect, and when it was made. Marks of earlier versions do not say when.
fn marked(value: &str) -> (&str, Option<Timestamp>) {
    let (effect, at) = value.split_once(' ').unwrap_or((value, ""));
    (effect, at.parse().ok().map(Timestamp::from_millis))
}

/// Returns the numbers of our marks that have had their time, and of the oldest where there are too many.
fn old_marks(marks: Vec<DeveloperMetadata>, now: Timestamp) -> Vec<i32> {
    let ours = marks.into_iter().filter(|mark| mark.metadata_key.as_deref() == Some(MARK_KEY));
    let mut ours: Vec<(Timestamp, i32)> = ours
        .filter_map(|mark| Some((marked(mark.metadata_value.as_deref()?).1?, mark.metadata_id?)))
        .collect();
    ours.sort_unstable();
    let surplus = ours.len().saturating_sub(MARK_LIMIT);
    let is_old =
        |(index, (at, _)): &(usize, (Timestamp, i32))| *index < surplus || now.since(*at) > MARK_LIFE;
    ours.into_iter().enumerate().filter(is_old).map(|(_, (_, id))| id).collect()
}

pub(super) fn of_another() -> ReconcileResult {
    ReconcileResult::Unknown { reason: "the mark belongs to another effect".to_owned() }
}

pub(super) fn delete_mark(effect: &str) -> Request {
    delete_numbered(mark_id(effect))
}

fn delete_numbered(mark: i32) -> Request {
    let lookup = DeveloperMetadataLookup { metadata_id: Some(mark), ..Default::default() };
    let filter = DataFilter { developer_metadata_lookup: Some(lookup), ..Default::default() };
    let delete = DeleteDeveloperMetadataRequest { data_filter: Some(filter) };
    Request { delete_developer_metadata: Some(delete), ..Default::default() }
}

/// Returns a positive 31-bit number made from the effect's mark.
pub(super) fn mark_id(effect: &str) -> i32 {
    let digest = Sha256::digest(effect);
    let first = digest.first_chunk::<4>().copied().unwrap_or_default();
    (i32::from_be_bytes(first) & i32::MAX).max(1)
}

fn appended(request: &AppendRow) -> Receipt {
    Receipt::named(Some(request.spreadsheet.clone()))
}

#[cfg(test)]
#[path = "sheets_tests.rs"]
mod bench_tests;

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

    #[test]
    fn marks_go_when_they_have_had_their_time_or_are_too_many() {
        let now = Timestamp::from_millis(100_000_000);
        let mark = |id: i32, value: String| DeveloperMetadata {
            metadata_id: Some(id),
            metadata_key: Some(MARK_KEY.to_owned()),
            metadata_value: Some(value),
            ..Default::default()
        };
        let aged = |id: i32, seconds: i64| mark(id, format!("effect_x {}", now.millis() - seconds * 1_000));
        let foreign = DeveloperMetadata { metadata_key: Some("theirs".to_owned()), ..aged(9, 90_000) };
        let marks =
            vec![aged(1, 10), aged(2, 1_900), mark(3, "effect_x".to_owned()), foreign, aged(4, 1_700)];
        assert_eq!(old_marks(marks, now), [2]);
        let many = (0..260).map(|id| aged(id, i64::from(id))).collect();
        assert_eq!(old_marks(many, now), [259, 258, 257, 256, 255, 254, 253, 252, 251, 250]);
        assert_eq!(marked("effect_x 5"), ("effect_x", Some(Timestamp::from_millis(5))));
    }
}
