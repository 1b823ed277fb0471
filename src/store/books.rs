//! The books of a tenant: what became of everything that was received and promised, counted by queries of their own,
//! and what nobody would ever take up again. They read all rows of a tenant: for a nightly look, or one by hand.

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::conn::on;
use crate::{Tx, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;

/// How many things became the same, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct Part {
    /// `handled`, `waiting`, `failed`, `ignored`, or empty where nothing says what became of it.
    #[diesel(sql_type = Text)]
    pub part: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// The oldest of them.
    #[diesel(sql_type = Text)]
    pub example: String,
}

/// Says what became of each lead.
pub fn leads(tx: &mut Tx) -> Result<Vec<Part>> {
    let lead = dialect::json_text(tx.conn, "payload", "lead_id");
    let told = |state: &str| {
        format!(
            "l.id IN (SELECT {lead} FROM events
                       WHERE tenant_id = $1 AND kind = 'lead.received' AND state = '{state}')"
        )
    };
    let sql = format!(
        "SELECT part, reason, count(*) AS rows, min(id) AS example FROM (
           SELECT l.id, CASE
                    WHEN l.is_test OR l.state = 'spam' THEN 'ignored'
                    WHEN EXISTS (SELECT 1 FROM runs r WHERE r.tenant_id = l.tenant_id AND r.subject_id = l.id)
                      THEN 'handled'
                    WHEN {dispatched} THEN 'handled'
                    WHEN {pending} THEN 'waiting'
                    WHEN {ignored} THEN 'ignored'
                    ELSE '' END AS part,
                  CASE
                    WHEN l.is_test THEN 'a test'
                    WHEN l.state = 'spam' THEN 'held back as spam'
                    WHEN EXISTS (SELECT 1 FROM runs r WHERE r.tenant_id = l.tenant_id AND r.subject_id = l.id)
                      THEN NULL
                    WHEN {ignored} THEN 'no automation was enabled for it'
                    ELSE NULL END AS reason
             FROM leads l WHERE l.tenant_id = $1) AS books
          GROUP BY part, reason ORDER BY part, reason",
        dispatched = told("dispatched"),
        pending = told("pending"),
        ignored = told("ignored"),
    );
    on!(tx.conn, |c| diesel::sql_query(sql).bind::<Text, _>(tx.tenant).load(c))
}

/// Says what became of each event. One that was dispatched since `runs_since` has a run, or says what it came to.
pub fn events(tx: &mut Tx, runs_since: Timestamp) -> Result<Vec<Part>> {
    // SQLite numbers parameters as they come in the text.
    let sql = "SELECT part, reason, count(*) AS rows, min(id) AS example FROM (
                 SELECT e.id, CASE
                          WHEN e.state = 'pending' AND e.due_at IS NOT NULL AND e.attempt = 0 THEN 'waiting'
                          WHEN e.state = 'pending' AND e.due_at IS NOT NULL THEN 'failed'
                          WHEN e.state = 'ignored' THEN 'ignored'
                          WHEN e.state = 'dispatched' AND (e.reason IS NOT NULL OR e.received_at < $1 OR
                               EXISTS (SELECT 1 FROM runs r WHERE r.tenant_id = e.tenant_id AND r.event_id = e.id))
                            THEN 'handled'
                          ELSE '' END AS part,
                        CASE WHEN e.state = 'ignored' OR (e.state = 'pending' AND e.attempt > 0) THEN e.reason
                             ELSE NULL END AS reason
                   FROM events e WHERE e.tenant_id = $2) AS books
                GROUP BY part, reason ORDER BY part, reason";
    on!(tx.conn, |c| diesel::sql_query(sql).bind::<BigInt, _>(runs_since).bind::<Text, _>(tx.tenant).load(c))
}

/// Says what became of each run. One that is not finished is due, or waits for something that is there.
pub fn runs(tx: &mut Tx) -> Result<Vec<Part>> {
    let sql = "SELECT part, reason, count(*) AS rows, min(id) AS example FROM (
                 SELECT r.id, CASE
                          WHEN r.state = 'failed' THEN 'failed'
                          WHEN r.state = 'cancelled' THEN 'ignored'
                          WHEN r.finished_at IS NOT NULL THEN 'handled'
                          WHEN r.due_at IS NOT NULL THEN 'waiting'
                          WHEN EXISTS (SELECT 1 FROM effects f WHERE f.tenant_id = r.tenant_id
                                        AND f.run_id = r.id AND f.settled_at IS NULL) THEN 'waiting'
                          WHEN a.state = 'paused' OR t.state = 'suspended' THEN 'waiting'
                          ELSE '' END AS part,
                        CASE WHEN r.state IN ('failed', 'cancelled') THEN r.reason
                             WHEN r.finished_at IS NULL AND r.due_at IS NULL AND a.state = 'paused'
                               THEN 'its automation is paused'
                             ELSE NULL END AS reason
                   FROM runs r JOIN automations a ON a.tenant_id = r.tenant_id AND a.id = r.automation_id
                               JOIN tenants t ON t.id = r.tenant_id
                  WHERE r.tenant_id = $1) AS books
                GROUP BY part, reason ORDER BY part, reason";
    on!(tx.conn, |c| diesel::sql_query(sql).bind::<Text, _>(tx.tenant).load(c))
}

/// Says what became of each effect. One that is not settled is due, is being tried by `now`, or is held for a person.
pub fn effects(tx: &mut Tx, now: Timestamp) -> Result<Vec<Part>> {
    let sql = "SELECT part, reason, count(*) AS rows, min(id) AS example FROM (
                 SELECT f.id, CASE
                          WHEN f.state = 'delivered' THEN 'handled'
                          WHEN f.state = 'dead' THEN 'failed'
                          WHEN f.state = 'discarded' THEN 'ignored'
                          WHEN f.settled_at IS NOT NULL THEN ''
                          WHEN f.due_at IS NOT NULL OR f.state = 'in_doubt' THEN 'waiting'
                          WHEN f.lease_until IS NOT NULL AND f.lease_until > $1 THEN 'waiting'
                          WHEN c.state <> 'active' OR t.state = 'suspended' THEN 'waiting'
                          ELSE '' END AS part,
                        CASE WHEN f.state IN ('dead', 'discarded') THEN f.reason
                             WHEN f.settled_at IS NULL AND f.due_at IS NULL AND c.state <> 'active'
                               THEN 'its connection is ' || c.state
                             ELSE NULL END AS reason
                   FROM effects f JOIN connections c ON c.tenant_id = f.tenant_id AND c.id = f.connection_id
                                  JOIN tenants t ON t.id = f.tenant_id
                  WHERE f.tenant_id = $2) AS books
                GROUP BY part, reason ORDER BY part, reason";
    on!(tx.conn, |c| diesel::sql_query(sql).bind::<BigInt, _>(now).bind::<Text, _>(tx.tenant).load(c))
}
