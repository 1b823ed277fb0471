//! Cloudflare Turnstile: whether a visitor's browser convinced the widget that it is a person's
//! (developers.cloudflare.com/turnstile, "Server-side validation").

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use crate::https::connect;
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(4);
const ANSWER_LIMIT_BYTES: usize = 16_384;

#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, rename = "error-codes")]
    codes: Vec<String>,
}

/// Asks whether `response`, as the widget left it in the form, is good. A response is good once.
///
/// # Errors
/// `Unavailable` when the service gives no answer in time; `Denied` when our secret is refused.
pub async fn verify(url: &str, secret: &Secret, response: &str, address: Option<IpAddr>) -> Result<bool> {
    let silent = |reason: String| Error::unavailable("Turnstile does not answer").source(reason);
    let mut fields = vec![("secret", secret.expose().to_owned()), ("response", response.to_owned())];
    fields.extend(address.map(|address| ("remoteip", address.to_string())));
    let body = serde_urlencoded::to_string(fields)
        .map_err(|error| Error::internal("the question to Turnstile cannot be written").source(error))?;
    let request = Request::post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::<hyper::body::Bytes>::from(body))
        .map_err(|error| Error::config("`intake.turnstile_url` cannot be asked").source(error))?;
    let asking = async {
        let answer = Client::builder(TokioExecutor::new())
            .build(connect()?)
            .request(request)
            .await
            .map_err(|error| silent(chain(&error)))?;
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES).collect().await;
        let body = body.map_err(|error| silent(error.to_string()))?.to_bytes();
        serde_json::from_slice::<Answer>(&body).map_err(|error| silent(error.to_string()))
    };
    let answer = tokio::time::timeout(PATIENCE, asking)
        .await
        .map_err(|_| silent("no answer in time".to_owned()))??;
    if answer.codes.iter().any(|code| code.ends_with("input-secret")) {
        return Err(
            Error::denied("Turnstile refuses our secret key").hint("run `nexora form turnstile --help`")
        );
    }
    Ok(answer.success)
}
