//! The consent page: a person chooses a mailbox and what the app may do, and is sent back to it.
//!
//! A script answers it without a browser: a POST to the same address, query included, of the form
//! `account=ADDRESS&decision=allow` (or `deny`) gives 302 with the code in `Location`. It may name
//! what it grants, `grant=SCOPE` as often as needed; without any, all that is asked for is granted.

use askama::Template;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use hyper::http::Uri;

use crate::identity::CLIENT_ID;
use crate::oauth::assertion::is_address;
use crate::oauth::tokens::{Challenge, Code};
use crate::oauth::{AUTH_PATH, EMAIL, OPENID, PROFILE, full_name, scopes};
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::world::World;

/// A form may lead on to the app, which listens on this machine.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self' http://127.0.0.1:* http://localhost:*";

/// What the app asks for (RFC 6749, section 4.1.1).
struct Asked {
    redirect_uri: String,
    state: Option<String>,
    scopes: Vec<String>,
    challenge: Option<Challenge>,
    nonce: Option<String>,
    login_hint: String,
    is_offline: bool,
    must_consent: bool,
    includes_granted: bool,
}

/// Why a person sees an error instead of the page, in Google's words.
struct Fault {
    error: &'static str,
    detail: String,
}

impl Asked {
    fn read(call: &Call) -> Result<Asked, Fault> {
        let fault = |error, detail: &str| Fault { error, detail: detail.to_owned() };
        let given = |name: &str| call.query(name).filter(|value| !value.is_empty());
        let missing = |name: &str| fault("invalid_request", &format!("Missing required parameter: {name}"));
        if given("client_id").ok_or_else(|| missing("client_id"))? != CLIENT_ID {
            return Err(fault("invalid_client", "The OAuth client was not found."));
        }
        let redirect_uri = given("redirect_uri").ok_or_else(|| missing("redirect_uri"))?.to_owned();
        if !is_loopback(&redirect_uri) {
            return Err(fault("redirect_uri_mismatch", "An installed app is sent to this machine only."));
        }
        if given("response_type").ok_or_else(|| missing("response_type"))? != "code" {
            return Err(fault("unsupported_response_type", "The sandbox gives codes only."));
        }
        let scopes = scopes(given("scope").ok_or_else(|| missing("scope"))?);
        let challenge = match (given("code_challenge"), given("code_challenge_method")) {
            (None, _) => None,
            (Some(challenge), Some("S256")) => Some(Challenge::S256(challenge.to_owned())),
            (Some(challenge), None | Some("plain")) => Some(Challenge::Plain(challenge.to_owned())),
            (Some(_), Some(_)) => {
                return Err(fault("invalid_request", "Invalid parameter value for code_challenge_method"));
            }
        };
        Ok(Asked {
            redirect_uri,
            state: call.query("state").map(str::to_owned),
            scopes,
            challenge,
            nonce: given("nonce").map(str::to_owned),
            login_hint: given("login_hint").unwrap_or_default().to_owned(),
            is_offline: given("access_type") == Some("offline"),
            must_consent: given("prompt")
                .is_some_and(|prompt| prompt.split(' ').any(|word| word == "consent")),
            includes_granted: call.query_flag("include_granted_scopes"),
        })
    }

    /// Sends the person back to the app with `fields`, and with its own `state`.
    fn send_back(&self, fields: &[(&str, &str)]) -> Reply {
        let state = self.state.as_deref().map(|state| ("state", state));
        let fields: Vec<(&str, &str)> = state.into_iter().chain(fields.iter().copied()).collect();
        let query = serde_urlencoded::to_string(fields).unwrap_or_default();
        let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
        Reply::empty(StatusCode::FOUND).with_header(LOCATION, format!("{}{joint}{query}", self.redirect_uri))
    }
}

/// Tells whether an address is one on this machine, at any port (RFC 8252, section 7.3).
fn is_loopback(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let is_here = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    uri.scheme_str() == Some("http") && is_here && !address.contains(['#', '@'])
}

#[derive(Template)]
#[template(path = "sandbox_consent.html")]
struct Page<'a> {
    action: String,
    login_hint: &'a str,
    mailboxes: Vec<&'a str>,
    scopes: Vec<&'a str>,
    error: Option<&'a Fault>,
}

/// Shows the page.
pub fn show(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked = match Asked::read(call) {
        Ok(asked) => asked,
        Err(fault) => return show_fault(&fault),
    };
    let scopes = asked.scopes.iter().map(String::as_str).filter(|scope| !is_implied(scope)).collect();
    let query = serde_urlencoded::to_string(&call.query).unwrap_or_default();
    render(&Page {
        action: format!("{AUTH_PATH}?{query}"),
        login_hint: &asked.login_hint,
        mailboxes: world.mailboxes.keys().map(String::as_str).collect(),
        scopes,
        error: None,
    })
}

fn show_fault(fault: &Fault) -> Result<Reply, Refusal> {
    let page = Page {
        action: String::new(),
        login_hint: "",
        mailboxes: Vec::new(),
        scopes: Vec::new(),
        error: Some(fault),
    };
    let status =
        if fault.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    render(&page).map(|reply| Reply { status, ..reply })
}

fn render(page: &Page<'_>) -> Result<Reply, Refusal> {
    let html = page.render().map_err(|error| Refusal::usual(500, None, Some(error.to_string())))?;
    // Without a referrer at all, browsers would send the form without its origin.
    Ok(Reply::html(html)
        .with_header(CONTENT_SECURITY_POLICY, POLICY)
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(REFERRER_POLICY, "same-origin"))
}

/// Tells whether a scope is granted by signing in, so that nobody ticks it.
fn is_implied(scope: &str) -> bool {
    matches!(scope, OPENID | EMAIL | PROFILE)
}

/// Takes the answer and sends the person back to the app.
pub fn answer(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked = match Asked::read(call) {
        Ok(asked) => asked,
        Err(fault) => return show_fault(&fault),
    };
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&call.body).unwrap_or_default();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
    let account = field("account").unwrap_or(&asked.login_hint).to_lowercase();
    match field("decision") {
        Some("deny") => return Ok(asked.send_back(&[("error", "access_denied")])),
        Some("allow") if is_address(&account) => {}
        _ => {
            let detail = "`decision` is allow or deny, and `account` an address".to_owned();
            return show_fault(&Fault { error: "invalid_request", detail });
        }
    }
    let ticked: Vec<String> =
        form.iter().filter(|(name, _)| name == "grant").map(|(_, scope)| full_name(scope)).collect();
    // Only the page says that it lets people choose; a script that names nothing grants everything.
    let chooses = field("choose").is_some() || !ticked.is_empty();
    let mut granted = asked.scopes.clone();
    granted.retain(|scope| !chooses || is_implied(scope) || ticked.contains(scope));
    if granted.is_empty() {
        return Ok(asked.send_back(&[("error", "access_denied")]));
    }
    grant(world, call, &asked, account, granted)
}

fn grant(
    world: &mut World,
    call: &Call,
    asked: &Asked,
    mailbox: String,
    mut granted: Vec<String>,
) -> Result<Reply, Refusal> {
    world.mailbox(&mailbox)?;
    if asked.includes_granted {
        let earlier = world.tokens.consented(&mailbox).iter().filter(|scope| !granted.contains(scope));
        let earlier: Vec<String> = earlier.cloned().collect();
        granted.extend(earlier);
    }
    let scope = granted.join(" ");
    let wants_refresh = asked.is_offline && (asked.must_consent || !world.tokens.has_refresh_token(&mailbox));
    let code = Code {
        mailbox,
        scopes: granted,
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        nonce: asked.nonce.clone(),
        wants_refresh,
        ends_at: call.at,
    };
    let code = world.tokens.add_code(code, call.at)?;
    Ok(asked.send_back(&[("code", &code), ("scope", &scope)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_a_redirect() {
        for address in ["http://127.0.0.1:4711/x?y=1", "http://localhost", "http://[::1]:1/"] {
            assert!(is_loopback(address), "{address}");
        }
        for address in ["https://localhost/", "http://example.com/", "http://localhost@example.com/", "x"] {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
