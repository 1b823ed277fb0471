//! Changing a row that is known by a key, wherever it lies by now.
//!
//! Between reading a sheet and writing to it somebody may sort it. So the row is marked first, the
//! mark moves with the row, and what is written goes to the mark, after looking once more that the
//! key stands there. The mark is removed at last.

use google_sheets4::api::{DeveloperMetadataLocation, DimensionRange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::hub::{Cost, encoded};
use crate::range::{self, DateCells, Values, quoted, same, text};
use crate::sheets::{Sheets, delete_mark, mark_at, mark_id, write_headers};
use nexora_connector::Task;
use nexora_core::base::text::Json;
use nexora_core::model::outcome::{Finding, Made, Outcome};
use nexora_core::model::request::{IfMissing, UpdateRow};

/// How far the work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    Marked,
    Written,
}

#[derive(Serialize, Deserialize)]
struct Evidence {
    row: Progress,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matches {
    #[serde(default)]
    value_ranges: Vec<Match>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    value_range: Values,
    #[serde(default)]
    data_filters: Vec<Value>,
}

impl Sheets {
    /// Marks the row, writes to it, or removes the mark, as the evidence says.
    pub async fn update_row(&self, task: &Task, request: &UpdateRow) -> Result<Outcome, Outcome> {
        match progress(task)? {
            None => {
                let turn = self.turn(&request.spreadsheet);
                let _turn = turn.lock().await;
                self.mark_row(task, request).await
            }
            Some(Progress::Marked) => self.write_row(task, request).await,
            Some(Progress::Written) => self.unmark_row(task, request).await,
        }
    }

    /// Looks for the mark until the row is written. Where there is none, nothing was written: the
    /// mark is removed only after that has been noted.
    pub async fn find_update(&self, task: &Task, request: &UpdateRow) -> Result<Finding, Fault> {
        match progress(task) {
            Ok(None | Some(Progress::Marked)) => {
                self.find_mark(task, &request.spreadsheet, evidence(Progress::Marked)).await
            }
            Ok(Some(Progress::Written)) => Ok(Finding::Partly { evidence: evidence(Progress::Written) }),
            Err(_) => Ok(Finding::Unknown { reason: "what was noted cannot be read".to_owned() }),
        }
    }

    async fn mark_row(&self, task: &Task, request: &UpdateRow) -> Result<Outcome, Outcome> {
        let (key, name) = &request.key;
        let sheet = self.find_sheet(&request.spreadsheet, &request.sheet).await.map_err(Fault::of_reading)?;
        let Some(sheet_id) = sheet else {
            return Err(refused(format!("there is no sheet `{}`", request.sheet)));
        };
        let place = (request.spreadsheet.as_str(), request.sheet.as_str());
        let rows = range::whole(&self.caller, &self.base, place, DateCells::Number).await;
        let rows = rows.map_err(Fault::of_reading)?;
        let headers: Vec<String> = rows.first().map(|row| row.iter().map(text).collect()).unwrap_or_default();
        let Some(column) = headers.iter().position(|header| same(header, key)) else {
            return Err(refused(format!("no column of sheet `{}` is headed `{key}`", request.sheet)));
        };
        let is_named = |row: &Vec<Value>| row.get(column).is_some_and(|cell| text(cell).trim() == name);
        let mut found = rows.iter().enumerate().skip(1).filter(|(_, row)| is_named(row));
        let index = match (found.next(), found.count()) {
            (Some((index, _)), 0) => index,
            (Some(_), more) => {
                return Err(refused(format!(
                    "{} rows have `{key}` `{name}`: which is meant is unknown",
                    more + 1
                )));
            }
            (None, _) if request.if_missing == IfMissing::Skip => {
                return Ok(Outcome::Delivered(Made::named(None).with("found", false)));
            }
            (None, _) => return Err(refused(format!("no row has `{key}` `{name}`"))),
        };
        let missing: Vec<String> = request.cells.iter().map(|(header, _)| header.clone()).collect();
        let missing: Vec<String> =
            missing.into_iter().filter(|header| !headers.iter().any(|known| same(known, header))).collect();
        let mut batch = Vec::new();
        if !missing.is_empty() {
            batch.push(write_headers(sheet_id, headers.len(), &missing));
        }
        batch.push(mark_at(&task.effect_id, row_place(sheet_id, index)));
        match self.update(&request.spreadsheet, batch).await {
            Ok(()) => Ok(Outcome::Partly { evidence: evidence(Progress::Marked) }),
            // The mark may be there already: an earlier attempt's batch came in after all.
            Err(fault) if fault.status() == Some(400) => match self.find_update(task, request).await {
                Ok(Finding::Partly { evidence }) => Ok(Outcome::Partly { evidence }),
                Ok(_) => Err(fault.of_change()),
                Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
            },
            Err(fault) => Err(fault.of_change()),
        }
    }

    async fn write_row(&self, task: &Task, request: &UpdateRow) -> Result<Outcome, Outcome> {
        let (key, name) = &request.key;
        let (headers, row) = self.marked(task, request).await.map_err(Fault::of_reading)?;
        let column = headers.iter().position(|header| same(header, key));
        let cell = column.and_then(|column| row.as_ref()?.get(column));
        if cell.is_none_or(|cell| text(cell).trim() != name) {
            // Somebody sorted, changed or deleted the row before it was marked: look again.
            let unmark = self.update(&request.spreadsheet, vec![delete_mark(&task.effect_id)]).await;
            match unmark {
                Err(fault) if !matches!(fault.status(), Some(400 | 404)) => return Err(fault.of_reading()),
                _ => return Err(moved()),
            }
        }
        let values = arrange(&headers, &request.cells);
        let url = self.values_url(request, "batchUpdateByDataFilter");
        let body = json!({
            "valueInputOption": "RAW",
            "data": [{ "dataFilter": mark_filter(task), "majorDimension": "ROWS", "values": [values] }],
        });
        let written: Result<Value, Fault> = self.caller.post(Cost::SheetsWrite, &url, &body).await;
        // The same cells written twice are the same cells.
        written.map_err(Fault::of_reading)?;
        Ok(Outcome::Partly { evidence: evidence(Progress::Written) })
    }

    async fn unmark_row(&self, task: &Task, request: &UpdateRow) -> Result<Outcome, Outcome> {
        let done = || Ok(Outcome::Delivered(Made::named(Some(request.key.1.clone())).with("found", true)));
        match self.update(&request.spreadsheet, vec![delete_mark(&task.effect_id)]).await {
            Ok(()) => done(),
            // The row was written; that somebody has removed it or its mark since does not undo it.
            Err(fault) if matches!(fault.status(), Some(400 | 404)) => done(),
            Err(fault) => Err(fault.of_reading()),
        }
    }

    /// Reads the headers and the marked row together; no row when the mark is gone.
    async fn marked(
        &self,
        task: &Task,
        request: &UpdateRow,
    ) -> Result<(Vec<String>, Option<Vec<Value>>), Fault> {
        let first_row = json!({ "a1Range": format!("{}!1:1", quoted(&request.sheet)) });
        let url = self.values_url(request, "batchGetByDataFilter");
        let body = json!({
            "dataFilters": [first_row, mark_filter(task)],
            "valueRenderOption": "UNFORMATTED_VALUE",
        });
        let matches: Matches = self.caller.post(Cost::SheetsRead, &url, &body).await?;
        let (mut headers, mut row) = (Vec::new(), None);
        for found in matches.value_ranges {
            let by_mark =
                found.data_filters.iter().any(|filter| filter.get("developerMetadataLookup").is_some());
            let first = found.value_range.values.into_iter().next().unwrap_or_default();
            if by_mark {
                row = Some(first);
            } else {
                headers = first.iter().map(text).collect();
            }
        }
        Ok((headers, row))
    }

    fn values_url(&self, request: &UpdateRow, method: &str) -> String {
        format!("{}v4/spreadsheets/{}/values:{method}", self.base, encoded(&request.spreadsheet))
    }
}

fn progress(task: &Task) -> Result<Option<Progress>, Outcome> {
    let read = task.evidence.as_ref().map(Json::read::<Evidence>).transpose();
    read.map(|evidence| evidence.map(|evidence| evidence.row)).map_err(|error| refused(error.report()))
}

fn evidence(row: Progress) -> Json {
    Json::of(&Evidence { row }).unwrap_or_else(|_| Json::empty_object())
}

fn refused(reason: String) -> Outcome {
    Outcome::Refused { reason }
}

/// The mark is gone by now, so that asking for it lets the attempt begin anew.
fn moved() -> Outcome {
    Outcome::InDoubt { reason: "the row was moved or changed while it was looked for".to_owned() }
}

fn row_place(sheet_id: i32, index: usize) -> DeveloperMetadataLocation {
    let index = i32::try_from(index).unwrap_or(i32::MAX - 1);
    let range = DimensionRange {
        sheet_id: Some(sheet_id),
        dimension: Some("ROWS".to_owned()),
        start_index: Some(index),
        end_index: Some(index + 1),
    };
    DeveloperMetadataLocation { dimension_range: Some(range), ..Default::default() }
}

fn mark_filter(task: &Task) -> Value {
    json!({ "developerMetadataLookup": { "metadataId": mark_id(&task.effect_id) } })
}

/// Returns the row's cells in the order of the headers; null leaves a cell as it is.
fn arrange(headers: &[String], cells: &[(String, String)]) -> Vec<Value> {
    let mut row = vec![Value::Null; headers.len()];
    for (header, value) in cells {
        let column = headers.iter().position(|known| same(known, header));
        if let Some(cell) = column.and_then(|column| row.get_mut(column)) {
            *cell = json!(value);
        }
    }
    while row.last() == Some(&Value::Null) {
        row.pop();
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_cells_are_written_to_the_first_column_of_their_header() {
        let headers = ["Lead", "Status", "Note", "status "].map(str::to_owned);
        let cells = [("STATUS".to_owned(), "=1+1".to_owned())];
        assert_eq!(arrange(&headers, &cells), [Value::Null, json!("=1+1")]);
        assert!(arrange(&headers, &[("Other".to_owned(), "x".to_owned())]).is_empty());
    }
}
