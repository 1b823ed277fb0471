//! Ranges and cells of sheets, as everything that reads or writes them sees them.

use serde::Deserialize;
use serde_json::Value;

use crate::fault::Fault;
use crate::hub::{Caller, Cost, encoded};

/// Rows that are read at most, and columns. A sheet with more is refused, never read in part.
const ROWS: usize = 20_000;
const LAST_COLUMN: &str = "CZ";

/// Rows of cells; what is empty at the end of a row, or of all, is left out.
#[derive(Deserialize)]
pub struct Values {
    #[serde(default)]
    pub values: Vec<Vec<Value>>,
}

/// Reads a whole sheet, the first if `sheet` is empty. Cells come unformatted; `dates` says more of
/// how (Sheets API, `DateTimeRenderOption`).
pub async fn whole(
    caller: &Caller,
    base: &str,
    (spreadsheet, sheet): (&str, &str),
    dates: DateCells,
) -> Result<Vec<Vec<Value>>, Fault> {
    let cells = format!("A1:{LAST_COLUMN}{}", ROWS + 2);
    let range = match sheet.is_empty() {
        true => cells,
        false => format!("{}!{cells}", quoted(sheet)),
    };
    let url = format!(
        "{base}v4/spreadsheets/{}/values/{}?valueRenderOption=UNFORMATTED_VALUE&dateTimeRenderOption={}",
        encoded(spreadsheet),
        encoded(&range),
        dates.option()
    );
    let read: Values = caller.get(Cost::SheetsRead, &url).await?;
    if read.values.len() > ROWS + 1 {
        let message = format!("the sheet has more than {ROWS} rows");
        return Err(Fault::Status { code: 413, reason: String::new(), message, retry_after: None });
    }
    Ok(read.values)
}

/// How cells that hold a date or a time are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateCells {
    /// As a person sees them.
    Text,
    /// As numbers, which reading by data filter gives unasked.
    Number,
}

impl DateCells {
    fn option(self) -> &'static str {
        match self {
            DateCells::Text => "FORMATTED_STRING",
            DateCells::Number => "SERIAL_NUMBER",
        }
    }
}

/// Writes a sheet's title as it stands before a range.
pub fn quoted(sheet: &str) -> String {
    format!("'{}'", sheet.replace('\'', "''"))
}

/// Returns a cell as text.
pub fn text(cell: &Value) -> String {
    cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)
}

/// Tells whether two headers are the same to a person.
pub fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}
