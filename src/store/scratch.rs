//! What is done to a copy of a tenant's rows before an automation is tried out on it. Only ever called on a
//! scratch database, which is SQLite.

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};

use crate::Tx;
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;

/// Readies a copy for a trial: the tenant is live, its automations are switched off, and what was being sent is
/// no longer leased. A cursor counts as one that cannot be read just now, so that no message waits for it.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn prepare(tx: &mut Tx) -> Result<()> {
    for statement in [
        "UPDATE tenants SET state = 'active', mode = 'live' WHERE id = $1",
        "UPDATE automations SET state = 'disabled' WHERE tenant_id = $1",
        "UPDATE effects SET state = 'retrying' WHERE tenant_id = $1 AND state = 'leased'",
        "UPDATE cursors SET attempt = 1 WHERE tenant_id = $1",
    ] {
        on!(tx.conn, |c| diesel::sql_query(statement).bind::<Text, _>(tx.tenant).execute(c))?;
    }
    Ok(())
}

/// Takes back what has happened since a moment. Contacts, jobs and settings stay as they are; leads that came
/// later become as they were when they came.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn rewind(tx: &mut Tx, to: Timestamp) -> Result<()> {
    const RUNS: &str = "SELECT id FROM runs WHERE tenant_id = $1 AND started_at > $2";
    let effects = format!("SELECT id FROM effects WHERE tenant_id = $1 AND run_id IN ({RUNS})");
    for statement in [
        format!("DELETE FROM verdicts WHERE tenant_id = $1 AND effect_id IN ({effects})"),
        format!("DELETE FROM attempts WHERE tenant_id = $1 AND effect_id IN ({effects})"),
        format!("DELETE FROM effects WHERE tenant_id = $1 AND run_id IN ({RUNS})"),
        format!("DELETE FROM steps WHERE tenant_id = $1 AND run_id IN ({RUNS})"),
        "DELETE FROM runs WHERE tenant_id = $1 AND started_at > $2".to_owned(),
        "DELETE FROM events WHERE tenant_id = $1 AND received_at > $2
            AND id NOT IN (SELECT event_id FROM runs WHERE tenant_id = $1)"
            .to_owned(),
        "DELETE FROM messages WHERE tenant_id = $1 AND sent_at > $2".to_owned(),
        "DELETE FROM consents WHERE tenant_id = $1 AND at > $2".to_owned(),
        "DELETE FROM suppressions WHERE tenant_id = $1 AND created_at > $2".to_owned(),
        "DELETE FROM tasks WHERE tenant_id = $1 AND created_at > $2".to_owned(),
        "DELETE FROM appointments WHERE tenant_id = $1 AND created_at > $2".to_owned(),
        "UPDATE leads SET state = CASE state WHEN 'spam' THEN state ELSE 'new' END, answered_at = NULL,
                responded_at = NULL WHERE tenant_id = $1 AND received_at > $2"
            .to_owned(),
        // What was in doubt then is known by now.
        "UPDATE effects SET state = 'delivered' WHERE tenant_id = $1 AND state = 'in_doubt' AND created_at <= $2"
            .to_owned(),
    ] {
        on!(tx.conn, |c| diesel::sql_query(statement.as_str())
            .bind::<Text, _>(tx.tenant)
            .bind::<BigInt, _>(to)
            .execute(c))?;
    }
    Ok(())
}
