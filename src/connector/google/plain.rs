//! Calls that the generated clients have no method for, or would misread: JSON over HTTP, with the
//! same client, token, deadline and faults.

use google_apis_common as common;
use google_apis_common::GetToken as _;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use crate::connector::google::fault::Fault;
use crate::connector::google::hub::{Caller, Cost, Watch};

/// The largest answer that is read.
const ANSWER_LIMIT_BYTES: usize = 64_000_000;

impl Caller {
    /// Reads `url`, which is encoded already.
    pub async fn get<T: DeserializeOwned>(&self, cost: Cost, url: &str) -> Result<T, Fault> {
        self.call(cost, |watch| async move { self.fetch(url, watch).await }).await
    }

    async fn fetch<T: DeserializeOwned>(&self, url: &str, watch: Watch) -> common::Result<T> {
        let token = self.tokens.get_token(&[]).await.map_err(common::Error::MissingToken)?;
        let mut request = hyper::Request::get(url).header(hyper::header::ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(hyper::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(common::to_body::<String>(None)).map_err(|error| {
            common::Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
        })?;
        let answer = self.client.request(request).await.map_err(common::Error::HttpError)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT_BYTES).collect().await;
        let bytes = body.map_err(|error| common::Error::Io(std::io::Error::other(error)))?.to_bytes();
        let broken = |error| common::Error::JsonDecodeError(String::new(), error);
        if head.status.is_success() {
            return serde_json::from_slice(&bytes).map_err(broken);
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
