//! Reading a sheet. There is no feed of changes: Drive is asked whether the file changed, where the
//! credential allows that, and the rows are read when it did.

use serde::Deserialize;
use serde_json::Value;

use crate::connector::google::Endpoints;
use crate::connector::google::fault::Fault;
use crate::connector::google::hub::{Caller, Cost, encoded};
use crate::connector::poll::SheetReading;
use crate::model::cursor::SheetTarget;
use crate::model::sheet::{Row, Table};

/// Rows that are read at most, and columns. A sheet with more is refused, never read in part.
const ROWS: usize = 20_000;
const LAST_COLUMN: &str = "CZ";

pub struct Tables {
    caller: Caller,
    sheets_url: String,
    /// Asks Drive, where the connection may.
    drive: Option<Caller>,
    drive_url: String,
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    version: Option<String>,
    modified_time: Option<String>,
}

impl Tables {
    /// With a caller for Drive, a sheet that has not changed is not read.
    pub fn new(caller: &Caller, drive: Option<Caller>, endpoints: &Endpoints) -> Tables {
        let (sheets_url, drive_url) = (endpoints.sheets_url.clone(), endpoints.drive_url.clone());
        Tables { caller: caller.clone(), sheets_url, drive, drive_url }
    }

    pub async fn read(&self, target: &SheetTarget, seen: Option<&str>) -> Result<SheetReading, Fault> {
        // Asked before the rows are read, so that what changes in between is read the next time.
        let version = self.version(target).await?;
        if version.is_some() && version.as_deref() == seen {
            return Ok(SheetReading::Unchanged);
        }
        let cells = format!("A1:{LAST_COLUMN}{}", ROWS + 2);
        let range = match target.sheet.is_empty() {
            true => cells,
            false => format!("'{}'!{cells}", target.sheet.replace('\'', "''")),
        };
        let url = format!(
            "{}v4/spreadsheets/{}/values/{}?valueRenderOption=UNFORMATTED_VALUE&dateTimeRenderOption=FORMATTED_STRING",
            self.sheets_url,
            encoded(&target.spreadsheet),
            encoded(&range)
        );
        let values: Values = self.caller.get(Cost::SheetsRead, &url).await?;
        if values.values.len() > ROWS + 1 {
            let message = format!("the sheet has more than {ROWS} rows");
            return Err(Fault::Status { code: 413, reason: String::new(), message, retry_after: None });
        }
        Ok(SheetReading::Read { table: table(values.values), version })
    }

    async fn version(&self, target: &SheetTarget) -> Result<Option<String>, Fault> {
        let Some(drive) = &self.drive else { return Ok(None) };
        let url = format!(
            "{}files/{}?fields=version,modifiedTime&supportsAllDrives=true",
            self.drive_url,
            encoded(&target.spreadsheet)
        );
        let file: File = drive.get(Cost::Drive, &url).await?;
        Ok(file.version.or(file.modified_time))
    }
}

fn table(mut values: Vec<Vec<Value>>) -> Table {
    if values.is_empty() {
        return Table::default();
    }
    let rows = values.split_off(1);
    let text = |cell: Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let mut headers: Vec<String> = values.pop().unwrap_or_default().into_iter().map(text).collect();
    // A column without a header may hold cells all the same.
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    headers.resize(headers.len().max(width), String::new());
    let rows = rows.into_iter().zip(2..).map(|(cells, number)| Row { number, cells }).collect();
    Table { headers, rows }
}
