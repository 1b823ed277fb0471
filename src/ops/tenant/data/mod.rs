//! One customer moved between installations: beside the text of the tenant, its rows as files.
//!
//! `data/` holds a file for each table with a JSON value on each line, in an order that stays the same, and a manifest. Secrets are not
//! in it, or else sealed by a passphrase. What is put in is suspended until an operator resumes it, and the tenant that is written has to
//! be suspended, so that no two installations do the same thing.

pub mod export;
pub mod import;
mod secrets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use nexora_core::base::{Error, Kind, Result, file};

/// The format of the files. A later one is refused by this program.
pub const FORMAT: u32 = 1;

/// The folder of the files, in the folder of the tenant.
pub const FOLDER: &str = "data";
const MANIFEST: &str = "manifest.toml";
const SECRETS: &str = "secrets.age";

/// What the files hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    /// The program that wrote them.
    pub nexora: String,
    /// The latest migration of the database that they are of.
    pub schema: String,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
}

/// Returns the file of a table.
fn place(folder: &Path, table: &str) -> PathBuf {
    folder.join(FOLDER).join(format!("{table}.jsonl"))
}

impl Manifest {
    fn write(&self, folder: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self)
            .map_err(|error| Error::internal("the manifest has no TOML form").source(error))?;
        file::write(&folder.join(FOLDER).join(MANIFEST), text, Kind::Usage)
    }

    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// `NotFound` when the folder has no data; `Conflict` when a later version wrote it.
    fn read(folder: &Path) -> Result<Manifest> {
        let path = folder.join(FOLDER).join(MANIFEST);
        if !path.is_file() {
            return Err(Error::not_found(format!("`{}` holds no data", folder.display())).hint(
                "write it with `nexora tenant export DIR --with-data`, or apply it without `--with-data`",
            ));
        }
        let wrong = |error: toml::de::Error| {
            Error::usage(format!("`{}` is no manifest: {}", path.display(), error.message()))
        };
        let text = file::read_text(&path, Kind::Usage)?;
        let table: toml::Table = text.parse().map_err(wrong)?;
        let format = table.get("format").and_then(toml::Value::as_integer);
        if format != Some(i64::from(FORMAT)) {
            let by = table.get("nexora").and_then(toml::Value::as_str).unwrap_or("another version");
            return Err(Error::conflict(format!(
                "the data is in a format that this program does not read: nexora {by} wrote it"
            ))
            .hint("bring both installations to the same version, and export again"));
        }
        toml::from_str(&text).map_err(wrong)
    }
}
