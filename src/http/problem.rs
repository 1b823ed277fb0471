//! Failures as answers: problem+json (RFC 9457) for programs, a short page for people.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::base::{Error, Kind};
use crate::engine::enquiry::FieldFault;
use crate::http::page;

/// Seconds after which a client may try again when we could not keep what it sent.
const RETRY_AFTER_S: &str = "5";

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "<[FieldFault]>::is_empty")]
    errors: &'a [FieldFault],
}

/// Whether the client is a person with a browser or a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Person,
    Program,
}

/// How browsers send forms (HTML, "Form submission").
const FORM_TYPES: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];

impl Reader {
    /// Looks at what the client accepts; one that sent a form without saying so is a browser.
    pub fn of(headers: &HeaderMap) -> Reader {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let accepts = text(header::ACCEPT).unwrap_or_default();
        let sent_form = text(header::CONTENT_TYPE)
            .is_some_and(|kind| FORM_TYPES.iter().any(|form| kind.starts_with(form)));
        if accepts.contains("text/html") || (sent_form && !accepts.contains("json")) {
            Reader::Person
        } else {
            Reader::Program
        }
    }
}

/// Answers with a problem.
pub fn problem(reader: Reader, status: StatusCode, title: &str, detail: &str) -> Response {
    match reader {
        Reader::Person => page::notice(status, title, detail),
        Reader::Program => json(status, title, detail, &[]),
    }
}

/// Answers a program with every field that is wrong.
pub fn invalid_fields(faults: &[FieldFault]) -> Response {
    json(StatusCode::UNPROCESSABLE_ENTITY, "some fields are wrong", "", faults)
}

fn json(status: StatusCode, title: &str, detail: &str, errors: &[FieldFault]) -> Response {
    let problem = Problem { kind: "about:blank", title, status: status.as_u16(), detail, errors };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// Answers with a failure of ours: its kind decides the status. What lies underneath is logged, not
/// told.
pub fn failure(reader: Reader, error: &Error) -> Response {
    let status =
        StatusCode::from_u16(error.kind().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !status.is_server_error() {
        return problem(reader, status, error.message(), error.hint_text().unwrap_or_default());
    }
    tracing::error!(kind = error.kind().name(), reason = %error.report(), "a request failed");
    if error.kind() == Kind::Unavailable {
        let text = "We cannot take this just now. Please try again in a moment.";
        let mut response = problem(reader, status, "please try again", text);
        retry_soon(&mut response);
        return response;
    }
    problem(reader, status, "something went wrong", "It has been noted. Please try again later.")
}

/// Says that it may be tried again soon.
pub fn retry_soon(response: &mut Response) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
}

/// Answers whoever sends too much, with the time after which it may be tried again.
pub fn too_many(reader: Reader, wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let detail = format!("Please try again in {seconds} seconds.");
    let mut response = problem(reader, StatusCode::TOO_MANY_REQUESTS, "too many requests", &detail);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

pub async fn no_such_page(headers: HeaderMap) -> Response {
    problem(Reader::of(&headers), StatusCode::NOT_FOUND, "no such page", "")
}

pub async fn wrong_method(headers: HeaderMap) -> Response {
    problem(Reader::of(&headers), StatusCode::METHOD_NOT_ALLOWED, "this page does not take that method", "")
}

/// Answers when a handler panicked.
pub fn broken() -> Response {
    json(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong", "", &[])
}
