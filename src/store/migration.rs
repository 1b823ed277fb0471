//! Migrations, embedded for both databases, and the check that schema and program fit together.

use std::fs::File;
use std::path::{Path, PathBuf};

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::conn::absent;
use crate::{Conn, Url, backup, dialect, statistics};
use nexora_core::base::{Error, Kind, Result, file};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// One migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    pub name: String,
    pub applied: bool,
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

fn failed(error: Boxed) -> Error {
    Error::internal("a migration failed").source(error)
}

/// Applies what is missing, oldest first, and returns the names.
///
/// # Errors
/// `Conflict` when the database is newer than this program; `Internal` when a migration fails.
pub fn run(conn: &mut Conn) -> Result<Vec<String>> {
    refuse_newer(conn)?;
    let names = match conn {
        Conn::Sqlite(c) => {
            let names = names_of(c.run_pending_migrations(SQLITE).map_err(failed)?);
            if !names.is_empty() || !statistics::are_there(c)? {
                statistics::write(c)?;
            }
            names
        }
        Conn::Postgres(c) => names_of(c.run_pending_migrations(POSTGRES).map_err(failed)?),
    };
    Ok(names)
}

/// What an upgrade came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upgraded {
    pub applied: Vec<String>,
    /// Where the database is as it was before; nothing where nothing was applied, or it is no file.
    pub copy: Option<PathBuf>,
}

/// Applies what is missing to a database that is ours already. One that is a file is copied first, so that there is a way
/// back to the older program.
///
/// # Errors
/// As `run`, `Config` when there is no database of ours, and `Unavailable` when it cannot be copied: nothing is applied then.
pub fn upgrade(url: &Url) -> Result<Upgraded> {
    url.require()?;
    let mut conn = url.establish()?;
    refuse_foreign(&mut conn)?;
    refuse_newer(&mut conn)?;
    let is_older = status(&mut conn)?.iter().any(|migration| !migration.applied);
    let copy = match (url, latest(&mut conn)?) {
        (Url::Sqlite(path), Some(version)) if is_older => Some(keep_copy(path, &version)?),
        _ => None,
    };
    Ok(Upgraded { applied: run(&mut conn)?, copy })
}

/// How the names of copies go on that were made before an upgrade; the version of the schema comes next.
const BEFORE: &str = ".before-upgrade-";

/// Copies a database beside itself, and takes away the copies of earlier upgrades.
fn keep_copy(path: &Path, version: &str) -> Result<PathBuf> {
    let name = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (copy, part) = (name(&format!("{BEFORE}{version}")), name(&format!("{BEFORE}part")));
    let unwritable = |error| file::unwritable(&copy, Kind::Unavailable, error);
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unwritable(error)),
        Ok(()) | Err(_) => {}
    }
    backup::copy(path, &part)?;
    file::keep_private(&part);
    File::open(&part).and_then(|file| file.sync_all()).map_err(unwritable)?;
    std::fs::rename(&part, &copy).map_err(unwritable)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (begin, kept) = (name(BEFORE), copy.file_name());
    let begin = begin.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in std::fs::read_dir(folder).map_err(unwritable)?.flatten() {
        let is_earlier = entry.file_name().to_string_lossy().starts_with(&begin)
            && Some(entry.file_name().as_os_str()) != kept;
        if is_earlier {
            // One that cannot be taken away now is there for the next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(copy)
}

/// Lists every migration of this program for a database that is ours already.
///
/// # Errors
/// As `status`, and `Config` when there is no database of ours.
pub fn status_at(url: &Url) -> Result<Vec<Status>> {
    url.require()?;
    let mut conn = url.establish()?;
    refuse_foreign(&mut conn)?;
    status(&mut conn)
}

/// Refuses a database in which nothing was ever made by this program.
fn refuse_foreign(conn: &mut Conn) -> Result<()> {
    match dialect::has_table(conn, "__diesel_schema_migrations")? {
        true => Ok(()),
        false => Err(absent("`database.url`: what is there is another program's")),
    }
}

fn names_of(versions: Vec<MigrationVersion<'_>>) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

/// Lists every migration of this program.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn status(conn: &mut Conn) -> Result<Vec<Status>> {
    let (known, applied) = (known(conn)?, applied(conn)?);
    Ok(known.into_iter().map(|name| Status { applied: applied.contains(&name), name }).collect())
}

/// Checks that the schema is exactly the one this program was built for.
///
/// # Errors
/// `Conflict` when it is older or newer; `Config` when it is none of ours.
pub fn check(conn: &mut Conn) -> Result<()> {
    refuse_foreign(conn)?;
    refuse_newer(conn)?;
    if status(conn)?.iter().all(|migration| migration.applied) {
        return Ok(());
    }
    Err(Error::conflict("the database is older than this program").hint("run `nexora migrate`"))
}

/// Returns the latest migration that the database has; nothing where it is none of ours.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn latest(conn: &mut Conn) -> Result<Option<String>> {
    match dialect::has_table(conn, "__diesel_schema_migrations")? {
        true => Ok(applied(conn)?.into_iter().max()),
        false => Ok(None),
    }
}

/// Tells whether this program has a migration of that name, so that it can read, or bring up to date, what has it.
///
/// # Errors
/// `Internal` when the program's own migrations cannot be read.
pub fn is_known(conn: &Conn, name: &str) -> Result<bool> {
    Ok(known(conn)?.iter().any(|known| known == name))
}

fn refuse_newer(conn: &mut Conn) -> Result<()> {
    let known = known(conn)?;
    match applied(conn)?.into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Error::conflict(format!(
            "the database is newer than this program: it has migration `{name}`"
        ))
        .hint("install the newer `nexora`, or restore a backup from before the upgrade")),
    }
}

fn known(conn: &Conn) -> Result<Vec<String>> {
    fn versions<DB: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Result<Vec<String>>
    where
        EmbeddedMigrations: MigrationSource<DB>,
    {
        let migrations: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
        Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
    }
    match conn {
        Conn::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE),
        Conn::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES),
    }
}

fn applied(conn: &mut Conn) -> Result<Vec<String>> {
    let versions = match conn {
        Conn::Sqlite(c) => c.applied_migrations().map_err(failed)?,
        Conn::Postgres(c) => c.applied_migrations().map_err(failed)?,
    };
    Ok(names_of(versions))
}
