//! Everything in which the two databases differ, and nothing else.

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt, Text};

use crate::Conn;
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;

/// Returns the pattern of texts that contain a part, with a backslash before what is no joker.
pub fn containing(part: &str) -> String {
    holding(part.trim())
}

/// The same for a part with its blanks.
pub fn holding(part: &str) -> String {
    let mut pattern = String::from("%");
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Makes the condition that columns, put together as SQL, hold a part of a text, however it is capitalised. SQLite
/// knows the small letters of ASCII alone, so that others are also looked for as they are written.
macro_rules! holds {
    ($columns:literal, $part:expr) => {
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!("(lower(", $columns, ") LIKE "))
            .bind::<diesel::sql_types::Text, _>($crate::dialect::containing(&$part.to_lowercase()))
            .sql(concat!(" ESCAPE '\\' OR ", $columns, " LIKE "))
            .bind::<diesel::sql_types::Text, _>($crate::dialect::containing($part))
            .sql(" ESCAPE '\\')")
    };
}
pub(crate) use holds;

/// Returns the SQL around a value, an array of JSON objects, that makes of it rows called `given`, with these columns
/// and their types.
pub fn given(conn: &Conn, columns: &[(&str, &str)]) -> (String, String) {
    let list =
        |column: fn(&(&str, &str)) -> String| columns.iter().map(column).collect::<Vec<_>>().join(", ");
    match conn {
        Conn::Sqlite(_) => {
            let columns = list(|(name, _)| format!("value ->> '$.{name}' AS {name}"));
            (format!("(SELECT {columns} FROM json_each("), ")) AS given".to_owned())
        }
        Conn::Postgres(_) => {
            let columns = list(|(name, kind)| format!("{name} {kind}"));
            ("json_to_recordset(".to_owned(), format!("::json) AS given ({columns})"))
        }
    }
}

/// Returns the name of the function that tells at which place of a text another one begins; 0 where it does not.
pub fn place_of(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => "instr",
        Conn::Postgres(_) => "strpos",
    }
}

/// Returns the expression for the lead that an event says it is about.
pub fn lead_of_event(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => "events.payload ->> '$.lead_id'",
        Conn::Postgres(_) => "events.payload::json ->> 'lead_id'",
    }
}

/// Returns what has texts compared byte by byte, whatever the order of a column.
pub fn plain_order(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => "",
        Conn::Postgres(_) => " COLLATE \"C\"",
    }
}

/// Returns the statement that makes a table for the rest of the transaction, or of the session.
pub fn temporary_table(conn: &Conn, columns: &str) -> String {
    match conn {
        Conn::Sqlite(_) => format!("CREATE TEMPORARY TABLE {columns}"),
        Conn::Postgres(_) => format!("CREATE TEMPORARY TABLE {columns} ON COMMIT DROP"),
    }
}

/// Has what is deleted from now on overwritten in the file, or ends that. `PostgreSQL` leaves it to `VACUUM`.
pub fn overwrite_deleted(conn: &mut Conn, is_on: bool) -> Result<()> {
    match conn {
        Conn::Sqlite(c) => {
            let pragma = if is_on { "PRAGMA secure_delete = ON" } else { "PRAGMA secure_delete = OFF" };
            c.batch_execute(pragma).map_err(Into::into)
        }
        Conn::Postgres(_) => Ok(()),
    }
}

/// Runs statements that return nothing.
pub fn run(conn: &mut Conn, sql: &str) -> Result<()> {
    on!(conn, |c| c.batch_execute(sql))
}

/// Inserts rows, finished as `$finish` says: on PostgreSQL several with a statement, since each is a round trip.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr, |$insert:ident| $finish:expr) => {{
        let rows: &[_] = $rows;
        match $conn {
            $crate::Conn::Sqlite(c) => rows.iter().try_for_each(|row| {
                let $insert = diesel::insert_into($table).values(*row);
                diesel::RunQueryDsl::execute($finish, c).map(|_| ())
            }),
            $crate::Conn::Postgres(c) => rows.chunks($crate::dialect::ROWS_AT_ONCE).try_for_each(|rows| {
                let $insert = diesel::insert_into($table).values(rows.to_vec());
                diesel::RunQueryDsl::execute($crate::kept::kept($finish), &mut **c).map(|_| ())
            }),
        }
        .map_err(nexora_core::base::Error::from)
    }};
}
pub(crate) use insert_all;

/// Rows that are inserted by one statement at most: there is a statement for each number up to it.
pub const ROWS_AT_ONCE: usize = 16;

/// A text that the database answers.
#[derive(diesel::QueryableByName)]
pub struct Said {
    #[diesel(sql_type = Text)]
    pub said: String,
}

/// Asks for texts, each in a column `said`.
pub fn texts(conn: &mut Conn, sql: &str) -> Result<Vec<String>> {
    let rows: Vec<Said> = on!(conn, |c| diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| row.said).collect())
}

/// Asks for a number, in a column `tables`.
pub fn number(conn: &mut Conn, sql: &str) -> Result<i64> {
    let rows: Vec<Tables> = on!(conn, |c| diesel::sql_query(sql).load(c))?;
    Ok(rows.first().map_or(0, |row| row.tables))
}

/// Has a transaction that has just begun read everything as of one moment. On SQLite each does.
pub fn read_as_of_now(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => {
            c.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").map_err(Into::into)
        }
    }
}

/// Asks the server for a sign of life.
pub fn ping(conn: &mut Conn) -> Result<()> {
    on!(conn, |c| c.batch_execute("SELECT 1"))
}

#[derive(diesel::QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    millis: i64,
}

/// Returns what the clock of the server shows; nothing where there is none but this machine's.
pub fn server_time(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let Conn::Postgres(c) = conn else { return Ok(None) };
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS millis";
    let rows: Vec<Now> = diesel::sql_query(sql).load(&mut **c)?;
    Ok(rows.first().map(|row| Timestamp::from_millis(row.millis)))
}

/// Returns, as SQL, the text under a name in a column that holds JSON.
pub fn json_text(conn: &Conn, column: &str, name: &str) -> String {
    match conn {
        Conn::Sqlite(_) => format!("{column} ->> '$.{name}'"),
        Conn::Postgres(_) => format!("{column}::json ->> '{name}'"),
    }
}

#[derive(diesel::QueryableByName)]
struct Tables {
    #[diesel(sql_type = BigInt)]
    tables: i64,
}

/// Tells whether a table is there, without making anything.
pub fn has_table(conn: &mut Conn, name: &str) -> Result<bool> {
    let sql = match conn {
        Conn::Sqlite(_) => "SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name = $1",
        Conn::Postgres(_) => {
            "SELECT count(*) AS tables FROM information_schema.tables
              WHERE table_name = $1 AND table_schema = ANY (current_schemas(false))"
        }
    };
    let rows: Vec<Tables> = on!(conn, |c| diesel::sql_query(sql).bind::<Text, _>(name).load(c))?;
    Ok(rows.first().is_some_and(|row| row.tables > 0))
}

/// Returns the end of a claiming query: rows that another daemon is claiming are passed over.
/// SQLite has one writer, so no row is ever locked by another.
pub fn skip_locked(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => "",
        Conn::Postgres(_) => " FOR UPDATE SKIP LOCKED",
    }
}

/// Holds back every other transaction that locks one of the names, until this one ends. They are locked in order, so
/// that no two wait for each other. On SQLite a write transaction already holds back all others.
pub fn lock_all(conn: &mut Conn, names: &[&str]) -> Result<()> {
    let Conn::Postgres(c) = conn else { return Ok(()) };
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0))
                 FROM (SELECT unnest($1) AS name ORDER BY 1) AS names";
    diesel::sql_query(sql).bind::<Array<Text>, _>(names).execute(&mut **c).map(|_| ()).map_err(Into::into)
}

/// Holds back every other transaction that locks `name`, until this one ends.
/// On SQLite a write transaction already holds back all others.
pub fn lock(conn: &mut Conn, name: &str) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(name)
            .execute(&mut **c)
            .map(|_| ())
            .map_err(Into::into),
    }
}
