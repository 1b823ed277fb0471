//! Reading a sheet. There is no feed of changes: Drive is asked whether the file changed, where the
//! credential allows that, and the rows are read when it did.

use serde::Deserialize;
use serde_json::Value;

use crate::Endpoints;
use crate::fault::Fault;
use crate::hub::{Caller, Cost, encoded};
use crate::range::{self, DateCells};
use nexora_connector::poll::SheetReading;
use nexora_core::model::cursor::SheetTarget;
use nexora_core::model::sheet::{Row, Table};

pub struct Tables {
    caller: Caller,
    sheets_url: String,
    /// Asks Drive, where the connection may.
    drive: Option<Caller>,
    drive_url: String,
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
        let place = (target.spreadsheet.as_str(), target.sheet.as_str());
        let values = range::whole(&self.caller, &self.sheets_url, place, DateCells::Text).await?;
        Ok(SheetReading::Read { table: table(values), version })
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
    let mut headers: Vec<String> = values.pop().unwrap_or_default().iter().map(range::text).collect();
    // A column without a header may hold cells all the same.
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    headers.resize(headers.len().max(width), String::new());
    let rows = rows.into_iter().zip(2..).map(|(cells, number)| Row { number, cells }).collect();
    Table { headers, rows }
}
