//! Whether a call is from whom it says it is: the ways in which senders show that, for formats to choose from.
//! Every comparison takes the same time whatever is wrong.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::Mac as _;
use sha2::{Digest, Sha256};

use nexora_core::base::clock::Timestamp;
use nexora_core::base::mac::hmac_sha256;
use nexora_core::model::source::{SourceSecrets, SourceSettings};

/// A request's headers by name in lower case.
pub type Headers = BTreeMap<String, String>;

/// A call as it came, with what its source is verified by.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub headers: &'a Headers,
    /// The last part of the address, where it is a secret.
    pub token: Option<&'a str>,
    pub body: &'a [u8],
    pub settings: &'a SourceSettings,
    pub secrets: &'a SourceSecrets,
    pub now: Timestamp,
}

/// Whether a call is the source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    Good,
    /// It carries nothing that could be checked.
    Missing,
    Wrong,
    /// It was signed too long ago, or by a clock that is wrong.
    Stale,
}

impl Verification {
    /// Says what is wrong; nothing of what was expected.
    pub fn reason(self) -> &'static str {
        match self {
            Verification::Good => "it is good",
            Verification::Missing => "it carries no key or signature",
            Verification::Wrong => "its key or signature is wrong",
            Verification::Stale => "its signature is too old, or the clocks differ",
        }
    }

    fn of(is_good: bool) -> Verification {
        if is_good { Verification::Good } else { Verification::Wrong }
    }
}

/// How far the clock of a signature may be from ours, as Standard Webhooks has it.
const TOLERANCE_S: u64 = 300;

/// The header in which a form's own server sends the secret, unless it is set otherwise.
pub const SECRET_HEADER: &str = "x-nexora-secret";

impl<'a> Call<'a> {
    /// Returns a header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Returns what stands in the header for the secret, by its usual name unless it is set otherwise, else the
    /// last part of the address.
    pub fn header_or_token(&self, usual: &str) -> Option<&'a str> {
        let name = self.settings.header.as_deref().unwrap_or(usual).to_lowercase();
        self.header(&name).or(self.token)
    }

    /// Compares what the call shows with the secret.
    pub fn by_secret(&self, shown: Option<&str>) -> Verification {
        match shown {
            None => Verification::Missing,
            Some(shown) => Verification::of(same(shown, self.secrets.secret.expose())),
        }
    }

    /// Checks the HMAC-SHA256 of the raw body that a header holds as `sha256=…`, in the way that `decode` reads.
    pub fn by_body_signature(&self, header: &str, decode: fn(&str) -> Option<Vec<u8>>) -> Verification {
        let Some(text) = self.header(header) else { return Verification::Missing };
        let signature = text.strip_prefix("sha256=").and_then(decode);
        let key = self.secrets.secret.expose().as_bytes();
        Verification::of(signature.is_some_and(|signature| signed(key, &[self.body], &signature)))
    }

    /// Checks user name and password of HTTP Basic.
    pub fn by_basic(&self) -> Verification {
        let Some((username, password)) = self.header("authorization").and_then(basic) else {
            return Verification::Missing;
        };
        let wanted = self.settings.username.as_deref().unwrap_or_default();
        // Both are compared, so that a wrong name takes as long as a wrong password.
        let (name, word) = (same(&username, wanted), same(&password, self.secrets.secret.expose()));
        Verification::of(name & word)
    }

    /// Checks a signature of Standard Webhooks 1.0, the form in which our own webhooks are signed.
    pub fn by_standard_webhooks(&self) -> Verification {
        let [Some(id), Some(at), Some(signatures)] =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| self.header(name))
        else {
            return Verification::Missing;
        };
        let (Ok(seconds), Some(key)) = (at.parse::<i64>(), standard_key(self.secrets.secret.expose())) else {
            return Verification::Wrong;
        };
        let parts = [id.as_bytes(), b".", at.as_bytes(), b".", self.body];
        let is_ours = signatures
            .split(' ')
            .filter_map(|signature| signature.strip_prefix("v1,"))
            .any(|text| from_base64(text).is_some_and(|signature| signed(&key, &parts, &signature)));
        if !is_ours {
            return Verification::Wrong;
        }
        let off = seconds.abs_diff(self.now.millis() / 1_000);
        if off > TOLERANCE_S { Verification::Stale } else { Verification::Good }
    }
}

/// Tells whether two texts are the same, in a time that does not depend on where they differ.
pub fn same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(Sha256::digest);
    one.iter().zip(other.iter()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

fn signed(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    hmac_sha256(key, parts).verify_slice(signature).is_ok()
}

fn standard_key(secret: &str) -> Option<Vec<u8>> {
    from_base64(secret.strip_prefix("whsec_").unwrap_or(secret))
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let text = String::from_utf8(from_base64(encoded.trim())?).ok()?;
    let (username, password) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (username.to_owned(), password.to_owned()))
}

/// Reads base64 with padding.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Reads hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::lead_format::formats;
    use nexora_core::base::secret::Secret;

    const NOW: Timestamp = Timestamp::from_millis(1_649_367_553_000);

    /// A call without a token.
    struct Asked<'a> {
        settings: SourceSettings,
        secret: &'a str,
        headers: &'a Headers,
        body: &'a [u8],
        now: Timestamp,
    }

    fn asked(kind: &str, asked: &Asked<'_>) -> Verification {
        let secret = Secret::new(asked.secret);
        let secrets = SourceSecrets { secret, verify_token: None, access_token: None };
        let Asked { settings, headers, body, now, .. } = asked;
        let call = Call { headers, token: None, body, settings, secrets: &secrets, now: *now };
        formats::parse(kind).unwrap().handling.verify(&call)
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
        let with = |headers: &Headers, now: Timestamp| {
            let settings = SourceSettings { signed: true, ..SourceSettings::default() };
            asked("json", &Asked { settings, secret, headers, body, now })
        };
        let ask = |at: &str, signature: &str, now: Timestamp| {
            let names = [("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signature)];
            with(&headers(&names), now)
        };
        let both = format!("v1,AAAA {signature}");
        assert_eq!(ask("1649367553", &both, NOW), Verification::Good);
        assert_eq!(ask("1649367554", signature, NOW), Verification::Wrong);
        let later = NOW + std::time::Duration::from_secs(301);
        assert_eq!(ask("1649367553", signature, later), Verification::Stale);
        assert_eq!(with(&Headers::new(), NOW), Verification::Missing);
    }

    #[test]
    fn signatures_are_over_the_raw_body() {
        let hex = "sha256=00ff";
        let good = hmac_sha256(b"secret", &[b"{\"a\": 1}"]).finalize().into_bytes();
        let hub =
            headers(&[("x-hub-signature-256", &format!("sha256={}", nexora_core::base::text::hex(good)))]);
        let of = |kind: &str, headers: &Headers, body: &[u8]| {
            let settings = SourceSettings::default();
            asked(kind, &Asked { settings, secret: "secret", headers, body, now: NOW })
        };
        let ask = |headers: &Headers, body: &[u8]| of("facebook", headers, body);
        assert_eq!(ask(&hub, b"{\"a\": 1}"), Verification::Good);
        assert_eq!(ask(&hub, b"{\"a\":1}"), Verification::Wrong);
        assert_eq!(ask(&headers(&[("x-hub-signature-256", hex)]), b"{\"a\": 1}"), Verification::Wrong);
        assert_eq!(ask(&Headers::new(), b"{\"a\": 1}"), Verification::Missing);
        let typeform = |text: &str| of("typeform", &headers(&[("typeform-signature", text)]), b"{\"a\": 1}");
        assert_eq!(typeform(&format!("sha256={}", BASE64.encode(good))), Verification::Good);
        assert_eq!(typeform(&format!("sha256={}", nexora_core::base::text::hex(good))), Verification::Wrong);
    }

    #[test]
    fn a_user_name_and_a_password_go_together() {
        let ask = |text: &str| {
            let headers = headers(&[("authorization", &format!("Basic {}", BASE64.encode(text)))]);
            let settings = SourceSettings { username: Some("tack".into()), ..SourceSettings::default() };
            asked("thumbtack", &Asked { settings, secret: "word", headers: &headers, body: b"", now: NOW })
        };
        assert_eq!(ask("tack:word"), Verification::Good);
        assert_eq!(ask("tick:word"), Verification::Wrong);
        assert_eq!(ask("tack:ward"), Verification::Wrong);
    }
}
