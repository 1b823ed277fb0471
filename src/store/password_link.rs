//! Rows of `password_links`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn};
use nexora_core::base::Result;
use nexora_core::model::UserId;
use nexora_core::model::password_link::{PasswordLink, password_links};

pub fn find(conn: &mut Conn, user: &UserId) -> Result<Option<PasswordLink>> {
    on!(conn, |c| password_links::table.find(user).select(PasswordLink::as_select()).first(c).optional())
}

pub fn find_by_token(conn: &mut Conn, token_hash: &str) -> Result<Option<PasswordLink>> {
    on!(conn, |c| password_links::table
        .filter(password_links::token_hash.eq(token_hash))
        .select(PasswordLink::as_select())
        .first(c)
        .optional())
}

/// Writes a user's link in the place of the one that was there.
pub fn save(conn: &mut Conn, link: &PasswordLink) -> Result<()> {
    let insert = diesel::insert_into(password_links::table).values(link).on_conflict_do_nothing();
    if on!(conn, |c| insert.execute(c))? > 0 {
        return Ok(());
    }
    let update = kept::update(password_links::table.find(&link.user_id)).set(link);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Uses a link up; lost when it was used, or another one was made, meanwhile.
pub fn take(conn: &mut Conn, user: &UserId, token_hash: &str) -> Result<Claim> {
    let open = password_links::table.find(user).filter(password_links::token_hash.eq(token_hash));
    let update = kept::update(open).set(password_links::token_hash.eq(None::<String>));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Ends a user's link, where there is one.
pub fn end(conn: &mut Conn, user: &UserId) -> Result<()> {
    let update =
        kept::update(password_links::table.find(user)).set(password_links::token_hash.eq(None::<String>));
    on!(conn, |c| update.execute(c)).map(|_| ())
}
