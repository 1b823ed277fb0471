//! Restoring: from a backup to an installation, so that a crash at any moment leaves the old one or the new one.
//!
//! 1. All is unpacked beside the database, checked, brought up to date, and told that it was restored.
//! 2. That is noted (`ready.json`): from here on a second run goes on where the first one was.
//! 3. The key, the configuration and its files are put where they are missing. What is there stays.
//! 4. The old database gets a second name, and the new one is renamed over it: the moment of change.
//! 5. What was unpacked is taken away.
//!
//! No daemon starts on the database meanwhile, and none may be running.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::archive::{self, Progress, sync_folder};
use super::manifest::{Engine, Manifest, Member, Role, Summary};
use super::place::{config_of, give, goes_to, key_for, make_folder, missing_is_fine, owner_of, place};
use super::restore_postgres;
use super::seal::Opener;
use super::trial::{examine, extract};
use super::{SQLITE_COPY, TAKE_ANOTHER};
use crate::app::key_check;
use crate::app::locks::{self, Replacing};
use crate::config::Config;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::RestoreId;
use nexora_core::model::restore::Restore;
use nexora_store::{Url, backup, migration, restore};

/// What is to be restored, and where.
pub struct Wish<'a> {
    pub file: &'a Path,
    pub opener: &'a Opener,
    /// The configuration's file, which need not be there.
    pub config: &'a Path,
    /// Whether a database that is there may be replaced.
    pub replace: bool,
}

/// What was restored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Restored {
    pub backup: Summary,
    pub database: PathBuf,
    /// Where the database is that was replaced.
    pub replaced: Option<PathBuf>,
    /// Files that were put in place, and those that were there already and stayed.
    pub placed: Vec<PathBuf>,
    pub kept: Vec<PathBuf>,
    pub rows: i64,
    /// Migrations that the database was given.
    pub migrated: Vec<String>,
}

/// What was unpacked, and where it goes.
pub(super) struct Unpacked {
    pub(super) folder: PathBuf,
    pub(super) config: Config,
    pub(super) files: Vec<(Member, PathBuf)>,
}

/// Restores a backup.
///
/// # Errors
/// `Conflict` when a database is there and may not be replaced, a daemon runs, or the backup is damaged or newer than this
/// program; `Denied` when it does not open; `Config` when the master key is missing or another one; `Unavailable` when files
/// cannot be written. The installation is then as it was, unless the last step was done.
pub fn restore(wish: &Wish<'_>, progress: Progress<'_>) -> Result<Restored> {
    let summary = archive::summary(wish.file)?;
    summary.check_format()?;
    let known = known_config(wish.config)?;
    if summary.database == Engine::Postgres {
        return restore_postgres::restore(wish, known, progress);
    }
    let mut claim = None;
    if let Some(config) = &known {
        let database = database_of(config)?;
        claim = Some(locks::claim_for_restore(&database)?);
        if let Some(ready) = Ready::find(&database, &summary) {
            return finish(ready);
        }
        refuse_present(&database, wish.replace)?;
    }
    let mut unpacked = None;
    let manifest = archive::read(wish.file, wish.opener, progress, &mut |member, bytes| {
        unpack(wish, known.as_ref(), &mut claim, &mut unpacked, (member, bytes))
    })?;
    let unpacked =
        unpacked.ok_or_else(|| Error::conflict("the backup has no configuration").hint(TAKE_ANOTHER))?;
    let ready = prepare(&manifest, unpacked, wish.config)?;
    finish(ready)
}

/// Reads the configuration that is there.
fn known_config(path: &Path) -> Result<Option<Config>> {
    match path.exists() {
        true => Config::load(path, std::env::vars()).map(Some),
        false => Ok(None),
    }
}

pub(super) fn database_of(config: &Config) -> Result<PathBuf> {
    match config.database.url.parse()? {
        Url::Sqlite(path) | Url::Scratch(path) => Ok(path),
        Url::Postgres(_) => {
            Err(Error::usage("the configuration names a PostgreSQL database, and the backup is of SQLite")
                .hint("set `database.url` to `sqlite:PATH`, restore, and move it with `nexora migrate --to`"))
        }
    }
}

pub(super) fn refuse_present(database: &Path, replace: bool) -> Result<()> {
    let is_there = std::fs::metadata(database).is_ok_and(|found| found.len() > 0);
    match is_there && !replace {
        true => Err(Error::conflict(format!("there is a database at `{}`", database.display())).hint(
            "add `--replace` to put the backup in its place; the database that is there keeps another name",
        )),
        false => Ok(()),
    }
}

/// Returns the folder beside a database in which a backup of it is unpacked.
fn side_folder(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".restore");
    PathBuf::from(name)
}

/// Unpacks one member. The configuration comes first, and says where the database goes.
fn unpack(
    wish: &Wish<'_>,
    known: Option<&Config>,
    claim: &mut Option<Replacing>,
    unpacked: &mut Option<Unpacked>,
    (member, bytes): (&Member, &mut dyn Read),
) -> Result<()> {
    if member.role == Role::Config {
        let mut text = String::new();
        bytes
            .read_to_string(&mut text)
            .map_err(|error| Error::conflict("the configuration in the backup is no text").source(error))?;
        let config = match known {
            Some(config) => config.clone(),
            None => config_of(&text)?,
        };
        let database = database_of(&config)?;
        if claim.is_none() {
            let folder = database.parent().unwrap_or(Path::new("/"));
            file::make_folders(folder).map_err(|error| file::unwritable(folder, Kind::Unavailable, error))?;
            *claim = Some(locks::claim_for_restore(&database)?);
        }
        refuse_present(&database, wish.replace)?;
        let folder = emptied(&database)?;
        let to = folder.join("config");
        extract(&to, &mut text.as_bytes())?;
        let files = vec![(member.clone(), to)];
        *unpacked = Some(Unpacked { folder, config, files });
        return Ok(());
    }
    let Some(unpacked) = unpacked else {
        return Err(Error::conflict("the backup does not begin with a configuration").hint(TAKE_ANOTHER));
    };
    let name = match member.role {
        Role::Database => SQLITE_COPY.to_owned(),
        Role::Config | Role::Named | Role::Key => format!("file-{}", unpacked.files.len()),
    };
    let to = unpacked.folder.join(name);
    extract(&to, bytes)?;
    unpacked.files.push((member.clone(), to));
    Ok(())
}

/// Makes the folder to unpack in, without what an earlier run left that did not come to its end.
pub(super) fn emptied(database: &Path) -> Result<PathBuf> {
    let folder = side_folder(database);
    let failed = |error| file::unwritable(&folder, Kind::Unavailable, error);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    file::make_folders(&folder).map_err(failed)?;
    Ok(folder)
}

/// What is ready to be put in place: written when all of it is checked and on disk.
#[derive(Serialize, Deserialize)]
pub(super) struct Ready {
    restored: Restored,
    /// Where each file is, and where it goes.
    files: Vec<(PathBuf, PathBuf)>,
    /// The folder of definitions, which has to be there, with nothing in it if need be.
    definitions: PathBuf,
}

const READY: &str = "ready.json";

impl Ready {
    /// Returns what an earlier run of the same restore made ready.
    fn find(database: &Path, summary: &Summary) -> Option<Ready> {
        let text = std::fs::read(side_folder(database).join(READY)).ok()?;
        let ready: Ready = serde_json::from_slice(&text).ok()?;
        (ready.restored.backup == *summary).then_some(ready)
    }
}

/// Checks what was unpacked, brings it up to date, and notes in it that it was restored.
pub(super) fn prepare(manifest: &Manifest, unpacked: Unpacked, config_path: &Path) -> Result<Ready> {
    let Unpacked { folder, config, files } = unpacked;
    let copy = folder.join(SQLITE_COPY);
    examine(manifest, &copy)?;
    let key = key_for(&config, &files)?;
    let mut conn = Url::Sqlite(copy.clone()).establish()?;
    let migrated = migration::run(&mut conn)?;
    key_check::verify_in(&mut conn, &key, &config.secrets.key_file)?;
    let now = Clock::System.now();
    let held = Restore {
        id: RestoreId::new(now),
        backup_id: manifest.summary.id.clone(),
        backup_at: manifest.summary.created_at,
        restored_at: now,
        released_at: None,
        released_by: None,
    };
    conn.transaction(|conn| restore::begin(conn, &held))?;
    drop(conn);
    backup::fold_log(&copy)?;
    sync(&copy)?;
    let database = database_of(&config)?;
    let mut restored = Restored {
        backup: manifest.summary.clone(),
        replaced: std::fs::metadata(&database)
            .is_ok_and(|found| found.len() > 0)
            .then(|| saved_name(&database, now)),
        database,
        placed: Vec::new(),
        kept: Vec::new(),
        rows: manifest.rows.values().sum(),
        migrated,
    };
    let mut to_place = Vec::new();
    for (member, from) in files {
        match goes_to(&member, &config, config_path) {
            Some(to) if to.exists() => restored.kept.push(to),
            Some(to) => to_place.push((from, to)),
            None => {}
        }
    }
    let ready = Ready { restored, files: to_place, definitions: config.definitions.folder.clone() };
    let text = serde_json::to_vec(&ready)
        .map_err(|error| Error::internal("a restore has no JSON form").source(error))?;
    let part = folder.join("ready.part");
    extract(&part, &mut text.as_slice())?;
    std::fs::rename(&part, folder.join(READY))
        .map_err(|error| file::unwritable(&part, Kind::Unavailable, error))?;
    sync_folder(&folder)?;
    Ok(ready)
}

fn saved_name(database: &Path, now: Timestamp) -> PathBuf {
    locks::beside(database, &format!("before-restore-{}", now.utc().format("%Y%m%dT%H%M%SZ")))
}

fn sync(path: &Path) -> Result<()> {
    let synced = File::options().write(true).open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| file::unwritable(path, Kind::Unavailable, error))
}

/// Puts in place what is ready. Each step can be done again after a crash.
pub(super) fn finish(ready: Ready) -> Result<Restored> {
    let Ready { mut restored, files, definitions } = ready;
    let database = &restored.database;
    let folder = side_folder(database);
    let copy = folder.join(SQLITE_COPY);
    let owner = database.parent().and_then(owner_of);
    for (from, to) in files {
        match to.exists() {
            true => restored.kept.push(to),
            false => {
                place(&from, &to, owner)?;
                restored.placed.push(to);
            }
        }
    }
    make_folder(&definitions, owner)?;
    // Where the copy is gone, an earlier run has put it in place.
    if copy.exists() {
        give(&copy, owner)?;
        if let Some(saved) = &restored.replaced {
            keep_old(database, saved)?;
        }
        std::fs::rename(&copy, database)
            .map_err(|error| file::unwritable(database, Kind::Unavailable, error))?;
        sync_folder(database.parent().unwrap_or(Path::new("/")))?;
    }
    std::fs::remove_dir_all(&folder).map_err(|error| file::unwritable(&folder, Kind::Unavailable, error))?;
    Ok(restored)
}

/// Gives the database that is there a second name, whole: without a log that the new one could be given.
fn keep_old(database: &Path, saved: &Path) -> Result<()> {
    match backup::fold_log(database) {
        Err(error) if error.kind() == Kind::Conflict => return Err(error),
        // It is damaged, or of another kind: its log is kept beside it.
        Err(_) => {
            for log in ["-wal", "-shm"] {
                let name = |path: &Path| {
                    let mut name = path.as_os_str().to_owned();
                    name.push(log);
                    PathBuf::from(name)
                };
                let moved = std::fs::rename(name(database), name(saved));
                moved
                    .or_else(missing_is_fine)
                    .map_err(|error| file::unwritable(&name(saved), Kind::Unavailable, error))?;
            }
        }
        Ok(()) => {}
    }
    match std::fs::hard_link(database, saved) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(file::unwritable(saved, Kind::Unavailable, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
