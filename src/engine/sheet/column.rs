//! A sheet's columns, followed through moves, renames and headers that stand there twice.

use nexora_core::model::sheet::Column;

/// Earlier names of a column that are remembered.
const NAMES_LIMIT: usize = 8;

/// Returns the columns as they stand now, each with the identity it had; `next` numbers new ones.
///
/// A column is known again by its header, wherever it moved. Where a header is new and the column
/// that stood in its place is missing, that column was renamed.
pub fn follow(known: &[Column], headers: &[String], next: &mut u32) -> Vec<Column> {
    let names = distinct(headers);
    let mut found: Vec<Option<Column>> = vec![None; names.len()];
    let mut missing: Vec<Option<&Column>> = known.iter().map(Some).collect();
    for (name, slot) in names.iter().zip(&mut found) {
        let place = missing.iter_mut().find(|column| column.is_some_and(|column| is_called(column, name)));
        *slot = place.and_then(Option::take).cloned();
    }
    let mut columns = Vec::with_capacity(names.len());
    for (index, (name, slot)) in names.into_iter().zip(found).enumerate() {
        let renamed = || missing.get_mut(index).and_then(Option::take).cloned();
        columns.push(match slot.or_else(renamed) {
            Some(column) => called(column, name),
            None => {
                *next += 1;
                Column { id: *next, names: vec![name] }
            }
        });
    }
    columns
}

fn is_called(column: &Column, name: &str) -> bool {
    column.names.last().is_some_and(|last| last == name)
}

fn called(mut column: Column, name: String) -> Column {
    if !is_called(&column, &name) {
        column.names.retain(|earlier| *earlier != name);
        column.names.push(name);
        let surplus = column.names.len().saturating_sub(NAMES_LIMIT);
        column.names.drain(..surplus);
    }
    column
}

/// Gives every column a name of its own: `Name`, `Name (2)`, and its letter where it has no header.
fn distinct(headers: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(headers.len());
    for (index, header) in headers.iter().enumerate() {
        let header = header.trim();
        let plain = if header.is_empty() { letters(index) } else { header.to_owned() };
        let mut name = plain.clone();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{plain} ({number})");
        }
        names.push(name);
    }
    names
}

/// Returns a column's letters as the sheet shows them: A, Z, AA.
fn letters(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(headers: &[&str]) -> Vec<String> {
        headers.iter().map(|header| (*header).to_owned()).collect()
    }

    fn ids(columns: &[Column]) -> Vec<u32> {
        columns.iter().map(|column| column.id).collect()
    }

    #[test]
    fn columns_are_known_again_wherever_they_are_and_whatever_they_are_called() {
        let mut next = 0;
        let first = follow(&[], &texts(&["ID", "Name", "Status"]), &mut next);
        assert_eq!(ids(&first), [1, 2, 3]);
        let cases: [(&[&str], &[u32]); 5] = [
            (&["Status", "ID", "Name"], &[3, 1, 2]),
            (&["ID", "Customer", "Status"], &[1, 2, 3]),
            (&["ID", "New", "Name", "Status"], &[1, 4, 2, 3]),
            (&["ID", "Status"], &[1, 3]),
            (&["ID", "Name", "Name"], &[1, 2, 3]),
        ];
        for (headers, expected) in cases {
            let mut next = next;
            assert_eq!(ids(&follow(&first, &texts(headers), &mut next)), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_renamed_column_keeps_its_earlier_name() {
        let mut next = 0;
        let first = follow(&[], &texts(&["Status"]), &mut next);
        let renamed = follow(&first, &texts(&["State"]), &mut next);
        assert_eq!(renamed[0].names, ["Status", "State"]);
        let back = follow(&renamed, &texts(&["Status"]), &mut next);
        assert_eq!(back[0].names, ["State", "Status"]);
    }

    #[test]
    fn every_column_has_a_name_of_its_own() {
        assert_eq!(distinct(&texts(&["Name", " ", "Name ", "Name"])), ["Name", "B", "Name (2)", "Name (3)"]);
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
