//! What changed in a sheet: the rows that are known, against the rows that were read.
//!
//! A row is known by the tenant's key column, or else by its content; never by its number, since
//! sorting, inserting and deleting move rows. A row with another content is the changed form of a
//! missing one that is most like it. Columns that were removed since say nothing about a row. A row with a
//! cell that holds no value yet is left as it was known, and looked at again later.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sheet::{column, unsettled};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::sheet::{Cells, Column, RowChange, Table};

/// What is known of a sheet besides its rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    pub columns: Vec<Column>,
    /// The number of the latest new column.
    pub last_column: u32,
    /// The number of the latest row that is known by its content.
    pub last_row: u64,
    /// Rows that are read again later because cells of theirs hold no value, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, Timestamp>,
}

/// A row's cells that hold something, by column, and where the row was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub number: u32,
    pub cells: BTreeMap<u32, Value>,
}

/// A known row. One that is gone may come back, as when it was cut and pasted.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub content: Content,
    pub is_gone: bool,
}

/// What is to be noted of a row, and told if it changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub key: String,
    /// Nothing when the row is gone.
    pub content: Option<Content>,
    pub told: Option<(RowChange, Content)>,
}

/// Compares a reading with what is known.
#[derive(Debug)]
pub struct Comparison {
    pub shape: Shape,
    pub steps: Vec<Step>,
}

/// How long a row is held whose cells hold no value; then it is taken for what it otherwise holds.
pub const HOLD: Duration = Duration::from_secs(3_600);

/// How alike two contents must be for one to be the changed form of the other.
const LIKENESS: f64 = 0.5;

/// Pairs of rows compared for likeness at most; beyond it only rows with the same number are.
const PAIRS_LIMIT: usize = 4_000_000;

/// Compares `table` with what is `known`, by key.
///
/// # Errors
/// `Conflict` when the headers or the key column are not there: nothing can be told of any row, and
/// that all of them are gone is more likely a slip than a fact.
pub fn compare(
    shape: &Shape,
    known: &BTreeMap<String, Known>,
    table: &Table,
    key_header: Option<&str>,
    now: Timestamp,
) -> Result<Comparison> {
    if has_lost_headers(shape, known, &table.headers) {
        return Err(Error::conflict("the sheet has lost its header row")
            .hint("put the headers back in row 1; nothing is told of its rows until then"));
    }
    let is_baseline = shape.columns.is_empty();
    let mut last_column = shape.last_column;
    let columns = column::follow(&shape.columns, &table.headers, &mut last_column);
    let mut shape = Shape { columns, last_column, last_row: shape.last_row, held: shape.held.clone() };
    let key_column = key_header.map(|header| find_column(&shape.columns, header)).transpose()?;
    let rows = table.rows.iter().map(|row| content_of(&shape.columns, row.number, &row.cells));
    let rows: Vec<Content> = rows.filter(|content| !content.cells.is_empty()).collect();
    // What is there at the beginning is noted as it is: there is nothing to tell of it.
    let (rows, held) = match is_baseline {
        true => (rows, Vec::new()),
        false => hold(&mut shape, rows, key_column, now),
    };
    Ok(match key_column {
        Some(column) => Comparison { steps: by_key(&shape, known, rows, &held, column), shape },
        None => by_content(shape, known, rows, &held),
    })
}

/// Tells whether row 1 holds no headers any more: it is empty, or it is one of the rows that are known.
fn has_lost_headers(shape: &Shape, known: &BTreeMap<String, Known>, headers: &[String]) -> bool {
    if shape.columns.is_empty() {
        return false;
    }
    if headers.iter().all(|header| header.trim().is_empty()) {
        return true;
    }
    let is_header = |text: &String| {
        shape.columns.iter().any(|column| column.names.iter().any(|name| name == text.trim()))
    };
    let first_row: Vec<&str> = headers.iter().map(|header| header.trim()).collect();
    let stands_there = |known: &Known| {
        let cells = shape.columns.iter().map(|column| known.content.cells.get(&column.id).map(key_text));
        let mut cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
        cells.resize(cells.len().max(first_row.len()), String::new());
        let width = cells.len();
        first_row
            .iter()
            .copied()
            .chain(std::iter::repeat(""))
            .take(width)
            .eq(cells.iter().map(String::as_str))
    };
    !headers.iter().any(is_header) && known.values().any(stands_there)
}

/// Takes away the rows that are to be read again later, and notes since when each has waited. Of one that
/// has waited long enough the cells without a value are left out.
fn hold(
    shape: &mut Shape,
    rows: Vec<Content>,
    key_column: Option<u32>,
    now: Timestamp,
) -> (Vec<Content>, Vec<Content>) {
    let mut since = BTreeMap::new();
    let (mut settled, mut held) = (Vec::new(), Vec::new());
    for content in rows {
        if unsettled::columns(&content).is_empty() {
            settled.push(content);
            continue;
        }
        let rest = unsettled::without(&content);
        let name = match key_column.and_then(|column| rest.cells.get(&column)) {
            Some(key) => key_text(key),
            None => serde_json::to_string(&rest.cells).unwrap_or_default(),
        };
        let begun_at = shape.held.get(&name).copied().unwrap_or(now);
        since.insert(name, begun_at);
        match now.since(begun_at) < HOLD {
            true => held.push(content),
            false => settled.push(rest),
        }
    }
    shape.held = since;
    (settled, held)
}

/// Returns a row's cells by header. An earlier header serves while no other column bears it.
pub fn by_header(columns: &[Column], content: &Content) -> Cells {
    let mut cells = Cells::new();
    for present in [false, true] {
        for column in columns {
            let value = || content.cells.get(&column.id).cloned().unwrap_or(Value::String(String::new()));
            let Some((last, earlier)) = column.names.split_last() else { continue };
            let names = if present { std::slice::from_ref(last) } else { earlier };
            for name in names {
                cells.insert(name.clone(), value());
            }
        }
    }
    cells
}

fn find_column(columns: &[Column], header: &str) -> Result<u32> {
    let bears = |column: &&Column, name: &str| name.eq_ignore_ascii_case(header.trim()) && column.id > 0;
    let by_last = columns.iter().find(|column| column.names.last().is_some_and(|name| bears(column, name)));
    let by_any = || columns.iter().find(|column| column.names.iter().any(|name| bears(column, name)));
    by_last.or_else(by_any).map(|column| column.id).ok_or_else(|| {
        Error::conflict(format!("the sheet has no column `{header}`, by which its rows are known"))
            .hint("put the header back, or change the trigger's `key`")
    })
}

fn content_of(columns: &[Column], number: u32, cells: &[Value]) -> Content {
    let filled = columns.iter().zip(cells).filter(|(_, cell)| !is_empty(cell));
    Content { number, cells: filled.map(|(column, cell)| (column.id, cell.clone())).collect() }
}

fn is_empty(cell: &Value) -> bool {
    cell.is_null() || cell.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Tells whether a row holds the same in all columns that are still there.
fn is_same(shape: &Shape, before: &Content, now: &Content) -> bool {
    shape.columns.iter().all(|column| before.cells.get(&column.id) == now.cells.get(&column.id))
}

fn by_key(
    shape: &Shape,
    known: &BTreeMap<String, Known>,
    rows: Vec<Content>,
    held: &[Content],
    column: u32,
) -> Vec<Step> {
    let mut times: HashMap<String, u32> = HashMap::new();
    let mut steps = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for content in rows {
        // A row without a key is not finished yet.
        let Some(plain) = content.cells.get(&column).map(key_text) else { continue };
        let time = times.entry(plain.clone()).or_default();
        *time += 1;
        let key = if *time == 1 { plain } else { format!("{plain}\u{1f}{time}") };
        seen.insert(key.clone());
        let told = match known.get(&key) {
            None => Some((RowChange::Added, Content { number: 0, cells: BTreeMap::new() })),
            Some(before) => changed(shape, &before.content, &content),
        };
        let is_known = known.get(&key).is_some_and(|before| before.content == content && !before.is_gone);
        if !is_known {
            steps.push(Step { key, content: Some(content), told });
        }
    }
    // Of rows that are held nothing is said, not even that they are gone.
    for key in held.iter().filter_map(|content| content.cells.get(&column)).map(key_text) {
        let more = known.keys().filter(|known| known.starts_with(&format!("{key}\u{1f}"))).cloned();
        seen.extend(more.collect::<Vec<_>>());
        seen.insert(key);
    }
    steps.extend(gone(known, |key| seen.contains(key)));
    steps
}

/// Returns what is told of a known row, and what it held before; nothing when it holds the same.
fn changed(shape: &Shape, before: &Content, now: &Content) -> Option<(RowChange, Content)> {
    let before = unsettled::resolved(before, now);
    (!is_same(shape, &before, now)).then_some((RowChange::Changed, before))
}

fn key_text(cell: &Value) -> String {
    cell.as_str().map_or_else(|| cell.to_string(), |text| text.trim().to_owned())
}

fn gone(known: &BTreeMap<String, Known>, is_there: impl Fn(&str) -> bool) -> Vec<Step> {
    let missing = known.iter().filter(|(key, known)| !known.is_gone && !is_there(key));
    let mut steps: Vec<Step> =
        missing.map(|(key, _)| Step { key: key.clone(), content: None, told: None }).collect();
    steps.sort_by(|a, b| a.key.cmp(&b.key));
    steps
}

fn by_content(
    mut shape: Shape,
    known: &BTreeMap<String, Known>,
    rows: Vec<Content>,
    held: &[Content],
) -> Comparison {
    let mut missing: BTreeMap<(u32, &str), &Content> = known
        .iter()
        .filter(|(_, known)| !known.is_gone)
        .map(|(key, known)| ((known.content.number, key.as_str()), &known.content))
        .collect();
    let mut steps = Vec::new();
    let unmatched = match_alike(&shape, &mut missing, rows, &mut steps);
    for content in held {
        let narrowed = unsettled::narrowed(&shape, &unsettled::columns(content));
        if let Some(place) = most_alike(&narrowed, &missing, content, true) {
            missing.remove(&place);
        }
    }
    let few = unmatched.len().saturating_mul(missing.len()) <= PAIRS_LIMIT;
    for content in unmatched {
        match most_alike(&shape, &missing, &content, few) {
            Some(place) => {
                let before = missing.remove(&place).cloned().unwrap_or_else(|| content.clone());
                let told = changed(&shape, &before, &content);
                steps.push(Step { key: place.1.to_owned(), content: Some(content), told });
            }
            None => {
                shape.last_row += 1;
                let told = Some((RowChange::Added, Content { number: 0, cells: BTreeMap::new() }));
                steps.push(Step { key: format!("row {}", shape.last_row), content: Some(content), told });
            }
        }
    }
    steps.extend(missing.keys().map(|(_, key)| Step { key: (*key).to_owned(), content: None, told: None }));
    Comparison { shape, steps }
}

/// Takes away the rows whose content is known, and returns the others. Of several alike, those
/// that are nearest to where they were are the same.
fn match_alike<'a>(
    shape: &Shape,
    missing: &mut BTreeMap<(u32, &'a str), &Content>,
    rows: Vec<Content>,
    steps: &mut Vec<Step>,
) -> Vec<Content> {
    let text = |content: &Content| {
        let shared = shape.columns.iter().filter_map(|c| content.cells.get(&c.id).map(|cell| (c.id, cell)));
        serde_json::to_string(&shared.collect::<BTreeMap<_, _>>()).unwrap_or_default()
    };
    let mut alike: HashMap<String, Vec<(u32, &'a str)>> = HashMap::new();
    for (place, content) in missing.iter() {
        alike.entry(text(content)).or_default().push(*place);
    }
    let mut unmatched = Vec::new();
    for content in rows {
        let places = alike.get_mut(&text(&content)).filter(|places| !places.is_empty());
        let Some(places) = places else {
            unmatched.push(content);
            continue;
        };
        let nearest = (0..places.len())
            .min_by_key(|index| places.get(*index).map(|(number, _)| number.abs_diff(content.number)));
        let (number, key) = places.remove(nearest.unwrap_or(0));
        missing.remove(&(number, key));
        if number != content.number {
            steps.push(Step { key: key.to_owned(), content: Some(content), told: None });
        }
    }
    unmatched
}

fn most_alike<'a>(
    shape: &Shape,
    missing: &BTreeMap<(u32, &'a str), &Content>,
    content: &Content,
    few: bool,
) -> Option<(u32, &'a str)> {
    let mut best: Option<(f64, u32, (u32, &'a str))> = None;
    for (place, before) in missing.iter().filter(|(place, _)| few || place.0 == content.number) {
        let likeness = likeness(shape, before, content);
        let distance = place.0.abs_diff(content.number);
        let is_better = best.is_none_or(|(most, nearest, _)| {
            likeness > most || ((likeness - most).abs() < f64::EPSILON && distance < nearest)
        });
        if likeness >= LIKENESS && is_better {
            best = Some((likeness, distance, *place));
        }
    }
    best.map(|(_, _, place)| place)
}

/// Returns the share of the filled cells that are equal.
fn likeness(shape: &Shape, before: &Content, now: &Content) -> f64 {
    let mut filled = 0_u32;
    let mut equal = 0_u32;
    for column in &shape.columns {
        let (a, b) = (before.cells.get(&column.id), now.cells.get(&column.id));
        filled += u32::from(a.is_some() || b.is_some());
        equal += u32::from(a.is_some() && a == b);
    }
    if filled == 0 { 0.0 } else { f64::from(equal) / f64::from(filled) }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
