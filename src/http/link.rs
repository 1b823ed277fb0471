//! The links in our messages: `/u/{token}` ends commercial mail (RFC 8058: a POST acts at once, a GET
//! only shows a page, since mail scanners open every link), `/r/{token}` leads to the place for reviews.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::http::page;
use crate::http::problem::{self, Reader};
use crate::ops::link;

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Unsubscribe {
    name: String,
}

pub async fn show_unsubscribe(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    quiet(match link::unsubscribing(&app, &token).await {
        Ok(tenant) => page::render(StatusCode::OK, &Unsubscribe { name: tenant.name }),
        Err(error) => problem::failure(Reader::Person, &error),
    })
}

pub async fn unsubscribe(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    quiet(match link::unsubscribe(&app, &token).await {
        Ok(tenant) => {
            let text = format!(
                "{} will not send you any more of these mails. Answers to what you ask, and reminders of your appointments, still reach you.",
                tenant.name
            );
            page::notice(StatusCode::OK, "done", &text)
        }
        Err(error) => problem::failure(Reader::Person, &error),
    })
}

pub async fn review(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    quiet(match link::open_review(&app, &token).await {
        Ok(url) => Redirect::to(&url).into_response(),
        Err(error) => problem::failure(Reader::Person, &error),
    })
}

/// Keeps such a page out of caches and search engines.
fn quiet(mut response: Response) -> Response {
    response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    page::uncached(response)
}
