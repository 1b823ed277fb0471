//! Calls that the generated clients have no method for, or would misread: JSON over HTTP, with the same
//! client, token, deadline and faults as theirs.
//!
//! They have no Drive. They decode Gmail's bodies only with padding, and drop every null of what they
//! send, with which a changed entry says that it is no whole day any more, and a changed row that a cell
//! stays as it is. They upload a mail between delimiters that are the same for everybody, so that a mail
//! which quotes one is cut off there.

use google_apis_common as common;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION};
use hyper::http::uri::Scheme;
use hyper::{Method, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::{Attempt, Caller, Send};
use crate::fault::Fault;
use crate::quota::Cost;

/// The largest answer that is read.
const ANSWER_LIMIT_BYTES: usize = 64_000_000;

/// What is told of an upload before its bytes come.
const UPLOAD_TYPE: HeaderName = HeaderName::from_static("x-upload-content-type");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("x-upload-content-length");

/// What an upload carries.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub media_type: &'static str,
    pub bytes: &'a [u8],
}

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

    /// Uploads a message in the resumable form (Google's "Upload file data"): what is said of it in
    /// JSON, then its bytes as they are, so that nothing in it can be taken for a delimiter.
    pub async fn upload<T: DeserializeOwned>(
        &self,
        cost: Cost,
        url: &str,
        about: &Value,
        message: Message<'_>,
    ) -> Result<T, Fault> {
        let send: &Send<'_, Bytes> = &move |attempt| Box::pin(self.send_whole(url, about, message, attempt));
        parsed(&self.call(cost, send).await?)
    }

    async fn send_whole(
        &self,
        url: &str,
        about: &Value,
        message: Message<'_>,
        attempt: Attempt,
    ) -> common::Result<Bytes> {
        let begin = request(Method::POST, url, &attempt)
            .header(CONTENT_TYPE, "application/json")
            .header(UPLOAD_TYPE, message.media_type)
            .header(UPLOAD_LENGTH, message.bytes.len());
        let (head, _) = self.exchange(begin, Some(Bytes::from(about.to_string())), &attempt).await?;
        let address = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let address = address.filter(|address| is_beside(url, address)).ok_or_else(|| {
            common::Error::Io(std::io::Error::other("the upload was given no address at Google"))
        })?;
        let send = request(Method::PUT, address, &attempt).header(CONTENT_TYPE, message.media_type);
        let (_, answer) = self.exchange(send, Some(Bytes::copy_from_slice(message.bytes)), &attempt).await?;
        Ok(answer)
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
        let mut request = request(method, url, &attempt);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.exchange(request, body, &attempt).await.map(|(_, bytes)| bytes)
    }

    /// Sends one request and reads its answer whole.
    async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        body: Option<Bytes>,
        attempt: &Attempt,
    ) -> common::Result<(hyper::http::response::Parts, Bytes)> {
        let request = request.body(common::to_body(body)).map_err(|error| {
            common::Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
        })?;
        let answer = self.client.request(request).await.map_err(common::Error::HttpError)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT_BYTES).collect().await;
        let bytes = body.map_err(|error| common::Error::Io(std::io::Error::other(error)))?.to_bytes();
        if head.status.is_success() {
            return Ok((head, bytes));
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

fn request(method: Method, url: &str, attempt: &Attempt) -> hyper::http::request::Builder {
    hyper::Request::builder()
        .method(method)
        .uri(url)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, format!("Bearer {}", attempt.token.expose()))
}

/// Tells whether an address is at the same server as `url`, or at another of Google's, so that neither
/// the token nor the message goes anywhere else.
fn is_beside(url: &str, address: &str) -> bool {
    let (Ok(url), Ok(address)) = (url.parse::<Uri>(), address.parse::<Uri>()) else { return false };
    let is_googles = address.host().is_some_and(|host| host.ends_with(".googleapis.com"));
    (url.scheme() == address.scheme() && url.authority() == address.authority())
        || (is_googles && address.scheme() == Some(&Scheme::HTTPS))
}

/// Reads an answer; an empty one reads as `null`. What cannot be read is described by its length only:
/// it holds a customer's words.
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let text = if bytes.is_empty() { b"null" } else { bytes };
    serde_json::from_slice(text).map_err(|error| Fault::unread(bytes.len(), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_goes_to_the_same_server_or_to_one_of_googles() {
        let url = "https://gmail.googleapis.com/upload/gmail/v1/users/me/drafts";
        for (address, wanted) in [
            ("https://gmail.googleapis.com/upload/x?upload_id=1", true),
            ("https://www.googleapis.com/upload/x?upload_id=1", true),
            ("http://gmail.googleapis.com/upload/x", false),
            ("https://googleapis.com.example.com/x", false),
            ("https://example.com/.googleapis.com", false),
            ("/upload/x", false),
        ] {
            assert_eq!(is_beside(url, address), wanted, "{address}");
        }
        assert!(is_beside("http://127.0.0.1:9/upload/x", "http://127.0.0.1:9/upload/session?upload_id=1"));
        assert!(!is_beside("http://127.0.0.1:9/upload/x", "http://127.0.0.1:8/upload/session"));
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_described_without_its_words() {
        for answer in
            [r#"{"id": {"name": "Jo Miller"}}"#, r#"{"id": "Jo Miller"#, "Jo Miller", r#"["Jo Miller"]"#]
        {
            let fault = parsed::<std::collections::BTreeMap<String, u8>>(answer.as_bytes()).unwrap_err();
            assert!(matches!(fault, Fault::Lost(_)), "{answer}");
            let reason = fault.reason();
            assert!(
                !reason.contains("Jo") && reason.contains(&format!("{} bytes", answer.len())),
                "{reason}"
            );
        }
    }
}
