//! Scripts of other websites: a tenant names the origins whose scripts may send leads (CORS, Fetch
//! standard 3.2).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::PublicProfile;

/// Seconds for which a browser remembers what is allowed.
const REMEMBERED: &str = "600";

/// Returns the origin of the page that sends this, where the tenant trusts it.
pub fn trusted_origin<'a>(profile: &PublicProfile, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    let mut trusted = profile.form.scripts_from.iter().chain(&profile.form.embed_on);
    trusted.any(|known| known == text).then_some(origin)
}

/// Lets the script that sent the request read the answer.
pub fn readable(mut response: Response, profile: &PublicProfile, request: &HeaderMap) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = trusted_origin(profile, request) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    response
}

/// Answers a browser that asks what it may send.
pub fn preflight(profile: &PublicProfile, request: &HeaderMap) -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, idempotency-key"),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    let response = match trusted_origin(profile, request) {
        Some(_) => (StatusCode::NO_CONTENT, allowed).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    readable(response, profile, request)
}
