//! Ranges and cells of sheets, as everything that reads or writes them sees them.

use serde_json::Value;

use crate::api::sheets::{Cells, SheetsApi};
use crate::fault::Fault;

/// Rows that are read at most, and columns. A sheet with more is refused, never read in part.
const ROWS: usize = 20_000;
const LAST_COLUMN: &str = "CZ";

/// Reads a whole sheet, the first if `sheet` is empty. What is empty at the end of a row, or of all, is
/// left out.
pub async fn whole(
    api: &SheetsApi,
    (spreadsheet, sheet): (&str, &str),
    cells: Cells,
) -> Result<Vec<Vec<Value>>, Fault> {
    let all = format!("A1:{LAST_COLUMN}{}", ROWS + 2);
    let range = match sheet.is_empty() {
        true => all,
        false => format!("{}!{all}", quoted(sheet)),
    };
    let values = api.values(spreadsheet, &range, cells).await?;
    if values.len() > ROWS + 1 {
        let message = format!("the sheet has more than {ROWS} rows");
        return Err(Fault::Status { code: 413, reason: String::new(), message, retry_after: None });
    }
    Ok(values)
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
