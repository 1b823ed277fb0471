//! Rows of any table as JSON, out of one database and into another, whichever of the two it is.
//!
//! Which tables and columns there are says the schema of the database itself, so that a table which is added comes along. Both
//! databases write a row in the same way: numbers and switches as JSON has them, bytes as hexadecimal digits.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::Conn;
use crate::conn::on;
use crate::dialect::{self, Said};
use nexora_core::base::{Error, Result};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Whole,
    Flag,
    Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// A table as its database describes it.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The columns of its primary key.
    key: Vec<String>,
    /// The tables that its rows refer to.
    refers_to: BTreeSet<String>,
}

impl Table {
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known.name == column)
    }

    /// Returns the table without some of its columns.
    #[must_use]
    pub fn without(mut self, left_out: impl Fn(&Column) -> bool) -> Table {
        self.columns.retain(|column| !left_out(column));
        self
    }
}

/// Rows that are put in by one statement at most, by number and by size.
const ROWS_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 4_000_000;

/// Lists the tables of our schema, each after those that it refers to.
///
/// # Errors
/// `Internal` when a column is of a type that this program does not carry over.
pub fn tables(conn: &mut Conn) -> Result<Vec<Table>> {
    let mut columns: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for line in dialect::texts(conn, columns_sql(conn))? {
        let [table, column, kind] = parts(&line)?;
        let kind = kind_of(table, column, kind)?;
        columns.entry(table.to_owned()).or_default().push(Column { name: column.to_owned(), kind });
    }
    let (mut keys, mut references) =
        (BTreeMap::<String, Vec<String>>::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for line in dialect::texts(conn, keys_sql(conn))? {
        let [table, column, _] = parts(&line)?;
        keys.entry(table.to_owned()).or_default().push(column.to_owned());
    }
    for line in dialect::texts(conn, references_sql(conn))? {
        let [table, other, _] = parts(&line)?;
        if table != other {
            references.entry(table.to_owned()).or_default().insert(other.to_owned());
        }
    }
    let all = columns.into_iter().map(|(name, columns)| Table {
        key: keys.remove(&name).unwrap_or_default(),
        refers_to: references.remove(&name).unwrap_or_default(),
        name,
        columns,
    });
    in_order(all.collect())
}

fn in_order(mut rest: Vec<Table>) -> Result<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::new();
    while !rest.is_empty() {
        let is_ready = |table: &Table| {
            table.refers_to.iter().all(|other| ordered.iter().any(|known| known.name == *other))
        };
        let (ready, waiting): (Vec<Table>, Vec<Table>) = rest.into_iter().partition(is_ready);
        if ready.is_empty() {
            let names: Vec<&str> = waiting.iter().map(|table| table.name.as_str()).collect();
            return Err(Error::internal(format!("tables refer to each other: {}", names.join(", "))));
        }
        ordered.extend(ready);
        rest = waiting;
    }
    Ok(ordered)
}

fn parts(line: &str) -> Result<[&str; 3]> {
    let mut parts = line.split('|');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(one), Some(two), Some(three)) => Ok([one, two, three]),
        _ => Err(Error::internal("the schema cannot be read")),
    }
}

fn kind_of(table: &str, column: &str, kind: &str) -> Result<Kind> {
    match kind.to_lowercase().as_str() {
        "text" => Ok(Kind::Text),
        "bigint" | "integer" => Ok(Kind::Whole),
        "boolean" => Ok(Kind::Flag),
        "blob" | "bytea" => Ok(Kind::Bytes),
        other => Err(Error::internal(format!(
            "column `{table}.{column}` has a type that is not carried over: {other}"
        ))),
    }
}

fn columns_sql(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => {
            "SELECT m.name || '|' || c.name || '|' || c.type AS said FROM sqlite_master m, pragma_table_info(m.name) c
              WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                AND m.name <> '__diesel_schema_migrations' ORDER BY m.name, c.name"
        }
        Conn::Postgres(_) => {
            "SELECT c.table_name || '|' || c.column_name || '|' || c.data_type AS said
               FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
              WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
                AND c.table_name <> '__diesel_schema_migrations'
              ORDER BY c.table_name COLLATE \"C\", c.column_name COLLATE \"C\""
        }
    }
}

fn keys_sql(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => {
            "SELECT m.name || '|' || c.name || '|' AS said FROM sqlite_master m, pragma_table_info(m.name) c
              WHERE m.type = 'table' AND c.pk > 0 ORDER BY m.name, c.pk"
        }
        Conn::Postgres(_) => {
            "SELECT k.table_name || '|' || k.column_name || '|' AS said
               FROM information_schema.table_constraints c
               JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name)
              WHERE c.constraint_type = 'PRIMARY KEY' AND c.table_schema = current_schema()
              ORDER BY k.table_name, k.ordinal_position"
        }
    }
}

fn references_sql(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => {
            "SELECT DISTINCT m.name || '|' || f.\"table\" || '|' AS said
               FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
        }
        Conn::Postgres(_) => {
            "SELECT DISTINCT c.relname || '|' || f.relname || '|' AS said
               FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE k.contype = 'f' AND n.nspname = current_schema()"
        }
    }
}

/// Hands out the rows of a table for which a condition holds, as JSON, in the order of its key.
///
/// # Errors
/// Those of `take`, and `Unavailable` when the database cannot be read.
pub fn each(
    conn: &mut Conn,
    table: &Table,
    condition: &str,
    take: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let fields: Vec<String> =
        table.columns.iter().map(|column| format!("'{}', {}", column.name, written(conn, column))).collect();
    let object = match conn {
        Conn::Sqlite(_) => format!("json_object({})", fields.join(", ")),
        Conn::Postgres(_) => format!("json_build_object({})::text", fields.join(", ")),
    };
    let order = dialect::plain_order(conn);
    let key = |name: &String| {
        let is_text = table.columns.iter().any(|column| column.name == *name && column.kind == Kind::Text);
        format!("\"{name}\"{}", if is_text { order } else { "" })
    };
    let key: Vec<String> = table.key.iter().map(key).collect();
    let by = if key.is_empty() { String::new() } else { format!(" ORDER BY {}", key.join(", ")) };
    let sql = format!("SELECT {object} AS said FROM \"{}\" WHERE {condition}{by}", table.name);
    let mut failed = None;
    on!(conn, |c| {
        let rows = diesel::sql_query(sql).load_iter::<Said, DefaultLoadingMode>(c);
        rows.and_then(|mut rows| {
            rows.try_for_each(|row| {
                let row = row?;
                if failed.is_none() {
                    failed = take(&row.said).err();
                }
                Ok(())
            })
        })
    })?;
    failed.map_or(Ok(()), Err)
}

/// Returns the SQL by which a column becomes a value of JSON.
fn written(conn: &Conn, column: &Column) -> String {
    let name = format!("\"{}\"", column.name);
    match (column.kind, conn) {
        (Kind::Flag, Conn::Sqlite(_)) => {
            format!("json(CASE {name} WHEN 0 THEN 'false' WHEN 1 THEN 'true' ELSE 'null' END)")
        }
        (Kind::Bytes, Conn::Sqlite(_)) => format!("lower(CASE WHEN {name} IS NOT NULL THEN hex({name}) END)"),
        (Kind::Bytes, Conn::Postgres(_)) => format!("encode({name}, 'hex')"),
        (Kind::Text | Kind::Whole, _) | (Kind::Flag, Conn::Postgres(_)) => name,
    }
}

/// Rows on their way into a table.
pub struct Filling<'a> {
    conn: &'a mut Conn,
    table: &'a str,
    sql: String,
    waiting: Vec<String>,
    bytes: usize,
    pub rows: u64,
}

impl<'a> Filling<'a> {
    pub fn new(conn: &'a mut Conn, table: &'a Table) -> Filling<'a> {
        let sql = insert_sql(conn, table);
        Filling { conn, table: &table.name, sql, waiting: Vec::new(), bytes: 0, rows: 0 }
    }

    /// Takes a row, as `each` hands it out.
    ///
    /// # Errors
    /// `Conflict` or `Unavailable` from the database, naming the table.
    pub fn add(&mut self, row: &str) -> Result<()> {
        self.bytes += row.len();
        self.waiting.push(row.to_owned());
        match self.waiting.len() >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Puts in what waits; returns how many rows there were in all.
    ///
    /// # Errors
    /// As `add`.
    pub fn end(mut self) -> Result<u64> {
        self.flush()?;
        Ok(self.rows)
    }

    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let rows = format!("[{}]", self.waiting.join(","));
        let query = diesel::sql_query(self.sql.as_str()).bind::<Text, _>(rows);
        let put = on!(self.conn, |c| query.execute(c)).map_err(|error| {
            Error::new(error.kind(), format!("rows of `{}` cannot be put in", self.table)).source(error)
        })?;
        if put != self.waiting.len() {
            return Err(Error::internal(format!("of `{}` some rows were not put in", self.table)));
        }
        self.rows += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn insert_sql(conn: &Conn, table: &Table) -> String {
    let list =
        |column: &dyn Fn(&Column) -> String| table.columns.iter().map(column).collect::<Vec<_>>().join(", ");
    let names = list(&|column| format!("\"{}\"", column.name));
    let name = &table.name;
    match conn {
        Conn::Sqlite(_) => {
            let values = list(&|column| match column.kind {
                Kind::Bytes => format!("unhex(value ->> '$.{}')", column.name),
                Kind::Text | Kind::Whole | Kind::Flag => format!("value ->> '$.{}'", column.name),
            });
            format!("INSERT INTO \"{name}\" ({names}) SELECT {values} FROM json_each($1)")
        }
        Conn::Postgres(_) => {
            let values = list(&|column| match column.kind {
                Kind::Bytes => format!("decode(\"{}\", 'hex')", column.name),
                Kind::Text | Kind::Whole | Kind::Flag => format!("\"{}\"", column.name),
            });
            let types = list(&|column| {
                let kind = match column.kind {
                    Kind::Text | Kind::Bytes => "text",
                    Kind::Whole => "bigint",
                    Kind::Flag => "boolean",
                };
                format!("\"{}\" {kind}", column.name)
            });
            format!(
                "INSERT INTO \"{name}\" ({names}) SELECT {values} FROM json_to_recordset($1::json) AS given ({types})"
            )
        }
    }
}

/// Counts the rows of a table for which a condition holds.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn count(conn: &mut Conn, table: &str, condition: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) AS tables FROM \"{table}\" WHERE {condition}");
    Ok(u64::try_from(dialect::number(conn, &sql)?).unwrap_or(0))
}

/// Checks that another database has the same tables with the same columns.
///
/// # Errors
/// `Internal` naming what differs: migrations come in pairs.
pub fn check_same(tables: &[Table], others: &[Table]) -> Result<()> {
    let names = |tables: &[Table]| -> BTreeMap<String, BTreeSet<String>> {
        let columns = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect();
        tables.iter().map(|table| (table.name.clone(), columns(table))).collect()
    };
    let (one, other) = (names(tables), names(others));
    match one.iter().find(|(name, columns)| other.get(*name) != Some(columns)) {
        Some((name, _)) => Err(Error::internal(format!("table `{name}` is not the same in both databases"))),
        None if other.len() > one.len() => {
            Err(Error::internal("one database has more tables than the other"))
        }
        None => Ok(()),
    }
}
