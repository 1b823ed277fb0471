//! A whole SQLite database carried over to PostgreSQL, and the mark that it leaves behind.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::rows::{self, Filling, Table};
use crate::{Conn, Url, dialect, migration};
use nexora_core::base::{Error, Kind, Result, file};

/// Tables that may have more rows in the new database than in the old: what was done there since is recorded in them.
const GROWS: [&str; 3] = ["audit", "audit_heads", "daemons"];

/// A table into which a migration puts a row.
const SEEDED: &str = "uncounted_sign_ins";

/// A table and how many rows of it were carried over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Carried {
    pub table: String,
    pub rows: u64,
}

/// What was found in the database that is to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Empty,
    /// Everything is there already, from a run that was ended just before it could say so.
    Filled,
}

/// Returns the file that says of a database that it was carried over.
pub fn mark_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".moved");
    PathBuf::from(name)
}

/// Refuses a database that was carried over: what is in it is of the day on which that was done.
///
/// # Errors
/// `Conflict` when it was.
pub(crate) fn refuse(database: &Path) -> Result<()> {
    let mark = mark_of(database);
    let Ok(text) = std::fs::read_to_string(&mark) else { return Ok(()) };
    let to = text.lines().find(|line| !line.starts_with('#')).unwrap_or("another database");
    Err(Error::conflict(format!("`{}` was moved to {to}", database.display())).hint(format!(
        "set `database.url` to that; to go back to this one, as it was then, remove `{}`",
        mark.display()
    )))
}

/// Marks a database as carried over.
///
/// # Errors
/// `Unavailable` when the mark cannot be written.
pub fn mark(database: &Path, to: &str) -> Result<()> {
    let mark = mark_of(database);
    let failed = |error| file::unwritable(&mark, Kind::Unavailable, error);
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&mark)
        .map_err(failed)?;
    let text = format!(
        "# This database was moved by `nexora migrate --to`. Nothing works on it while this file is here.\n{to}\n"
    );
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)?;
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Opens the database that is to be filled, makes its tables, and sees to it that it is empty, or filled by an earlier run.
///
/// # Errors
/// `Conflict` when it holds anything else; `Unavailable` when it cannot be reached.
pub fn open_target(url: &Url, from: &mut Conn) -> Result<(Conn, Target)> {
    let mut to = url.establish()?;
    let is_ours = dialect::has_table(&mut to, "__diesel_schema_migrations")?;
    if !is_ours && !rows::tables(&mut to)?.is_empty() {
        return Err(occupied("it holds tables of another program"));
    }
    migration::run(&mut to)?;
    let tables = rows::tables(from)?;
    rows::check_same(&tables, &rows::tables(&mut to)?)?;
    let (mut is_empty, mut is_same) = (true, true);
    for Table { name, .. } in &tables {
        let (there, here) = (rows::count(&mut to, name, "TRUE")?, rows::count(from, name, "TRUE")?);
        is_empty &= there == 0 || name == SEEDED;
        is_same &= there == here || (GROWS.contains(&name.as_str()) && there > here);
    }
    match (is_empty, is_same && same_key(&mut to, from)?) {
        (true, _) => Ok((to, Target::Empty)),
        (false, true) => Ok((to, Target::Filled)),
        (false, false) => Err(occupied("it holds rows")),
    }
}

fn occupied(why: &str) -> Error {
    Error::conflict(format!("the database to move to is not empty: {why}"))
        .hint("make a new one: createdb nexora")
}

/// Tells whether both databases need the same master key, as copies of one do.
fn same_key(to: &mut Conn, from: &mut Conn) -> Result<bool> {
    Ok(crate::daemon::key_check(to)? == crate::daemon::key_check(from)?)
}

/// Carries every row over and counts them. `told` is given the tables that are done and how many there are.
///
/// # Errors
/// `Internal` when a count is not the same in the end; those of both databases. Inside a transaction nothing remains then.
pub fn carry(from: &mut Conn, to: &mut Conn, told: &dyn Fn(usize, usize)) -> Result<Vec<Carried>> {
    let tables = rows::tables(from)?;
    dialect::run(to, &format!("DELETE FROM {SEEDED}"))?;
    let mut carried = Vec::with_capacity(tables.len());
    for (done, table) in tables.iter().enumerate() {
        told(done, tables.len());
        let mut filling = Filling::new(to, table);
        rows::each(from, table, "TRUE", &mut |row| filling.add(row))?;
        let put = filling.end()?;
        let (here, there) = (rows::count(from, &table.name, "TRUE")?, rows::count(to, &table.name, "TRUE")?);
        if here != put || there != put {
            return Err(Error::internal(format!(
                "of `{}` {there} rows arrived, and {here} were sent",
                table.name
            )));
        }
        carried.push(Carried { table: table.name.clone(), rows: put });
    }
    told(tables.len(), tables.len());
    Ok(carried)
}

/// Holds back every other writer of a SQLite database until the connection is closed, and has it read as of one moment.
///
/// # Errors
/// `Unavailable` when another writer does not end in time.
pub fn hold(conn: &mut Conn) -> Result<()> {
    dialect::run(conn, "BEGIN IMMEDIATE")
}

/// Has PostgreSQL look at what was put in, so that its first plans are good.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn look_at(conn: &mut Conn) -> Result<()> {
    dialect::run(conn, "ANALYZE")
}
