//! OAuth 2.0 as Google serves it: consent of a person, tokens for an installed app and for a
//! service account, their end, and what they are good for.
//!
//! Sources: RFC 6749, RFC 7636 (PKCE), RFC 7009 (revocation), RFC 7523 (signed requests), and
//! "OAuth 2.0 for iOS & Desktop Apps" of Google's documentation.

mod assertion;
mod consent;
pub mod control;
mod grant;
mod inspect;
pub mod tokens;

use hyper::Method;

use crate::serve::route::{Route, route};

const OPENID: &str = "openid";
const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";
const FOR_USERINFO: &[&str] = &[OPENID, EMAIL, PROFILE];

const AUTH_PATH: &str = "/o/oauth2/v2/auth";

pub const ROUTES: &[Route] = &[
    route(Method::GET, AUTH_PATH, "consent.show", &[], consent::show),
    route(Method::POST, AUTH_PATH, "consent.answer", &[], consent::answer),
    route(Method::POST, "/token", "grant", &[], grant::grant),
    route(Method::POST, "/revoke", "revoke", &[], inspect::revoke),
    route(Method::GET, "/tokeninfo", "tokeninfo", &[], inspect::token_info),
    route(Method::GET, "/oauth2/v3/userinfo", "userinfo", FOR_USERINFO, inspect::user_info),
];

/// Returns the path under which a call is listed: Google has several for some.
pub fn canonical_path(path: &str) -> &str {
    match path {
        "/auth" | "/o/oauth2/auth" => AUTH_PATH,
        "/o/oauth2/token" | "/oauth2/v4/token" => "/token",
        "/o/oauth2/revoke" => "/revoke",
        "/oauth2/v3/tokeninfo" => "/tokeninfo",
        path => path,
    }
}

/// Returns what Google says with an error when nothing else is known.
pub fn usual_text(error: &str) -> &'static str {
    match error {
        "invalid_grant" => "Token has been expired or revoked.",
        "invalid_client" => "The OAuth client was not found.",
        _ => "Backend Error",
    }
}

/// Returns a scope by its full name: `email` and `profile` are short for two of Google's.
fn full_name(scope: &str) -> String {
    match scope {
        "email" => EMAIL.to_owned(),
        "profile" => PROFILE.to_owned(),
        scope => scope.to_owned(),
    }
}

/// Cuts a list of scopes at blanks; each stands in it once.
fn scopes(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split_whitespace().map(full_name) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}
