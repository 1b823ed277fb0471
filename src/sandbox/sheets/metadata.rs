//! Developer metadata: marks that a client puts on a spreadsheet, a sheet, a row or a column, under
//! an id of its own choice. A mark on a row moves with the row and goes with it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::sheets::spreadsheet;
use crate::world::World;

/// Characters of keys and values that one place holds (Google's limit).
const SIZE_LIMIT: usize = 30_000;

/// All marks of a spreadsheet, in the order in which they were made.
#[derive(Clone, Default)]
pub struct Marks(Vec<Mark>);

#[derive(Clone)]
struct Mark {
    id: i64,
    key: String,
    value: Option<String>,
    visibility: String,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Spreadsheet,
    Sheet(i64),
    Line(Line),
}

/// One row or one column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub sheet_id: i64,
    pub dimension: Dimension,
    pub index: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Dimension {
    Rows,
    Columns,
}

/// Rows or columns of a sheet, the end exclusive.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DimensionRange {
    #[serde(default)]
    pub sheet_id: i64,
    pub dimension: Dimension,
    #[serde(default)]
    pub start_index: usize,
    pub end_index: usize,
}

/// A mark as a client asks for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedMark {
    pub metadata_id: Option<i64>,
    metadata_key: Option<String>,
    metadata_value: Option<String>,
    visibility: Option<String>,
    location: Option<Location>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    spreadsheet: Option<bool>,
    sheet_id: Option<i64>,
    dimension_range: Option<DimensionRange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataFilter {
    developer_metadata_lookup: Option<Lookup>,
}

/// What a mark must be to be found; every field given must fit.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lookup {
    metadata_id: Option<i64>,
    metadata_key: Option<String>,
    metadata_value: Option<String>,
    visibility: Option<String>,
    location_type: Option<String>,
    metadata_location: Option<Location>,
}

impl Location {
    fn place(&self) -> Result<Place, Refusal> {
        match (self.spreadsheet, self.sheet_id, &self.dimension_range) {
            (Some(true), None, None) => Ok(Place::Spreadsheet),
            (None | Some(false), Some(id), None) => Ok(Place::Sheet(id)),
            (None | Some(false), None, Some(range)) if range.end_index == range.start_index + 1 => {
                let DimensionRange { sheet_id, dimension, start_index, .. } = *range;
                Ok(Place::Line(Line { sheet_id, dimension, index: start_index }))
            }
            _ => Err(Refusal::bad_request("The location must be one spreadsheet, sheet, row or column.")),
        }
    }
}

impl DataFilter {
    pub fn lookup(&self) -> Result<&Lookup, Refusal> {
        self.developer_metadata_lookup
            .as_ref()
            .ok_or_else(|| Refusal::bad_request("The sandbox looks for developer metadata by lookup only."))
    }
}

impl Lookup {
    fn fits(&self, mark: &Mark) -> bool {
        fn same<T: PartialEq + ?Sized>(wanted: Option<&T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        same(self.metadata_id.as_ref(), &mark.id)
            && same(self.metadata_key.as_ref(), &mark.key)
            && self.metadata_value.as_ref().is_none_or(|wanted| mark.value.as_ref() == Some(wanted))
            && same(self.visibility.as_ref(), &mark.visibility)
            && same(self.location_type.as_deref(), mark.place.kind())
            && self
                .metadata_location
                .as_ref()
                .is_none_or(|wanted| wanted.place().is_ok_and(|p| p == mark.place))
    }
}

impl Place {
    fn kind(self) -> &'static str {
        match self {
            Place::Spreadsheet => "SPREADSHEET",
            Place::Sheet(_) => "SHEET",
            Place::Line(Line { dimension: Dimension::Rows, .. }) => "ROW",
            Place::Line(Line { dimension: Dimension::Columns, .. }) => "COLUMN",
        }
    }

    /// Returns the sheet that the place is on, if it is on one.
    pub fn sheet_id(self) -> Option<i64> {
        match self {
            Place::Spreadsheet => None,
            Place::Sheet(id) | Place::Line(Line { sheet_id: id, .. }) => Some(id),
        }
    }

    fn shown(self) -> Value {
        let mut shown = json!({ "locationType": self.kind() });
        let more = match self {
            Place::Spreadsheet => json!({ "spreadsheet": true }),
            Place::Sheet(id) => json!({ "sheetId": id }),
            Place::Line(Line { sheet_id, dimension, index }) => {
                let dimension = match dimension {
                    Dimension::Rows => "ROWS",
                    Dimension::Columns => "COLUMNS",
                };
                json!({"dimensionRange": {
                    "sheetId": sheet_id, "dimension": dimension, "startIndex": index, "endIndex": index + 1,
                }})
            }
        };
        merge(&mut shown, more);
        shown
    }
}

impl Mark {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "metadataId": self.id,
            "metadataKey": self.key,
            "location": self.place.shown(),
            "visibility": self.visibility,
        });
        if let Some(value) = &self.value {
            merge(&mut shown, json!({ "metadataValue": value }));
        }
        shown
    }

    fn size(&self) -> usize {
        self.key.chars().count() + self.value.as_ref().map_or(0, |value| value.chars().count())
    }
}

impl AskedMark {
    pub fn place(&self) -> Result<Place, Refusal> {
        self.location.as_ref().ok_or_else(|| Refusal::bad_request("location must be set."))?.place()
    }
}

impl Marks {
    /// Adds a mark; `id` is taken when the client chose none.
    pub fn add(&mut self, asked: AskedMark, id: i64) -> Result<Value, Refusal> {
        let place = asked.place()?;
        let key = asked.metadata_key.filter(|key| !key.is_empty());
        let mark = Mark {
            id: asked.metadata_id.unwrap_or(id),
            key: key.ok_or_else(|| Refusal::bad_request("metadataKey must be set."))?,
            value: asked.metadata_value,
            visibility: asked
                .visibility
                .filter(|visibility| ["DOCUMENT", "PROJECT"].contains(&visibility.as_str()))
                .ok_or_else(|| Refusal::bad_request("visibility must be set."))?,
            place,
        };
        if self.0.iter().any(|known| known.id == mark.id) {
            return Err(Refusal::bad_request(format!(
                "Developer metadata with ID {} already exists.",
                mark.id
            )));
        }
        let held = self.0.iter().filter(|known| known.place.sheet_id() == mark.place.sheet_id());
        if held.map(Mark::size).sum::<usize>() + mark.size() > SIZE_LIMIT {
            return Err(Refusal::bad_request(
                "The developer metadata size limit of 30000 characters was exceeded.",
            ));
        }
        let shown = mark.shown();
        self.0.push(mark);
        Ok(shown)
    }

    /// Removes what the filter finds and returns it.
    pub fn delete(&mut self, filter: &DataFilter) -> Result<Vec<Value>, Refusal> {
        let lookup = filter.lookup()?;
        let (gone, kept) = std::mem::take(&mut self.0).into_iter().partition(|mark| lookup.fits(mark));
        self.0 = kept;
        Ok(gone.iter().map(Mark::shown).collect())
    }

    pub fn delete_sheet(&mut self, id: i64) {
        self.0.retain(|mark| mark.place.sheet_id() != Some(id));
    }

    /// Moves the marks behind lines that were inserted.
    pub fn inserted(&mut self, range: &DimensionRange) {
        for mark in &mut self.0 {
            if let Place::Line(line) = &mut mark.place
                && range.is_of(line)
                && line.index >= range.start_index
            {
                line.index += range.end_index - range.start_index;
            }
        }
    }

    /// Removes the marks of lines that were deleted, and moves those behind.
    pub fn deleted(&mut self, range: &DimensionRange) {
        self.0.retain_mut(|mark| match &mut mark.place {
            Place::Line(line) if range.is_of(line) && line.index >= range.start_index => {
                let is_kept = line.index >= range.end_index;
                line.index = line.index.saturating_sub(range.end_index - range.start_index);
                is_kept
            }
            Place::Spreadsheet | Place::Sheet(_) | Place::Line(_) => true,
        });
    }

    /// Returns the places of the marks that a lookup finds.
    pub fn places<'a>(&'a self, lookup: &'a Lookup) -> impl Iterator<Item = Place> + 'a {
        self.0.iter().filter(|mark| lookup.fits(mark)).map(|mark| mark.place)
    }

    pub fn shown(&self) -> Vec<Value> {
        self.0.iter().map(Mark::shown).collect()
    }
}

impl DimensionRange {
    fn is_of(&self, line: &Line) -> bool {
        self.sheet_id == line.sheet_id && self.dimension == line.dimension
    }
}

pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("metadata");
    let id: i64 = id.parse().map_err(|_| {
        Refusal::bad_request(format!("Invalid value at 'metadata_id' (TYPE_INT32), \"{id}\""))
    })?;
    let marks = &spreadsheet(world, call)?.marks;
    let found = marks.0.iter().find(|mark| mark.id == id).ok_or_else(Refusal::not_found)?;
    Ok(Reply::json(&found.shown()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    #[serde(default)]
    data_filters: Vec<Value>,
}

pub fn search(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let search: Search = call.read()?;
    if search.data_filters.is_empty() {
        return Err(Refusal::bad_request("At least one data filter must be set."));
    }
    let mut filters = Vec::new();
    for asked in search.data_filters {
        let filter: DataFilter = serde_json::from_value(asked.clone())
            .map_err(|error| Refusal::bad_request(format!("Invalid data filter: {error}")))?;
        filter.lookup()?;
        filters.push((filter, asked));
    }
    let marks = &spreadsheet(world, call)?.marks;
    let mut found = Vec::new();
    for mark in &marks.0 {
        let fitting =
            filters.iter().filter(|(filter, _)| filter.lookup().is_ok_and(|lookup| lookup.fits(mark)));
        let fitting: Vec<&Value> = fitting.map(|(_, asked)| asked).collect();
        if !fitting.is_empty() {
            found.push(json!({"developerMetadata": mark.shown(), "dataFilters": fitting}));
        }
    }
    // Google leaves out a list that is empty.
    let answer = if found.is_empty() { json!({}) } else { json!({ "matchedDeveloperMetadata": found }) };
    Ok(Reply::json(&answer))
}
