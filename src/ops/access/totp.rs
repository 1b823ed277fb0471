//! Two-step sign-in of a user: enrolled in two steps, so that a secret which never reached an
//! authenticator locks no user out; switched off by an operator.

use crate::app::App;
use crate::ops::Subject;
use crate::ops::access::user as users;
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::text::Json;
use nexora_core::base::token::PurposeKey;
use nexora_core::base::{Error, Result};
use nexora_core::model::UserId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::sign_in::SignIn;
use nexora_core::model::user::User;
use nexora_engine::access::totp::{self, Enrolment};
use nexora_store::{session, sign_in, user};

/// Makes a secret for a user's authenticator. It counts once `confirm` has seen a code of it.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn begin(app: &App, actor: &Actor, email: &EmailAddress) -> Result<Enrolment> {
    let found = users::find(app, email).await?.user;
    let secret = totp::new_secret()?;
    let told = totp::enrolment(&secret, &found.email.to_string())?;
    let sealed = app.key.seal(&SignIn::seal_owner(&found.id), &secret)?;
    app.administer(actor, "totp.begin", move |conn, _| {
        let mut standing = sign_in::find_for_change(conn, &found.id)?;
        standing.totp_pending = Some(sealed);
        sign_in::save(conn, &standing)?;
        Ok(((), Subject::new(&found.email)))
    })
    .await?;
    Ok(told)
}

/// Switches two-step sign-in on with the secret that `begin` made, and signs the user out everywhere.
/// Returns the recovery codes, which are not to be had again.
///
/// # Errors
/// `Conflict` when nothing was begun; `Denied` when the code is not one of the secret's.
pub async fn confirm(app: &App, actor: &Actor, email: &EmailAddress, code: &str) -> Result<Vec<String>> {
    let found = users::find(app, email).await?.user;
    let id = found.id.clone();
    let standing = app.db.read(move |conn| sign_in::find(conn, &id)).await?;
    let begin = || {
        Error::conflict(format!("nothing was begun for `{email}`"))
            .hint(format!("run `nexora user totp enrol {email}`"))
    };
    let sealed = standing.totp_pending.ok_or_else(begin)?;
    let secret = app.key.open(&SignIn::seal_owner(&found.id), &sealed)?;
    let step = totp::check(&secret, code, app.clock.now(), 0)?.ok_or_else(|| {
        Error::denied("this is not the code that the authenticator shows now")
            .hint("check the clock of this machine and of the telephone")
    })?;
    let codes = totp::new_recovery_codes()?;
    let hashes = codes.iter().map(|code| hash_recovery(&app.key, &found.id, code));
    let recovery = Json::of(&hashes.collect::<Vec<String>>())?;
    app.administer(actor, "totp.enrol", move |conn, now| {
        let mut standing = sign_in::find_for_change(conn, &found.id)?;
        if standing.totp_pending.as_ref() != Some(&sealed) {
            return Err(Error::conflict("another enrolment was begun meanwhile"));
        }
        standing.totp_pending = None;
        standing.totp_sealed = Some(sealed);
        standing.totp_step = step;
        standing.recovery = recovery;
        sign_in::save(conn, &standing)?;
        session::revoke_of_user(conn, &found.id, now)?;
        Ok(((), Subject::new(&found.email)))
    })
    .await?;
    Ok(codes)
}

/// Switches two-step sign-in off, forgets the recovery codes, and signs the user out everywhere.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn disable(app: &App, actor: &Actor, email: &EmailAddress) -> Result<()> {
    let email = email.clone();
    app.administer(actor, "totp.disable", move |conn, now| {
        let found: User =
            user::find_by_email(conn, &email.key())?.ok_or_else(|| users::no_such_user(&email))?;
        let mut standing = sign_in::find_for_change(conn, &found.id)?;
        standing.totp_sealed = None;
        standing.totp_pending = None;
        standing.recovery = Json::empty_list();
        sign_in::save(conn, &standing)?;
        session::revoke_of_user(conn, &found.id, now)?;
        Ok(((), Subject::new(&email)))
    })
    .await
}

/// Opens the secret of a user who has two-step sign-in.
///
/// # Errors
/// `Denied` when the master key does not open it.
pub fn secret(app: &App, standing: &SignIn) -> Result<Option<Secret>> {
    let sealed = standing.totp_sealed.as_deref();
    sealed.map(|sealed| app.key.open(&SignIn::seal_owner(&standing.user_id), sealed)).transpose()
}

/// Hashes a recovery code, however it was typed.
pub fn hash_recovery(key: &MasterKey, user: &UserId, typed: &str) -> String {
    let code = totp::plain_recovery_code(typed);
    PurposeKey::new(key, "recovery code").hash(&format!("{user}/{code}"))
}
