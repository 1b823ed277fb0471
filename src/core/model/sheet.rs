//! A sheet's rows as they are read from a provider, and what becomes of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::text::define_words;

define_words! {
    /// What happened to a row.
    RowChange = "row change" { Added = "added", Changed = "changed" }
}

/// A sheet as it stands: its header row, and the rows below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub headers: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number in the sheet as people count: the header row is 1.
    pub number: u32,
    pub cells: Vec<Value>,
}

/// A row by the headers of its columns.
pub type Cells = BTreeMap<String, Value>;

/// A column that keeps its identity when it is moved or renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub id: u32,
    /// Every header it has had, the present one last. Headers of which it is the second or later
    /// bearer carry a number: `Name (2)`.
    pub names: Vec<String>,
}
