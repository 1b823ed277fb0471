//! One receiver of events, called by HTTP and signed as Standard Webhooks 1.0 has it.
//!
//! Every attempt at an effect bears the same `webhook-id`, by which the receiver knows a second copy, so
//! one whose answer was lost is simply made again. Redirects are not followed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit as _, Mac};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::base::clock::Clock;
use crate::base::error::chain;
use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::connector::port::{Delivery, Perform, Probe};
use crate::connector::webhook::address::{Guard, check};
use crate::connector::webhook::{SECRET_PREFIX, WebhookSettings};
use crate::model::outcome::{Outcome, Receipt};
use crate::model::request::{EffectRequest, PostWebhook};

/// How much of an answer is read, to say why something was refused.
const ANSWER_LIMIT_BYTES: usize = 4_096;

type Connect = HttpsConnector<HttpConnector<Guard>>;

pub struct Receiver {
    settings: WebhookSettings,
    key: Vec<u8>,
    client: Client<Connect, Full<Bytes>>,
    deadline: Duration,
    clock: Clock,
}

impl Receiver {
    /// # Errors
    /// `Denied` when the secret has the wrong form; `Usage` when the address cannot be told anything.
    pub fn new(
        settings: WebhookSettings,
        secret: &Secret,
        deadline: Duration,
        clock: Clock,
    ) -> Result<Receiver> {
        check(&settings)?;
        let wrong = || Error::denied("the webhook's secret has the wrong form");
        let key = secret.expose().strip_prefix(SECRET_PREFIX).ok_or_else(wrong)?;
        let key = BASE64.decode(key).map_err(|_| wrong())?;
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
        Ok(Receiver { settings, key, client, deadline, clock })
    }

    async fn post(&self, delivery: &Delivery, request: &PostWebhook) -> Outcome {
        let seconds = self.clock.now().millis() / 1_000;
        let id = delivery.effect_id.as_str();
        let signature = signature(&self.key, id, seconds, &request.body);
        let built = Request::builder()
            .method(Method::POST)
            .uri(&self.settings.url)
            .header("content-type", "application/json")
            .header("user-agent", "nexora")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
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
        let after = answer.headers().get(hyper::header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
        if status.is_success() {
            return Outcome::Delivered(Receipt::named(Some(id.to_owned())).with("status", status.as_u16()));
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

/// Returns the signature of a body (Standard Webhooks, "Signature scheme": `v1`).
fn signature(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

impl Perform for Receiver {
    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match &delivery.request {
                EffectRequest::PostWebhook(request) => self.post(delivery, request).await,
                other => Outcome::Refused { reason: format!("a webhook cannot do `{}`", other.kind()) },
            }
        })
    }
}

impl Probe for Receiver {
    /// Any answer will do: a receiver need not understand the question.
    fn probe(&self) -> BoxFuture<'_, Result<String>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the specification's own libraries use.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let key = BASE64.decode("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signed = signature(&key, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
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
