//! Ranges and cells of sheets, as everything that reads or writes them sees them.

use std::borrow::Cow;

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

/// Characters that a cell may hold (Google Sheets, "File size limits"), in UTF-16.
const CELL_LIMIT: usize = 50_000;

/// Cuts a text to what a cell can hold, and says so at its end.
pub fn fitting(text: &str) -> Cow<'_, str> {
    const MARK: &str = " [cut off here: a cell can hold no more]";
    let length = |text: &str| text.encode_utf16().count();
    if length(text) <= CELL_LIMIT {
        return Cow::Borrowed(text);
    }
    let mut left = CELL_LIMIT - length(MARK);
    let fits = |character: &char| {
        let more = left.checked_sub(character.len_utf16());
        left = more.unwrap_or(0);
        more.is_some()
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push_str(MARK);
    Cow::Owned(cut)
}

/// Tells whether two headers are the same to a person.
pub fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_what_a_cell_holds() {
        for (text, length) in
            [("x".repeat(50_000), 50_000), ("x".repeat(50_001), 50_000), ("\u{1f600}".repeat(30_000), 49_999)]
        {
            let cut = fitting(&text);
            assert!(cut.encode_utf16().count() <= 50_000 && cut.encode_utf16().count() >= length, "{length}");
            assert_eq!(cut == text, text.encode_utf16().count() <= 50_000);
        }
        assert!(fitting(&"x".repeat(60_000)).ends_with("no more]"));
    }
}
