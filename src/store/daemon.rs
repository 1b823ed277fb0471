//! Rows of `daemons` and `key_checks`: what belongs to the installation and to no tenant.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::DaemonId;
use nexora_core::model::cursor::cursors;
use nexora_core::model::daemon::{Daemon, daemons, key_checks};
use nexora_core::model::effect::effects;
use nexora_core::model::source::notices;

/// Writes a daemon's sign of life.
pub fn save(conn: &mut Conn, daemon: &Daemon) -> Result<()> {
    let update = kept::update(daemons::table.find(&daemon.id))
        .set((daemon, daemons::given_back_at.eq(None::<Timestamp>)));
    if on!(conn, |c| update.execute(c))? == 0 {
        on!(conn, |c| diesel::insert_into(daemons::table).values(daemon).execute(c))?;
    }
    Ok(())
}

/// Notes that a daemon was last heard at a moment, since the clock by which it was heard has gone back.
pub fn heard_at(conn: &mut Conn, id: &DaemonId, at: Timestamp) -> Result<()> {
    on!(conn, |c| kept::update(daemons::table.find(id)).set(daemons::beat_at.eq(at)).execute(c)).map(|_| ())
}

/// Lists daemons, the one that was heard last first.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Daemon>> {
    on!(conn, |c| daemons::table
        .order((daemons::beat_at.desc(), daemons::id.desc()))
        .limit(limit)
        .select(Daemon::as_select())
        .load(c))
}

/// Lists the daemons that may hold something. There are few: of those that are gone it is given back soon.
pub fn holders(conn: &mut Conn) -> Result<Vec<Daemon>> {
    on!(conn, |c| daemons::table.filter(daemons::given_back_at.is_null()).select(Daemon::as_select()).load(c))
}

/// Gives back what a daemon held that is gone, once: what it read is read anew at once, and what it was sending is
/// asked after from `landed_at` on. Uses `cursors_leased`, `notices_due` and `effects_leased`.
pub fn give_back(conn: &mut Conn, holder: &DaemonId, now: Timestamp, landed_at: Timestamp) -> Result<usize> {
    let gone = daemons::table.find(holder).filter(daemons::given_back_at.is_null());
    if on!(conn, |c| kept::update(gone).set(daemons::given_back_at.eq(now)).execute(c))? == 0 {
        return Ok(0);
    }
    let polls =
        cursors::table.filter(cursors::lease_until.is_not_null()).filter(cursors::leased_by.eq(holder));
    let polls =
        kept::update(polls).set((cursors::due_at.eq(now), cursors::lease_until.eq(None::<Timestamp>)));
    let polls = on!(conn, |c| polls.execute(c))?;
    let fetches = notices::table.filter(notices::due_at.is_not_null()).filter(notices::leased_by.eq(holder));
    let fetches =
        kept::update(fetches).set((notices::due_at.eq(now), notices::leased_by.eq(None::<DaemonId>)));
    let fetches = on!(conn, |c| fetches.execute(c))?;
    let deliveries =
        effects::table.filter(effects::lease_until.gt(landed_at)).filter(effects::leased_by.eq(holder));
    let deliveries = kept::update(deliveries).set(effects::lease_until.eq(landed_at));
    let deliveries = on!(conn, |c| deliveries.execute(c))?;
    Ok(polls + fetches + deliveries)
}

/// Forgets the daemons of which nothing was heard since `before`.
pub fn forget(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    on!(conn, |c| diesel::delete(daemons::table.filter(daemons::beat_at.lt(before))).execute(c))
}

/// Returns what the clock of the database's server shows; nothing where the database is a file of this machine.
pub fn server_time(conn: &mut Conn) -> Result<Option<Timestamp>> {
    dialect::server_time(conn)
}

/// There is one row of `key_checks`.
const ONLY: i64 = 1;

/// Returns what only this database's master key opens.
pub fn key_check(conn: &mut Conn) -> Result<Option<Vec<u8>>> {
    on!(conn, |c| key_checks::table.find(ONLY).select(key_checks::sealed).first(c).optional())
}

/// Stores what only this database's master key opens, unless something is stored already.
pub fn insert_key_check(conn: &mut Conn, sealed: &[u8]) -> Result<()> {
    let row = (key_checks::id.eq(ONLY), key_checks::sealed.eq(sealed));
    let insert = diesel::insert_into(key_checks::table).values(row).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Writes for real, so that it shows whether that can be done; it leaves everything as it was.
pub fn try_write(conn: &mut Conn) -> Result<()> {
    let update = diesel::update(key_checks::table).set(key_checks::sealed.eq(key_checks::sealed));
    on!(conn, |c| update.execute(c)).map(|_| ())
}
