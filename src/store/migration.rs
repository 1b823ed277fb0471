//! Migrations, embedded for both databases, and the check that schema and program fit together.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::conn::absent;
use crate::{Conn, Url, dialect, statistics};
use nexora_core::base::{Error, Result};

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

/// Applies what is missing to a database that is ours already.
///
/// # Errors
/// As `run`, and `Config` when there is no database of ours.
pub fn upgrade(url: &Url) -> Result<Vec<String>> {
    url.require()?;
    let mut conn = url.establish()?;
    refuse_foreign(&mut conn)?;
    run(&mut conn)
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
