//! How much is kept of each kind of data, and whose time is over.

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::Tx;
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::retention::Kept;
use nexora_core::model::{ContactId, LeadId};

/// How much of a kind a tenant has.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Held {
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub oldest: Option<Timestamp>,
    /// Rows whose time is over: they go with the next rounds.
    #[diesel(sql_type = BigInt)]
    pub over: i64,
}

/// Counts what a tenant has of a kind; `before` is when its time began to be over.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn held(tx: &mut Tx, kind: Kept, before: Option<Timestamp>) -> Result<Held> {
    let (table, age, condition) = match kind {
        Kept::Runs => ("runs", "finished_at", "finished_at IS NOT NULL"),
        Kept::Events => (
            "events",
            "received_at",
            "due_at IS NULL AND kind <> 'lead.received' AND NOT EXISTS (SELECT 1 FROM runs
               WHERE runs.tenant_id = events.tenant_id AND runs.event_id = events.id)",
        ),
        Kept::Photos => ("photos", "created_at", "created_at IS NOT NULL"),
        Kept::Spam => ("leads", "received_at", "state = 'spam' AND contact_id IS NULL"),
        Kept::Messages => ("messages", "stored_at", "stored_at IS NOT NULL"),
        Kept::People => ("contacts", "updated_at", "updated_at IS NOT NULL"),
    };
    // SQLite numbers parameters as they come in the text.
    let sql = format!(
        "SELECT count(*) AS rows, min({age}) AS oldest,
                count(CASE WHEN {age} < $1 THEN 1 END) AS over FROM {table} WHERE tenant_id = $2 AND {condition}"
    );
    let before = before.map_or(i64::MIN, Timestamp::millis);
    let query = diesel::sql_query(sql).bind::<BigInt, _>(before).bind::<Text, _>(tx.tenant);
    let mut held: Held = on!(tx.conn, |c| query.get_result(c))?;
    if kind == Kept::People && held.over > 0 {
        // Not whoever was noted long ago, but those with whom nothing has happened since.
        let all = usize::try_from(held.over).unwrap_or(usize::MAX);
        let over = over(tx, Timestamp::from_millis(before), i64::try_from(all).unwrap_or(i64::MAX))?;
        held.over = i64::try_from(over.len()).unwrap_or(i64::MAX);
    }
    Ok(held)
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Returns contacts with whom nothing has happened since a moment, and for whom nothing is open.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn over(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Vec<ContactId>> {
    let since = before.millis();
    let own = "tenant_id = c.tenant_id AND contact_id = c.id";
    let sql = format!(
        "SELECT c.id AS id FROM contacts c
          WHERE c.tenant_id = $1 AND c.updated_at < {since} AND c.created_at < {since}
            AND NOT EXISTS (SELECT 1 FROM leads WHERE {own} AND received_at >= {since})
            AND NOT EXISTS (SELECT 1 FROM messages WHERE {own} AND stored_at >= {since})
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE {own} AND (updated_at >= {since} OR state IN ('open', 'scheduled')))
            AND NOT EXISTS (SELECT 1 FROM tasks WHERE {own} AND state = 'open')
            AND NOT EXISTS (SELECT 1 FROM consents WHERE {own} AND at >= {since})
            AND NOT EXISTS (SELECT 1 FROM appointments WHERE {own} AND ends_at >= {since})
            AND NOT EXISTS (SELECT 1 FROM runs WHERE {own} AND (finished_at IS NULL OR finished_at >= {since}))
          ORDER BY c.id LIMIT {limit}"
    );
    let found: Vec<Found> = on!(tx.conn, |c| diesel::sql_query(sql).bind::<Text, _>(tx.tenant).load(c))?;
    found.into_iter().map(|row| ContactId::parse(&row.id)).collect()
}

/// Returns leads of nobody who is known that came before a moment, and for which nothing is open.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn leads_over(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Vec<LeadId>> {
    let since = before.millis();
    let sql = format!(
        "SELECT l.id AS id FROM leads l
          WHERE l.tenant_id = $1 AND l.contact_id IS NULL AND l.received_at < {since} AND l.state <> 'spam'
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE tenant_id = l.tenant_id AND lead_id = l.id
                             AND (updated_at >= {since} OR state IN ('open', 'scheduled')))
            AND NOT EXISTS (SELECT 1 FROM tasks WHERE tenant_id = l.tenant_id AND lead_id = l.id AND state = 'open')
            AND NOT EXISTS (SELECT 1 FROM runs WHERE tenant_id = l.tenant_id AND subject_id = l.id
                             AND (finished_at IS NULL OR finished_at >= {since}))
          ORDER BY l.id LIMIT {limit}"
    );
    let found: Vec<Found> = on!(tx.conn, |c| diesel::sql_query(sql).bind::<Text, _>(tx.tenant).load(c))?;
    found.into_iter().map(|row| LeadId::parse(&row.id)).collect()
}
