//! Rows of every kind of record. Which table and which columns, the kind says.
//!
//! A row is read as JSON and written from JSON, so that one function serves all kinds.

mod sql;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Map, Value, json};

use self::sql::Sql;
use crate::conn::on;
use crate::dialect::{self, Said};
use crate::{Conn, Tx};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::record::filter::{Filter, Test};
use nexora_core::model::record::search::{self, Word};
use nexora_core::model::record::{Field, Place, Record, RecordKind, Schema, Values};

/// Which records are asked for, in which order, and how many.
#[derive(Clone, Debug)]
pub struct Query {
    pub filter: Filter,
    pub search: Vec<Word>,
    /// By which field; by age where there is none.
    pub order: Option<Field>,
    /// Whether the largest, or the newest, come first.
    pub is_descending: bool,
    /// Only those that come behind this one, where the order is that of age.
    pub behind: Option<String>,
    pub deleted: Deleted,
    pub offset: i64,
    pub limit: i64,
}

/// Whether records are meant that were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// Only those that are not.
    Without,
    /// Only those that are.
    Only,
}

impl Query {
    /// Asks for the newest records.
    pub fn newest(limit: i64) -> Query {
        Query {
            filter: Filter::All(Vec::new()),
            search: Vec::new(),
            order: None,
            is_descending: true,
            behind: None,
            deleted: Deleted::Without,
            offset: 0,
            limit,
        }
    }
}

/// Finds a record by its id, also one that was deleted.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn find(tx: &mut Tx, schema: &Schema, id: &str) -> Result<Option<Record>> {
    let mut sql = Sql::new(tx.conn);
    let (tenant, id) = (sql.bind(tx.tenant.as_str()), sql.bind(id));
    let text = format!("{} WHERE t.tenant_id = {tenant} AND t.id = {id}", sql.select(schema.kind));
    Ok(load(tx.conn, text, &sql)?.into_iter().next())
}

/// Finds the record, not deleted, whose field says this.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn find_by(tx: &mut Tx, schema: &Schema, field: &Field, text: &str, limit: i64) -> Result<Vec<Record>> {
    let filter = Filter::Field(field.clone(), Test::Is(text.to_owned()));
    list(tx, schema, &Query { filter, ..Query::newest(limit) })
}

/// Lists records.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn list(tx: &mut Tx, schema: &Schema, query: &Query) -> Result<Vec<Record>> {
    let mut sql = Sql::new(tx.conn);
    let condition = sql.condition(tx.tenant, schema, query);
    let order = sql.order(query);
    let text = format!(
        "{} WHERE {condition} ORDER BY {order} LIMIT {} OFFSET {}",
        sql.select(schema.kind),
        query.limit,
        query.offset
    );
    load(tx.conn, text, &sql)
}

/// Counts records; order and limit of the query do not matter.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn count(tx: &mut Tx, schema: &Schema, query: &Query) -> Result<i64> {
    let mut sql = Sql::new(tx.conn);
    let condition = sql.condition(tx.tenant, schema, query);
    let text =
        format!("SELECT CAST(count(*) AS TEXT) AS said FROM {} t WHERE {condition}", schema.kind.table);
    let said = texts(tx.conn, text, &sql)?;
    Ok(said.first().and_then(|count| count.parse().ok()).unwrap_or_default())
}

fn texts(conn: &mut Conn, text: String, sql: &Sql) -> Result<Vec<String>> {
    let rows: Vec<Said> = on!(conn, |c| {
        let mut query = diesel::sql_query(text).into_boxed();
        for bind in sql.binds() {
            query = query.bind::<Text, _>(bind);
        }
        query.load(c)
    })?;
    Ok(rows.into_iter().map(|row| row.said).collect())
}

fn load(conn: &mut Conn, text: String, sql: &Sql) -> Result<Vec<Record>> {
    texts(conn, text, sql)?.iter().map(|row| read(row)).collect()
}

fn read(row: &str) -> Result<Record> {
    let broken = || Error::internal("a record cannot be read");
    let mut row: Map<String, Value> = serde_json::from_str(row).map_err(|error| broken().source(error))?;
    let moment = |row: &mut Map<String, Value>, name: &str| {
        row.remove(name).and_then(|at| at.as_i64()).map(Timestamp::from_millis)
    };
    let id = row.remove("id").and_then(|id| id.as_str().map(str::to_owned)).ok_or_else(broken)?;
    let (created_at, updated_at) = (moment(&mut row, "created_at"), moment(&mut row, "updated_at"));
    let deleted_at = moment(&mut row, "deleted_at");
    let mut values: Values = row.into_iter().filter(|(_, value)| !value.is_null()).collect();
    if let Some(Value::Object(fields)) = values.remove("fields") {
        values.extend(fields);
    }
    Ok(Record {
        id,
        values,
        created_at: created_at.ok_or_else(broken)?,
        updated_at: updated_at.ok_or_else(broken)?,
        deleted_at,
    })
}

/// Returns the columns that are written, with their types.
fn written(kind: &RecordKind) -> Vec<(&'static str, &'static str)> {
    let own = kind.fields.iter().filter(|field| field.place == Place::Column).map(|field| {
        let kind = if field.kind.is_number() { "bigint" } else { "text" };
        match &field.name {
            std::borrow::Cow::Borrowed(name) => (*name, kind),
            std::borrow::Cow::Owned(_) => ("", kind),
        }
    });
    let all = [
        ("tenant_id", "text"),
        ("id", "text"),
        ("fields", "text"),
        ("search", "text"),
        ("created_at", "bigint"),
        ("updated_at", "bigint"),
        ("deleted_at", "bigint"),
    ];
    all.into_iter().chain(own.filter(|(name, _)| !name.is_empty())).collect()
}

fn as_row(tx: &Tx, schema: &Schema, record: &Record) -> Result<Value> {
    let mut row = Map::new();
    let mut fields = Map::new();
    for field in schema.fields() {
        let value = record.values.get(field.name.as_ref());
        match field.place {
            Place::Column => {
                row.insert(field.name.to_string(), value.cloned().unwrap_or_default());
            }
            Place::Fields => fields.extend(value.map(|value| (field.name.to_string(), value.clone()))),
            Place::Elsewhere(_) | Place::Linked(_) => {}
        }
    }
    // What a field said that is not defined any more is kept, in case it is defined again.
    for (name, value) in &record.values {
        if schema.field(name).is_err() {
            fields.insert(name.clone(), value.clone());
        }
    }
    row.insert("tenant_id".to_owned(), json!(tx.tenant));
    row.insert("id".to_owned(), json!(record.id));
    row.insert("fields".to_owned(), json!(Json::of(&fields)?.as_str()));
    row.insert("search".to_owned(), json!(search::text_of(schema, &record.values)));
    row.insert("created_at".to_owned(), json!(record.created_at.millis()));
    row.insert("updated_at".to_owned(), json!(record.updated_at.millis()));
    row.insert("deleted_at".to_owned(), json!(record.deleted_at.map(Timestamp::millis)));
    Ok(Value::Object(row))
}

/// Inserts records, which must have different ids.
///
/// # Errors
/// `Conflict` when there is one with the same number already.
pub fn insert(tx: &mut Tx, schema: &Schema, records: &[Record]) -> Result<()> {
    let columns = written(schema.kind);
    let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let values = columns.iter().map(|(name, _)| format!("given.{name}")).collect::<Vec<_>>().join(", ");
    let (before, after) = dialect::given(tx.conn, &columns);
    let sql = format!("INSERT INTO {} ({names}) SELECT {values} FROM {before}$1{after}", schema.kind.table);
    write(tx, schema, sql, records)
}

/// Writes what records have become.
///
/// # Errors
/// `Conflict` when another one has the same number.
pub fn save(tx: &mut Tx, schema: &Schema, records: &[Record]) -> Result<()> {
    let table = schema.kind.table;
    let columns = written(schema.kind);
    let changed = columns.iter().filter(|(name, _)| !["tenant_id", "id", "created_at"].contains(name));
    let sets = changed.map(|(name, _)| format!("{name} = given.{name}")).collect::<Vec<_>>().join(", ");
    let (before, after) = dialect::given(tx.conn, &columns);
    let sql = format!(
        "UPDATE {table} SET {sets} FROM {before}$1{after}
          WHERE {table}.tenant_id = given.tenant_id AND {table}.id = given.id"
    );
    write(tx, schema, sql, records)
}

fn write(tx: &mut Tx, schema: &Schema, sql: String, records: &[Record]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let rows = records.iter().map(|record| as_row(tx, schema, record)).collect::<Result<Vec<_>>>()?;
    let rows = Json::of(&rows)?;
    // A constraint that fails must leave the transaction as it was.
    tx.conn.transaction(|conn| {
        on!(conn, |c| diesel::sql_query(sql).bind::<Text, _>(rows).execute(c)).map(|_| ())
    })
}

/// Deletes the rows of records for good.
///
/// # Errors
/// `Conflict` when something refers to one.
pub fn delete(tx: &mut Tx, kind: &RecordKind, ids: &[String]) -> Result<()> {
    let mut sql = Sql::new(tx.conn);
    let tenant = sql.bind(tx.tenant.as_str());
    let ids = ids.iter().map(|id| sql.bind(id)).collect::<Vec<_>>().join(", ");
    if ids.is_empty() {
        return Ok(());
    }
    let text = format!(
        "DELETE FROM {} WHERE tenant_id = {tenant} AND id IN ({ids}) RETURNING id AS said",
        kind.table
    );
    texts(tx.conn, text, &sql).map(|_| ())
}
