//! `/status/sign-in/password`: whoever is signed in changes their own password.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::app::App;
use crate::http::extract::ClientAddress;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::session::{self, Kind};
use crate::http::sign_in::{Limiter, read, refused, trusted};
use crate::ops::access::own_password::{self, Changed};
use crate::ops::access::session as sessions;
use nexora_core::base::secret::Secret;

#[derive(Template)]
#[template(path = "password.html")]
struct Page {
    token: String,
    /// For the browser's own store of passwords.
    email: String,
    /// What is wrong, and the field that it is wrong with.
    fault: Option<(&'static str, String)>,
    is_done: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    token: String,
    present: String,
    new: String,
    again: String,
}

pub async fn form(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    show(&app, &headers, StatusCode::OK, None, false).await
}

pub async fn change(
    State(app): State<Arc<App>>,
    Extension(limiter): Extension<Limiter>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let sent: Sent = read(body).map_err(refused)?;
    let token = trusted(&app, &headers, Kind::Session, &sent.token)?;
    if sent.new != sent.again {
        let fault = ("again", "The new password was not typed the same way twice.".to_owned());
        return show(&app, &headers, StatusCode::UNPROCESSABLE_ENTITY, Some(fault), false).await;
    }
    let client = limiter.admit(&app, client, &headers)?;
    let passwords = (&Secret::new(sent.present), &Secret::new(sent.new));
    let changed = own_password::change(&app, &token, passwords, &client).await;
    if !matches!(changed, Ok(Changed::Wrong)) {
        limiter.give_back(&client.address);
    }
    let (status, fault) = match changed? {
        Changed::Done => return show(&app, &headers, StatusCode::OK, None, true).await,
        Changed::Wrong => {
            let text =
                "That is not your password now, or there were too many tries and you have to wait a while.";
            (StatusCode::FORBIDDEN, ("present", text.to_owned()))
        }
        Changed::Weak(reason) => {
            (StatusCode::UNPROCESSABLE_ENTITY, ("new", format!("The new password will not do: {reason}.")))
        }
    };
    show(&app, &headers, status, Some(fault), false).await
}

/// Shows the form; whoever is not signed in as a user signs in first.
async fn show(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    fault: Option<(&'static str, String)>,
    is_done: bool,
) -> Result<Response, Problem> {
    let owner = match session::read(app, headers, Kind::Session) {
        Some(held) => sessions::owner(app, &held).await?.map(|(_, user)| (held, user)),
        None => None,
    };
    let Some((held, user)) = owner else { return Ok(Redirect::to("/status/sign-in").into_response()) };
    let token = session::form_token(app, Kind::Session, held.expose());
    Ok(page::render(status, &Page { token, email: user.email.to_string(), fault, is_done }))
}
