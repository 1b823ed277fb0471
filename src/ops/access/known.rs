//! Browsers that have signed in before. Each keeps a signed mark of the user whose password it had, and its
//! tries are counted apart from everybody else's: a stranger who guesses locks out strangers alone.
//!
//! A mark proves nothing but that, and opens nothing. It ends by time, and when the password changes.

use std::time::Duration;

use crate::app::App;
use crate::ops::access::session::Client;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::token::PurposeKey;
use nexora_core::model::UserId;
use nexora_core::model::user::User;

/// How long a browser keeps its mark.
pub const KEPT: Duration = Duration::from_secs(180 * 86_400);

/// Whose tries a try is counted among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Browser {
    /// It has signed in as this user, with the password that they have now.
    Known,
    Strange,
}

/// What a browser has shown.
pub struct Mark {
    user_id: UserId,
    password: String,
    key: PurposeKey,
}

/// Makes the mark of a browser that has signed in as `user`.
pub fn mark(app: &App, user: &User) -> Secret {
    let key = key(app);
    let until = app.clock.now() + KEPT;
    Secret::new(key.sign(&format!("{}.{}.{}", user.id, until.millis(), password(&key, user))))
}

/// Reads the mark that a browser shows; nothing when it is not ours or has ended.
pub fn read(app: &App, client: &Client) -> Option<Mark> {
    let key = key(app);
    let body = key.open(client.known.as_ref()?.expose())?;
    let parts: Vec<&str> = body.split('.').collect();
    let [id, until, password] = parts.as_slice() else { return None };
    let until = Timestamp::from_millis(until.parse().ok()?);
    let user_id = UserId::parse(id).ok()?;
    (until > app.clock.now()).then(|| Mark { user_id, password: (*password).to_owned(), key })
}

/// Tells whether a browser that shows `mark` is known to be one of the user's.
pub fn browser(mark: Option<&Mark>, user: &User) -> Browser {
    match mark.filter(|mark| mark.user_id == user.id && mark.password == password(&mark.key, user)) {
        Some(_) => Browser::Known,
        None => Browser::Strange,
    }
}

/// Stands for the password that a user has now.
fn password(key: &PurposeKey, user: &User) -> String {
    key.hash(user.password_hash.as_deref().unwrap_or_default())
}

fn key(app: &App) -> PurposeKey {
    PurposeKey::new(&app.key, "known browser")
}
