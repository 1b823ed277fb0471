//! Calls that the generated clients have no method for, or would misread: JSON over HTTP, with the
//! same client, token, deadline and faults.

use google_apis_common as common;
use google_apis_common::GetToken as _;
use http_body_util::{BodyExt as _, Limited};
use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::Fault;
use crate::hub::{Caller, Cost, Watch};

/// The largest answer that is read.
const ANSWER_LIMIT_BYTES: usize = 64_000_000;

impl Caller {
    /// Reads `url`, which is encoded already.
    pub async fn get<T: DeserializeOwned>(&self, cost: Cost, url: &str) -> Result<T, Fault> {
        self.send(cost, Method::GET, url, None).await
    }

    /// Sends a body to `url`, which is encoded already.
    pub async fn post<T: DeserializeOwned>(&self, cost: Cost, url: &str, body: &Value) -> Result<T, Fault> {
        self.send(cost, Method::POST, url, Some(body)).await
    }

    /// Makes a call; an empty answer reads as `null`.
    pub async fn send<T: DeserializeOwned>(
        &self,
        cost: Cost,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<T, Fault> {
        let method = &method;
        self.call(cost, |watch| async move { self.fetch(method.clone(), url, body, watch).await }).await
    }

    async fn fetch<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        watch: Watch,
    ) -> common::Result<T> {
        let token = self.tokens.get_token(&[]).await.map_err(common::Error::MissingToken)?;
        let mut request =
            hyper::Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
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
        let broken = |error| common::Error::JsonDecodeError(String::new(), error);
        if head.status.is_success() {
            let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
            return serde_json::from_slice(text).map_err(broken);
        }
        watch.note(head.status, &head.headers);
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
