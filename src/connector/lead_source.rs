//! Fetches leads that a provider only announced. What to ask, and what an answer means, is the format's
//! (`engine/lead_format`).

use std::sync::OnceLock;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::https::{self, Connect};
use nexora_core::base::Result;
use nexora_core::base::error::chain;
use nexora_core::model::outcome::Unread;
use nexora_core::model::source::{FetchRequest, FetchResponse};

/// The largest answer that is read.
const ANSWER_LIMIT_BYTES: usize = 1_000_000;

/// The client by which leads are fetched.
pub struct LeadSources {
    timeout: Duration,
    client: OnceLock<Client<Connect, Full<Bytes>>>,
}

impl LeadSources {
    /// Makes a client each of whose calls ends within `timeout`.
    pub fn new(timeout: Duration) -> LeadSources {
        LeadSources { timeout, client: OnceLock::new() }
    }

    /// Asks a provider for a lead; returns its answer, whatever it says.
    ///
    /// # Errors
    /// Says whether trying again can help, when there is no answer that can be read.
    pub async fn get(&self, request: &FetchRequest) -> Result<FetchResponse, Unread> {
        let later = |reason: String| Unread::Later { reason, after: None };
        let client = self.client().map_err(|error| later(error.report()))?;
        let call = Request::get(&request.url)
            .header("accept", "application/json")
            .header("user-agent", "nexora")
            .header("authorization", format!("Bearer {}", request.token.expose()))
            .body(Full::default())
            .map_err(|error| Unread::Refused { reason: chain(&error) })?;
        let answered = async {
            let answer = client.request(call).await.map_err(|error| later(chain(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT_BYTES).collect().await;
            Ok((head, body.map_err(|error| later(error.to_string()))?.to_bytes()))
        };
        let (head, bytes) = match tokio::time::timeout(self.timeout, answered).await {
            Ok(answered) => answered?,
            Err(_) => return Err(later("no answer in time".to_owned())),
        };
        let retry_after = https::retry_after(&head.headers);
        let body = match serde_json::from_slice(&bytes) {
            Ok(value) => value,
            Err(_) if head.status.is_success() => return Err(later("the answer is not JSON".to_owned())),
            Err(_) => Value::Null,
        };
        Ok(FetchResponse {
            status: head.status.as_u16(),
            status_text: head.status.to_string(),
            retry_after,
            body,
        })
    }

    fn client(&self) -> Result<&Client<Connect, Full<Bytes>>> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let connect = https::connect()?;
        Ok(self.client.get_or_init(|| Client::builder(TokioExecutor::new()).build(connect)))
    }
}
