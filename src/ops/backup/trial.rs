//! Trying a backup out: it is opened, every sum is checked, and its database is looked at as a whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::archive::{self, Progress};
use super::manifest::{Engine, Manifest, Role, Summary};
use super::seal::Opener;
use super::{SQLITE_COPY, postgres, private_folder};
use nexora_core::base::{Error, Kind, Result, file};
use nexora_store::{Url, backup, migration};

/// What a trial found.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    pub file: PathBuf,
    #[serde(flatten)]
    pub summary: Summary,
    /// The rows of each table; none where the backup was not opened.
    pub rows: BTreeMap<String, i64>,
    pub files: usize,
    /// Whether it was opened, and not only held against its sum.
    pub opened: bool,
    /// Whether this program has to bring the database up to date before it works on it.
    pub is_older: bool,
}

/// Holds a backup against its sum; what opens it is not needed for that.
///
/// # Errors
/// `NotFound` when it is not there; `Conflict` when it is damaged.
pub fn check_sum(file: &Path, progress: Progress<'_>) -> Result<Tried> {
    let summary = archive::check_sum(file, progress)?;
    let rows = BTreeMap::new();
    Ok(Tried { file: file.to_owned(), summary, rows, files: 0, opened: false, is_older: false })
}

/// Opens a backup and looks at everything in it. The copy of the database lies in `beside` meanwhile.
///
/// # Errors
/// `Denied` when `opener` does not open it; `Conflict` when it is damaged, does not hold what it says, or is newer than this
/// program; `Unavailable` when there is no room.
pub fn verify(file: &Path, opener: &Opener, beside: &Path, progress: Progress<'_>) -> Result<Tried> {
    let folder = private_folder(beside)?;
    let copy = folder.path().join(SQLITE_COPY);
    let manifest = archive::read(file, opener, progress, &mut |member, bytes| match member.role {
        Role::Database => extract(&copy, bytes),
        Role::Config | Role::Named | Role::Key => Ok(()),
    })?;
    let is_older = examine(&manifest, &copy)?;
    let Manifest { summary, rows, members, .. } = manifest;
    Ok(Tried { file: file.to_owned(), summary, rows, files: members.len() - 1, opened: true, is_older })
}

/// Writes what is read to a new file that its owner alone may read.
///
/// # Errors
/// `Unavailable` when it cannot be written, or not be read on.
pub fn extract(to: &Path, bytes: &mut dyn Read) -> Result<()> {
    let unwritable = |error| file::unwritable(to, Kind::Unavailable, error).hint("free disk space there");
    let mut target = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(unwritable)?;
    std::io::copy(bytes, &mut target).map_err(unwritable)?;
    target.sync_all().map_err(unwritable)
}

/// Looks at a copy of a database as a whole; tells whether it has to be brought up to date.
///
/// # Errors
/// `Conflict` when it is damaged, holds other rows than the manifest says, or is newer than this program.
pub fn examine(manifest: &Manifest, copy: &Path) -> Result<bool> {
    if manifest.summary.database == Engine::Postgres {
        postgres::examine(manifest, copy)?;
        return Ok(false);
    }
    let wrong = |what: String| {
        Error::conflict(format!("the database in the backup {what}")).hint(super::TAKE_ANOTHER)
    };
    let mut conn = Url::Scratch(copy.to_owned()).establish()?;
    let damage = backup::damage(&mut conn).unwrap_or_else(|error| vec![error.report()]);
    if !damage.is_empty() {
        return Err(wrong(format!("is damaged: {}", damage.join("; "))));
    }
    let rows = backup::count_rows(&mut conn)?;
    if let Some((table, count)) = rows.iter().find(|(table, count)| manifest.rows.get(*table) != Some(*count))
    {
        let said = manifest.rows.get(table).copied().unwrap_or_default();
        return Err(wrong(format!("has {count} rows in `{table}`, and it says {said}")));
    }
    if rows.len() != manifest.rows.len() {
        return Err(wrong(format!("has {} tables, and it says {}", rows.len(), manifest.rows.len())));
    }
    if !migration::is_known(&conn, &manifest.summary.schema)? {
        return Err(newer(&manifest.summary));
    }
    Ok(!migration::status(&mut conn)?.iter().all(|migration| migration.applied))
}

/// Says that a backup is newer than this program.
pub fn newer(summary: &Summary) -> Error {
    let schema = &summary.schema;
    Error::conflict(format!("the backup is newer than this program: it has migration `{schema}`"))
        .hint(format!("install nexora {} or a newer one", summary.program))
}
