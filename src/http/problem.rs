//! What is wrong with a request, or with us: problem+json (RFC 9457) for programs, a short page for people.
//!
//! A handler returns `Result<_, Problem>` and does not know who reads it. The layers of its route do: they show a
//! problem as a page, leave it as JSON, or choose by what the client accepts.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::page;
use nexora_core::base::{Error, Kind};
use nexora_core::model::language::{Language, PageNotice};
use nexora_engine::lead::enquiry::FieldFault;

/// Seconds after which a client may try again when we could not keep what it sent.
const RETRY_AFTER_S: u64 = 5;

/// An answer that says what is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    title: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    /// What people are told in the language of the business, where title and detail are the same in English.
    notice: Option<PageNotice>,
}

impl Problem {
    pub fn new(
        status: StatusCode,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        let (title, detail) = (title.into(), detail.into());
        Problem { status, title, detail, errors: Vec::new(), retry_after_s: None, notice: None }
    }

    /// Makes a problem that is told to people in the language of the business, and to programs in English.
    pub fn told(status: StatusCode, notice: PageNotice) -> Problem {
        let (title, detail) = (Language::English.words().notice)(&notice);
        Problem { notice: Some(notice), ..Problem::new(status, title, detail) }
    }

    /// Names every field that is wrong, in words for the person who filled it in: scripts of the business's website show
    /// them.
    pub fn invalid_fields(faults: &[FieldFault], language: Language) -> Problem {
        let error = |fault: &FieldFault| FieldError { field: fault.field, message: fault.told(language) };
        let errors = faults.iter().map(error).collect();
        Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "some fields are wrong", "") }
    }

    /// Answers a client that sends too much.
    pub fn too_many(wait: Duration) -> Problem {
        let seconds = wait.as_secs() + 1;
        let notice = PageNotice::TooMany(seconds);
        Problem::told(StatusCode::TOO_MANY_REQUESTS, notice).retry_after(seconds)
    }

    /// Says that we cannot take something just now.
    pub fn busy(notice: PageNotice) -> Problem {
        Problem::told(StatusCode::SERVICE_UNAVAILABLE, notice).retry_after(RETRY_AFTER_S)
    }

    /// Says that the path takes no such method.
    pub fn wrong_method() -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this page does not take that method", "")
    }

    /// Says after how many seconds the client may try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after_s: Some(seconds), ..self }
    }

    /// Gives the problem another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Problem {
        Problem { status, ..self }
    }
}

/// The kind of a failure decides the status. What is our own fault is logged, and not described.
impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let status = StatusCode::from_u16(error.kind().http_status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !status.is_server_error() {
            let detail = error.hint_text().unwrap_or_default().to_owned();
            return Problem::new(status, error.message().to_owned(), detail);
        }
        tracing::error!(kind = error.kind().name(), reason = %error.report(), "a request failed");
        if error.kind() == Kind::Unavailable {
            return Problem::busy(PageNotice::Busy).with_status(status);
        }
        Problem::told(status, PageNotice::Broken)
    }
}

/// RFC 9457's members, and our list of faults.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

#[derive(Clone, Debug, Serialize)]
struct FieldError {
    field: &'static str,
    message: String,
}

impl IntoResponse for Problem {
    /// Answers with JSON, and takes the problem along for a layer that shows it in another way.
    fn into_response(self) -> Response {
        let Problem { status, title, detail, errors, retry_after_s, notice: _ } = &self;
        let body = Body { kind: "about:blank", title, status: status.as_u16(), detail, errors };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let retry_after = retry_after_s.map(|seconds| [(header::RETRY_AFTER, HeaderValue::from(seconds))]);
        let mut response = (*status, kind, retry_after, body).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Shows problems as pages: people read what the routes below answer. A handler that knows the business says its
/// language (`page::spoken`).
pub async fn for_people(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let (mut head, _) = response.into_parts();
    let language = head.extensions.get().copied().unwrap_or(Language::English);
    let page = match &problem.notice {
        Some(notice) => page::notice(problem.status, language, notice),
        None => page::plain(problem.status, &problem.title, &problem.detail),
    };
    let (shown, body) = page.into_parts();
    head.status = shown.status;
    for name in [header::CONTENT_TYPE, header::CONTENT_LANGUAGE] {
        if let Some(value) = shown.headers.get(&name) {
            head.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(head, body)
}

/// Leaves problems as JSON: programs read what the routes below answer.
pub async fn for_programs(mut response: Response) -> Response {
    response.extensions_mut().remove::<Problem>();
    response
}

/// Shows problems in the form that the client reads, by what its request accepts.
pub async fn for_reader(request: Request, next: Next) -> Response {
    let reader = Reader::of(request.headers());
    let response = next.run(request).await;
    match reader {
        Reader::Person => for_people(response).await,
        Reader::Program => for_programs(response).await,
    }
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

/// Answers a path that is not there.
pub async fn no_such_page() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no such page", "")
}

/// Answers a method that a path does not take.
pub async fn wrong_method() -> Problem {
    Problem::wrong_method()
}

/// Answers when a handler panicked.
pub fn panicked() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn one_problem_is_json_for_programs_and_a_page_for_people() {
        let problem = || Problem::from(Error::not_found("no such form").hint("check the address"));
        let mut json = problem().into_response();
        json.headers_mut().insert("x-kept", HeaderValue::from_static("yes"));
        let page = for_people(json).await;
        assert_eq!(
            (page.status(), &page.headers()["x-kept"]),
            (StatusCode::NOT_FOUND, &HeaderValue::from_static("yes"))
        );
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(text(page).await.contains("No such form"));
        let json = for_people(for_programs(problem().into_response()).await).await;
        assert_eq!(json.headers()[header::CONTENT_TYPE], "application/problem+json");
        let wanted =
            r#"{"type":"about:blank","title":"no such form","status":404,"detail":"check the address"}"#;
        assert_eq!(text(json).await, wanted);
    }

    #[tokio::test]
    async fn what_is_our_fault_is_not_described() {
        let internal = Problem::from(Error::internal("row 7 is torn")).into_response();
        assert!(!text(internal).await.contains("torn"));
        let unavailable = Problem::from(Error::unavailable("no database")).into_response();
        assert_eq!(unavailable.headers()[header::RETRY_AFTER], "5");
        assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
