//! The folder that backups lie in: which there are, and which are taken away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::archive::{self, PART};
use super::manifest::Summary;
use super::retention;
use crate::config::backup::Settings;
use crate::domain::report::backup;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::{Error, Kind, Result, file};

/// What is being written is left alone for so long.
const PART_AGE: Duration = Duration::from_secs(86_400);

/// A file that should be a backup.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    pub file: PathBuf,
    pub size_bytes: u64,
    /// What it says of itself; nothing where it cannot be read.
    pub summary: Option<Summary>,
    /// Why not.
    pub fault: Option<String>,
}

/// What was taken away, and what was kept.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pruned {
    pub removed: Vec<PathBuf>,
    pub kept: Vec<PathBuf>,
}

fn is_backup(name: &str) -> bool {
    backup::made_at(name).is_some()
}

/// Returns the folder that is meant.
///
/// # Errors
/// `Usage` when none is set.
pub fn of(settings: &Settings) -> Result<&Path> {
    match settings.is_on() {
        true => Ok(&settings.folder),
        false => {
            Err(Error::usage("no folder for backups is set").hint("set `backup.folder` in the configuration"))
        }
    }
}

/// Lists the backups of a folder, the latest first; those that cannot be read come last.
///
/// # Errors
/// `Unavailable` when the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Listed>> {
    let mut listed: Vec<Listed> =
        names(folder)?.into_iter().filter(|(name, _)| is_backup(name)).map(|(_, path)| look(path)).collect();
    listed.sort_by_key(|one| {
        (std::cmp::Reverse(one.summary.as_ref().map(|summary| summary.created_at)), one.file.clone())
    });
    Ok(listed)
}

/// Returns the latest backup of a folder that can be read.
///
/// # Errors
/// `NotFound` when there is none; `Unavailable` when the folder cannot be read.
pub fn latest(folder: &Path) -> Result<Listed> {
    list(folder)?.into_iter().find(|one| one.summary.is_some()).ok_or_else(|| {
        Error::not_found(format!("there is no backup in `{}`", folder.display()))
            .hint("run `nexora backup create`")
    })
}

fn look(path: PathBuf) -> Listed {
    let size_bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
    match archive::summary(&path) {
        Ok(summary) => Listed { file: path, size_bytes, summary: Some(summary), fault: None },
        Err(error) => Listed { file: path, size_bytes, summary: None, fault: Some(error.report()) },
    }
}

fn names(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let unreadable = |error| {
        file::unreadable(folder, Kind::Unavailable, error)
            .hint("check `backup.folder`; `nexora backup create` makes it")
    };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let named = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
    };
    entries.map(named).collect::<Result<Vec<_>, _>>().map_err(unreadable)
}

/// Says what would be taken away: backups beyond those that are kept, and what was left of some that were being written. What
/// cannot be read is kept for a person to look at.
///
/// # Errors
/// `Unavailable` when the folder cannot be read.
pub fn plan(folder: &Path, settings: &Settings) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    let (mut readable, mut made) = (Vec::new(), Vec::new());
    for one in list(folder)? {
        match one.summary {
            Some(summary) => {
                readable.push(one.file);
                made.push(summary.created_at);
            }
            None => pruned.kept.push(one.file),
        }
    }
    for (file, keep) in readable.into_iter().zip(retention::kept(&made, settings)) {
        if keep { &mut pruned.kept } else { &mut pruned.removed }.push(file);
    }
    let now = Clock::System.now();
    for (name, path) in names(folder)? {
        let is_part = name.strip_suffix(PART).is_some_and(is_backup);
        let written = std::fs::metadata(&path).and_then(|found| found.modified()).ok();
        let written = written.map(|at| Timestamp::from(chrono::DateTime::<chrono::Utc>::from(at)));
        if is_part && written.is_some_and(|at| now.since(at) > PART_AGE) {
            pruned.removed.push(path);
        }
    }
    Ok(pruned)
}

/// Takes away what a plan says.
///
/// # Errors
/// `Unavailable` when a file cannot be taken away; those before it are gone then.
pub fn remove(pruned: &Pruned) -> Result<()> {
    for file in &pruned.removed {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(nexora_core::base::file::unwritable(file, Kind::Unavailable, error)
                    .hint("give the folder to this user"));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
