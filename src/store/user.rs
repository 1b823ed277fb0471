//! Rows of `users` and `memberships`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted, Tx, password_link};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::password_link::password_links;
use nexora_core::model::session::sessions;
use nexora_core::model::sign_in::sign_ins;
use nexora_core::model::tenant::tenants;
use nexora_core::model::user::{Membership, Role, User, UserState, memberships, users};
use nexora_core::model::{TenantId, UserId};

/// Inserts the user, unless the address is taken.
pub fn insert(conn: &mut Conn, user: &User) -> Result<Inserted> {
    let insert = diesel::insert_into(users::table).values(user).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find_by_email(conn: &mut Conn, email_key: &str) -> Result<Option<User>> {
    on!(conn, |c| users::table
        .filter(users::email_key.eq(email_key))
        .select(User::as_select())
        .first(c)
        .optional())
}

pub fn find(conn: &mut Conn, id: &UserId) -> Result<Option<User>> {
    on!(conn, |c| users::table.find(id).select(User::as_select()).first(c).optional())
}

/// Returns the operator who has been there longest and is not disabled.
pub fn first_operator(conn: &mut Conn) -> Result<Option<User>> {
    on!(conn, |c| users::table
        .filter(users::operator.eq(true))
        .filter(users::state.eq(UserState::Active))
        .order(users::id)
        .select(User::as_select())
        .first(c)
        .optional())
}

/// Lists at most `limit` users by address.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<User>> {
    on!(conn, |c| users::table.order(users::email_key).limit(limit).select(User::as_select()).load(c))
}

/// Lists the members of a tenant, with their roles.
pub fn list_members(tx: &mut Tx, limit: i64) -> Result<Vec<(User, Role)>> {
    on!(tx.conn, |c| memberships::table
        .inner_join(users::table)
        .filter(memberships::tenant_id.eq(tx.tenant))
        .order(users::email_key)
        .limit(limit)
        .select((User::as_select(), memberships::role))
        .load(c))
}

/// Lists the tenants a user belongs to, by slug, with the role in each.
pub fn memberships_of(conn: &mut Conn, user: &UserId) -> Result<Vec<(String, Role)>> {
    on!(conn, |c| memberships::table
        .inner_join(tenants::table)
        .filter(memberships::user_id.eq(user))
        .order(tenants::slug)
        .select((tenants::slug, memberships::role))
        .load(c))
}

/// Lists the tenants a user belongs to, with the role in each.
pub fn roles_of(conn: &mut Conn, user: &UserId) -> Result<Vec<(TenantId, Role)>> {
    on!(conn, |c| memberships::table
        .filter(memberships::user_id.eq(user))
        .order(memberships::tenant_id)
        .select((memberships::tenant_id, memberships::role))
        .load(c))
}

/// Returns the role of a user in a tenant.
pub fn role_in(tx: &mut Tx, user: &UserId) -> Result<Option<Role>> {
    on!(tx.conn, |c| memberships::table.find((tx.tenant, user)).select(memberships::role).first(c).optional())
}

pub fn set_role(tx: &mut Tx, user: &UserId, role: Role) -> Result<()> {
    let update = kept::update(memberships::table.find((tx.tenant, user))).set(memberships::role.eq(role));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

pub fn delete_membership(tx: &mut Tx, user: &UserId) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(memberships::table.find((tx.tenant, user))).execute(c)).map(|_| ())
}

/// Makes the user a member, unless they are one.
pub fn insert_membership(tx: &mut Tx, user: &UserId, role: Role) -> Result<Inserted> {
    let row = Membership { tenant_id: tx.tenant.clone(), user_id: user.clone(), role };
    let insert = diesel::insert_into(memberships::table).values(&row).on_conflict_do_nothing();
    on!(tx.conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Says whether a user may sign in; the link of one who may not ends.
pub fn set_state(conn: &mut Conn, id: &UserId, state: UserState, now: Timestamp) -> Result<()> {
    let update = kept::update(users::table.find(id)).set((users::state.eq(state), users::updated_at.eq(now)));
    on!(conn, |c| update.execute(c))?;
    match state {
        UserState::Active => Ok(()),
        UserState::Disabled => password_link::end(conn, id),
    }
}

/// Gives a user another password, which ends the link by which they could have set one.
pub fn set_password_hash(conn: &mut Conn, id: &UserId, hash: &str, now: Timestamp) -> Result<()> {
    let update =
        kept::update(users::table.find(id)).set((users::password_hash.eq(hash), users::updated_at.eq(now)));
    on!(conn, |c| update.execute(c))?;
    password_link::end(conn, id)
}

/// Tells whether a tenant has an owner who may sign in, other than this user.
pub fn has_other_owner(tx: &mut Tx, user: &UserId) -> Result<bool> {
    let others = memberships::table
        .inner_join(users::table)
        .filter(memberships::tenant_id.eq(tx.tenant))
        .filter(memberships::role.eq(Role::Owner))
        .filter(memberships::user_id.ne(user))
        .filter(users::state.eq(UserState::Active));
    on!(tx.conn, |c| diesel::select(diesel::dsl::exists(others)).get_result(c))
}

/// Deletes a user with everything by which they sign in, and takes them out of every tenant.
pub fn delete(conn: &mut Conn, user: &UserId) -> Result<()> {
    on!(conn, |c| diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(c))?;
    on!(conn, |c| diesel::delete(sign_ins::table.find(user)).execute(c))?;
    on!(conn, |c| diesel::delete(password_links::table.find(user)).execute(c))?;
    on!(conn, |c| diesel::delete(memberships::table.filter(memberships::user_id.eq(user))).execute(c))?;
    on!(conn, |c| diesel::delete(users::table.find(user)).execute(c)).map(|_| ())
}
