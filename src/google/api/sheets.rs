//! Sheets API, version 4.

use google_sheets4::api::{
    BatchGetValuesByDataFilterRequest, BatchUpdateSpreadsheetRequest, DataFilter, DeveloperMetadata,
    MatchedValueRange, Request, Spreadsheet,
};
use hyper::Method;
use serde_json::Value;

use crate::call::{Caller, Send};
use crate::fault::Fault;
use crate::http::encoded;
use crate::quota::Cost;
use nexora_connector::https::Connect;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::model::google::GoogleEndpoints;

/// How cells are read (Sheets API, `ValueRenderOption` and `DateTimeRenderOption`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cells {
    /// All as a person sees them.
    Shown,
    /// Unformatted, but dates and times as a person sees them.
    DatesShown,
    /// Unformatted, dates and times as numbers, as reading by data filter gives them unasked.
    DatesAsNumbers,
}

/// What is read of a spreadsheet.
const SPREADSHEET: &str = "sheets.properties,developerMetadata";

/// How cells are read that are compared or kept.
const UNFORMATTED: &str = "UNFORMATTED_VALUE";

#[derive(Clone)]
pub struct SheetsApi {
    caller: Caller,
    base_url: String,
}

impl SheetsApi {
    pub fn new(caller: Caller, endpoints: &GoogleEndpoints) -> SheetsApi {
        SheetsApi { caller, base_url: endpoints.sheets_url.clone() }
    }

    fn hub(&self, token: &Secret) -> google_sheets4::Sheets<Connect> {
        let mut hub = google_sheets4::Sheets::new(self.caller.client.clone(), token.expose().to_owned());
        hub.base_url(self.base_url.clone());
        hub.root_url(self.base_url.clone());
        hub
    }

    /// Returns the time by the clock that calls are counted by.
    pub fn now(&self) -> Timestamp {
        self.caller.meter.now()
    }

    /// Reads which sheets a spreadsheet has, and the marks on it as a whole.
    pub async fn spreadsheet(&self, spreadsheet: &str) -> Result<Spreadsheet, Fault> {
        let send: &Send<'_, Spreadsheet> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.spreadsheets().get(&encoded(spreadsheet)).param("fields", SPREADSHEET);
                call.delegate(&mut attempt.watch).doit().await.map(|(_, spreadsheet)| spreadsheet)
            })
        };
        self.caller.call(Cost::SheetsRead, send).await
    }

    /// Reads the cells of a range, row by row.
    pub async fn values(
        &self,
        spreadsheet: &str,
        range: &str,
        cells: Cells,
    ) -> Result<Vec<Vec<Value>>, Fault> {
        let send: &Send<'_, Option<Vec<Vec<Value>>>> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let mut call = hub.spreadsheets().values_get(&encoded(spreadsheet), &encoded(range));
                if let Some(dates) = match cells {
                    Cells::Shown => None,
                    Cells::DatesShown => Some("FORMATTED_STRING"),
                    Cells::DatesAsNumbers => Some("SERIAL_NUMBER"),
                } {
                    call = call.value_render_option(UNFORMATTED).date_time_render_option(dates);
                }
                call.delegate(&mut attempt.watch).doit().await.map(|(_, range)| range.values)
            })
        };
        self.caller.call(Cost::SheetsRead, send).await.map(Option::unwrap_or_default)
    }

    /// Reads the ranges that data filters match, unformatted.
    pub async fn filtered_values(
        &self,
        spreadsheet: &str,
        filters: Vec<DataFilter>,
    ) -> Result<Vec<MatchedValueRange>, Fault> {
        let question = &BatchGetValuesByDataFilterRequest {
            data_filters: Some(filters),
            value_render_option: Some(UNFORMATTED.to_owned()),
            ..Default::default()
        };
        let send: &Send<'_, Option<Vec<MatchedValueRange>>> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let spreadsheets = hub.spreadsheets();
                let call =
                    spreadsheets.values_batch_get_by_data_filter(question.clone(), &encoded(spreadsheet));
                call.delegate(&mut attempt.watch).doit().await.map(|(_, found)| found.value_ranges)
            })
        };
        self.caller.call(Cost::SheetsRead, send).await.map(Option::unwrap_or_default)
    }

    /// Writes to the ranges that data filters match; a null leaves a cell as it is.
    pub async fn write_filtered(&self, spreadsheet: &str, body: &Value) -> Result<(), Fault> {
        let spreadsheet = encoded(spreadsheet);
        let url = format!("{}v4/spreadsheets/{spreadsheet}/values:batchUpdateByDataFilter", self.base_url);
        let written: Value = self.caller.send(Cost::SheetsWrite, Method::POST, &url, body).await?;
        drop(written);
        Ok(())
    }

    /// Reads a mark by its id.
    pub async fn metadata(&self, spreadsheet: &str, id: i32) -> Result<DeveloperMetadata, Fault> {
        let send: &Send<'_, DeveloperMetadata> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.spreadsheets().developer_metadata_get(&encoded(spreadsheet), id);
                call.delegate(&mut attempt.watch).doit().await.map(|(_, metadata)| metadata)
            })
        };
        self.caller.call(Cost::SheetsRead, send).await
    }

    /// Makes changes, all of them or none.
    pub async fn update(&self, spreadsheet: &str, requests: Vec<Request>) -> Result<(), Fault> {
        let batch = &BatchUpdateSpreadsheetRequest { requests: Some(requests), ..Default::default() };
        let send: &Send<'_, ()> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.spreadsheets().batch_update(batch.clone(), &encoded(spreadsheet));
                call.delegate(&mut attempt.watch).doit().await.map(|_| ())
            })
        };
        self.caller.call(Cost::SheetsWrite, send).await
    }
}
