//! Cells that hold no value yet: what a sheet shows while it computes, or cannot compute.
//!
//! A row with such a cell is read again later. Where the cell stays as it is, the row is taken for what
//! it otherwise holds.

use serde_json::Value;

use crate::sheet::sheet_diff::{Content, Shape};

/// What Google Sheets shows instead of a value, in lower case (function reference, "Error types").
const ERRORS: [&str; 10] =
    ["#n/a", "#ref!", "#value!", "#div/0!", "#num!", "#name?", "#null!", "#error!", "#spill!", "#calc!"];
const LOADING: [&str; 2] = ["loading...", "loading\u{2026}"];

/// Tells whether a cell is an error or still being computed.
pub fn is_unsettled(cell: &Value) -> bool {
    let Some(text) = cell.as_str() else { return false };
    let text = text.trim().to_lowercase();
    ERRORS.contains(&text.as_str()) || LOADING.contains(&text.as_str())
}

/// Returns the columns of a row that hold no value yet.
pub fn columns(content: &Content) -> Vec<u32> {
    content.cells.iter().filter(|(_, cell)| is_unsettled(cell)).map(|(column, _)| *column).collect()
}

/// Returns a row without the cells that hold no value yet.
pub fn without(content: &Content) -> Content {
    let settled = content.cells.iter().filter(|(_, cell)| !is_unsettled(cell));
    Content { number: content.number, cells: settled.map(|(column, cell)| (*column, cell.clone())).collect() }
}

/// Returns a known row with what is there now in the place of cells that held no value: what they would
/// have held is unknown, so that it tells of no change.
pub fn resolved(before: &Content, now: &Content) -> Content {
    let mut resolved = before.clone();
    for column in columns(before) {
        match now.cells.get(&column) {
            Some(cell) => drop(resolved.cells.insert(column, cell.clone())),
            None => drop(resolved.cells.remove(&column)),
        }
    }
    resolved
}

/// Returns the shape without some columns.
pub fn narrowed(shape: &Shape, columns: &[u32]) -> Shape {
    let kept = shape.columns.iter().filter(|column| !columns.contains(&column.id));
    Shape { columns: kept.cloned().collect(), ..shape.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_and_what_is_being_computed_are_no_values() {
        for cell in ["#N/A", " #REF! ", "#div/0!", "Loading...", "#ERROR!", "#NAME?"] {
            assert!(is_unsettled(&json!(cell)), "{cell}");
        }
        for cell in [json!("#1"), json!("Loading dock"), json!("n/a"), json!(0), json!(true), json!("")] {
            assert!(!is_unsettled(&cell), "{cell}");
        }
    }
}
