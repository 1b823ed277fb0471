//! Changing a row that is known by a key, wherever it lies by now.
//!
//! Between reading a sheet and writing to it a person may sort it. So the row is marked first, the
//! mark moves with the row, and what is written goes to the mark, after looking once more that the
//! key stands there. The mark is removed at last: what still arrives for it then finds nothing to write to.

use google_sheets4::api::{DataFilter, DeveloperMetadataLocation, DeveloperMetadataLookup, DimensionRange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::sheets::Cells;
use crate::fault::Fault;
use crate::range::{self, fitting, quoted, same, text};
use crate::sheets::{Mark, Sheets, delete_mark, mark_at, mark_id, of_another, widen, write_headers};
use nexora_connector::port::Delivery;
use nexora_core::base::text::Json;
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};
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

impl Sheets {
    /// Marks the row, writes to it, or removes the mark, as the evidence says.
    pub async fn update_row(&self, delivery: &Delivery, request: &UpdateRow) -> Result<Outcome, Outcome> {
        match progress(delivery)? {
            None => {
                let turn = self.turn(&request.spreadsheet);
                let _turn = turn.lock().await;
                self.mark_row(delivery, request).await
            }
            Some(Progress::Marked) => self.write_row(delivery, request).await,
            Some(Progress::Written) => self.unmark_row(delivery, request).await,
        }
    }

    /// Looks for the mark until the row is written. Where there is none, nothing was written: the
    /// mark is removed only after that has been noted.
    pub async fn find_update(
        &self,
        delivery: &Delivery,
        request: &UpdateRow,
    ) -> Result<ReconcileResult, Fault> {
        match progress(delivery) {
            Ok(None | Some(Progress::Marked)) => {
                Ok(match self.find_mark(delivery, &request.spreadsheet).await? {
                    Mark::There => ReconcileResult::InProgress { evidence: evidence(Progress::Marked) },
                    // Written, and its mark taken away; or not begun: the cells cannot tell, since a person may have changed them.
                    Mark::Missing if delivery.unseen_since.is_some() => {
                        let reason =
                            "whether the row was written since the backup leaves no trace".to_owned();
                        ReconcileResult::Unknown { reason }
                    }
                    Mark::Missing => ReconcileResult::NotDelivered,
                    Mark::OfAnother => of_another(),
                })
            }
            Ok(Some(Progress::Written)) => {
                Ok(ReconcileResult::InProgress { evidence: evidence(Progress::Written) })
            }
            Err(_) => Ok(ReconcileResult::Unknown { reason: "what was noted cannot be read".to_owned() }),
        }
    }

    async fn mark_row(&self, delivery: &Delivery, request: &UpdateRow) -> Result<Outcome, Outcome> {
        let (key, name) = &request.key;
        let found = self.find_tab(&request.spreadsheet, &request.sheet).await;
        let (Some(tab), _) = found.map_err(Fault::of_reading)? else {
            return Err(refused(format!("there is no sheet `{}`", request.sheet)));
        };
        let place = (request.spreadsheet.as_str(), tab.title.as_str());
        let rows = range::whole(&self.api, place, Cells::DatesAsNumbers).await;
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
                return Ok(Outcome::Delivered(Receipt::named(None).with("found", false)));
            }
            (None, _) => return Err(refused(format!("no row has `{key}` `{name}`"))),
        };
        let missing: Vec<String> = request.cells.iter().map(|(header, _)| header.clone()).collect();
        let missing: Vec<String> =
            missing.into_iter().filter(|header| !headers.iter().any(|known| same(known, header))).collect();
        let mut batch = Vec::new();
        if !missing.is_empty() {
            batch.extend(widen(&tab, headers.len() + missing.len()));
            batch.push(write_headers(tab.id, headers.len(), &missing));
        }
        batch.push(mark_at(&delivery.mark, self.api.now(), row_place(tab.id, index)));
        match self.api.update(&request.spreadsheet, batch).await {
            Ok(()) => Ok(Outcome::InProgress { evidence: evidence(Progress::Marked) }),
            // The mark may be there already: an earlier attempt's batch came in after all.
            Err(fault) if fault.status() == Some(400) => match self.find_update(delivery, request).await {
                Ok(ReconcileResult::InProgress { evidence }) => Ok(Outcome::InProgress { evidence }),
                Ok(_) => Err(fault.of_change()),
                Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
            },
            Err(fault) => Err(fault.of_change()),
        }
    }

    async fn write_row(&self, delivery: &Delivery, request: &UpdateRow) -> Result<Outcome, Outcome> {
        let (key, name) = &request.key;
        let (headers, row) = self.marked(delivery, request).await.map_err(Fault::of_reading)?;
        let column = headers.iter().position(|header| same(header, key));
        let cell = column.and_then(|column| row.as_ref()?.get(column));
        if cell.is_none_or(|cell| text(cell).trim() != name) {
            // The row was sorted, changed or deleted before it was marked: look again.
            let unmark = self.api.update(&request.spreadsheet, vec![delete_mark(&delivery.mark)]).await;
            match unmark {
                Err(fault) if !matches!(fault.status(), Some(400 | 404)) => return Err(fault.of_reading()),
                _ => return Err(moved()),
            }
        }
        let values = arrange(&headers, &request.cells);
        let body = json!({
            "valueInputOption": "RAW",
            "data": [{
                "dataFilter": { "developerMetadataLookup": { "metadataId": mark_id(&delivery.mark) } },
                "majorDimension": "ROWS",
                "values": [values],
            }],
        });
        let written = self.api.write_filtered(&request.spreadsheet, &body).await;
        // The same cells written twice are the same cells.
        written.map_err(Fault::of_reading)?;
        Ok(Outcome::InProgress { evidence: evidence(Progress::Written) })
    }

    async fn unmark_row(&self, delivery: &Delivery, request: &UpdateRow) -> Result<Outcome, Outcome> {
        let done = || Ok(Outcome::Delivered(Receipt::named(Some(request.key.1.clone())).with("found", true)));
        match self.api.update(&request.spreadsheet, vec![delete_mark(&delivery.mark)]).await {
            Ok(()) => done(),
            // The row was written; that it or its mark was removed since does not undo it.
            Err(fault) if matches!(fault.status(), Some(400 | 404)) => done(),
            Err(fault) => Err(fault.of_reading()),
        }
    }

    /// Reads the headers and the marked row together; no row when the mark is gone.
    async fn marked(
        &self,
        delivery: &Delivery,
        request: &UpdateRow,
    ) -> Result<(Vec<String>, Option<Vec<Value>>), Fault> {
        let first_row =
            DataFilter { a1_range: Some(format!("{}!1:1", quoted(&request.sheet))), ..DataFilter::default() };
        let lookup = DeveloperMetadataLookup {
            metadata_id: Some(mark_id(&delivery.mark)),
            ..DeveloperMetadataLookup::default()
        };
        let mark = DataFilter { developer_metadata_lookup: Some(lookup), ..DataFilter::default() };
        let matches = self.api.filtered_values(&request.spreadsheet, vec![first_row, mark]).await?;
        let (mut headers, mut row) = (Vec::new(), None);
        for found in matches {
            let mut filters = found.data_filters.into_iter().flatten();
            let by_mark = filters.any(|filter| filter.developer_metadata_lookup.is_some());
            let values = found.value_range.and_then(|range| range.values).unwrap_or_default();
            let first = values.into_iter().next().unwrap_or_default();
            if by_mark {
                row = Some(first);
            } else {
                headers = first.iter().map(text).collect();
            }
        }
        Ok((headers, row))
    }
}

fn progress(delivery: &Delivery) -> Result<Option<Progress>, Outcome> {
    let read = delivery.evidence.as_ref().map(Json::read::<Evidence>).transpose();
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

/// Returns the row's cells in the order of the headers; null leaves a cell as it is.
fn arrange(headers: &[String], cells: &[(String, String)]) -> Vec<Value> {
    let mut row = vec![Value::Null; headers.len()];
    for (header, value) in cells {
        let column = headers.iter().position(|known| same(known, header));
        if let Some(cell) = column.and_then(|column| row.get_mut(column)) {
            *cell = json!(fitting(value));
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
