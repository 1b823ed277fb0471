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
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::http::connection_limiter::ConnectionLimiter;
use crate::http::extract::ClientAddress;
use crate::http::problem::Problem;
use crate::http::session::{self, Kind};
use crate::http::{origin, page};
use crate::ops::access::known;
use crate::ops::access::session as sessions;
use crate::ops::access::session::{Begun, Client};
use crate::ops::access::sign_in::{self, Refusal, SignInStep};
use crate::ops::report::status;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::{Secret, random_bytes};
use nexora_core::base::text::hex;
use nexora_core::model::principal::{Noun, Permission, Verb};
use nexora_engine::access::authority;
use nexora_engine::access::lockout::{Rules, Tries};

/// How long a form may lie open before it is sent.
pub(super) const FORM_TIME: Duration = Duration::from_secs(12 * 3_600);

/// Networks that fail to sign in, in this process alone; how users stand is in the database.
#[derive(Clone)]
pub struct Limiter {
    networks: Arc<Mutex<HashMap<String, Tries>>>,
    under_way: ConnectionLimiter,
    rules: Rules,
}

/// Tries that one client has under way: so many wait before an honest one at most.
const UNDER_WAY: usize = 4;

/// What one network may do before it waits. It may hold several people.
pub const PER_NETWORK: Rules =
    Rules { limit: 20, first: Duration::from_secs(60), ceiling: Duration::from_secs(3_600) };
/// Beyond so many, those that wait for nothing are forgotten.
const REMEMBERED: usize = 10_000;

impl Limiter {
    pub fn new(rules: Rules) -> Limiter {
        Limiter { networks: Arc::default(), under_way: ConnectionLimiter::default(), rules }
    }

    /// Counts a try before it is judged, so that a client that breaks off has tried as well.
    ///
    /// # Errors
    /// Until when the network must wait, when it may not try.
    pub(super) fn count(&self, network: &str, now: Timestamp) -> Result<(), Timestamp> {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = networks.get(network).copied().unwrap_or_default();
        if let Some(until) = tries.locked_until.filter(|until| *until > now) {
            return Err(until);
        }
        if networks.len() >= REMEMBERED {
            networks.retain(|_, tries| tries.is_locked(now));
        }
        networks.insert(network.to_owned(), tries.after_failure(now, &self.rules));
        Ok(())
    }

    /// Returns who makes a try, which is counted.
    ///
    /// # Errors
    /// `429` when their network must wait.
    pub(super) fn admit(
        &self,
        app: &App,
        client: ClientAddress,
        headers: &HeaderMap,
    ) -> Result<Client, Problem> {
        let client = session::client(app, client, headers);
        let now = app.clock.now();
        self.count(&client.address, now).map_err(|until| wait(until.since(now)))?;
        Ok(client)
    }

    /// Takes back a try that was no failure.
    pub(super) fn give_back(&self, network: &str) {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tries) = networks.get_mut(network) else { return };
        *tries = tries.without_one(&self.rules);
        if tries.failures == 0 {
            networks.remove(network);
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

pub async fn form(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    show(&app, &headers, StatusCode::OK, String::new(), None, None)
}

pub async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(limiter): Extension<Limiter>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let sent: Sent = read(body).map_err(refused)?;
    let before = trusted(&app, &headers, Kind::Before, &sent.token)?;
    let address = client.0;
    let _place = match address.map(|address| limiter.under_way.take(address, UNDER_WAY)) {
        Some(None) => return Err(Problem::too_many(Duration::from_secs(1))),
        place => place.flatten(),
    };
    let client = limiter.admit(&app, client, &headers)?;
    let answer = answer(&app, &sent, &client, before.expose()).await;
    if !matches!(answer, Ok(SignInStep::Refused(_))) {
        limiter.give_back(&client.address);
    }
    match answer? {
        SignInStep::In(begun) => enter(&app, &headers, &begun).await,
        SignInStep::Code(step) => show(&app, &headers, StatusCode::OK, String::new(), Some(step), None),
        SignInStep::Refused(refusal) => again(&app, &headers, sent, &refusal),
    }
}

async fn answer(app: &App, sent: &Sent, client: &Client, before: &str) -> Result<SignInStep> {
    if sent.step.is_empty() {
        let password = Secret::new(sent.password.as_str());
        return sign_in::with_password(app, &sent.email, &password, client, before).await;
    }
    sign_in::with_code(app, &sent.step, &sent.code, client, before).await
}

/// Shows the form once more, with what was wrong.
fn again(app: &App, headers: &HeaderMap, sent: Sent, refusal: &Refusal) -> Result<Response, Problem> {
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
) -> Result<Response, Problem> {
    let held = session::read(app, headers, Kind::Before).map_or_else(new_browser, Ok)?;
    let token = session::form_token(app, Kind::Before, held.expose());
    let mut response = page::render(status, &Page { token, email, fault, step });
    session::keep(app, &mut response, Kind::Before, held.expose(), app.clock.now() + FORM_TIME);
    Ok(response)
}

pub(super) fn new_browser() -> Result<Secret> {
    Ok(Secret::new(hex(random_bytes::<16>()?)))
}

/// Begins a session in the browser; the one that it had ends.
async fn enter(app: &App, headers: &HeaderMap, begun: &Begun) -> Result<Response, Problem> {
    if let Some(old) = session::read(app, headers, Kind::Session) {
        sessions::end(app, &old).await?;
    }
    let mut response = Redirect::to("/status").into_response();
    session::keep(app, &mut response, Kind::Session, begun.token.expose(), begun.session.expires_at);
    if let Some(known) = &begun.known {
        session::keep(app, &mut response, Kind::Known, known.expose(), app.clock.now() + known::KEPT);
    }
    session::forget(app, &mut response, Kind::Before);
    Ok(response)
}

/// Begins a session by a signed link, so that the link leaves the address bar. A visitor who sees that tenant's page
/// already stays signed in as before, and whoever is signed in otherwise stays so, too: any site can send a browser
/// to a link, and nobody is to find themselves signed in as somebody else.
///
/// # Errors
/// `403` when the link is wrong or too old, `409` when the visitor is signed in otherwise.
pub async fn by_link(
    app: &App,
    headers: &HeaderMap,
    client: ClientAddress,
    link: &str,
) -> Result<Response, Problem> {
    let (tenant, _) = status::open_link(app, link).await?;
    let reads = Permission(Noun::Status, Verb::Read);
    let known = session::principal(app, headers).await?;
    if let Some(principal) = known {
        return match authority::allows(&principal, Some(&tenant.id), reads) {
            true => Ok(Redirect::to("/status").into_response()),
            false => Err(signed_in_otherwise()),
        };
    }
    let client = session::client(app, client, headers);
    let begun = sessions::open_link(app, link, &client).await?;
    enter(app, headers, &begun).await
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct Leave {
    token: String,
}

/// Asks whether to sign out: a link on another site must not sign out by itself.
pub async fn leave(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match session::sign_out_token(&app, &headers) {
        Some(token) => page::render(StatusCode::OK, &Leave { token }),
        None => Redirect::to("/status").into_response(),
    }
}

pub async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let sent: Sent = read(body).map_err(refused)?;
    let token = trusted(&app, &headers, Kind::Session, &sent.token)?;
    sessions::end(&app, &token).await?;
    let mut response = Redirect::to("/status").into_response();
    session::forget(&app, &mut response, Kind::Session);
    Ok(response)
}

/// Returns the cookie that a form belongs to.
///
/// # Errors
/// `403` unless the form is one of ours and was sent by our page.
pub(super) fn trusted(app: &App, headers: &HeaderMap, kind: Kind, token: &str) -> Result<Secret, Problem> {
    let is_foreign = origin::is_foreign(headers, &app.config.http.public_url);
    let held = session::read(app, headers, kind).filter(|_| !is_foreign);
    let held = held.filter(|held| session::is_form_token(app, kind, held.expose(), token));
    held.ok_or_else(|| refused(StatusCode::FORBIDDEN))
}

/// Reads what a form sent.
pub(super) fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, StatusCode> {
    let body = body.map_err(|rejection| rejection.status())?;
    serde_urlencoded::from_bytes(&body).map_err(|_| StatusCode::BAD_REQUEST)
}

pub(super) fn refused(status: StatusCode) -> Problem {
    let detail = "Open the page again, and let your browser keep its cookies.";
    Problem::new(status, "this form cannot be taken", detail)
}

fn signed_in_otherwise() -> Problem {
    let detail = "This link is for another page than yours. To open it, sign out at /status/sign-out first.";
    Problem::new(StatusCode::CONFLICT, "you are signed in already", detail)
}

pub(super) fn wait(wait: Duration) -> Problem {
    let text = "There were too many failed tries from where you are. Please try again later.";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "please wait a while", text);
    problem.retry_after(wait.as_secs().max(1))
}
