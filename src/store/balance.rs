//! The books: how many events, runs and effects are in each state, per tenant.
//!
//! Finished work is counted too, so that what was received can be held against what became of it.

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::Tx;
use crate::conn::on;
use crate::kept::kept;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;

/// One line of the books.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName, serde::Serialize)]
pub struct Count {
    /// `lead`, `event`, `run`, `effect` or `notice`.
    #[diesel(sql_type = Text)]
    pub noun: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
}

/// Counts a tenant's rows by noun and state.
pub fn counts(tx: &mut Tx) -> Result<Vec<Count>> {
    let sql = "SELECT 'lead' AS noun, state, count(*) AS rows FROM leads WHERE tenant_id = $1 GROUP BY state
               UNION ALL SELECT 'event', state, count(*) FROM events WHERE tenant_id = $1 GROUP BY state
               UNION ALL SELECT 'run', state, count(*) FROM runs WHERE tenant_id = $1 GROUP BY state
               UNION ALL SELECT 'effect', state, count(*) FROM effects WHERE tenant_id = $1 GROUP BY state
               UNION ALL SELECT 'notice', state, count(*) FROM notices WHERE tenant_id = $1 GROUP BY state
               ORDER BY 1, 2";
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))
}

/// Returns how many rows of a noun are in a state.
pub fn count(counts: &[Count], noun: &str, state: &str) -> i64 {
    let counted = counts.iter().filter(|count| count.noun == noun && count.state == state);
    counted.map(|count| count.rows).sum()
}

/// Returns how many rows of a noun there are.
pub fn total(counts: &[Count], noun: &str) -> i64 {
    counts.iter().filter(|count| count.noun == noun).map(|count| count.rows).sum()
}

/// Counts what is open or needs a person, and nothing that is done: leads to be looked at, failed runs,
/// effects that are given up or not settled. Uses `leads_unreviewed`, `runs_failed`, `effects_dead` and
/// `effects_unsettled`.
pub fn unsettled(tx: &mut Tx) -> Result<Vec<Count>> {
    let sql = "SELECT 'lead' AS noun, 'needs_review' AS state, count(*) AS rows FROM leads
                WHERE tenant_id = $1 AND state = 'needs_review'
               UNION ALL SELECT 'run', 'failed', count(*) FROM runs WHERE tenant_id = $1 AND state = 'failed'
               UNION ALL SELECT 'effect', 'dead', count(*) FROM effects WHERE tenant_id = $1 AND state = 'dead'
               UNION ALL SELECT 'effect', state, count(*) FROM effects
                WHERE tenant_id = $1 AND settled_at IS NULL GROUP BY state";
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Counts a tenant's work that is due at `now` and not begun. Uses the indexes `*_due_by_tenant`.
pub fn due(tx: &mut Tx, now: Timestamp) -> Result<i64> {
    let sql = "SELECT (SELECT count(*) FROM events WHERE tenant_id = $1 AND due_at <= $2)
                    + (SELECT count(*) FROM runs WHERE tenant_id = $1 AND due_at <= $2)
                    + (SELECT count(*) FROM effects WHERE tenant_id = $1 AND due_at <= $2) AS number";
    let rows: Vec<Number> =
        on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant).bind::<BigInt, _>(now))
            .load(c))?;
    Ok(rows.first().map_or(0, |row| row.number))
}

#[derive(diesel::QueryableByName)]
struct Oldest {
    #[diesel(sql_type = Nullable<BigInt>)]
    moment: Option<Timestamp>,
}

/// Returns since when the tenant's oldest due work has been waiting.
pub fn oldest_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(moment) AS moment FROM (
                 SELECT min(due_at) AS moment FROM events WHERE tenant_id = $1 AND due_at IS NOT NULL
                 UNION ALL SELECT min(due_at) FROM runs WHERE tenant_id = $1 AND due_at IS NOT NULL
                 UNION ALL SELECT min(due_at) FROM effects WHERE tenant_id = $1 AND due_at IS NOT NULL
                 UNION ALL SELECT min(due_at) FROM notices WHERE tenant_id = $1 AND due_at IS NOT NULL) AS due";
    let rows: Vec<Oldest> =
        on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))?;
    Ok(rows.first().and_then(|row| row.moment))
}
