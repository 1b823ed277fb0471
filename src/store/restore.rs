//! Rows of `restores`, and what a restore means for the effects that were not settled.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::cursor::cursors;
use nexora_core::model::daemon::daemons;
use nexora_core::model::effect::{Effect, EffectState, effects};
use nexora_core::model::restore::{Restore, restores};
use nexora_core::model::source::notices;
use nexora_core::model::{DaemonId, RestoreId};

/// Returns the latest restore; nothing in a database that was never restored. Ids sort by their moment.
pub fn latest(conn: &mut Conn) -> Result<Option<Restore>> {
    on!(conn, |c| restores::table.order(restores::id.desc()).select(Restore::as_select()).first(c).optional())
}

/// Notes in a database that it is the copy in a backup, put in place: what it holds as not settled may have happened since,
/// and is asked after; what other processes held is given back, since they worked on another database.
pub fn begin(conn: &mut Conn, restore: &Restore) -> Result<()> {
    on!(conn, |c| diesel::insert_into(restores::table).values(restore).execute(c))?;
    let now = restore.restored_at;
    let leased = effects::table.filter(effects::state.eq(EffectState::Leased));
    on!(conn, |c| diesel::update(leased).set(effects::state.eq(EffectState::InDoubt)).execute(c))?;
    let open = effects::table.filter(effects::settled_at.is_null());
    let open = diesel::update(open).set((
        effects::unseen_since.eq(restore.backup_at),
        effects::due_at.eq(now),
        effects::lease_until.eq(None::<Timestamp>),
        effects::epoch.eq(effects::epoch + 1),
    ));
    on!(conn, |c| open.execute(c))?;
    let polls = diesel::update(cursors::table.filter(cursors::lease_until.is_not_null()))
        .set((cursors::due_at.eq(now), cursors::lease_until.eq(None::<Timestamp>)));
    on!(conn, |c| polls.execute(c))?;
    let fetches = diesel::update(notices::table.filter(notices::leased_by.is_not_null()))
        .set((notices::due_at.eq(now), notices::leased_by.eq(None::<DaemonId>)));
    on!(conn, |c| fetches.execute(c))?;
    on!(conn, |c| diesel::delete(daemons::table).execute(c)).map(|_| ())
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
