//! A user's own password, changed by themselves.

use crate::app::App;
use crate::ops::access::session::{self, Client};
use crate::ops::access::{password, sign_in};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::audit::Actor;
use nexora_store::audit::{self, Change};
use nexora_store::{session as sessions, user};

/// The name of it in the audit trail.
const CHANGE: &str = "user.change_password";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    Done,
    /// The present password is not right, or there were too many tries.
    Wrong,
    /// The new one will not do, for this reason.
    Weak(String),
}

/// Changes the password of the user whose session the browser holds `token` of. Their other sessions end. A wrong present
/// password counts as a failure to sign in: a browser that was left open is no way to try passwords out.
///
/// # Errors
/// `Denied` when nobody is signed in, or the session came of a link; `Unavailable` when the database cannot be reached.
pub async fn change(
    app: &App,
    token: &Secret,
    (present, new): (&Secret, &Secret),
    client: &Client,
) -> Result<Changed> {
    let (kept, found) =
        session::owner(app, token).await?.ok_or_else(|| Error::denied("nobody is signed in"))?;
    let hash = match password::hash(new).await {
        Ok(hash) => hash,
        Err(error) if error.kind() == Kind::Usage => {
            return Ok(Changed::Weak([error.message(), error.hint_text().unwrap_or_default()].join("; ")));
        }
        Err(error) => return Err(error),
    };
    if !sign_in::confirm(app, &found, present, client).await? {
        return Ok(Changed::Wrong);
    }
    let (now, ledger) = (app.clock.now(), app.ledger.clone());
    let change = app.db.write(move |conn| {
        user::set_password_hash(conn, &found.id, &hash, now)?;
        sessions::revoke_others(conn, &found.id, &kept.id, now)?;
        let email = found.email.to_string();
        audit::append(conn, &ledger, None, Change::new(Actor::User(email.clone()), CHANGE, email), now)
    });
    change.await.map(|()| Changed::Done)
}
