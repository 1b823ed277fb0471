//! Rows of `sign_ins`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::address::EmailAddress;
use crate::model::sign_in::SignIn;
use crate::model::{TenantId, UserId};
use crate::store::conn::on;
use crate::store::schema::{memberships, users};
use crate::store::{Conn, dialect};

diesel::table! {
    sign_ins (user_id) {
        user_id -> Text,
        failures -> Integer,
        failed_at -> Nullable<BigInt>,
        locked_until -> Nullable<BigInt>,
        totp_sealed -> Nullable<Binary>,
        totp_pending -> Nullable<Binary>,
        totp_step -> BigInt,
        recovery -> Text,
        last_at -> Nullable<BigInt>,
        locked_at -> Nullable<BigInt>,
        known_failures -> Integer,
        known_failed_at -> Nullable<BigInt>,
        known_locked_until -> Nullable<BigInt>,
        known_locked_at -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(sign_ins, memberships);
diesel::allow_tables_to_appear_in_same_query!(sign_ins, users);

/// Returns how a user stands; one who has never tried has no row.
pub fn find(conn: &mut Conn, user: &UserId) -> Result<SignIn> {
    let found: Option<SignIn> = on!(conn, c => sign_ins::table.find(user).first(c).optional())?;
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
    let columns = (
        sign_ins::failures.eq(standing.failures),
        sign_ins::failed_at.eq(standing.failed_at),
        sign_ins::locked_until.eq(standing.locked_until),
        sign_ins::totp_sealed.eq(&standing.totp_sealed),
        sign_ins::totp_pending.eq(&standing.totp_pending),
        sign_ins::totp_step.eq(standing.totp_step),
        sign_ins::recovery.eq(&standing.recovery),
        sign_ins::last_at.eq(standing.last_at),
        sign_ins::locked_at.eq(standing.locked_at),
        sign_ins::known_failures.eq(standing.known_failures),
        sign_ins::known_failed_at.eq(standing.known_failed_at),
        sign_ins::known_locked_until.eq(standing.known_locked_until),
        sign_ins::known_locked_at.eq(standing.known_locked_at),
    );
    let row = (sign_ins::user_id.eq(&standing.user_id), columns);
    let insert = diesel::insert_into(sign_ins::table).values(row).on_conflict_do_nothing();
    if on!(conn, c => insert.execute(c))? > 0 {
        return Ok(());
    }
    let update = diesel::update(sign_ins::table.find(&standing.user_id)).set(columns);
    on!(conn, c => update.execute(c)).map(|_| ())
}

/// Lists at most `limit` members of a tenant whose sign-in is locked, and since when, by address.
pub fn locked_of(
    conn: &mut Conn,
    tenant: &TenantId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(EmailAddress, Option<Timestamp>)>> {
    let members = memberships::table.filter(memberships::tenant_id.eq(tenant)).select(memberships::user_id);
    on!(conn, c => sign_ins::table
        .inner_join(users::table.on(users::id.eq(sign_ins::user_id)))
        .filter(sign_ins::user_id.eq_any(members))
        .filter(sign_ins::locked_until.gt(now))
        .order(users::email_key)
        .limit(limit)
        .select((users::email, sign_ins::locked_at))
        .load(c))
}
