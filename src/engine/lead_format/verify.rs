//! Whether a call is from whom it says it is. Every comparison takes the same time whatever is wrong.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::Mac as _;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::mac::hmac_sha256;
use crate::model::source::{SourceKind, SourceSecrets, SourceSettings};

/// A request's headers by name in lower case.
pub type Headers = BTreeMap<String, String>;

/// A call as it came.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub headers: &'a Headers,
    /// The last part of the address, where it is a secret.
    pub token: Option<&'a str>,
    pub body: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// It carries nothing that could be checked.
    Missing,
    Wrong,
    /// It was signed too long ago, or by a clock that is wrong.
    Stale,
}

impl Verdict {
    /// Says what is wrong; nothing of what was expected.
    pub fn reason(self) -> &'static str {
        match self {
            Verdict::Good => "it is good",
            Verdict::Missing => "it carries no key or signature",
            Verdict::Wrong => "its key or signature is wrong",
            Verdict::Stale => "its signature is too old, or the clocks differ",
        }
    }
}

/// How far the clock of a signature may be from ours, as Standard Webhooks has it.
const TOLERANCE_S: u64 = 300;

/// The header in which a form's own server sends the secret, unless it is set otherwise.
pub const SECRET_HEADER: &str = "x-nexora-secret";

/// Says whether a call is the source's.
pub fn check(
    kind: SourceKind,
    settings: &SourceSettings,
    secrets: &SourceSecrets,
    call: Call<'_>,
    now: Timestamp,
) -> Verdict {
    let secret = secrets.secret.expose();
    let header = |name: &str| call.headers.get(name).map(String::as_str);
    let in_header = |usual: &str| {
        let name = settings.header.as_deref().unwrap_or(usual).to_lowercase();
        header(&name).or(call.token)
    };
    match kind {
        SourceKind::GoogleAds => {
            let body: Value = serde_json::from_slice(call.body).unwrap_or_default();
            compared(body.get("google_key").and_then(Value::as_str), secret)
        }
        SourceKind::Facebook => match header("x-hub-signature-256") {
            None => Verdict::Missing,
            Some(signature) => {
                let signature = signature.strip_prefix("sha256=").and_then(unhex);
                verdict(
                    signature.is_some_and(|signature| signed(secret.as_bytes(), &[call.body], &signature)),
                )
            }
        },
        SourceKind::Typeform => match header("typeform-signature") {
            None => Verdict::Missing,
            Some(signature) => {
                let signature = signature.strip_prefix("sha256=").and_then(|text| BASE64.decode(text).ok());
                verdict(
                    signature.is_some_and(|signature| signed(secret.as_bytes(), &[call.body], &signature)),
                )
            }
        },
        SourceKind::Thumbtack => match header("authorization").and_then(basic) {
            None => Verdict::Missing,
            Some((username, password)) => {
                let wanted = settings.username.as_deref().unwrap_or_default();
                // Both are compared, so that a wrong name takes as long as a wrong password.
                let (name, word) = (same(&username, wanted), same(&password, secret));
                verdict(name & word)
            }
        },
        SourceKind::Angi => compared(in_header("x-api-key"), secret),
        SourceKind::Yelp | SourceKind::Jotform => compared(call.token, secret),
        SourceKind::GravityForms => compared(in_header(SECRET_HEADER), secret),
        SourceKind::Json if settings.signed => standard(secret, call, now),
        SourceKind::Json => {
            let bearer = header("authorization").and_then(|text| text.strip_prefix("Bearer "));
            compared(bearer.or_else(|| in_header(SECRET_HEADER)), secret)
        }
    }
}

/// Tells whether two texts are the same, in a time that does not depend on where they differ.
pub fn same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(Sha256::digest);
    one.iter().zip(other.iter()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

fn compared(given: Option<&str>, secret: &str) -> Verdict {
    match given {
        None => Verdict::Missing,
        Some(given) => verdict(same(given, secret)),
    }
}

fn verdict(good: bool) -> Verdict {
    if good { Verdict::Good } else { Verdict::Wrong }
}

fn signed(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    hmac_sha256(key, parts).verify_slice(signature).is_ok()
}

/// Checks a signature of Standard Webhooks 1.0, the form in which our own webhooks are signed.
fn standard(secret: &str, call: Call<'_>, now: Timestamp) -> Verdict {
    let header = |name: &str| call.headers.get(name).map(String::as_str);
    let [Some(id), Some(at), Some(signatures)] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header)
    else {
        return Verdict::Missing;
    };
    let (Ok(seconds), Some(key)) = (at.parse::<i64>(), standard_key(secret)) else {
        return Verdict::Wrong;
    };
    let parts = [id.as_bytes(), b".", at.as_bytes(), b".", call.body];
    let is_ours = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .any(|text| BASE64.decode(text).is_ok_and(|signature| signed(&key, &parts, &signature)));
    if !is_ours {
        return Verdict::Wrong;
    }
    let off = seconds.abs_diff(now.millis() / 1_000);
    if off > TOLERANCE_S { Verdict::Stale } else { Verdict::Good }
}

fn standard_key(secret: &str) -> Option<Vec<u8>> {
    BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let text = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (username.to_owned(), password.to_owned()))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    const NOW: Timestamp = Timestamp::from_millis(1_649_367_553_000);

    fn asked(kind: SourceKind, settings: &SourceSettings, secret: &str, call: Call<'_>) -> Verdict {
        let secrets = SourceSecrets { secret: Secret::new(secret), verify_token: None, access_token: None };
        check(kind, settings, &secrets, call, NOW)
    }

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The vector that the specification's own libraries use.
    #[test]
    fn a_signed_time_holds_for_five_minutes() {
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let (id, signature) =
            ("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let settings = SourceSettings { signed: true, ..SourceSettings::default() };
        let ask = |at: &str, signature: &str, now: Timestamp| {
            let headers =
                headers(&[("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signature)]);
            let secrets =
                SourceSecrets { secret: Secret::new(secret), verify_token: None, access_token: None };
            let call = Call { headers: &headers, token: None, body };
            check(SourceKind::Json, &settings, &secrets, call, now)
        };
        let both = format!("v1,AAAA {signature}");
        assert_eq!(ask("1649367553", &both, NOW), Verdict::Good);
        assert_eq!(ask("1649367554", signature, NOW), Verdict::Wrong);
        let later = NOW + std::time::Duration::from_secs(301);
        assert_eq!(ask("1649367553", signature, later), Verdict::Stale);
        assert_eq!(
            asked(SourceKind::Json, &settings, secret, Call { headers: &Headers::new(), token: None, body }),
            Verdict::Missing
        );
    }

    #[test]
    fn signatures_are_over_the_raw_body() {
        let hex = "sha256=00ff";
        let none = SourceSettings::default();
        let good = hmac_sha256(b"secret", &[b"{\"a\": 1}"]).finalize().into_bytes();
        let hub = headers(&[("x-hub-signature-256", &format!("sha256={}", crate::base::text::hex(good)))]);
        let ask = |headers: &Headers, body: &[u8]| {
            asked(SourceKind::Facebook, &none, "secret", Call { headers, token: None, body })
        };
        assert_eq!(ask(&hub, b"{\"a\": 1}"), Verdict::Good);
        assert_eq!(ask(&hub, b"{\"a\":1}"), Verdict::Wrong);
        assert_eq!(ask(&headers(&[("x-hub-signature-256", hex)]), b"{\"a\": 1}"), Verdict::Wrong);
        assert_eq!(ask(&Headers::new(), b"{\"a\": 1}"), Verdict::Missing);
        let typeform = |text: &str| {
            let headers = headers(&[("typeform-signature", text)]);
            asked(
                SourceKind::Typeform,
                &none,
                "secret",
                Call { headers: &headers, token: None, body: b"{\"a\": 1}" },
            )
        };
        assert_eq!(typeform(&format!("sha256={}", BASE64.encode(good))), Verdict::Good);
        assert_eq!(typeform(&format!("sha256={}", crate::base::text::hex(good))), Verdict::Wrong);
    }

    #[test]
    fn a_user_name_and_a_password_go_together() {
        let settings = SourceSettings { username: Some("tack".into()), ..SourceSettings::default() };
        let ask = |text: &str| {
            let headers = headers(&[("authorization", &format!("Basic {}", BASE64.encode(text)))]);
            asked(
                SourceKind::Thumbtack,
                &settings,
                "word",
                Call { headers: &headers, token: None, body: b"" },
            )
        };
        assert_eq!(ask("tack:word"), Verdict::Good);
        assert_eq!(ask("tick:word"), Verdict::Wrong);
        assert_eq!(ask("tack:ward"), Verdict::Wrong);
    }
}
