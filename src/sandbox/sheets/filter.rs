//! Values by data filter: read and written where a mark lies, or a range in A1 notation.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::sheets::a1;
use crate::sheets::grid::Spreadsheet;
use crate::sheets::metadata::{DataFilter, Dimension, Line, Place};
use crate::sheets::values::{ValueRange, View, input, read, write};
use crate::sheets::{change, spreadsheet};
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchGet {
    #[serde(default)]
    data_filters: Vec<Value>,
    value_render_option: Option<String>,
    major_dimension: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchUpdate {
    value_input_option: Option<String>,
    #[serde(default)]
    data: Vec<FilteredRange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilteredRange {
    data_filter: Value,
    #[serde(flatten)]
    values: ValueRange,
}

pub fn batch_get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: BatchGet = call.read()?;
    if asked.data_filters.is_empty() {
        return Err(Refusal::bad_request("At least one data filter must be set."));
    }
    let view = View::new(asked.value_render_option.as_deref(), asked.major_dimension.as_deref())?;
    let spreadsheet = spreadsheet(world, call)?;
    let mut found = Vec::new();
    for filter in &asked.data_filters {
        for range in ranges(spreadsheet, filter)? {
            let values = read(spreadsheet, &range, &view)?;
            found.push(json!({ "valueRange": values, "dataFilters": [filter] }));
        }
    }
    let mut answer = json!({ "spreadsheetId": call.param("spreadsheet") });
    if !found.is_empty() {
        merge(&mut answer, json!({ "valueRanges": found }));
    }
    Ok(Reply::json(&answer))
}

pub fn batch_update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let body: BatchUpdate = call.read()?;
    let input = input(body.value_input_option.as_deref())?;
    let written = change(world, call, "values.batchUpdateByDataFilter", call.read()?, |spreadsheet| {
        let mut written = Vec::new();
        for FilteredRange { data_filter, values } in body.data {
            let rows = values.rows()?;
            for range in ranges(spreadsheet, &data_filter)? {
                written.push((write(spreadsheet, &range, &rows, input)?, data_filter.clone()));
            }
        }
        Ok(written)
    })?;
    let responses = written.iter().map(|(written, filter)| {
        let mut shown = written.shown(call);
        merge(&mut shown, json!({ "dataFilter": filter }));
        shown
    });
    Ok(Reply::json(&json!({
        "spreadsheetId": call.param("spreadsheet"),
        "totalUpdatedRows": written.iter().map(|(written, _)| written.rows).sum::<usize>(),
        "totalUpdatedCells": written.iter().map(|(written, _)| written.cells).sum::<usize>(),
        "responses": responses.collect::<Vec<_>>(),
    })))
}

/// Returns the ranges that a filter means, in A1 notation.
fn ranges(spreadsheet: &Spreadsheet, filter: &Value) -> Result<Vec<String>, Refusal> {
    if let Some(range) = filter.get("a1Range").and_then(Value::as_str) {
        return Ok(vec![range.to_owned()]);
    }
    let lookup: DataFilter = serde_json::from_value(filter.clone())
        .map_err(|error| Refusal::bad_request(format!("Invalid data filter: {error}")))?;
    let places = spreadsheet.marks.places(lookup.lookup()?);
    places.map(|place| range_of(spreadsheet, place)).collect()
}

fn range_of(spreadsheet: &Spreadsheet, place: Place) -> Result<String, Refusal> {
    let Some(id) = place.sheet_id() else {
        return Err(Refusal::bad_request("Metadata of a spreadsheet has no range."));
    };
    let title = spreadsheet.sheet(id)?.title.replace('\'', "''");
    Ok(match place {
        Place::Line(Line { dimension: Dimension::Rows, index, .. }) => {
            format!("'{title}'!{0}:{0}", index + 1)
        }
        Place::Line(Line { dimension: Dimension::Columns, index, .. }) => {
            format!("'{title}'!{0}:{0}", a1::column_name(index))
        }
        Place::Sheet(_) | Place::Spreadsheet => format!("'{title}'"),
    })
}
