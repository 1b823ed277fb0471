//! One receiver of events, called by HTTP and signed as Standard Webhooks 1.0 has it.
//!
//! Every attempt at an effect bears the same `webhook-id`, by which the receiver knows a second copy, so
//! one whose answer was lost is simply made again. Redirects are not followed.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer,
};

use crate::https;
use crate::port::{Delivery, Perform, Probe};
use crate::webhook::address::{Guard, check};
use crate::webhook::{SECRET_PREFIX, WebhookSettings};
use nexora_core::base::clock::Clock;
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::outcome::{Outcome, Receipt};
use nexora_core::model::request::{EffectRequest, PostWebhook};

/// How much of an answer is read, to say why something was refused.
const ANSWER_LIMIT_BYTES: usize = 4_096;

type Connect = HttpsConnector<HttpConnector<Guard>>;

pub struct Receiver {
    settings: WebhookSettings,
    signer: Signer,
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
        Ok(Receiver { settings, signer, client, deadline, clock })
    }

    async fn post(&self, delivery: &Delivery, request: &PostWebhook) -> Outcome {
        let seconds = self.clock.now().millis() / 1_000;
        let id = delivery.mark.as_str();
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
        let signer = Signer::new("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signed = signer.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap();
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        let headers = [HEADER_WEBHOOK_ID, HEADER_WEBHOOK_TIMESTAMP, HEADER_WEBHOOK_SIGNATURE];
        assert_eq!(headers, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
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
