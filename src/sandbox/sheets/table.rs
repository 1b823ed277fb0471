//! Tables in a sheet: blocks of filled cells with nothing but empty cells around them, to which values are
//! appended (Sheets API, "Append values").

use std::collections::BTreeSet;

use crate::sheets::a1::Range;
use crate::sheets::grid::{Cell, Sheet};

/// Returns the last table that lies in a range, at least in part.
pub fn last_in(sheet: &Sheet, range: &Range) -> Option<Range> {
    let reaches = |table: &Range| {
        let is_before = |end: Option<usize>, first: usize| end.is_some_and(|end| end <= first);
        !is_before(range.end_row, table.first_row)
            && !is_before(range.end_column, table.first_column)
            && !is_before(table.end_row, range.first_row)
            && !is_before(table.end_column, range.first_column)
    };
    let found = tables(sheet).into_iter().filter(reaches);
    found.max_by_key(|table| (table.end_row, table.first_row, table.first_column))
}

/// Returns all tables, each as the rectangle around its cells.
fn tables(sheet: &Sheet) -> Vec<Range> {
    let mut left: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (row, cells) in sheet.rows().enumerate() {
        let filled = cells.iter().enumerate().filter(|(_, cell)| **cell != Cell::Empty);
        left.extend(filled.map(|(column, _)| (row, column)));
    }
    let mut tables = Vec::new();
    while let Some(first) = left.pop_first() {
        let (mut top, mut bottom, mut start, mut end) = (first.0, first.0, first.1, first.1);
        let mut open = vec![first];
        while let Some((row, column)) = open.pop() {
            (top, bottom) = (top.min(row), bottom.max(row));
            (start, end) = (start.min(column), end.max(column));
            for near_row in row.saturating_sub(1)..=row + 1 {
                for near_column in column.saturating_sub(1)..=column + 1 {
                    if left.remove(&(near_row, near_column)) {
                        open.push((near_row, near_column));
                    }
                }
            }
        }
        tables.push(Range {
            sheet: None,
            first_row: top,
            first_column: start,
            end_row: Some(bottom + 1),
            end_column: Some(end + 1),
        });
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_below_the_last_table_of_their_range() {
        // The example of Google's guide: one table at A1:C2, another at B4:D6.
        let mut sheet = Sheet::new(0, "Sheet1".to_owned());
        for (rows, columns) in [(0..2, 0..3), (3..6, 1..4)] {
            for row in rows {
                for column in columns.clone() {
                    sheet.set(row, column, Cell::Bool(true)).unwrap();
                }
            }
        }
        for (range, wanted) in [
            ("Sheet1", Some("Sheet1!B4:D6")),
            ("B4", Some("Sheet1!B4:D6")),
            ("C5:D5", Some("Sheet1!B4:D6")),
            ("B2:D4", Some("Sheet1!B4:D6")),
            ("A3:G10", Some("Sheet1!B4:D6")),
            ("A1", Some("Sheet1!A1:C2")),
            ("E4", None),
        ] {
            let found = last_in(&sheet, &Range::parse(range).unwrap());
            assert_eq!(found.map(|table| table.name("Sheet1", 1_000, 26)).as_deref(), wanted, "{range}");
        }
    }
}
