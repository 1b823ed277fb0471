//! Rows of `sessions`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Tx, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::session::{Session, sessions};
use nexora_core::model::user::memberships;
use nexora_core::model::{SessionId, UserId};

/// Sessions that one trimming ends at most.
const TRIMMED: i64 = 500;

pub fn insert(conn: &mut Conn, session: &Session) -> Result<()> {
    on!(conn, |c| diesel::insert_into(sessions::table).values(session).execute(c)).map(|_| ())
}

pub fn find(conn: &mut Conn, id: &SessionId) -> Result<Option<Session>> {
    on!(conn, |c| sessions::table.find(id).select(Session::as_select()).first(c).optional())
}

pub fn find_by_token(conn: &mut Conn, token_hash: &str) -> Result<Option<Session>> {
    on!(conn, |c| sessions::table
        .filter(sessions::token_hash.eq(token_hash))
        .select(Session::as_select())
        .first(c)
        .optional())
}

/// Lists at most `limit` sessions that were neither revoked nor have ended, latest first.
pub fn list(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Session>> {
    on!(conn, |c| sessions::table
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order(sessions::id.desc())
        .limit(limit)
        .select(Session::as_select())
        .load(c))
}

/// Lists those of a tenant: of its links and of its members.
pub fn list_of(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<Session>> {
    on!(tx.conn, |c| sessions::table
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(
            sessions::tenant_id.eq(tx.tenant).or(sessions::user_id.eq_any(
                memberships::table
                    .filter(memberships::tenant_id.eq(tx.tenant))
                    .select(memberships::user_id.nullable())
            ))
        )
        .order(sessions::id.desc())
        .limit(limit)
        .load(c))
}

/// Returns when a tenant's link was last opened that ends at `ends`, and holds back everybody else who
/// opens one of the tenant's until the transaction ends.
pub fn last_of_link(tx: &mut Tx, ends: Timestamp) -> Result<Option<Timestamp>> {
    dialect::lock(tx.conn, tx.tenant.as_str())?;
    on!(tx.conn, |c| sessions::table
        .filter(sessions::tenant_id.eq(tx.tenant))
        .filter(sessions::expires_at.eq(ends))
        .order(sessions::id.desc())
        .select(sessions::created_at)
        .first(c)
        .optional())
}

/// Deletes all but the `kept` sessions of a link that were used last.
pub fn trim_link(tx: &mut Tx, ends: Timestamp, kept: i64) -> Result<usize> {
    let beyond: Vec<SessionId> = on!(tx.conn, |c| sessions::table
        .filter(sessions::tenant_id.eq(tx.tenant))
        .filter(sessions::expires_at.eq(ends))
        .order((sessions::seen_at.desc(), sessions::id.desc()))
        .offset(kept)
        .limit(TRIMMED)
        .select(sessions::id)
        .load(c))?;
    on!(tx.conn, |c| diesel::delete(sessions::table.filter(sessions::id.eq_any(&beyond))).execute(c))
}

pub fn touch(conn: &mut Conn, id: &SessionId, now: Timestamp) -> Result<()> {
    on!(conn, |c| kept::update(sessions::table.find(id)).set(sessions::seen_at.eq(now)).execute(c))
        .map(|_| ())
}

/// Revokes one session; returns how many that were.
pub fn revoke(conn: &mut Conn, id: &SessionId, now: Timestamp) -> Result<usize> {
    let update = kept::update(sessions::table.find(id).filter(sessions::revoked_at.is_null()))
        .set(sessions::revoked_at.eq(now));
    on!(conn, |c| update.execute(c))
}

/// Revokes every session of a user.
pub fn revoke_of_user(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<usize> {
    let open = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::revoked_at.is_null());
    let update = kept::update(open).set(sessions::revoked_at.eq(now));
    on!(conn, |c| update.execute(c))
}

/// Revokes every session of a user but one.
pub fn revoke_others(conn: &mut Conn, user: &UserId, but: &SessionId, now: Timestamp) -> Result<usize> {
    let open = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::id.ne(but))
        .filter(sessions::revoked_at.is_null());
    let update = kept::update(open).set(sessions::revoked_at.eq(now));
    on!(conn, |c| update.execute(c))
}

/// Revokes every session that came of a link of a tenant.
pub fn revoke_of_links(tx: &mut Tx, now: Timestamp) -> Result<usize> {
    let open =
        sessions::table.filter(sessions::tenant_id.eq(tx.tenant)).filter(sessions::revoked_at.is_null());
    let update = kept::update(open).set(sessions::revoked_at.eq(now));
    on!(tx.conn, |c| update.execute(c))
}

pub fn revoke_all(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let open = sessions::table.filter(sessions::revoked_at.is_null());
    on!(conn, |c| kept::update(open).set(sessions::revoked_at.eq(now)).execute(c))
}

/// Deletes sessions that ended before `before`.
pub fn prune(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<SessionId> = on!(conn, |c| sessions::table
        .filter(sessions::expires_at.lt(before))
        .order(sessions::id)
        .limit(limit)
        .select(sessions::id)
        .load(c))?;
    on!(conn, |c| diesel::delete(sessions::table.filter(sessions::id.eq_any(&old))).execute(c))
}
