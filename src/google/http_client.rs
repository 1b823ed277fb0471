//! Calls that the generated clients have no method for, or would misread: JSON over HTTP, with the same
//! client, token, deadline and faults as theirs.
//!
//! They have no Drive. They decode Gmail's bodies only with padding, and drop every null of what they
//! send, with which a changed entry says that it is no whole day any more, and a changed row that a cell
//! stays as it is.

use google_apis_common as common;
use http_body_util::{BodyExt as _, Limited};
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::{Attempt, Caller};
use crate::fault::Fault;
use crate::quota::Cost;

/// The largest answer that is read.
const ANSWER_LIMIT_BYTES: usize = 64_000_000;

impl Caller {
    /// Reads `url`, which is encoded already.
    pub async fn get<T: DeserializeOwned>(&self, cost: Cost, url: &str) -> Result<T, Fault> {
        parsed(&self.bytes(cost, Method::GET, url, None).await?)
    }

    /// Sends a body to `url`, which is encoded already.
    pub async fn send<T: DeserializeOwned>(
        &self,
        cost: Cost,
        method: Method,
        url: &str,
        body: &Value,
    ) -> Result<T, Fault> {
        parsed(&self.bytes(cost, method, url, Some(body)).await?)
    }

    async fn bytes(
        &self,
        cost: Cost,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, Fault> {
        let method = &method;
        self.call(cost, &move |attempt| Box::pin(self.fetch(method.clone(), url, body, attempt))).await
    }

    async fn fetch(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        attempt: Attempt,
    ) -> common::Result<Bytes> {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", attempt.token.expose()));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(common::to_body(body.map(Value::to_string))).map_err(|error| {
            common::Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
        })?;
        let answer = self.client.request(request).await.map_err(common::Error::HttpError)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT_BYTES).collect().await;
        let bytes = body.map_err(|error| common::Error::Io(std::io::Error::other(error)))?.to_bytes();
        if head.status.is_success() {
            return Ok(bytes);
        }
        attempt.watch.note(head.status, &head.headers);
        match serde_json::from_slice(&bytes) {
            Ok(envelope) => Err(common::Error::BadRequest(envelope)),
            // An answer without Google's envelope, as a proxy gives it.
            Err(_) => Err(common::Error::Failure(hyper::Response::from_parts(
                head,
                common::to_body::<String>(None),
            ))),
        }
    }
}

/// Reads an answer; an empty one reads as `null`.
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let text = if bytes.is_empty() { b"null" } else { bytes };
    serde_json::from_slice(text).map_err(|error| Fault::Lost(format!("the answer broke off: {error}")))
}
