//! Everything about one person, across all tables: gathered, shown, and forgotten. The rows are found by what refers to
//! the contact and to their leads, and by their addresses in what refers to nobody.

mod gather;
mod rules;

use std::collections::BTreeMap;

use diesel::prelude::*;

pub use self::rules::{RULES, Rule, Treatment};
use crate::conn::on;
use crate::rows::{self, Kind, Table};
use crate::{Tx, dialect};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::erasure::{Erasure, Outside, erasures};
use nexora_core::model::{ContactId, LeadId};

/// Who is meant.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub contact: Option<ContactId>,
    pub leads: Vec<LeadId>,
    /// Mail addresses and telephone numbers, in the form that matching uses.
    pub addresses: Vec<String>,
    /// The same as people write it: for texts that were composed.
    pub written: Vec<String>,
    /// The hashes under which the addresses may be suppressed.
    pub hashes: Vec<String>,
}

/// What was found, or forgotten.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    /// Rows of each kind; kinds without any are left out.
    pub counts: BTreeMap<String, i64>,
    pub outside: Vec<Outside>,
}

/// The kind of what is kept of a person who was forgotten.
const KEPT: &str = "suppressions kept as hashes";

impl Erased {
    /// Tells whether there was nothing but what stays.
    pub fn is_nothing(&self) -> bool {
        self.counts.keys().all(|kind| kind == KEPT)
    }
}

/// Gathers what belongs to a person for the rest of the transaction, and returns what of it is elsewhere, too.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn gather(tx: &mut Tx, person: &Person) -> Result<Erased> {
    gather::all(tx, person)?;
    let mut counts = BTreeMap::new();
    for rule in RULES {
        let condition = match rule.treatment {
            Treatment::Delete(condition) | Treatment::Blank(_, condition) => filled(tx, condition),
            Treatment::Keep(_) => continue,
        };
        let sql = format!("SELECT count(*) AS tables FROM {} WHERE {condition}", rule.table);
        let rows = dialect::number(tx.conn, &sql)?;
        if rows > 0 {
            counts.insert(rule.kind.to_owned(), rows);
        }
    }
    Ok(Erased { counts, outside: gather::outside(tx)? })
}

/// Returns the rows of a kind that were gathered, as JSON, without columns of bytes. The tables are those of [`rows::tables`].
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn rows_of(tx: &mut Tx, tables: &[Table], rule: &Rule) -> Result<Vec<String>> {
    let condition = match rule.treatment {
        Treatment::Delete(condition) | Treatment::Blank(_, condition) => filled(tx, condition),
        Treatment::Keep(_) => return Ok(Vec::new()),
    };
    let Some(table) = tables.iter().find(|table| table.name == rule.table) else { return Ok(Vec::new()) };
    let readable = table.clone().without(|column| column.kind == Kind::Bytes);
    let mut found = Vec::new();
    rows::each(tx.conn, &readable, &condition, &mut |row| {
        found.push(row.to_owned());
        Ok(())
    })?;
    Ok(found)
}

/// Ends what `gather` began, where the transaction goes on.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn release(tx: &mut Tx) -> Result<()> {
    dialect::run(tx.conn, "DROP TABLE erasing")
}

/// Forgets what was gathered.
///
/// # Errors
/// `Conflict` when something is just being sent to the person; `Unavailable` when the database cannot be written.
pub fn erase(tx: &mut Tx, now: Timestamp) -> Result<()> {
    let condition = filled(tx, "{own} AND {id in effect} AND state = 'leased'");
    let now = now.millis();
    let sql = format!("SELECT count(*) AS tables FROM effects WHERE {condition} AND lease_until > {now}");
    if dialect::number(tx.conn, &sql)? > 0 {
        return Err(
            Error::conflict("something about this person is just being sent").hint("try again in a minute")
        );
    }
    dialect::overwrite_deleted(tx.conn, true)?;
    let done = RULES.iter().try_for_each(|rule| apply(tx, rule));
    dialect::overwrite_deleted(tx.conn, false)?;
    done
}

fn apply(tx: &mut Tx, rule: &Rule) -> Result<()> {
    let table = rule.table;
    let sql = match rule.treatment {
        Treatment::Keep(_) => return Ok(()),
        Treatment::Delete(condition) => format!("DELETE FROM {table} WHERE {}", filled(tx, condition)),
        Treatment::Blank(become_, condition) => {
            format!("UPDATE {table} SET {} WHERE {}", filled(tx, become_), filled(tx, condition))
        }
    };
    dialect::run(tx.conn, &sql)
}

/// Fills the holes of a condition. What is put in is an id of ours, which holds no quote.
fn filled(tx: &Tx, condition: &str) -> String {
    let mut sql = String::new();
    let mut rest = condition;
    while let Some((before, (hole, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        sql.push_str(before);
        sql.push_str(&hole_of(tx, hole));
        rest = after;
    }
    sql.push_str(rest);
    sql
}

fn hole_of(tx: &Tx, hole: &str) -> String {
    let tenant = tx.tenant;
    // What is compared is compared as it is, whatever the order of the column.
    let plain = dialect::plain_order(tx.conn);
    if let Some((column, set)) = hole.split_once(" in ") {
        return format!("({column}){plain} IN (SELECT id FROM erasing WHERE kind = '{set}')");
    }
    if let Some(column) = hole.strip_prefix("named ") {
        let place = dialect::place_of(tx.conn);
        return format!(
            "EXISTS (SELECT 1 FROM erasing n WHERE n.kind = 'address' AND {place}(lower({column}){plain}, n.id) > 0)"
        );
    }
    match hole {
        "slug" => format!("(SELECT slug FROM tenants WHERE tenants.id = '{tenant}')"),
        "own" => format!("tenant_id = '{tenant}'"),
        // JSON has braces of its own.
        other => format!("{{{other}}}"),
    }
}

/// Keeps a receipt.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn insert(tx: &mut Tx, receipt: &Erasure) -> Result<()> {
    on!(tx.conn, |c| diesel::insert_into(erasures::table).values(receipt).execute(c)).map(|_| ())
}

/// Lists a tenant's receipts, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn list(tx: &mut Tx, limit: i64) -> Result<Vec<Erasure>> {
    on!(tx.conn, |c| erasures::table
        .filter(erasures::tenant_id.eq(tx.tenant))
        .order(erasures::id.desc())
        .limit(limit)
        .select(Erasure::as_select())
        .load(c))
}

/// Returns what a request says, as far as it names a place.
pub(crate) fn word_of(request: &Json, name: &str) -> String {
    request.value().get(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
