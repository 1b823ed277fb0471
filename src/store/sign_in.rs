//! Rows of `sign_ins`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::address::EmailAddress;
use crate::model::sign_in::{SignIn, sign_ins};
use crate::model::user::{memberships, users};
use crate::model::{TenantId, UserId};
use crate::store::conn::on;
use crate::store::{Conn, dialect};

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
    let update = diesel::update(sign_ins::table.find(&standing.user_id)).set(standing);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Lists at most `limit` members of a tenant whose sign-in is locked, and since when, by address.
pub fn locked_of(
    conn: &mut Conn,
    tenant: &TenantId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(EmailAddress, Option<Timestamp>)>> {
    let members = memberships::table.filter(memberships::tenant_id.eq(tenant)).select(memberships::user_id);
    on!(conn, |c| sign_ins::table
        .inner_join(users::table.on(users::id.eq(sign_ins::user_id)))
        .filter(sign_ins::user_id.eq_any(members))
        .filter(sign_ins::locked_until.gt(now))
        .order(users::email_key)
        .limit(limit)
        .select((users::email, sign_ins::locked_at))
        .load(c))
}
