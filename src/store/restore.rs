//! Rows of `restores`, and what a restore means for the effects that were not settled.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::RestoreId;
use nexora_core::model::effect::{Effect, EffectState, effects};
use nexora_core::model::restore::{Restore, restores};

/// Returns the latest restore; nothing in a database that was never restored. Ids sort by their moment.
pub fn latest(conn: &mut Conn) -> Result<Option<Restore>> {
    on!(conn, |c| restores::table.order(restores::id.desc()).select(Restore::as_select()).first(c).optional())
}

/// Notes in a database that it is the copy in a backup, put in place: what it holds as not settled may have happened since,
/// and is asked after; what other processes held is given back, since they worked on another database.
pub fn begin(conn: &mut Conn, restore: &Restore) -> Result<()> {
    for sql in statements(restore) {
        on!(conn, |c| diesel::sql_query(sql.as_str()).execute(c))?;
    }
    Ok(())
}

/// Returns what `begin` does as SQL: where PostgreSQL's own programs restore, it is done in their transaction.
pub fn statements(restore: &Restore) -> Vec<String> {
    let Restore { id, backup_id, backup_at, restored_at, .. } = restore;
    let (since, now, backup_id) = (backup_at.millis(), restored_at.millis(), backup_id.replace('\'', "''"));
    vec![
        format!(
            "INSERT INTO restores (id, backup_id, backup_at, restored_at) VALUES ('{id}', '{backup_id}', {since}, {now})"
        ),
        format!(
            "UPDATE effects SET state = '{}' WHERE state = '{}'",
            EffectState::InDoubt,
            EffectState::Leased
        ),
        format!(
            "UPDATE effects SET unseen_since = {since}, due_at = {now}, lease_until = NULL, epoch = epoch + 1
              WHERE settled_at IS NULL"
        ),
        format!("UPDATE cursors SET due_at = {now}, lease_until = NULL WHERE lease_until IS NOT NULL"),
        format!("UPDATE notices SET due_at = {now}, leased_by = NULL WHERE leased_by IS NOT NULL"),
        "DELETE FROM daemons".to_owned(),
    ]
}

/// Notes that deliveries go on; nothing changes where they do already.
pub fn release(conn: &mut Conn, id: &RestoreId, by: &str, now: Timestamp) -> Result<()> {
    let held = restores::table.find(id).filter(restores::released_at.is_null());
    let update = diesel::update(held).set((restores::released_at.eq(now), restores::released_by.eq(by)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Lists the effects of a tenant of which it is not known whether they happened since the backup, oldest first. Uses
/// `effects_unseen`.
pub fn unseen(tx: &mut Tx, limit: i64) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::unseen_since.is_not_null())
        .order(effects::id)
        .limit(limit)
        .select(Effect::as_select())
        .load(c))
}

/// Makes every effect of a tenant due that waits for the release.
pub fn wake(tx: &mut Tx, now: Timestamp) -> Result<usize> {
    let parked = effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::settled_at.is_null())
        .filter(effects::due_at.is_null())
        .filter(effects::lease_until.is_null())
        .filter(effects::unseen_since.is_null())
        .filter(effects::state.ne(EffectState::InDoubt));
    on!(tx.conn, |c| kept::update(parked).set(effects::due_at.eq(now)).execute(c))
}
