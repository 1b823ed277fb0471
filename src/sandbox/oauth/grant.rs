//! The token endpoint: a code, a refresh token or a signed request becomes an access token.
//!
//! Each way of asking is one variant of `Ask` and one function that answers.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::identity::{CLIENT_ID, CLIENT_SECRET};
use crate::oauth::tokens::{Challenge, Code, Holder, TESTING_LIFE};
use crate::oauth::{OPENID, assertion, inspect, scopes};
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;

/// The fields of a form, each once.
pub type Form = HashMap<String, String>;

/// The ways of asking for a token.
enum Ask {
    /// A request that the service account signed itself.
    JwtBearer {
        assertion: String,
    },
    /// The code that a person's consent gave.
    Code {
        code: String,
        redirect_uri: String,
        verifier: Option<String>,
    },
    Refresh {
        token: String,
        scope: Option<String>,
    },
}

impl Ask {
    fn read(form: &Form) -> Result<Ask, Refusal> {
        match required(form, "grant_type")?.as_str() {
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                Ok(Ask::JwtBearer { assertion: required(form, "assertion")? })
            }
            "authorization_code" => Ok(Ask::Code {
                code: required(form, "code")?,
                redirect_uri: required(form, "redirect_uri")?,
                verifier: form.get("code_verifier").cloned(),
            }),
            "refresh_token" => Ok(Ask::Refresh {
                token: required(form, "refresh_token")?,
                scope: form.get("scope").filter(|scope| !scope.is_empty()).cloned(),
            }),
            other => {
                Err(Refusal::oauth(400, "unsupported_grant_type", format!("Invalid grant_type: {other}")))
            }
        }
    }
}

fn required(form: &Form, name: &str) -> Result<String, Refusal> {
    form.get(name)
        .filter(|value| !value.is_empty())
        .cloned()
        .ok_or_else(|| Refusal::oauth(400, "invalid_request", format!("Missing required parameter: {name}")))
}

/// Grants a token.
pub fn grant(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let form: Form = serde_urlencoded::from_bytes(&call.body).unwrap_or_default();
    let answer = match Ask::read(&form)? {
        Ask::JwtBearer { assertion } => {
            let (mailbox, scopes) = assertion::check(&world.identity, call, &assertion)?;
            access(world, call, &mailbox, scopes, Holder::ServiceAccount)?
        }
        Ask::Code { code, redirect_uri, verifier } => {
            check_client(&form, call)?;
            exchange(world, call, &code, &redirect_uri, verifier.as_deref())?
        }
        Ask::Refresh { token, scope } => {
            check_client(&form, call)?;
            refresh(world, call, &token, scope.as_deref())?
        }
    };
    Ok(Reply::json(&answer))
}

/// Checks the app's id and secret, in the form or in the header (RFC 6749, section 2.3.1).
fn check_client(form: &Form, call: &Call) -> Result<(), Refusal> {
    let basic = call.header(&AUTHORIZATION).and_then(|header| header.strip_prefix("Basic "));
    let basic =
        basic.and_then(|text| STANDARD.decode(text).ok()).and_then(|text| String::from_utf8(text).ok());
    let (id, secret) = match basic.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => (id, secret),
        None => {
            let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
            (field("client_id"), field("client_secret"))
        }
    };
    if id.is_empty() {
        return Err(Refusal::oauth(400, "invalid_request", "Could not determine client ID from request."));
    }
    if id != CLIENT_ID {
        return Err(Refusal::oauth(401, "invalid_client", "The OAuth client was not found."));
    }
    match secret {
        CLIENT_SECRET => Ok(()),
        "" => Err(Refusal::oauth(400, "invalid_request", "client_secret is missing.")),
        _ => Err(Refusal::oauth(401, "invalid_client", "The provided client secret is invalid.")),
    }
}

/// Exchanges a code (RFC 6749, section 4.1.3; RFC 7636, section 4.6).
fn exchange(
    world: &mut World,
    call: &Call,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<Value, Refusal> {
    let code = world
        .tokens
        .take_code(code, call.at)
        .ok_or_else(|| Refusal::oauth(400, "invalid_grant", "Malformed auth code."))?;
    if code.redirect_uri != redirect_uri {
        return Err(Refusal::oauth(400, "redirect_uri_mismatch", "Bad Request"));
    }
    check_verifier(&code, verifier)?;
    world.tokens.consent(&code.mailbox, &code.scopes);
    let mut answer = access(world, call, &code.mailbox, code.scopes.clone(), Holder::App)?;
    if code.wants_refresh {
        let token = world.tokens.add_refresh(&code.mailbox, code.scopes.clone(), call.at)?;
        merge(&mut answer, json!({ "refresh_token": token }));
        if world.tokens.is_testing {
            merge(&mut answer, json!({"refresh_token_expires_in": TESTING_LIFE.as_secs() - 1}));
        }
    }
    if code.scopes.iter().any(|scope| scope == OPENID) {
        let id_token = inspect::id_token(world, call, &code.mailbox, &code.scopes, code.nonce.as_deref());
        merge(&mut answer, json!({ "id_token": id_token }));
    }
    Ok(answer)
}

fn check_verifier(code: &Code, verifier: Option<&str>) -> Result<(), Refusal> {
    let refused = |description: &str| Err(Refusal::oauth(400, "invalid_grant", description));
    let verifier = verifier.filter(|verifier| !verifier.is_empty());
    let fits = match (&code.challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => return refused("Missing code verifier."),
        (Some(Challenge::Plain(challenge)), Some(verifier)) => challenge == verifier,
        (Some(Challenge::S256(challenge)), Some(verifier)) => {
            *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
        }
    };
    if fits { Ok(()) } else { refused("Invalid code verifier.") }
}

/// Refreshes, for all that the refresh token allows or for a part of it (RFC 6749, section 6).
fn refresh(world: &mut World, call: &Call, token: &str, scope: Option<&str>) -> Result<Value, Refusal> {
    let (mailbox, kept) = world
        .tokens
        .find_refresh(token, call.at)
        .ok_or_else(|| Refusal::oauth(400, "invalid_grant", "Token has been expired or revoked."))?;
    let asked = scope.map_or_else(|| kept.scopes.clone(), scopes);
    if asked.iter().any(|scope| !kept.scopes.contains(scope)) {
        return Err(Refusal::oauth(400, "invalid_scope", "Some requested scopes were invalid."));
    }
    world.tokens.count_refresh(&mailbox);
    let mut answer = access(world, call, &mailbox, asked.clone(), Holder::App)?;
    if asked.iter().any(|scope| scope == OPENID) {
        merge(&mut answer, json!({"id_token": inspect::id_token(world, call, &mailbox, &asked, None)}));
    }
    Ok(answer)
}

fn access(
    world: &mut World,
    call: &Call,
    mailbox: &str,
    scopes: Vec<String>,
    holder: Holder,
) -> Result<Value, Refusal> {
    let scope = scopes.join(" ");
    let token = world.tokens.add(mailbox.to_owned(), scopes, holder, call.at)?;
    let life = world.tokens.life.as_secs();
    let mut answer = json!({"access_token": token, "expires_in": life, "token_type": "Bearer"});
    // Google does not name the scopes again where the service account has signed for them.
    if holder == Holder::App {
        merge(&mut answer, json!({ "scope": scope }));
    }
    Ok(answer)
}
