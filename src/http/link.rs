//! The links in our messages: `/u/{token}` ends commercial mail (RFC 8058: a POST acts at once, a GET
//! only shows a page, since mail scanners open every link), `/r/{token}` leads to the place for reviews.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};

use crate::app::App;
use crate::http::page;
use crate::http::problem::Problem;
use crate::ops::contact::link;

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Unsubscribe {
    name: String,
}

pub async fn show_unsubscribe(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let tenant = link::unsubscribing(&app, &token).await?;
    Ok(page::render(StatusCode::OK, &Unsubscribe { name: tenant.name }))
}

pub async fn unsubscribe(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let tenant = link::unsubscribe(&app, &token).await?;
    let text = format!(
        "{} will not send you any more of these mails. Answers to what you ask, and reminders of your appointments, still reach you.",
        tenant.name
    );
    Ok(page::notice(StatusCode::OK, "done", &text))
}

pub async fn review(State(app): State<Arc<App>>, Path(token): Path<String>) -> Result<Redirect, Problem> {
    Ok(Redirect::to(&link::open_review(&app, &token).await?))
}
