//! `/status/sign-in` and `/status/sign-out`: who may see what, and the way in by a signed link.
//!
//! Every form is tied to the browser that asked for it, and nothing that another site sends is taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::app::App;
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::secret::{Secret, random_bytes};
use crate::base::text::hex;
use crate::engine::authority;
use crate::engine::lockout::{Rules, Tries};
use crate::http::problem::{self, Reader};
use crate::http::session::{self, Kind};
use crate::http::{origin, page};
use crate::model::principal::{Noun, Permission, Verb};
use crate::ops::known;
use crate::ops::session as sessions;
use crate::ops::session::{Begun, Client};
use crate::ops::sign_in::{self, Answer, Refusal};
use crate::ops::status;

/// How long a form may lie open before it is sent.
const FORM_TIME: Duration = Duration::from_secs(12 * 3_600);

/// Households that fail, in this process alone; how users stand is in the database.
#[derive(Clone, Default)]
pub struct Households(Arc<Mutex<HashMap<String, Tries>>>);

/// What one household may do before it waits. It may hold several people.
const HOUSEHOLD: Rules =
    Rules { limit: 20, first: Duration::from_secs(60), ceiling: Duration::from_secs(3_600) };
/// Beyond so many, those that wait for nothing are forgotten.
const HOUSEHOLDS: usize = 10_000;

impl Households {
    /// Counts a try before it is judged, so that whoever hangs up has tried as well; says until when a
    /// household must wait that may not try.
    fn count(&self, address: &str, now: Timestamp) -> Result<(), Timestamp> {
        let mut households = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = households.get(address).copied().unwrap_or_default();
        if let Some(until) = tries.locked_until.filter(|until| *until > now) {
            return Err(until);
        }
        if households.len() >= HOUSEHOLDS {
            households.retain(|_, tries| tries.is_locked(now));
        }
        households.insert(address.to_owned(), tries.after_failure(now, &HOUSEHOLD));
        Ok(())
    }

    /// Takes back a try that was no failure.
    fn give_back(&self, address: &str) {
        let mut households = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tries) = households.get_mut(address) else { return };
        *tries = tries.without_one(&HOUSEHOLD);
        if tries.failures == 0 {
            households.remove(address);
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    token: String,
    email: String,
    /// What is wrong, and the field that it is wrong with.
    fault: Option<(&'static str, String)>,
    /// Carries the first step into the second.
    step: Option<String>,
}

/// What either step sends.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    token: String,
    email: String,
    password: String,
    step: String,
    code: String,
}

pub async fn form(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    show(&app, &headers, StatusCode::OK, String::new(), None, None)
}

pub async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(households): Extension<Households>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let sent = match read(body) {
        Ok(sent) => sent,
        Err(status) => return refused(status),
    };
    let Some(before) = trusted(&app, &headers, Kind::Before, &sent) else {
        return refused(StatusCode::FORBIDDEN);
    };
    let client = match session::client(&app, &extensions, &headers) {
        Ok(client) => client,
        Err(error) => return problem::failure(Reader::Person, &error),
    };
    let now = app.clock.now();
    if let Err(until) = households.count(&client.address, now) {
        return wait(until.since(now));
    }
    let answer = answer(&app, &sent, &client, before.expose()).await;
    if !matches!(answer, Ok(Answer::Refused(_))) {
        households.give_back(&client.address);
    }
    match answer {
        Ok(Answer::In(begun)) => enter(&app, &headers, &begun).await,
        Ok(Answer::Code(step)) => show(&app, &headers, StatusCode::OK, String::new(), Some(step), None),
        Ok(Answer::Refused(refusal)) => again(&app, &headers, sent, &refusal),
        Err(error) => problem::failure(Reader::Person, &error),
    }
}

async fn answer(app: &App, sent: &Sent, client: &Client, before: &str) -> Result<Answer> {
    if sent.step.is_empty() {
        let password = Secret::new(sent.password.as_str());
        return sign_in::with_password(app, &sent.email, &password, client, before).await;
    }
    sign_in::with_code(app, &sent.step, &sent.code, client, before).await
}

/// Shows the form once more, with what was wrong.
fn again(app: &App, headers: &HeaderMap, sent: Sent, refusal: &Refusal) -> Response {
    let (field, text, step) = match refusal {
        Refusal::Wrong => (
            "email",
            "That email address and password are not right together, or there were too many tries and you have to wait a while."
                .to_owned(),
            None,
        ),
        Refusal::WrongCode => (
            "code",
            "That code is not right, was used already, or there were too many tries and you have to wait a while."
                .to_owned(),
            Some(sent.step),
        ),
        Refusal::Begin => ("email", "That took too long. Please begin anew.".to_owned(), None),
        Refusal::Unenrolled(email) => (
            "email",
            format!(
                "You must have two-step sign-in, and it is not set up yet. Ask your operator to run: nexora user totp enrol {email}"
            ),
            None,
        ),
    };
    show(app, headers, StatusCode::FORBIDDEN, sent.email, step, Some((field, text)))
}

fn show(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    email: String,
    step: Option<String>,
    fault: Option<(&'static str, String)>,
) -> Response {
    let held = session::read(app, headers, Kind::Before).map_or_else(new_browser, Ok);
    let held = match held {
        Ok(held) => held,
        Err(error) => return problem::failure(Reader::Person, &error),
    };
    let token = session::form_token(app, Kind::Before, held.expose());
    let mut response = page::render(status, &Page { token, email, fault, step });
    session::keep(app, &mut response, Kind::Before, held.expose(), app.clock.now() + FORM_TIME);
    page::uncached(response)
}

fn new_browser() -> Result<Secret> {
    Ok(Secret::new(hex(random_bytes::<16>()?)))
}

/// Lets somebody in: whatever session the browser had ends, and it gets a new one.
async fn enter(app: &App, headers: &HeaderMap, begun: &Begun) -> Response {
    if let Some(old) = session::read(app, headers, Kind::Session)
        && let Err(error) = sessions::end(app, &old).await
    {
        return problem::failure(Reader::Person, &error);
    }
    let mut response = Redirect::to("/status").into_response();
    session::keep(app, &mut response, Kind::Session, begun.token.expose(), begun.session.expires_at);
    if let Some(known) = &begun.known {
        session::keep(app, &mut response, Kind::Known, known.expose(), app.clock.now() + known::KEPT);
    }
    session::forget(app, &mut response, Kind::Before);
    page::uncached(response)
}

/// Lets whoever holds a signed link in, so that the link leaves the address bar. Somebody who sees
/// that tenant's page already stays who they are.
pub async fn by_link(app: &App, headers: &HeaderMap, extensions: &Extensions, link: &str) -> Response {
    let begin = async {
        let (tenant, _) = status::open_link(app, link).await?;
        let reads = Permission(Noun::Status, Verb::Read);
        let known = session::principal(app, headers).await?;
        if known.is_some_and(|principal| authority::allows(&principal, Some(&tenant.id), reads)) {
            return Ok(None);
        }
        let client = session::client(app, extensions, headers)?;
        sessions::open_link(app, link, &client).await.map(Some)
    };
    match begin.await {
        Ok(Some(begun)) => enter(app, headers, &begun).await,
        Ok(None) => page::uncached(Redirect::to("/status").into_response()),
        Err(error) => page::uncached(problem::failure(Reader::Person, &error)),
    }
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct Leave {
    token: String,
}

/// Asks whether to sign out; nothing that a page elsewhere links to does so by itself.
pub async fn leave(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    page::uncached(match session::sign_out_token(&app, &headers) {
        Some(token) => page::render(StatusCode::OK, &Leave { token }),
        None => Redirect::to("/status").into_response(),
    })
}

pub async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let sent = match read(body) {
        Ok(sent) => sent,
        Err(status) => return refused(status),
    };
    let Some(token) = trusted(&app, &headers, Kind::Session, &sent) else {
        return refused(StatusCode::FORBIDDEN);
    };
    if let Err(error) = sessions::end(&app, &token).await {
        return problem::failure(Reader::Person, &error);
    }
    let mut response = Redirect::to("/status").into_response();
    session::forget(&app, &mut response, Kind::Session);
    page::uncached(response)
}

/// Returns the cookie that a form belongs to, when the form is one of ours and was sent by our page.
fn trusted(app: &App, headers: &HeaderMap, kind: Kind, sent: &Sent) -> Option<Secret> {
    if origin::is_foreign(headers, &app.config.http.public_url) {
        return None;
    }
    let held = session::read(app, headers, kind)?;
    session::is_form_token(app, kind, held.expose(), &sent.token).then_some(held)
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<Sent, StatusCode> {
    let body = body.map_err(|rejection| rejection.status())?;
    serde_urlencoded::from_bytes(&body).map_err(|_| StatusCode::BAD_REQUEST)
}

fn refused(status: StatusCode) -> Response {
    let error = "Open the page again, and let your browser keep its cookies.";
    page::uncached(problem::problem(Reader::Person, status, "this form cannot be taken", error))
}

fn wait(wait: Duration) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let text = "There were too many failed tries from where you are. Please try again later.";
    let mut response = problem::problem(Reader::Person, status, "please wait a while", text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    page::uncached(response)
}
