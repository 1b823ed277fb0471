//! The signed request of the service account: who asks, in whose name, for what (RFC 7523, and
//! "Using OAuth 2.0 for server to server applications" of Google's documentation).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::identity::{self, Identity};
use crate::serve::call::Call;
use crate::serve::envelope::Refusal;
use nexora_core::base::clock::{Clock, Timestamp};

/// The longest time between `iat` and `exp`, and how far clocks may differ.
const ASSERTION_LIFE_S: i64 = 3_600;
const SKEW_S: i64 = 300;

/// Google's libraries sign for Google's own address even when they are pointed elsewhere.
const GOOGLE_TOKEN_URLS: [&str; 2] =
    ["https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"];

/// Base64 as it stands in a signed request; some libraries pad it although they should not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
pub fn check(identity: &Identity, call: &Call, assertion: &str) -> Result<(String, Vec<String>), Refusal> {
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

pub fn is_address(text: &str) -> bool {
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
}
