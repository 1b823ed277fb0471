//! Everything that is sealed with the master key, of all tenants: what another key has to seal anew.

use diesel::prelude::*;

use crate::Conn;
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::model::UserId;
use nexora_core::model::connection::{Connection, connections};
use nexora_core::model::daemon::key_checks;
use nexora_core::model::form::{Form, forms};
use nexora_core::model::sign_in::{SignIn, sign_ins};
use nexora_core::model::source::{Source, sources};

/// Where a sealed value is.
#[derive(Clone, Debug)]
pub enum Place {
    Connection(Box<Connection>),
    Source(Box<Source>),
    /// The secret key of the puzzle of a tenant's form.
    Turnstile(Box<Form>),
    /// What a user's codes are made with.
    Totp(UserId),
    /// The same, before it was confirmed.
    TotpPending(UserId),
}

impl Place {
    /// Returns the name that binds a sealed value to its row.
    pub fn seal_owner(&self) -> String {
        match self {
            Place::Connection(row) => row.seal_owner(),
            Place::Source(row) => row.seal_owner(),
            Place::Turnstile(row) => Form::seal_owner(&row.tenant_id),
            Place::Totp(user) | Place::TotpPending(user) => SignIn::seal_owner(user),
        }
    }
}

/// What a user's codes are made with, before and after it was confirmed, sealed.
type Codes = (UserId, Option<Vec<u8>>, Option<Vec<u8>>);

/// Lists everything that is sealed, with its place. The key check and the root are not in it.
pub fn all(conn: &mut Conn) -> Result<Vec<(Place, Vec<u8>)>> {
    let mut found = Vec::new();
    let rows: Vec<Connection> = on!(conn, |c| connections::table
        .filter(connections::sealed.is_not_null())
        .order((connections::tenant_id, connections::id))
        .select(Connection::as_select())
        .load(c))?;
    found.extend(rows.into_iter().filter_map(|row| {
        let sealed = row.sealed.clone()?;
        Some((Place::Connection(Box::new(row)), sealed))
    }));
    let rows: Vec<Source> = on!(conn, |c| sources::table
        .filter(sources::sealed.is_not_null())
        .order((sources::tenant_id, sources::id))
        .select(Source::as_select())
        .load(c))?;
    found.extend(rows.into_iter().filter_map(|row| {
        let sealed = row.sealed.clone()?;
        Some((Place::Source(Box::new(row)), sealed))
    }));
    let rows: Vec<Form> = on!(conn, |c| forms::table
        .filter(forms::turnstile_sealed.is_not_null())
        .order(forms::tenant_id)
        .select(Form::as_select())
        .load(c))?;
    found.extend(rows.into_iter().filter_map(|row| {
        let sealed = row.turnstile_sealed.clone()?;
        Some((Place::Turnstile(Box::new(row)), sealed))
    }));
    let rows: Vec<Codes> = on!(conn, |c| sign_ins::table
        .filter(sign_ins::totp_sealed.is_not_null().or(sign_ins::totp_pending.is_not_null()))
        .order(sign_ins::user_id)
        .select((sign_ins::user_id, sign_ins::totp_sealed, sign_ins::totp_pending))
        .load(c))?;
    for (user, sealed, pending) in rows {
        found.extend(sealed.map(|sealed| (Place::Totp(user.clone()), sealed)));
        found.extend(pending.map(|sealed| (Place::TotpPending(user), sealed)));
    }
    Ok(found)
}

/// Puts another sealed value in a place.
pub fn put(conn: &mut Conn, place: &Place, sealed: &[u8]) -> Result<()> {
    let sealed = Some(sealed);
    let changed = match place {
        Place::Connection(row) => {
            let row = connections::table.find((&row.tenant_id, &row.id));
            on!(conn, |c| diesel::update(row).set(connections::sealed.eq(sealed)).execute(c))
        }
        Place::Source(row) => {
            let row = sources::table.find((&row.tenant_id, &row.id));
            on!(conn, |c| diesel::update(row).set(sources::sealed.eq(sealed)).execute(c))
        }
        Place::Turnstile(row) => {
            let row = forms::table.find(&row.tenant_id);
            on!(conn, |c| diesel::update(row).set(forms::turnstile_sealed.eq(sealed)).execute(c))
        }
        Place::Totp(user) => {
            let row = sign_ins::table.find(user);
            on!(conn, |c| diesel::update(row).set(sign_ins::totp_sealed.eq(sealed)).execute(c))
        }
        Place::TotpPending(user) => {
            let row = sign_ins::table.find(user);
            on!(conn, |c| diesel::update(row).set(sign_ins::totp_pending.eq(sealed)).execute(c))
        }
    };
    changed.map(|_| ())
}

/// Returns the sealed root of what is derived; nothing where it is the master key itself.
pub fn root(conn: &mut Conn) -> Result<Option<Vec<u8>>> {
    let found: Option<Option<Vec<u8>>> =
        on!(conn, |c| key_checks::table.select(key_checks::root).first(c).optional())?;
    Ok(found.flatten())
}

/// Writes the key check and the root for another master key.
pub fn put_check(conn: &mut Conn, check: &[u8], root: &[u8]) -> Result<()> {
    on!(conn, |c| diesel::delete(key_checks::table).execute(c))?;
    let row = (key_checks::id.eq(1_i64), key_checks::sealed.eq(check), key_checks::root.eq(Some(root)));
    on!(conn, |c| diesel::insert_into(key_checks::table).values(row).execute(c)).map(|_| ())
}
