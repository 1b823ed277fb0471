//! The token endpoint: a signed request of the service account becomes an access token for one
//! mailbox (RFC 7523, as Google serves it).
//!
//! Each way of asking is one variant of `Grant` and one function that answers with what is granted.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, NO_PAD};
use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::base::clock::{Clock, Timestamp};
use crate::base::secret::random_bytes;
use crate::sandbox::identity::{self, Identity};
use crate::sandbox::serve::call::Call;
use crate::sandbox::serve::envelope::{Refusal, Reply};
use crate::sandbox::serve::route::{Route, route};
use crate::sandbox::world::World;

pub const ROUTES: &[Route] = &[route(Method::POST, "/token", "grant", &[], grant)];

/// How long a token is good. Google answers one second less than the hour it means.
const LIFE: Duration = Duration::from_secs(3_599);

/// The longest time between `iat` and `exp`, and how far clocks may differ.
const ASSERTION_LIFE_S: i64 = 3_600;
const SKEW_S: i64 = 300;

const TOKEN_LIMIT: usize = 10_000;

/// Google's libraries sign for Google's own address even when they are pointed elsewhere.
const GOOGLE_TOKEN_URLS: [&str; 2] =
    ["https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"];

/// Base64 as it stands in a signed request; some libraries pad it although they should not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The tokens that were granted and have not ended.
#[derive(Default)]
pub struct Tokens {
    granted: HashMap<String, Granted>,
}

/// What a token allows, to whom, until when.
pub struct Granted {
    pub mailbox: String,
    pub scopes: Vec<String>,
    ends_at: Timestamp,
}

impl Tokens {
    pub fn find(&self, token: &str, now: Timestamp) -> Option<&Granted> {
        self.granted.get(token).filter(|granted| granted.ends_at > now)
    }

    pub fn forget(&mut self, token: &str) {
        self.granted.remove(token);
    }

    fn add(&mut self, mailbox: String, scopes: Vec<String>, now: Timestamp) -> Result<String, Refusal> {
        self.granted.retain(|_, granted| granted.ends_at > now);
        if self.granted.len() >= TOKEN_LIMIT {
            return Err(Refusal::oauth(403, "rate_limit_exceeded", "Too many tokens."));
        }
        let random: [u8; 24] = random_bytes()
            .map_err(|_| Refusal::oauth(500, "internal_failure", "No randomness to make a token from."))?;
        let token = format!("ya29.sandbox-{}", NO_PAD_URL_SAFE.encode(random));
        self.granted.insert(token.clone(), Granted { mailbox, scopes, ends_at: now + LIFE });
        Ok(token)
    }
}

const NO_PAD_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD);

/// The ways of asking for a token.
enum Grant {
    /// A request that the service account signed itself.
    JwtBearer { assertion: String },
}

impl Grant {
    fn read(body: &[u8]) -> Result<Grant, Refusal> {
        let form: HashMap<String, String> = serde_urlencoded::from_bytes(body).unwrap_or_default();
        let field = |name: &str| {
            form.get(name).filter(|value| !value.is_empty()).cloned().ok_or_else(|| {
                Refusal::oauth(400, "invalid_request", format!("Missing required parameter: {name}"))
            })
        };
        match field("grant_type")?.as_str() {
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                Ok(Grant::JwtBearer { assertion: field("assertion")? })
            }
            other => {
                Err(Refusal::oauth(400, "unsupported_grant_type", format!("Invalid grant_type: {other}")))
            }
        }
    }
}

/// Grants a token.
fn grant(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let (mailbox, scopes) = match Grant::read(&call.body)? {
        Grant::JwtBearer { assertion } => jwt_bearer(&world.identity, call, &assertion)?,
    };
    let token = world.tokens.add(mailbox, scopes, call.at)?;
    Ok(Reply::json(&json!({"access_token": token, "expires_in": LIFE.as_secs(), "token_type": "Bearer"})))
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    scope: Option<String>,
    iat: Option<i64>,
    exp: Option<i64>,
}

/// Checks a signed request and returns in whose name it asks, and for what.
fn jwt_bearer(identity: &Identity, call: &Call, assertion: &str) -> Result<(String, Vec<String>), Refusal> {
    let refused = |description: &str| Refusal::oauth(400, "invalid_grant", description);
    let unreadable = || refused("Invalid JWT: Failed to parse the assertion.");
    let (message, signature) = assertion.rsplit_once('.').ok_or_else(unreadable)?;
    let (header, claims) = message.split_once('.').ok_or_else(unreadable)?;
    let header: Header = read_part(header).ok_or_else(unreadable)?;
    let claims: Claims = read_part(claims).ok_or_else(unreadable)?;
    let signature = BASE64.decode(signature).map_err(|_| unreadable())?;
    if claims.iss.as_deref() != Some(identity::ACCOUNT) {
        return Err(refused("Invalid grant: account not found"));
    }
    if header.alg != "RS256" || !identity.is_signed(message.as_bytes(), &signature) {
        return Err(refused("Invalid JWT Signature."));
    }
    if !is_timely(&claims, call.at) {
        return Err(refused(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
             Check your iat and exp values in the JWT claim.",
        ));
    }
    let own_url = format!("{}/token", call.origin);
    let audience = claims.aud.as_ref().and_then(Value::as_str).unwrap_or_default();
    if audience != own_url && !GOOGLE_TOKEN_URLS.contains(&audience) {
        return Err(refused("Invalid JWT: Failed audience check."));
    }
    let scopes: Vec<String> =
        claims.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(Refusal::oauth(
            400,
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ));
    }
    let subject = claims.sub.unwrap_or_else(|| identity::ACCOUNT.to_owned()).to_lowercase();
    if !is_address(&subject) {
        return Err(refused("Invalid email or User ID"));
    }
    Ok((subject, scopes))
}

fn read_part<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64.decode(part).ok()?).ok()
}

/// Tells whether a request is fresh, by our clock or by the machine's: Google's libraries sign with
/// the machine's even where a rehearsal has set ours to another day.
fn is_timely(claims: &Claims, now: Timestamp) -> bool {
    let (Some(issued), Some(ends)) = (claims.iat, claims.exp) else { return false };
    let is_short = (0..=ASSERTION_LIFE_S + SKEW_S).contains(&ends.saturating_sub(issued));
    let fits = |now: Timestamp| {
        let now = now.millis() / 1_000;
        issued <= now + SKEW_S && ends > now - SKEW_S
    };
    is_short && (fits(now) || fits(Clock::System.now()))
}

fn is_address(text: &str) -> bool {
    let has_room = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    has_room && text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_must_be_fresh_and_short() {
        let now = Timestamp::from_millis(1_000_000_000_000);
        let claims = |iat, exp| Claims { iss: None, sub: None, aud: None, scope: None, iat, exp };
        let s = 1_000_000_000;
        assert!(is_timely(&claims(Some(s), Some(s + 3_600)), now));
        assert!(!is_timely(&claims(Some(s - 9_000), Some(s - 5_400)), now));
        assert!(!is_timely(&claims(Some(s), Some(s + 90_000)), now));
        assert!(!is_timely(&claims(None, Some(s + 60)), now));
    }

    #[test]
    fn a_token_ends_by_our_clock() {
        let mut tokens = Tokens::default();
        let now = Timestamp::from_millis(0);
        let token = tokens.add("a@b".into(), vec![], now).unwrap();
        assert!(tokens.find(&token, now + Duration::from_secs(3_598)).is_some());
        assert!(tokens.find(&token, now + LIFE).is_none());
    }
}
