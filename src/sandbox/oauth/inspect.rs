//! What a token is good for and whose it is, and its end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::identity::CLIENT_ID;
use crate::oauth::grant::Form;
use crate::oauth::tokens::Holder;
use crate::oauth::{EMAIL, PROFILE};
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;

/// Ends the whole grant of an access or a refresh token (RFC 7009). Google refuses a token that it
/// does not know, where the RFC would say yes.
pub fn revoke(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let form: Form = serde_urlencoded::from_bytes(&call.body).unwrap_or_default();
    let token = form.get("token").map(String::as_str).or_else(|| call.query("token")).unwrap_or_default();
    let refused = || Refusal::oauth(400, "invalid_token", "Token expired or revoked");
    if let Some((mailbox, _)) = world.tokens.find_refresh(token, call.at) {
        world.tokens.revoke(&mailbox);
        return Ok(Reply::json(&json!({})));
    }
    let granted = world.tokens.find(token, call.at).cloned().ok_or_else(refused)?;
    match granted.holder {
        Holder::App => {
            world.tokens.revoke(&granted.mailbox);
        }
        Holder::ServiceAccount => world.tokens.forget(token),
    }
    Ok(Reply::json(&json!({})))
}

/// Says what an access token allows. Numbers are text here, as Google has them.
pub fn token_info(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let token = call.query("access_token").unwrap_or_default();
    let granted = world
        .tokens
        .find(token, call.at)
        .ok_or_else(|| Refusal::oauth(400, "invalid_token", "Invalid Value"))?;
    let mut answer = json!({
        "azp": CLIENT_ID,
        "aud": CLIENT_ID,
        "sub": subject(&granted.mailbox),
        "scope": granted.scopes.join(" "),
        "exp": (granted.ends_at.millis() / 1_000).to_string(),
        "expires_in": granted.ends_at.since(call.at).as_secs().to_string(),
        "access_type": "offline",
    });
    if granted.scopes.iter().any(|scope| scope == EMAIL) {
        merge(&mut answer, json!({"email": granted.mailbox, "email_verified": "true"}));
    }
    Ok(Reply::json(&answer))
}

/// Says who the token's person is (OpenID Connect Core 1.0, section 5.3).
pub fn user_info(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    // Whoever signs in has a mailbox from then on.
    world.mailbox(&call.mailbox)?;
    let mut answer = json!({"sub": subject(&call.mailbox)});
    merge(&mut answer, about(&call.mailbox, &call.scopes));
    Ok(Reply::json(&answer))
}

/// Makes an ID token, signed with the key of the service account.
pub fn id_token(
    world: &World,
    call: &Call,
    mailbox: &str,
    scopes: &[String],
    nonce: Option<&str>,
) -> Option<String> {
    let now = call.at.millis() / 1_000;
    let mut claims = json!({
        "iss": "https://accounts.google.com",
        "azp": CLIENT_ID,
        "aud": CLIENT_ID,
        "sub": subject(mailbox),
        "iat": now,
        "exp": now + 3_600,
    });
    merge(&mut claims, about(mailbox, scopes));
    if let Some(nonce) = nonce {
        merge(&mut claims, json!({ "nonce": nonce }));
    }
    let header = json!({"alg": "RS256", "kid": world.identity.key_id(), "typ": "JWT"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims));
    let signature = world.identity.sign(message.as_bytes())?;
    Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn about(mailbox: &str, scopes: &[String]) -> Value {
    let (name, domain) = mailbox.split_once('@').unwrap_or((mailbox, ""));
    let mut about = json!({});
    if scopes.iter().any(|scope| scope == EMAIL) {
        merge(&mut about, json!({"email": mailbox, "email_verified": true, "hd": domain}));
    }
    if scopes.iter().any(|scope| scope == PROFILE) {
        merge(&mut about, json!({"name": name, "given_name": name}));
    }
    about
}

/// Returns the number of a Google account: 21 digits that never change.
fn subject(mailbox: &str) -> String {
    let digest = Sha256::digest(mailbox.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("1{number:020}")
}
