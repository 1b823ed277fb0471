//! Columns and changes of sheets.

mod column;
pub mod sheet_diff;
pub mod unsettled;
