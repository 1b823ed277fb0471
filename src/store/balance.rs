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
use nexora_core::model::effect::EffectState;
use nexora_core::model::{ConnectionId, EffectId};

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
/// effects that are given up or not settled, leads that could not be fetched. Uses `leads_unreviewed`, `runs_failed`, `effects_dead` and
/// `effects_unsettled`.
pub fn unsettled(tx: &mut Tx) -> Result<Vec<Count>> {
    let sql = "SELECT 'lead' AS noun, 'needs_review' AS state, count(*) AS rows FROM leads
                WHERE tenant_id = $1 AND state = 'needs_review'
               UNION ALL SELECT 'run', 'failed', count(*) FROM runs WHERE tenant_id = $1 AND state = 'failed'
               UNION ALL SELECT 'effect', 'dead', count(*) FROM effects WHERE tenant_id = $1 AND state = 'dead'
               UNION ALL SELECT 'effect', state, count(*) FROM effects
                WHERE tenant_id = $1 AND settled_at IS NULL GROUP BY state
               UNION ALL SELECT 'notice', state, count(*) FROM notices
                WHERE tenant_id = $1 AND state IN ('retrying', 'failed') GROUP BY state";
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

/// Since when the oldest due thing of a kind has been waiting.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName, serde::Serialize)]
pub struct Oldest {
    /// `event`, `run`, `effect` or `notice`.
    #[diesel(sql_type = Text)]
    pub noun: String,
    #[diesel(sql_type = BigInt)]
    pub moment: Timestamp,
}

/// Returns since when the tenant's oldest due work of each kind has been waiting: the lag of each stage. Uses the
/// indexes `*_due_by_tenant`.
pub fn oldest_due(tx: &mut Tx) -> Result<Vec<Oldest>> {
    let sql = "SELECT noun, moment FROM (
                 SELECT 'event' AS noun, min(due_at) AS moment FROM events
                  WHERE tenant_id = $1 AND due_at IS NOT NULL
                 UNION ALL SELECT 'run', min(due_at) FROM runs WHERE tenant_id = $1 AND due_at IS NOT NULL
                 UNION ALL SELECT 'effect', min(due_at) FROM effects WHERE tenant_id = $1 AND due_at IS NOT NULL
                 UNION ALL SELECT 'notice', min(due_at) FROM notices WHERE tenant_id = $1 AND due_at IS NOT NULL
               ) AS due WHERE moment IS NOT NULL ORDER BY moment, noun";
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))
}

/// Effects that did not go through, all in the same state and for the same reason.
#[derive(Clone, Debug, diesel::QueryableByName, serde::Serialize)]
pub struct Failure {
    #[diesel(sql_type = Text)]
    pub state: EffectState,
    #[diesel(sql_type = Text)]
    pub connection_id: ConnectionId,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    #[diesel(sql_type = BigInt)]
    pub since: Timestamp,
    /// The oldest of them.
    #[diesel(sql_type = Text)]
    pub example: EffectId,
}

/// Returns what did not go through, by its reason, the most frequent first. Uses `effects_dead` and
/// `effects_unsettled`.
pub fn failures(tx: &mut Tx) -> Result<Vec<Failure>> {
    let sql =
        "SELECT state, connection_id, reason, count(*) AS rows, min(at) AS since, min(id) AS example FROM (
                 SELECT state, connection_id, reason, created_at AS at, id FROM effects
                  WHERE tenant_id = $1 AND state = 'dead'
                 UNION ALL SELECT state, connection_id, reason, created_at, id FROM effects
                  WHERE tenant_id = $1 AND state IN ('retrying', 'in_doubt') AND settled_at IS NULL
               ) AS failed GROUP BY state, connection_id, reason ORDER BY 4 DESC, 6 LIMIT 10";
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))
}

/// How many things wait for one.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct Waiting {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
}

/// Counts the effects that are not settled, by connection. Uses `effects_unsettled`.
pub fn waiting_by_connection(tx: &mut Tx) -> Result<Vec<Waiting>> {
    let sql = "SELECT connection_id AS id, count(*) AS rows FROM effects
                WHERE tenant_id = $1 AND settled_at IS NULL GROUP BY connection_id";
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))
}

/// Counts the runs that a pause holds, by automation. Uses `runs_by_automation`.
pub fn parked_by_automation(tx: &mut Tx) -> Result<Vec<Waiting>> {
    let sql = "SELECT automation_id AS id, count(*) AS rows FROM runs
                WHERE tenant_id = $1 AND state = 'waiting' AND due_at IS NULL AND finished_at IS NULL
                GROUP BY automation_id";
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))
}
