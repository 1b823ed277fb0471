//! Events told to another program by HTTP, signed as Standard Webhooks 1.0 has it.
//!
//! Every attempt at an effect bears the same `webhook-id`, by which the receiver knows a second copy, so
//! one whose answer was lost is simply made again. Addresses that are not public are refused, unless
//! the connection allows them, and the name is resolved once for each attempt, so that it cannot
//! become another between the check and the call. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer,
};
use tower_service::Service;

use crate::{Answer, Connector, Perform, Probe, Task, https};
use nexora_core::base::clock::Clock;
use nexora_core::base::error::chain;
use nexora_core::base::secret::{Secret, random_bytes};
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::WebhookSettings;
use nexora_core::model::outcome::{Made, Outcome};
use nexora_core::model::request::{EffectRequest, PostWebhook};

/// How a secret begins (Standard Webhooks, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";

/// How much of an answer is read, to say why something was refused.
const ANSWER_LIMIT_BYTES: usize = 4_096;

type Connect = HttpsConnector<HttpConnector<Guard>>;

/// One receiver.
pub struct Webhook {
    settings: WebhookSettings,
    signer: Signer,
    client: Client<Connect, Full<Bytes>>,
    deadline: Duration,
    clock: Clock,
}

/// Makes a secret for a new receiver.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn new_secret() -> Result<Secret> {
    Ok(Secret::new(format!("{SECRET_PREFIX}{}", BASE64.encode(random_bytes::<24>()?))))
}

/// Makes sure that an address can be told anything.
///
/// # Errors
/// `Usage` when it is no `https` address, or names one that is not public and not allowed.
pub fn check(settings: &WebhookSettings) -> Result<Uri> {
    let url = &settings.url;
    let uri: Uri = url.parse().map_err(|_| Error::usage(format!("`{url}` is not an address on the web")))?;
    let host = uri.host().ok_or_else(|| Error::usage(format!("`{url}` names no host")))?;
    let secure = uri.scheme_str() == Some("https");
    if !secure && !settings.allow_private {
        return Err(Error::usage(format!("`{url}` is not encrypted")).hint("use an address with `https://`"));
    }
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match literal.filter(|address| !settings.allow_private && !is_public(*address)) {
        Some(address) => Err(private(&address.to_string())),
        None => Ok(uri),
    }
}

fn private(what: &str) -> Error {
    Error::usage(format!("`{what}` is not a public address"))
        .hint("add `--allow-private` if it is a receiver of your own in this network")
}

impl Webhook {
    /// # Errors
    /// `Denied` when the secret has the wrong form; `Usage` when the address cannot be told anything.
    pub fn open(
        settings: WebhookSettings,
        secret: &Secret,
        deadline: Duration,
        clock: Clock,
    ) -> Result<Connector> {
        check(&settings)?;
        let wrong = || Error::denied("the webhook's secret has the wrong form");
        let key = secret.expose().strip_prefix(SECRET_PREFIX).ok_or_else(wrong)?;
        let signer = Signer::new(key).map_err(|_| wrong())?;
        let mut http = HttpConnector::new_with_resolver(Guard { allow_private: settings.allow_private });
        http.enforce_http(false);
        http.set_connect_timeout(Some(deadline));
        let connect = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| Error::config("the system's certificates cannot be read").source(error))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).build(connect);
        let webhook = Arc::new(Webhook { settings, signer, client, deadline, clock });
        let perform = Arc::clone(&webhook) as Arc<dyn Perform>;
        Ok(Connector { perform, reconcile: None, probe: webhook, poll: None })
    }

    async fn post(&self, task: &Task, request: &PostWebhook) -> Outcome {
        let seconds = self.clock.now().millis() / 1_000;
        let id = task.effect_id.as_str();
        let signature = match self.signer.sign(id, seconds, request.body.as_bytes()) {
            Ok(signature) => signature,
            Err(error) => return Outcome::Refused { reason: chain(&error) },
        };
        let built = Request::builder()
            .method(Method::POST)
            .uri(&self.settings.url)
            .header("content-type", "application/json")
            .header("user-agent", "nexora")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(Full::from(request.body.clone()));
        let built = match built {
            Ok(built) => built,
            Err(error) => return Outcome::Refused { reason: chain(&error) },
        };
        let answer = match tokio::time::timeout(self.deadline, self.client.request(built)).await {
            Ok(Ok(answer)) => answer,
            // The receiver knows a second copy by its id.
            Ok(Err(error)) => return Outcome::Retry { reason: chain(&error), after: None },
            Err(_) => return Outcome::Retry { reason: "no answer in time".to_owned(), after: None },
        };
        let status = answer.status();
        let after = https::retry_after(answer.headers());
        if status.is_success() {
            return Outcome::Delivered(Made::named(Some(id.to_owned())).with("status", status.as_u16()));
        }
        let words = tokio::time::timeout(
            self.deadline,
            Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES).collect(),
        );
        let words = match words.await {
            Ok(Ok(body)) => String::from_utf8_lossy(&body.to_bytes()).chars().take(200).collect(),
            _ => String::new(),
        };
        outcome_of(status, &words, after)
    }
}

/// Says what a status other than success means.
fn outcome_of(status: StatusCode, words: &str, after: Option<Duration>) -> Outcome {
    let reason = format!("the receiver answered {status} {words}").trim().to_owned();
    match status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::Throttled { reason, after },
        StatusCode::REQUEST_TIMEOUT => Outcome::Retry { reason, after },
        _ if status.is_server_error() => Outcome::Retry { reason, after },
        _ => Outcome::Refused { reason },
    }
}

impl Perform for Webhook {
    fn perform<'a>(&'a self, task: &'a Task) -> Answer<'a, Outcome> {
        Box::pin(async move {
            match &task.request {
                EffectRequest::PostWebhook(request) => self.post(task, request).await,
                other => Outcome::Refused { reason: format!("a webhook cannot do `{}`", other.kind()) },
            }
        })
    }
}

impl Probe for Webhook {
    /// Any answer will do: a receiver need not understand the question.
    fn probe(&self) -> Answer<'_, Result<String>> {
        Box::pin(async move {
            let url = &self.settings.url;
            let failed = || Error::unavailable(format!("`{url}` does not answer"));
            let built = Request::builder().method(Method::HEAD).uri(url).body(Full::default());
            let built = built.map_err(|error| failed().source(error))?;
            match tokio::time::timeout(self.deadline, self.client.request(built)).await {
                Ok(Ok(answer)) => Ok(format!("`{url}` answers {}", answer.status().as_u16())),
                Ok(Err(error)) => Err(failed().source(error)),
                Err(_) => Err(failed()),
            }
        })
    }
}

/// Resolves names, and hands out only addresses that may be called.
#[derive(Clone)]
struct Guard {
    allow_private: bool,
}

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(std::io::Error::other(format!("`{name}` is not at a public address")));
            }
            Ok(allowed.into_iter())
        })
    }
}

/// Tells whether an address is one of the public internet (IANA's registries of special addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => {
                let [first, second, ..] = address.segments();
                let documentation = first == 0x2001 && second == 0x0db8;
                // 2000::/3 is all that is given out.
                first & 0xe000 == 0x2000 && !documentation
            }
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

/// Returns the IPv4 address within one that maps it, translates it (RFC 6052) or tunnels to it (6to4).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the specification's own libraries use.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let signer = Signer::new("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signed = signer.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap();
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        let headers = [HEADER_WEBHOOK_ID, HEADER_WEBHOOK_TIMESTAMP, HEADER_WEBHOOK_SIGNATURE];
        assert_eq!(headers, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    }

    #[test]
    fn only_public_addresses_are_called() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_is_checked_when_it_is_named() {
        let check = |url: &str, allow_private| check(&WebhookSettings { url: url.to_owned(), allow_private });
        assert!(check("https://example.com/hook", false).is_ok());
        for wrong in
            ["http://example.com", "https://127.0.0.1/x", "https://[::1]/x", "ftp://example.com", "nonsense"]
        {
            assert!(check(wrong, false).is_err(), "{wrong}");
        }
        assert!(check("http://127.0.0.1:8080/x", true).is_ok());
    }

    #[test]
    fn every_answer_has_one_meaning() {
        let meaning = |status: u16| outcome_of(StatusCode::from_u16(status).unwrap(), "", None);
        assert!(matches!(meaning(503), Outcome::Retry { .. }));
        assert!(matches!(meaning(429), Outcome::Throttled { .. }));
        for refused in [301, 400, 401, 404, 410] {
            assert!(matches!(meaning(refused), Outcome::Refused { .. }), "{refused}");
        }
    }
}
