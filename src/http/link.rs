//! The links in our messages: `/u/{token}` ends commercial mail (RFC 8058: a POST acts at once, a GET
//! only shows a page, since mail scanners open every link), `/r/{token}` leads to the place for reviews.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::app::App;
use crate::http::page;
use crate::http::problem::Problem;
use crate::ops::contact::link;
use nexora_core::model::language::{Language, PageNotice, UnsubscribeWords};

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Unsubscribe {
    language: Language,
    words: &'static UnsubscribeWords,
    meaning: String,
}

pub async fn show_unsubscribe(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let tenant = link::unsubscribing(&app, &token).await?;
    let language = tenant.language()?;
    let words = &language.words().unsubscribe;
    let page = Unsubscribe { language, words, meaning: (words.meaning)(&tenant.name) };
    Ok(page::spoken(language, page::render(StatusCode::OK, &page)))
}

pub async fn unsubscribe(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let tenant = link::unsubscribe(&app, &token).await?;
    let language = tenant.language()?;
    Ok(page::notice(StatusCode::OK, language, &PageNotice::Unsubscribed(tenant.name)))
}

pub async fn review(State(app): State<Arc<App>>, Path(token): Path<String>) -> Result<Response, Problem> {
    let settings = link::open_review(&app, &token).await?;
    if settings.review_url.is_empty() {
        let problem = Problem::told(StatusCode::NOT_FOUND, PageNotice::IncompleteLink);
        return Ok(page::spoken(settings.language, problem.into_response()));
    }
    Ok(Redirect::to(&settings.review_url).into_response())
}
