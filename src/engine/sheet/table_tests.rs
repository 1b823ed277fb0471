use serde_json::json;

use super::*;
use nexora_core::model::sheet::Row;

fn table(headers: &[&str], rows: &[&[&str]]) -> Table {
    let row = |(index, cells): (usize, &&[&str])| Row {
        number: u32::try_from(index).unwrap() + 2,
        cells: cells.iter().map(|cell| json!(cell)).collect(),
    };
    Table {
        headers: headers.iter().map(|header| (*header).to_owned()).collect(),
        rows: rows.iter().enumerate().map(row).collect(),
    }
}

/// A sheet that is read again and again.
struct Sheet {
    shape: Shape,
    known: BTreeMap<String, Known>,
    key: Option<&'static str>,
    now: Timestamp,
}

impl Sheet {
    fn new(key: Option<&'static str>) -> Sheet {
        let now = Timestamp::from_millis(1_790_000_000_000);
        Sheet { shape: Shape::default(), known: BTreeMap::new(), key, now }
    }

    /// Reads the table and returns what was told: the change, the name before and the name now.
    fn read(&mut self, headers: &[&str], rows: &[&[&str]]) -> Vec<String> {
        let read = compare(&self.shape, &self.known, &table(headers, rows), self.key, self.now).unwrap();
        self.shape = read.shape;
        let mut told = Vec::new();
        for step in read.steps {
            let name = |content: &Content| {
                let cells = by_header(&self.shape.columns, content);
                cells.get("Name").and_then(|name| name.as_str()).unwrap_or_default().to_owned()
            };
            if let (Some((change, before)), Some(now)) = (&step.told, &step.content) {
                told.push(format!("{change} {}>{}", name(before), name(now)));
            }
            match step.content {
                Some(content) => {
                    self.known.insert(step.key, Known { content, is_gone: false });
                }
                None => self.known.get_mut(&step.key).unwrap().is_gone = true,
            }
        }
        told.sort();
        told
    }
}

const HEADERS: &[&str] = &["ID", "Name", "Status"];

#[test]
fn rows_with_a_key_survive_whatever_is_done_to_the_sheet() {
    let mut sheet = Sheet::new(Some("ID"));
    let first: &[&[&str]] = &[&["1", "Ann", "new"], &["2", "Bob", "new"], &["3", "Cy", "new"]];
    assert_eq!(sheet.read(HEADERS, first).len(), 3);
    assert_eq!(sheet.read(HEADERS, first), [""; 0]);
    let sorted: &[&[&str]] = &[&["3", "Cy", "new"], &["1", "Ann", "new"], &["2", "Bob", "new"]];
    assert_eq!(sheet.read(HEADERS, sorted), [""; 0], "sorted");
    let inserted: &[&[&str]] =
        &[&["3", "Cy", "new"], &["4", "Di", "new"], &["1", "Ann", "done"], &["2", "Bob", "new"]];
    assert_eq!(sheet.read(HEADERS, inserted), ["added >Di", "changed Ann>Ann"]);
    let moved: &[&[&str]] = &[&["new", "3", "Cy"], &["done", "1", "Ann"]];
    assert_eq!(sheet.read(&["Status", "ID", "Name"], moved), [""; 0], "columns moved, rows deleted");
    let pasted: &[&[&str]] = &[&["new", "3", "Cy"], &["done", "1", "Ann"], &["new", "4", "Di"]];
    assert_eq!(sheet.read(&["Status", "ID", "Name"], pasted), [""; 0], "cut and pasted");
    let renamed: &[&[&str]] = &[&["new", "3", "Cy"], &["won", "1", "Ann"], &["new", "4", "Di"]];
    assert_eq!(sheet.read(&["State", "No", "Name"], renamed), ["changed Ann>Ann"], "headers renamed");
}

#[test]
fn a_row_without_its_key_waits_and_a_key_may_stand_there_twice() {
    let mut sheet = Sheet::new(Some("ID"));
    assert_eq!(sheet.read(HEADERS, &[&["", "Ann", "new"]]), [""; 0]);
    assert_eq!(sheet.read(HEADERS, &[&["1", "Ann", "new"]]), ["added >Ann"]);
    assert_eq!(sheet.read(HEADERS, &[&["1", "Ann", "new"], &["1", "Bob", ""]]), ["added >Bob"]);
    let lost = |headers| {
        compare(&sheet.shape, &sheet.known, &table(headers, &[]), Some("ID"), sheet.now).unwrap_err()
    };
    assert!(lost(&["Name", "Status"]).report().contains("no column `ID`"));
    assert!(lost(&[]).report().contains("lost its header row"));
}

#[test]
fn rows_without_a_key_are_known_by_their_content() {
    let mut sheet = Sheet::new(None);
    let first: &[&[&str]] = &[&["1", "Ann", "new"], &["2", "Bob", "new"], &["2", "Bob", "new"]];
    assert_eq!(sheet.read(HEADERS, first), ["added >Ann", "added >Bob", "added >Bob"]);
    let sorted: &[&[&str]] = &[&["2", "Bob", "new"], &["2", "Bob", "new"], &["1", "Ann", "new"]];
    assert_eq!(sheet.read(HEADERS, sorted), [""; 0], "sorted");
    let changed: &[&[&str]] =
        &[&["2", "Bob", "new"], &["9", "Zoe", "x"], &["2", "Bob", "won"], &["1", "Ann", "new"]];
    assert_eq!(sheet.read(HEADERS, changed), ["added >Zoe", "changed Bob>Bob"]);
    let fewer: &[&[&str]] = &[&["9", "Zoe", "x"], &["1", "Ann", "new"]];
    assert_eq!(sheet.read(HEADERS, fewer), [""; 0], "deleted");
    let again: &[&[&str]] = &[&["9", "Zoe", "x"], &["1", "Ann", "new"], &["2", "Bob", "new"]];
    assert_eq!(sheet.read(HEADERS, again), ["added >Bob"], "written again");
}

#[test]
fn columns_that_go_change_no_row_and_columns_that_come_do_where_they_are_filled() {
    for key in [None, Some("ID")] {
        let mut sheet = Sheet::new(key);
        sheet.read(HEADERS, &[&["1", "Ann", "new"], &["2", "Bob", "new"]]);
        assert_eq!(sheet.read(&["ID", "Name"], &[&["1", "Ann"], &["2", "Bob"]]), [""; 0]);
        let filled: &[&[&str]] = &[&["1", "Ann", ""], &["2", "Bob", "yes"]];
        assert_eq!(sheet.read(&["ID", "Name", "Paid"], filled), ["changed Bob>Bob"], "{key:?}");
    }
}

#[test]
fn a_row_whose_cells_hold_no_value_yet_is_looked_at_again_and_told_once() {
    for key in [None, Some("ID")] {
        for error in ["#N/A", "Loading...", "#REF!"] {
            let mut sheet = Sheet::new(key);
            sheet.read(HEADERS, &[&["1", "Ann", "new"]]);
            let waiting: &[&[&str]] = &[&["1", "Ann", error], &["2", "Bob", error]];
            for _ in 0..3 {
                assert_eq!(sheet.read(HEADERS, waiting), [""; 0], "{error}");
                sheet.now = sheet.now + Duration::from_secs(300);
            }
            let computed: &[&[&str]] = &[&["1", "Ann", "done"], &["2", "Bob", "new"]];
            assert_eq!(sheet.read(HEADERS, computed), ["added >Bob", "changed Ann>Ann"], "{error} {key:?}");
            assert_eq!(sheet.read(HEADERS, computed), [""; 0]);
            assert!(sheet.shape.held.is_empty());
        }
    }
}

#[test]
fn an_error_that_stays_keeps_a_row_back_for_an_hour_and_not_for_ever() {
    for key in [None, Some("ID")] {
        let mut sheet = Sheet::new(key);
        sheet.read(HEADERS, &[&["1", "Ann", "new"]]);
        let broken: &[&[&str]] = &[&["1", "Ann", "new"], &["2", "Bob", "#N/A"]];
        assert_eq!(sheet.read(HEADERS, broken), [""; 0]);
        sheet.now = sheet.now + HOLD;
        assert_eq!(sheet.read(HEADERS, broken), ["added >Bob"], "{key:?}");
        assert_eq!(sheet.read(HEADERS, broken), [""; 0], "{key:?}");
        let mended: &[&[&str]] = &[&["1", "Ann", "new"], &["2", "Bob", "done"]];
        assert_eq!(sheet.read(HEADERS, mended), ["changed Bob>Bob"], "{key:?}");
    }
}

#[test]
fn what_a_cell_would_have_held_at_the_beginning_is_unknown_and_tells_of_no_change() {
    for key in [None, Some("ID")] {
        let mut sheet = Sheet::new(key);
        sheet.read(HEADERS, &[&["1", "Ann", "Loading..."], &["2", "Bob", "new"]]);
        let computed: &[&[&str]] = &[&["1", "Ann", "done"], &["2", "Bob", "new"]];
        assert_eq!(sheet.read(HEADERS, computed), [""; 0], "{key:?}");
        let again: &[&[&str]] = &[&["1", "Ann", "paid"], &["2", "Bob", "new"]];
        assert_eq!(sheet.read(HEADERS, again), ["changed Ann>Ann"], "{key:?}");
    }
}

#[test]
fn a_header_row_that_goes_and_comes_back_tells_nothing() {
    let rows: &[&[&str]] = &[&["1", "Ann", "new"], &["2", "Bob", "done"], &["3", "Cy", "new"]];
    for key in [None, Some("ID")] {
        let mut sheet = Sheet::new(key);
        sheet.read(HEADERS, rows);
        for (headers, rest) in [(rows[0], &rows[1..]), (&["", "", ""][..], rows), (&[][..], &[][..])] {
            let lost = compare(&sheet.shape, &sheet.known, &table(headers, rest), key, sheet.now);
            assert!(lost.unwrap_err().report().contains("lost its header row"), "{headers:?} {key:?}");
            assert_eq!(sheet.read(HEADERS, rows), [""; 0], "{headers:?} {key:?}");
        }
        let renamed: &[&str] = &["No", "Customer", "State"];
        assert!(compare(&sheet.shape, &sheet.known, &table(renamed, rows), key, sheet.now).is_ok());
    }
}
