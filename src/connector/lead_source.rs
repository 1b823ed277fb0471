//! Leads that a provider only told of, fetched from it: Facebook's Graph API and Yelp's.

use std::sync::OnceLock;
use std::time::Duration;

use hmac::Mac as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::base::Result;
use crate::base::error::chain;
use crate::base::mac::hmac_sha256;
use crate::base::secret::Secret;
use crate::base::text::hex;
use crate::connector::https::{self, Connect};
use crate::model::outcome::Unread;
use crate::model::source::SourceSecrets;

/// The largest answer that is read.
const ANSWER_LIMIT_BYTES: usize = 1_000_000;

/// What is asked of a lead on Facebook.
const FACEBOOK_FIELDS: &str = "id,created_time,field_data,ad_id,adset_id,campaign_id,form_id,platform";

/// Where the providers are.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub facebook_url: String,
    pub yelp_url: String,
    pub timeout: Duration,
}

/// The providers that leads are fetched from.
pub struct LeadSources {
    addresses: Addresses,
    client: OnceLock<Client<Connect, Full<Bytes>>>,
}

impl LeadSources {
    pub fn new(addresses: Addresses) -> LeadSources {
        LeadSources { addresses, client: OnceLock::new() }
    }

    /// Reads a lead of Facebook's, proving that the app itself asks.
    ///
    /// # Errors
    /// Says whether trying again can help.
    pub async fn facebook(&self, id: &str, secrets: &SourceSecrets) -> Result<Value, Unread> {
        let token = token(secrets)?;
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let proof = proof(&secrets.secret, token);
        let base = &self.addresses.facebook_url;
        let url = format!("{base}{id}?fields={FACEBOOK_FIELDS}&appsecret_proof={proof}");
        let (status, after, answer) = self.get(&url, token).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
        let reason = format!("Facebook answered {status} {said}").trim().to_owned();
        let code = answer.pointer("/error/code").and_then(Value::as_i64);
        let is_transient = answer.pointer("/error/is_transient") == Some(&Value::Bool(true));
        Err(match code {
            _ if is_transient => Unread::Later { reason, after },
            // Facebook's own codes: limits of the app, the user and the page; then the token and its
            // permissions.
            Some(4 | 17 | 32 | 613 | 80_000..=80_999) => Unread::Throttled { reason, after },
            Some(10 | 102 | 190 | 200..=299) => Unread::Unauthorized { reason },
            Some(1 | 2) => Unread::Later { reason, after },
            _ => unread(status, reason, after),
        })
    }

    /// Reads a lead of Yelp's.
    ///
    /// # Errors
    /// Says whether trying again can help.
    pub async fn yelp(&self, id: &str, secrets: &SourceSecrets) -> Result<Value, Unread> {
        let token = token(secrets)?;
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let url = format!("{}leads/{id}", self.addresses.yelp_url);
        let (status, after, answer) = self.get(&url, token).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer.pointer("/error/description").and_then(Value::as_str).unwrap_or_default();
        Err(unread(status, format!("Yelp answered {status} {said}").trim().to_owned(), after))
    }

    async fn get(&self, url: &str, token: &Secret) -> Result<(StatusCode, Option<Duration>, Value), Unread> {
        let later = |reason: String| Unread::Later { reason, after: None };
        let client = self.client().map_err(|error| later(error.report()))?;
        let request = Request::get(url)
            .header("accept", "application/json")
            .header("user-agent", "nexora")
            .header("authorization", format!("Bearer {}", token.expose()))
            .body(Full::default())
            .map_err(|error| Unread::Refused { reason: chain(&error) })?;
        let call = async {
            let answer = client.request(request).await.map_err(|error| later(chain(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT_BYTES).collect().await;
            Ok((head, body.map_err(|error| later(error.to_string()))?.to_bytes()))
        };
        let (head, bytes) = match tokio::time::timeout(self.addresses.timeout, call).await {
            Ok(answered) => answered?,
            Err(_) => return Err(later("no answer in time".to_owned())),
        };
        let after = https::retry_after(&head.headers);
        let value = match serde_json::from_slice(&bytes) {
            Ok(value) => value,
            Err(_) if head.status.is_success() => return Err(later("the answer is not JSON".to_owned())),
            Err(_) => Value::Null,
        };
        Ok((head.status, after, value))
    }

    fn client(&self) -> Result<&Client<Connect, Full<Bytes>>> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let connect = https::connect()?;
        Ok(self.client.get_or_init(|| Client::builder(TokioExecutor::new()).build(connect)))
    }
}

fn token(secrets: &SourceSecrets) -> Result<&Secret, Unread> {
    let reason = || "the source has no access token".to_owned();
    secrets.access_token.as_ref().ok_or_else(|| Unread::Unauthorized { reason: reason() })
}

fn unread(status: StatusCode, reason: String, after: Option<Duration>) -> Unread {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Unread::Unauthorized { reason },
        StatusCode::TOO_MANY_REQUESTS => Unread::Throttled { reason, after },
        StatusCode::REQUEST_TIMEOUT => Unread::Later { reason, after },
        _ if status.is_server_error() => Unread::Later { reason, after },
        _ => Unread::Refused { reason },
    }
}

/// Returns what shows that a token is used by the app that it was given to (Graph API,
/// `appsecret_proof`).
fn proof(app_secret: &Secret, token: &Secret) -> String {
    let mac = hmac_sha256(app_secret.expose().as_bytes(), &[token.expose().as_bytes()]);
    hex(mac.finalize().into_bytes())
}
