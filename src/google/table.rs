//! Reading a sheet. There is no feed of changes: Drive is asked whether the file changed, where the
//! credential allows that, and the rows are read when it did.

use serde_json::Value;

use crate::api::drive::DriveApi;
use crate::api::sheets::{Cells, SheetsApi};
use crate::fault::Fault;
use crate::range;
use nexora_connector::poll::SheetReading;
use nexora_core::model::cursor::SheetTarget;
use nexora_core::model::sheet::{Row, Table};

pub struct Tables {
    api: SheetsApi,
    /// Asked first, where the connection may.
    drive: Option<DriveApi>,
}

impl Tables {
    /// With Drive, a sheet that has not changed is not read.
    pub fn new(api: SheetsApi, drive: Option<DriveApi>) -> Tables {
        Tables { api, drive }
    }

    pub async fn read(&self, target: &SheetTarget, seen: Option<&str>) -> Result<SheetReading, Fault> {
        // Asked before the rows are read, so that what changes in between is read the next time.
        let version = match &self.drive {
            Some(drive) => drive.version(&target.spreadsheet).await?,
            None => None,
        };
        if version.is_some() && version.as_deref() == seen {
            return Ok(SheetReading::Unchanged);
        }
        let place = (target.spreadsheet.as_str(), target.sheet.as_str());
        let values = range::whole(&self.api, place, Cells::DatesShown).await?;
        Ok(SheetReading::Read { table: table(values), version })
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
