//! Rows of `sign_ins`.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::conn::on;
use crate::kept::{self, kept};
use crate::{Conn, Tx, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::UserId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::sign_in::{SignIn, sign_ins};
use nexora_core::model::user::{memberships, users};

/// Returns how a user stands; one who has never tried has no row.
pub fn find(conn: &mut Conn, user: &UserId) -> Result<SignIn> {
    let found: Option<SignIn> =
        on!(conn, |c| sign_ins::table.find(user).select(SignIn::as_select()).first(c).optional())?;
    Ok(found.unwrap_or_else(|| SignIn::unused(user.clone())))
}

/// Returns how a user stands, and holds back everybody else who would change it until the transaction
/// ends.
pub fn find_for_change(conn: &mut Conn, user: &UserId) -> Result<SignIn> {
    dialect::lock(conn, user.as_str())?;
    find(conn, user)
}

/// Writes how a user stands, in place of what was there.
pub fn save(conn: &mut Conn, standing: &SignIn) -> Result<()> {
    let insert = diesel::insert_into(sign_ins::table).values(standing).on_conflict_do_nothing();
    if on!(conn, |c| insert.execute(c))? > 0 {
        return Ok(());
    }
    let update = kept::update(sign_ins::table.find(&standing.user_id)).set(standing);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Counts a try that no user answers for, or that is not written down by itself.
pub fn count_uncounted(conn: &mut Conn, now: Timestamp) -> Result<()> {
    let sql = "UPDATE uncounted_sign_ins SET tries = tries + 1, tried_at = $1 WHERE id = 1";
    on!(conn, |c| diesel::sql_query(sql).bind::<BigInt, _>(now).execute(c)).map(|_| ())
}

/// Returns how many tries were counted so.
pub fn uncounted(conn: &mut Conn) -> Result<i64> {
    #[derive(diesel::QueryableByName)]
    struct Tries {
        #[diesel(sql_type = BigInt)]
        tries: i64,
    }
    let sql = "SELECT tries FROM uncounted_sign_ins WHERE id = 1";
    let rows: Vec<Tries> = on!(conn, |c| kept(diesel::sql_query(sql)).load(c))?;
    Ok(rows.first().map_or(0, |row| row.tries))
}

/// Lists at most `limit` members of a tenant whose sign-in is locked, and since when, by address.
pub fn locked_of(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<(EmailAddress, Option<Timestamp>)>> {
    let members =
        memberships::table.filter(memberships::tenant_id.eq(tx.tenant)).select(memberships::user_id);
    on!(tx.conn, |c| sign_ins::table
        .inner_join(users::table.on(users::id.eq(sign_ins::user_id)))
        .filter(sign_ins::user_id.eq_any(members))
        .filter(sign_ins::locked_until.gt(now))
        .order(users::email_key)
        .limit(limit)
        .select((users::email, sign_ins::locked_at))
        .load(c))
}
