//! Every route, and what holds for each: who reads its problems, what is counted, how long it may take. A route has
//! no other place but its handler; `tests/it/isolation_tables.rs` says who may see what it shows.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, options, post};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::http::extract::ClientAddress;
use crate::http::former_address::{self, FormerAddresses};
use crate::http::page::Policy;
use crate::http::problem::{self, Problem};
use crate::http::{
    Private, Public, health, hook, lead, link, password, password_link, proof, sign_in, status, webhook,
};

/// Returns the public routes: the form, intake, the links in our messages and the status page.
pub fn public(app: Arc<App>) -> Router {
    let settings = &app.config.http;
    let body_limit = usize::try_from(settings.body_limit_bytes).unwrap_or(usize::MAX);
    let public = Public::new(Arc::clone(&app));
    let counted = from_fn_with_state(public.clone(), count);
    let timed = from_fn_with_state(public.clone(), deadline);
    let pages = pages().fallback(problem::no_such_page);
    let pages = pages.method_not_allowed_fallback(problem::wrong_method);
    let form = form().method_not_allowed_fallback(problem::wrong_method);
    let for_many = programs().merge(unsubscribing()).method_not_allowed_fallback(problem::wrong_method);
    Router::new()
        // The form bounds the size and time of what it is sent by itself: photos are large.
        .merge(form.layer(counted.clone()))
        .merge(pages.layer(timed.clone()).layer(counted))
        // Sources prove who they are and send for many people, and mail providers unsubscribe for many: these are
        // not counted by address.
        .merge(for_many.layer(timed))
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(from_fn_with_state(FormerAddresses::of(settings), former_address::lead_on))
        .layer(from_fn(named_once))
        .layer(from_fn(problem::for_reader))
        .layer(if_absent(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(if_absent(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .layer(if_absent(header::CONTENT_SECURITY_POLICY, Policy::default().header()))
        .layer(CatchPanicLayer::custom(|_| problem::panicked().into_response()))
        .with_state(public)
}

/// Returns the private routes: health, readiness, metrics.
pub fn private(app: Arc<App>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(problem::no_such_page)
        .layer(from_fn(problem::for_reader))
        .with_state(Private { app, metrics })
}

/// The form, and what is sent to it.
fn form() -> Router<Public> {
    let (people, programs) = (map_response(problem::for_people), map_response(problem::for_programs));
    Router::new()
        .route("/lead/{slug}", get(lead::form).layer(people))
        .route("/lead/{slug}", options(lead::preflight).layer(programs))
        .route("/lead/{slug}", post(lead::submit).layer(DefaultBodyLimit::disable()))
}

/// Pages for people.
fn pages() -> Router<Public> {
    let open = Router::new()
        .route("/lead/{slug}/thanks", get(lead::thanks))
        .route("/photo/{token}", get(lead::photo::show))
        .route("/.well-known/nexora/{question}", get(proof::answer));
    // Whoever has one of these is its user: it is told to no other page, and to no search engine.
    let secret = Router::new()
        .route("/status/sign-in/password/{token}", get(password_link::form).post(password_link::set))
        .layer(always(header::REFERRER_POLICY, "no-referrer"));
    let forgotten = Router::new()
        .route("/status/sign-in/forgotten", get(password_link::forgotten).post(password_link::ask))
        .layer(axum::Extension(password_link::limiter()));
    let private = Router::new()
        .route("/status", get(status::show))
        .route("/status/{slug}", get(status::show_tenant))
        .route("/status/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/status/sign-in/password", get(password::form).post(password::change))
        .route("/status/sign-out", get(sign_in::leave).post(sign_in::sign_out))
        .layer(always(header::CACHE_CONTROL, "no-store"))
        .layer(axum::Extension(sign_in::Limiter::new(sign_in::PER_NETWORK)));
    let review = unlisted(Router::new().route("/r/{token}", get(link::review)));
    let links = unlisted(secret.merge(forgotten));
    open.merge(private).merge(links).merge(review).layer(map_response(problem::for_people))
}

/// The end of commercial mail: people open it, and mail providers call it.
fn unsubscribing() -> Router<Public> {
    let page = Router::new().route("/u/{token}", get(link::show_unsubscribe).post(link::unsubscribe));
    unlisted(page).layer(map_response(problem::for_people))
}

/// Sources of leads, and programs with a key.
fn programs() -> Router<Public> {
    Router::new()
        .route("/hooks/{tenant}/{source}", get(hook::greet).post(hook::receive))
        .route("/hooks/{tenant}/{source}/{token}", get(hook::greet).post(hook::receive))
        .route("/webhooks/{event_name}", post(webhook::receive))
        // Programs send more at once than people do.
        .layer(DefaultBodyLimit::max(hook::BODY_LIMIT_BYTES))
        .layer(map_response(problem::for_programs))
}

/// Refuses a request that does not name its host, names several, or names what is none (RFC 9112, section 3.2): what stands
/// before us may have read another one.
async fn named_once(request: Request, next: Next) -> Result<Response, Problem> {
    let named = request.headers().get_all(header::HOST);
    let may_lack = request.version() == Version::HTTP_10 || request.uri().authority().is_some();
    let is_host = |value: &HeaderValue| {
        let authority = Authority::try_from(value.as_bytes());
        value.is_empty() || authority.is_ok_and(|authority| !authority.as_str().contains('@'))
    };
    let is_one = match named.iter().count() {
        0 => may_lack,
        1 => named.iter().all(is_host),
        _ => false,
    };
    if !is_one {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a request has one `Host`", ""));
    }
    Ok(next.run(request).await)
}

/// Gives a request so long to be read and answered.
async fn deadline(State(public): State<Public>, request: Request, next: Next) -> Response {
    let limit = public.app.config.http.request_timeout();
    let answer = tokio::time::timeout(limit, next.run(request)).await;
    let late = || Problem::new(StatusCode::REQUEST_TIMEOUT, "this took too long", "").into_response();
    answer.unwrap_or_else(|_| late())
}

/// Lets an address send so many requests; reading is free.
async fn count(
    State(public): State<Public>,
    client: ClientAddress,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if *request.method() == Method::POST {
        public.count_request(client)?;
    }
    Ok(next.run(request).await)
}

/// Keeps pages out of caches and search engines.
fn unlisted(router: Router<Public>) -> Router<Public> {
    let robots = HeaderName::from_static("x-robots-tag");
    router.layer(always(robots, "noindex")).layer(always(header::CACHE_CONTROL, "no-store"))
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

fn if_absent(name: HeaderName, value: HeaderValue) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, value)
}
