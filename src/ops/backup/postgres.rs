//! PostgreSQL, by its own programs: `pg_dump` makes the copy, `pg_restore` and `psql` put it in place in one transaction.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::TAKE_ANOTHER;
use super::manifest::{Manifest, Summary};
use super::trial::newer;
use crate::app::{heart, key_check};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::MasterKey;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::restore::Restore;
use nexora_store::{Conn, Url, backup, daemon, migration, restore};

/// Daemons that are looked at.
const DAEMONS: i64 = 100;

/// What a dump is of.
pub struct Dumped {
    pub at: Timestamp,
    pub schema: String,
    pub rows: BTreeMap<String, i64>,
}

/// Has `pg_dump` write a database to a file, and counts the rows of the same moment.
///
/// # Errors
/// `Config` when there is no such program, or the database is another program's; `Unavailable` when it fails.
pub fn dump(url: &str, to: &Path) -> Result<Dumped> {
    let mut conn = Url::Postgres(url.to_owned()).establish()?;
    let at = Clock::System.now();
    backup::at_one_moment(&mut conn, |conn, snapshot| {
        let schema = migration::latest(conn)?
            .ok_or_else(|| Error::config("the database is another program's").hint("check `database.url`"))?;
        let rows = backup::count_rows(conn)?;
        let named = [format!("--snapshot={snapshot}"), format!("--file={}", to.display())];
        let usual = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password"];
        run(url, "pg_dump", usual.iter().map(OsStr::new).chain(named.iter().map(OsStr::new)))?;
        Ok(Dumped { at, schema, rows })
    })
}

/// Has `pg_restore` read a dump, and looks whether every table is in it.
///
/// # Errors
/// `Conflict` when it cannot be read, or lacks a table.
pub fn examine(manifest: &Manifest, copy: &Path) -> Result<()> {
    let listed = output("pg_restore", [OsStr::new("--list"), copy.as_os_str()], &[])?;
    let has = |table: &str| {
        listed.lines().any(|line| line.contains(" TABLE DATA ") && line.contains(&format!(" {table} ")))
    };
    match manifest.rows.keys().find(|table| !has(table)) {
        Some(table) => {
            Err(Error::conflict(format!("the database in the backup has no table `{table}`"))
                .hint(TAKE_ANOTHER))
        }
        None => Ok(()),
    }
}

/// Refuses a database that a daemon works on, or in which something is that may not be replaced.
///
/// # Errors
/// `Conflict` when it is so; `Unavailable` when it cannot be reached.
pub fn refuse_present(url: &str, replace: bool) -> Result<()> {
    let mut conn = Url::Postgres(url.to_owned()).establish()?;
    if migration::latest(&mut conn)?.is_none() {
        return Ok(());
    }
    if !replace {
        return Err(Error::conflict("there is a nexora database already")
            .hint("back it up, then add `--replace` to put the backup in its place"));
    }
    let now = Clock::System.now();
    let runs =
        daemon::list(&mut conn, DAEMONS)?.into_iter().find(|one| one.is_heard(now) && !heart::is_gone(one));
    match runs {
        Some(found) => {
            Err(Error::conflict(format!("a daemon works on it (process {} on `{}`)", found.pid, found.host))
                .hint("stop every daemon: systemctl stop nexora"))
        }
        None => Ok(()),
    }
}

/// Refuses a backup of a newer program.
///
/// # Errors
/// `Conflict` when it is newer; `Unavailable` when the database cannot be reached.
pub fn refuse_newer(url: &str, summary: &Summary) -> Result<()> {
    let conn = Url::Postgres(url.to_owned()).establish()?;
    match migration::is_known(&conn, &summary.schema)? {
        true => Ok(()),
        false => Err(newer(summary)),
    }
}

/// Holds the master key against the key check in a dump.
///
/// # Errors
/// `Config` when it is another one; `Conflict` when the dump cannot be read.
pub fn verify_key(copy: &Path, key: &MasterKey, key_file: &Path) -> Result<()> {
    let arguments = ["--data-only", "--table=key_checks", "--file=-"].map(OsStr::new);
    let text = output("pg_restore", arguments.into_iter().chain([copy.as_os_str()]), &[])?;
    // A line of COPY: the id, a tab, and the bytes as `\\x` and hexadecimal digits.
    let digits = text.lines().find_map(|line| line.strip_prefix("1\t\\\\x"));
    let digits = digits.map(|rest| rest.split('\t').next().unwrap_or_default());
    match digits.map(bytes) {
        Some(Some(sealed)) => key_check::verify_check(&sealed, key, key_file),
        // A database from before there was a key check.
        None => Ok(()),
        Some(None) => Err(Error::conflict("the key check in the backup cannot be read").hint(TAKE_ANOTHER)),
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// Puts a dump in place of what is there, and notes that it is held, in one transaction; then brings it up to date.
///
/// # Errors
/// `Unavailable` when a program fails: nothing has changed then.
pub fn put_in_place(url: &str, copy: &Path, held: &Restore) -> Result<Vec<String>> {
    let script = copy.with_extension("sql");
    let file = format!("--file={}", script.display());
    let usual = ["--clean", "--if-exists", "--no-owner", "--no-privileges"].map(OsStr::new);
    output("pg_restore", usual.into_iter().chain([OsStr::new(&file), copy.as_os_str()]), &[])?;
    append(&script, held)?;
    let from = format!("--file={}", script.display());
    let usual = ["--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--set=ON_ERROR_STOP=1"];
    run(url, "psql", usual.iter().map(OsStr::new).chain([OsStr::new(&from)]))?;
    let mut conn: Conn = Url::Postgres(url.to_owned()).establish()?;
    migration::run(&mut conn)
}

fn append(script: &Path, held: &Restore) -> Result<()> {
    let unwritable = |error| file::unwritable(script, Kind::Unavailable, error);
    let mut target = File::options().append(true).mode(0o600).open(script).map_err(unwritable)?;
    let schema = "SELECT pg_catalog.set_config('search_path', 'public', false);".to_owned();
    let statements = restore::statements(held).into_iter().map(|sql| format!("{sql};"));
    let text = std::iter::once(schema).chain(statements).collect::<Vec<_>>().join("\n");
    target.write_all(format!("\n{text}\n").as_bytes()).map_err(unwritable)
}

fn run<'a>(url: &str, program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<()> {
    output(program, arguments, &backup::environment(url)?).map(|_| ())
}

/// Runs a program and returns what it printed.
fn output<'a>(
    program: &str,
    arguments: impl IntoIterator<Item = &'a OsStr>,
    environment: &[(&str, String)],
) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let ran = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::config(format!("there is no `{program}` on this machine"))
            .hint("apt install postgresql-client"),
        _ => Error::unavailable(format!("`{program}` cannot be run")).source(error),
    })?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let said =
        said.lines().find(|line| line.contains("error")).or_else(|| said.lines().next()).unwrap_or_default();
    let hint = match said.contains("version mismatch") || said.contains("unsupported version") {
        true => "install the programs of the server's version: apt install postgresql-client-NN",
        false => "try the same by hand, and see the log of the PostgreSQL server",
    };
    Err(Error::unavailable(format!("`{program}` failed")).source(said.to_owned()).hint(hint))
}
