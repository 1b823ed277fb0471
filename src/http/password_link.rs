//! `/status/sign-in/forgotten`, where a link is asked for by which another password is set, and
//! `/status/sign-in/password/{token}`, where such a link leads. What the link holds is the proof of who comes, so that its form
//! needs no cookie; looking at it uses nothing up.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::http::extract::ClientAddress;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::session::{self, Kind};
use crate::http::sign_in::{FORM_TIME, Limiter, new_browser, read, refused, trusted};
use crate::ops::access::password;
use crate::ops::access::password_link::{self, Taken};
use nexora_core::base::secret::Secret;
use nexora_core::model::language::{Language, PasswordWords};
use nexora_engine::access::lockout::Rules;

/// What one network may ask for before it waits.
const PER_NETWORK: Rules =
    Rules { limit: 6, first: Duration::from_secs(60), ceiling: Duration::from_secs(3_600) };

/// Returns what counts those who ask for links, apart from those who sign in.
pub fn limiter() -> Limiter {
    Limiter::new(PER_NETWORK)
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct Forgotten {
    language: Language,
    words: &'static PasswordWords,
    token: String,
    /// Nothing carries a mail to anybody.
    is_mute: bool,
    /// What is said once it was asked for.
    sent: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    token: String,
    email: String,
}

pub async fn forgotten(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    show(&app, &headers, None).await
}

pub async fn ask(
    State(app): State<Arc<App>>,
    Extension(limiter): Extension<Limiter>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let wish: Wish = read(body).map_err(refused)?;
    trusted(&app, &headers, Kind::Before, &wish.token)?;
    let client = limiter.admit(&app, client, &headers)?;
    password_link::ask(&app, &wish.email, &client).await?;
    let hours = password_link::ASKED_TIME.as_secs() / 3_600;
    show(&app, &headers, Some(hours)).await
}

async fn show(app: &App, headers: &HeaderMap, sent_for: Option<u64>) -> Result<Response, Problem> {
    let language = asked_for(headers);
    let words = &language.words().password;
    let is_mute = !password_link::can_mail(app).await?;
    let held = session::read(app, headers, Kind::Before).map_or_else(new_browser, Ok)?;
    let token = session::form_token(app, Kind::Before, held.expose());
    let page = Forgotten { language, words, token, is_mute, sent: sent_for.map(words.sent) };
    let mut response = page::spoken(language, page::render(StatusCode::OK, &page));
    session::keep(app, &mut response, Kind::Before, held.expose(), app.clock.now() + FORM_TIME);
    Ok(response)
}

/// Whoever is not known is spoken to in the language that their browser asks for.
fn asked_for(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::asked_for(accepted.unwrap_or_default())
}

#[derive(Template)]
#[template(path = "password_link.html")]
struct Page {
    language: Language,
    words: &'static PasswordWords,
    shown: Shown,
}

/// What the page behind a link shows.
enum Shown {
    /// The form: whose password it is, how long one has to be, and what was wrong with the last.
    Form {
        email: String,
        whose: String,
        help: String,
        fault: Option<(&'static str, String)>,
    },
    Done,
    Dead,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    new: String,
    again: String,
}

pub async fn form(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    page(&app, &headers, &token, StatusCode::OK, None).await
}

pub async fn set(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let sent: Sent = read(body).map_err(refused)?;
    let opened = password_link::look(&app, &token).await?;
    let language = opened.map_or_else(|| asked_for(&headers), |opened| opened.language);
    let words = &language.words().password;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    if sent.new != sent.again {
        let fault = ("again", words.differ.to_owned());
        return page(&app, &headers, &token, unprocessable, Some(fault)).await;
    }
    let client = session::client(&app, client, &headers);
    match password_link::take(&app, &token, &Secret::new(sent.new), &client).await? {
        Taken::Done => {
            let mut response = plain(language, StatusCode::OK, Shown::Done);
            // Whoever was signed in here is so no more.
            session::forget(&app, &mut response, Kind::Session);
            Ok(response)
        }
        Taken::Dead => Ok(plain(language, StatusCode::GONE, Shown::Dead)),
        Taken::Short(length) => {
            let fault = ("new", (words.short)(length, password::LENGTH));
            page(&app, &headers, &token, unprocessable, Some(fault)).await
        }
    }
}

/// Shows the form of a link, with what was wrong; or that the link does not work any more.
async fn page(
    app: &App,
    headers: &HeaderMap,
    token: &str,
    status: StatusCode,
    fault: Option<(&'static str, String)>,
) -> Result<Response, Problem> {
    let Some(opened) = password_link::look(app, token).await? else {
        return Ok(plain(asked_for(headers), StatusCode::GONE, Shown::Dead));
    };
    let words = &opened.language.words().password;
    let email = opened.email.to_string();
    let (whose, help) = ((words.whose)(&email), (words.help)(password::LENGTH));
    Ok(plain(opened.language, status, Shown::Form { email, whose, help, fault }))
}

fn plain(language: Language, status: StatusCode, shown: Shown) -> Response {
    let page = Page { language, words: &language.words().password, shown };
    page::spoken(language, page::render(status, &page))
}
