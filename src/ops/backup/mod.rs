//! Backups: one sealed file with the database, the configuration and what it names, made while everything runs.
//!
//! What is written is told by [`manifest`], how by [`archive`], for whom by [`seal`]. A backup of a SQLite database is a copy
//! that the database makes of itself at one moment; of PostgreSQL it is what `pg_dump` writes. The copy lies beside
//! the database, where the same may read it, until it is sealed.

pub mod archive;
mod contents;
pub mod folder;
pub mod follow;
pub mod manifest;
mod place;
mod postgres;
pub mod restore;
pub mod restore_at;
mod restore_postgres;
mod retention;
pub mod seal;
mod trial;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::TempDir;

use crate::app::heart::host;
use crate::config::Config;
use crate::domain::report::backup as health;
use archive::Progress;
use contents::Contents;
use manifest::{Engine, FORMAT, Manifest, Summary};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::random_bytes;
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_store::{Db, Url, backup, finding, migration};
use seal::Lock;
pub use trial::{Tried, check_sum, verify};

/// What helps when a backup is damaged.
const TAKE_ANOTHER: &str = "`nexora backup list` names others; `nexora backup verify FILE` looks at one";

/// The name of the database's copy in a backup.
const SQLITE_COPY: &str = "nexora.db";
const POSTGRES_COPY: &str = "nexora.dump";

/// What a backup is to be.
pub struct Wish {
    /// Where it is written; nothing for the folder of the configuration.
    pub to: Option<PathBuf>,
    pub with_key: bool,
    pub lock: Lock,
}

/// A backup that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Created {
    pub file: PathBuf,
    pub size_bytes: u64,
    #[serde(flatten)]
    pub summary: Summary,
    pub rows: BTreeMap<String, i64>,
    pub files: usize,
    /// What the configuration names and is not there.
    pub missing: Vec<PathBuf>,
}

/// Makes a backup; daemons go on with their work meanwhile.
///
/// # Errors
/// `Usage` when there is no place for it; `Conflict` when another is being made, or a file of that name is there; `Config`,
/// `Unavailable` from what it reads and writes. Nothing is left behind then.
pub fn create(config: &Config, path: &Path, wish: &Wish, progress: Progress<'_>) -> Result<Created> {
    let url: Url = config.database.url.parse()?;
    url.require()?;
    let now = Clock::System.now();
    let target = match &wish.to {
        Some(to) => to.clone(),
        None if config.backup.is_on() => config.backup.folder.join(health::name_at(now)),
        None => {
            return Err(Error::usage("there is no place for the backup")
                .hint("give `--to FILE`, or set `backup.folder` in the configuration"));
        }
    };
    let mut contents = Contents::collect(config, path, wish.with_key)?;
    let copied = copy(&url)?;
    contents.add_database(copied.name, &copied.path)?;
    let summary = Summary {
        format: FORMAT,
        id: format!("backup_{}", hex(random_bytes::<10>()?)),
        created_at: copied.at,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: copied.schema,
        database: copied.engine,
        host: host(),
        with_key: wish.with_key,
        sealed_for: wish.lock.sealed_for(),
    };
    let whole_path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let manifest = Manifest { summary, rows: copied.rows, config: whole_path, members: contents.members };
    archive::write(&target, &manifest, &contents.sources, &wish.lock, progress)?;
    let Manifest { summary, rows, members, .. } = manifest;
    let size_bytes = std::fs::metadata(&target).map_or(0, |found| found.len());
    Ok(Created {
        file: target,
        size_bytes,
        summary,
        rows,
        files: members.len() - 1,
        missing: contents.missing,
    })
}

/// Notes that the usual backup failed, or no longer does, for `nexora status` and the alerts. Where the database cannot be
/// written, that is told by itself.
pub async fn note(config: &Config, failure: Option<&Error>, now: Timestamp) {
    let found = failure.map(|error| health::failed(error, now));
    let noted = async {
        let db = Db::open(&config.database.url.parse()?).await?;
        if found.is_none()
            && db.read(finding::of_machine).await?.iter().all(|known| known.key != health::FAILED)
        {
            return Ok(());
        }
        db.write(move |conn| match &found {
            Some(found) => finding::save(conn, found),
            None => finding::clear(conn, health::FAILED),
        })
        .await
    };
    let noted: Result<()> = noted.await;
    if let Err(error) = noted {
        tracing::debug!(reason = %error.report(), "what became of the backup was not noted");
    }
}

/// A copy of the database, which is gone when this is dropped.
struct Copied {
    name: &'static str,
    engine: Engine,
    path: PathBuf,
    at: Timestamp,
    schema: String,
    rows: BTreeMap<String, i64>,
    _folder: TempDir,
    _sole: Option<File>,
}

fn copy(url: &Url) -> Result<Copied> {
    match url {
        Url::Sqlite(path) | Url::Scratch(path) => copy_file(path),
        Url::Postgres(url) => {
            let folder = private_folder(&std::env::temp_dir())?;
            let path = folder.path().join(POSTGRES_COPY);
            let postgres::Dumped { at, schema, rows } = postgres::dump(url, &path)?;
            let (name, engine) = (POSTGRES_COPY, Engine::Postgres);
            Ok(Copied { name, engine, path, at, schema, rows, _folder: folder, _sole: None })
        }
    }
}

/// How the names of folders begin in which copies of a database lie for a while.
const COPIES: &str = ".nexora-copy-";

fn copy_file(path: &Path) -> Result<Copied> {
    let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let sole = alone(path)?;
    clear_copies(beside);
    let folder = private_folder(beside)?;
    let copy = folder.path().join(SQLITE_COPY);
    let at = Clock::System.now();
    backup::copy(path, &copy)?;
    let mut conn = Url::Scratch(copy.clone()).establish()?;
    let schema = migration::latest(&mut conn)?
        .ok_or_else(|| Error::config("the database is another program's").hint("check `database.url`"))?;
    let rows = backup::count_rows(&mut conn)?;
    drop(conn);
    // Looking at it has made it a database with a log; the file alone is what is kept.
    backup::fold_log(&copy)?;
    Ok(Copied {
        name: SQLITE_COPY,
        engine: Engine::Sqlite,
        path: copy,
        at,
        schema,
        rows,
        _folder: folder,
        _sole: Some(sole),
    })
}

/// Makes a folder for a copy, which its owner alone may enter.
fn private_folder(beside: &Path) -> Result<TempDir> {
    tempfile::Builder::new().prefix(COPIES).tempdir_in(beside).map_err(|error| {
        file::unwritable(beside, Kind::Unavailable, error)
            .hint("run it as the user that runs the daemon, with room for another copy of the database")
    })
}

/// Takes away what a process left that was killed while it made a backup.
fn clear_copies(beside: &Path) {
    let Ok(entries) = std::fs::read_dir(beside) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(COPIES)) {
        // What cannot be taken away now is there for the next time.
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

/// Sees to it that one backup is made at a time.
fn alone(database: &Path) -> Result<File> {
    let mut name = database.as_os_str().to_owned();
    name.push(".backup");
    let name = PathBuf::from(name);
    let opened = File::options().write(true).create(true).truncate(false).mode(0o600).open(&name);
    let lock = opened.map_err(|error| {
        file::unwritable(&name, Kind::Unavailable, error).hint("run it as the user that runs the daemon")
    })?;
    lock.try_lock().map_err(|_| {
        Error::conflict("another backup is being made")
            .hint("wait for it, or see: systemctl status nexora-backup")
    })?;
    Ok(lock)
}
