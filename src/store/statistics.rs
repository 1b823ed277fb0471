//! What SQLite's planner believes of our tables: those of a database that has been in use for years.
//!
//! Without statistics it takes a condition on the tenant for as telling as one on a run, and reads all rows of a
//! tenant in order rather than sort three. Gathered ones (`ANALYZE`) would change plans under a running program, and
//! are wrong for a database that has just been made. So they are worked out from the indexes alone, the same on every
//! machine, and written once with the migrations (https://www.sqlite.org/fileformat2.html#the_sqlite_stat1_table).

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use nexora_core::base::Result;

/// Rows of a table, and how many of them a partial index covers: most of these hold what still waits.
const ROWS: i64 = 1_000_000;
const PARTIAL_ROWS: i64 = 1_000;

/// Tenants among which the rows are spread.
const TENANTS: i64 = 100;

/// Rows that have any other value in common.
const ALIKE: i64 = 10;

/// Columns that take one of a few values.
const FEW_VALUES: [&str; 7] = ["state", "kind", "author", "channel", "class", "given", "chain"];

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    is_unique: i64,
    #[diesel(sql_type = BigInt)]
    is_partial: i64,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Tells whether statistics were written at all.
pub fn are_there(conn: &mut SqliteConnection) -> Result<bool> {
    let sql = "SELECT count(*) AS number FROM sqlite_schema WHERE name = 'sqlite_stat1'";
    let rows: Vec<Number> = diesel::sql_query(sql).load(conn)?;
    Ok(rows.iter().any(|row| row.number > 0))
}

/// Writes the statistics of every index, all or none; connections that are opened from then on plan by them.
pub fn write(conn: &mut SqliteConnection) -> Result<()> {
    Ok(conn.transaction(write_all)?)
}

fn write_all(conn: &mut SqliteConnection) -> diesel::QueryResult<()> {
    let indexes: Vec<Index> = diesel::sql_query(
        "SELECT t.name AS of_table, i.name AS name, i.\"unique\" AS is_unique, i.partial AS is_partial
           FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' ORDER BY 1, 2",
    )
    .load(conn)?;
    // It makes the table where there is none yet.
    conn.batch_execute("ANALYZE sqlite_schema; DELETE FROM sqlite_stat1")?;
    for index in indexes {
        let columns: Vec<Column> =
            diesel::sql_query("SELECT coalesce(name, '') AS name FROM pragma_index_info($1) ORDER BY seqno")
                .bind::<Text, _>(&index.name)
                .load(conn)?;
        diesel::sql_query("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ($1, $2, $3)")
            .bind::<Text, _>(&index.of_table)
            .bind::<Text, _>(&index.name)
            .bind::<Text, _>(estimate(&columns, index.is_unique != 0, index.is_partial != 0))
            .execute(conn)?;
    }
    Ok(())
}

/// Returns the rows in an index, and how many have its first column in common, its first two, and so on.
fn estimate(columns: &[Column], is_unique: bool, is_partial: bool) -> String {
    let rows = if is_partial { PARTIAL_ROWS } else { ROWS };
    let mut numbers = vec![rows.to_string()];
    let mut alike = rows;
    for (place, column) in columns.iter().enumerate() {
        alike = match column.name.as_str() {
            "tenant_id" => alike / TENANTS,
            few if FEW_VALUES.contains(&few) => alike / 5,
            _ => alike.min(ALIKE),
        };
        if is_unique && place + 1 == columns.len() {
            alike = 1;
        }
        alike = alike.max(1);
        numbers.push(alike.to_string());
    }
    numbers.join(" ")
}
