//! Who is signed in, by what a request carries; and the cookies that carry it.
//!
//! The session's cookie is out of reach of scripts, is not sent along from other sites but for plain
//! links, and never leaves an encrypted connection where the public address has one.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use cookie::{Cookie, SameSite};

use crate::app::App;
use crate::http::extract::ClientAddress;
use crate::ops::access::session::{self, Client};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::token::PurposeKey;
use nexora_core::model::principal::Principal;

/// The cookies that we set, apart from each other by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Holds the session's token.
    Session,
    /// Ties the sign-in form to the browser that asked for it.
    Before,
    /// Says who has signed in from this browser before.
    Known,
}

/// Sent by a page that keeps itself up to date: leaving a page open does not prolong a session.
const REFRESH: &str = "x-nexora-refresh";

/// Returns who is signed in; nothing when the request carries no session that counts.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn principal(app: &App, headers: &HeaderMap) -> Result<Option<Principal>> {
    match read(app, headers, Kind::Session) {
        Some(token) if headers.contains_key(REFRESH) => session::peek(app, &token).await,
        Some(token) => session::principal(app, &token).await,
        None => Ok(None),
    }
}

/// Returns what the form that signs out must carry; nothing when the request carries no session.
pub fn sign_out_token(app: &App, headers: &HeaderMap) -> Option<String> {
    read(app, headers, Kind::Session).map(|token| form_token(app, Kind::Session, token.expose()))
}

/// Returns the signature that a form carries, of the cookie that goes with it.
pub fn form_token(app: &App, kind: Kind, cookie: &str) -> String {
    let signed = form_key(app, kind).sign(cookie);
    signed.rsplit_once('.').map(|(_, signature)| signature.to_owned()).unwrap_or_default()
}

/// Tells whether a form's signature is that of the cookie.
pub fn is_form_token(app: &App, kind: Kind, cookie: &str, token: &str) -> bool {
    form_key(app, kind).open(&format!("{cookie}.{token}")).is_some()
}

fn form_key(app: &App, kind: Kind) -> PurposeKey {
    let purpose = match kind {
        Kind::Session => "form of a session",
        Kind::Before => "form of the sign-in",
        Kind::Known => "form of a known browser",
    };
    PurposeKey::new(&app.key, purpose)
}

/// Returns what a cookie of ours holds.
pub fn read(app: &App, headers: &HeaderMap, kind: Kind) -> Option<Secret> {
    let name = name(app, kind);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| Cookie::split_parse(line.to_owned()))
        .filter_map(std::result::Result::ok)
        .find(|cookie| cookie.name() == name && !cookie.value().is_empty())
        .map(|cookie| Secret::new(cookie.value()))
}

/// Lets the browser keep `value` until `until`.
pub fn keep(app: &App, response: &mut Response, kind: Kind, value: &str, until: Timestamp) {
    let seconds = until.since(app.clock.now()).as_secs();
    let age = cookie::time::Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    set(app, response, kind, value, age);
}

/// Lets the browser forget a cookie of ours.
pub fn forget(app: &App, response: &mut Response, kind: Kind) {
    set(app, response, kind, "", cookie::time::Duration::ZERO);
}

fn set(app: &App, response: &mut Response, kind: Kind, value: &str, age: cookie::time::Duration) {
    let secure = is_encrypted(app);
    let made = Cookie::build((name(app, kind), value.to_owned()))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        // A name that begins with `__Host-` is taken for the whole host only.
        .path(if secure { "/" } else { "/status" })
        .max_age(age)
        .build();
    if let Ok(line) = HeaderValue::from_str(&made.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
}

fn name(app: &App, kind: Kind) -> &'static str {
    match (kind, is_encrypted(app)) {
        (Kind::Session, true) => "__Host-nexora",
        (Kind::Session, false) => "nexora",
        (Kind::Before, true) => "__Host-nexora-before",
        (Kind::Before, false) => "nexora-before",
        (Kind::Known, true) => "__Host-nexora-known",
        (Kind::Known, false) => "nexora-known",
    }
}

fn is_encrypted(app: &App) -> bool {
    app.config.http.public_url.starts_with("https://")
}

/// Returns where a request comes from, as far as it is kept.
pub fn client(app: &App, address: ClientAddress, headers: &HeaderMap) -> Client {
    let network = address.network();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Client {
        address: network.map_or_else(|| "unknown".to_owned(), |network| network.to_string()),
        agent: agent.to_owned(),
        known: read(app, headers, Kind::Known),
    }
}
