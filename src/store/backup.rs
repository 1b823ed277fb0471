//! A copy of the whole database as it stands at one moment, and what a look at such a copy finds.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};

use crate::conn::on;
use crate::postgres::address::Address;
use crate::{Conn, Url};
use nexora_core::base::{Error, Result};

#[derive(diesel::QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    said: String,
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Faults that are told.
const FAULTS: i64 = 10;

/// Writes a SQLite database, as it stands now, to a file that is not there yet. Others go on reading and writing
/// meanwhile; none of what they write gets into the copy.
///
/// # Errors
/// `Unavailable` when the database cannot be read or the file not written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |error: Error| {
        Error::unavailable("the database cannot be copied")
            .source(error.report())
            .hint("free as much disk space beside the database as the database takes, and look with `nexora doctor`")
    };
    let Conn::Sqlite(mut conn) = Url::Sqlite(from.to_owned()).establish()? else {
        return Err(Error::internal("the database is no file"));
    };
    let into = diesel::sql_query("VACUUM INTO $1").bind::<Text, _>(to.to_string_lossy().into_owned());
    into.execute(&mut conn).map(|_| ()).map_err(|error| failed(error.into()))
}

/// Writes everything that is still in the log of a SQLite database into its file, and takes the log away, so that the
/// file alone is the database. Nobody else may have it open.
///
/// # Errors
/// `Conflict` when somebody has; `Unavailable` when it cannot be written.
pub fn fold_log(path: &Path) -> Result<()> {
    let Conn::Sqlite(mut conn) = Url::Sqlite(path.to_owned()).establish()? else {
        return Err(Error::internal("the database is no file"));
    };
    // With no log there is none that a later file of the same name could be given. Nobody is waited for.
    conn.batch_execute("PRAGMA busy_timeout = 100")?;
    let modes: std::result::Result<Vec<JournalMode>, _> =
        diesel::sql_query("PRAGMA journal_mode = DELETE").load(&mut conn);
    match modes
        .ok()
        .and_then(|modes| modes.into_iter().next())
        .as_ref()
        .map(|found| found.journal_mode.as_str())
    {
        Some("delete") => Ok(()),
        _ => Err(Error::conflict(format!("another program has `{}` open", path.display()))
            .hint("stop the daemon and every other `nexora`: systemctl stop nexora")),
    }
}

#[derive(diesel::QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

/// Returns what PostgreSQL's own programs are told of a database by their environment.
///
/// # Errors
/// `Config` when the address cannot be read.
pub fn environment(url: &str) -> Result<Vec<(&'static str, String)>> {
    Address::parse(url).map(|address| address.environment())
}

/// Does `work` with the name of a snapshot that is kept meanwhile: other connections can look at the same moment, and so
/// does `conn`. Of PostgreSQL alone.
///
/// # Errors
/// Those of `work`; `Unavailable` when the database cannot be read.
pub fn at_one_moment<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn, &str) -> Result<T>) -> Result<T> {
    conn.transaction(|conn| {
        on!(conn, |c| diesel::sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(c))?;
        let named: Vec<Said> =
            on!(conn, |c| diesel::sql_query("SELECT pg_export_snapshot()::text AS said").load(c))?;
        let name = named.into_iter().next().map(|named| named.said);
        work(conn, &name.ok_or_else(|| Error::internal("a snapshot has no name"))?)
    })
}

/// Counts the rows of every table.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn count_rows(conn: &mut Conn) -> Result<BTreeMap<String, i64>> {
    let listed = match conn {
        Conn::Sqlite(_) => {
            "SELECT name AS said FROM sqlite_master
              WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        }
        Conn::Postgres(_) => {
            "SELECT tablename::text AS said FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        }
    };
    let names: Vec<Said> = on!(conn, |c| diesel::sql_query(listed).load(c))?;
    let mut counts = BTreeMap::new();
    for Said { said: name } in names {
        let sql = format!("SELECT count(*) AS number FROM \"{}\"", name.replace('"', "\"\""));
        let counted: Vec<Counted> = on!(conn, |c| diesel::sql_query(sql).load(c))?;
        counts.insert(name, counted.first().map_or(0, |row| row.number));
    }
    Ok(counts)
}

/// Looks at every page and every reference of a SQLite database; returns what is damaged, in its own words. Of
/// PostgreSQL it finds nothing: that one checks its pages as it reads them.
///
/// # Errors
/// `Unavailable` when it cannot be read at all.
pub fn damage(conn: &mut Conn) -> Result<Vec<String>> {
    let Conn::Sqlite(c) = conn else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT integrity_check AS said FROM pragma_integrity_check WHERE integrity_check <> 'ok'
         UNION ALL SELECT 'a row of `' || \"table\" || '` refers to a row of `' || parent || '` that is gone'
                     FROM pragma_foreign_key_check LIMIT {FAULTS}"
    );
    let said: Vec<Said> = diesel::sql_query(sql).load(c)?;
    Ok(said.into_iter().map(|fault| fault.said).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execute(conn: &mut Conn, sql: &str) {
        let Conn::Sqlite(conn) = conn else { unreachable!() };
        conn.batch_execute(sql).unwrap();
    }

    #[test]
    fn a_copy_has_what_was_committed_when_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("it's.db"), folder.path().join("a copy.db"));
        let mut conn = Url::Sqlite(from.clone()).establish().unwrap();
        execute(
            &mut conn,
            "CREATE TABLE \"odd \"\"name\" (n INTEGER PRIMARY KEY); CREATE TABLE t (n INTEGER);",
        );
        execute(&mut conn, "INSERT INTO t VALUES (1), (2); BEGIN IMMEDIATE; INSERT INTO t VALUES (3);");
        copy(&from, &to).unwrap();
        execute(&mut conn, "COMMIT");
        let mut made = Url::Scratch(to.clone()).establish().unwrap();
        let expected = [("odd \"name", 0), ("t", 2)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(count_rows(&mut made).unwrap(), BTreeMap::from(expected));
        assert_eq!(damage(&mut made).unwrap(), Vec::<String>::new());
        assert!(copy(&from, &to).unwrap_err().report().contains("cannot be copied"), "it is there already");
    }

    #[test]
    fn a_log_is_folded_in_unless_another_has_the_database_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let mut conn = Url::Sqlite(path.clone()).establish().unwrap();
        execute(&mut conn, "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1);");
        let error = fold_log(&path).unwrap_err();
        assert!(error.report().contains("another program has"), "{error:?}");
        drop(conn);
        fold_log(&path).unwrap();
        assert!(!folder.path().join("x.db-wal").exists());
        assert!(std::fs::metadata(&path).unwrap().len() > 4_096);
    }

    #[test]
    fn what_is_damaged_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let mut conn = Url::Sqlite(path.clone()).establish().unwrap();
        execute(&mut conn, "PRAGMA foreign_keys = OFF; CREATE TABLE a (n INTEGER PRIMARY KEY);");
        execute(&mut conn, "CREATE TABLE b (a INTEGER REFERENCES a (n)); INSERT INTO b VALUES (7);");
        let found = damage(&mut conn).unwrap();
        assert!(found[0].contains("a row of `b` refers to a row of `a`"), "{found:?}");
    }
}
