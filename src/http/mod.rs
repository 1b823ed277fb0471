//! What is served: the form and the status page in public, health and metrics in private.

mod client;
mod health;
mod hook;
mod lead;
mod link;
mod origin;
mod page;
mod patience;
mod problem;
mod rate;
mod server;
mod session;
mod sign_in;
pub mod status;
mod tally;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRef, MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use server::{Limits, Server};

use crate::app::App;
use crate::http::lead::Budget;
use crate::http::page::Policy;
use crate::http::problem::Reader;
use crate::http::rate::{Buckets, Rates};

/// What the public listener needs.
#[derive(Clone)]
pub struct Public {
    pub app: Arc<App>,
    /// The networks whose word about a client's address is believed.
    proxies: Arc<[IpNet]>,
    rates: Arc<Rates>,
    uploads: Arc<Budget>,
    /// Whoever decodes photos: it takes much memory.
    decoding: Arc<Semaphore>,
}

impl Public {
    fn new(app: Arc<App>) -> Public {
        let settings = &app.config.intake;
        let rates = Rates {
            addresses: Buckets::new(settings.address_per_minute),
            tenants: Buckets::new(settings.tenant_per_minute),
            refusals: Buckets::new(rate::REFUSALS_PER_MINUTE),
            notes: Buckets::new(rate::NOTES_PER_MINUTE),
        };
        Public {
            // The configuration was checked when it was read.
            proxies: app.config.http.proxies().unwrap_or_default().into(),
            rates: Arc::new(rates),
            uploads: Arc::new(Budget::new(settings.upload_memory_bytes)),
            decoding: Arc::new(Semaphore::new(1)),
            app,
        }
    }
}

impl Public {
    /// Lets a client that showed no good secret go on, or says when it may come back. Whoever shows one is not
    /// counted.
    fn refuse(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<(), Duration> {
        match self.address(extensions, headers) {
            Some(address) => self.rates.refusals.take(&client::household(address)),
            None => Ok(()),
        }
    }
}

impl FromRef<Public> for Arc<App> {
    fn from_ref(public: &Public) -> Arc<App> {
        Arc::clone(&public.app)
    }
}

/// What only the private listener needs.
#[derive(Clone)]
pub struct Private {
    pub app: Arc<App>,
    pub metrics: PrometheusHandle,
}

/// Returns the public routes: the form, intake, the links in our messages and the status page.
pub fn public(app: Arc<App>) -> Router {
    let settings = &app.config.http;
    let body_limit = usize::try_from(settings.body_limit_bytes).unwrap_or(usize::MAX);
    let public = Public::new(Arc::clone(&app));
    let photos = DefaultBodyLimit::disable();
    Router::new()
        .route("/lead/{slug}", get(lead::form).post(lead::submit).options(lead::preflight).layer(photos))
        .route("/lead/{slug}/thanks", get(lead::thanks))
        .route("/photo/{token}", get(lead::photo::show))
        .route("/u/{token}", get(link::show_unsubscribe).post(link::unsubscribe))
        .route("/r/{token}", get(link::review))
        .route("/status", get(status::show))
        .route("/status/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/status/sign-out", get(sign_in::leave).post(sign_in::sign_out))
        .route("/hooks/{tenant}/{source}", get(hook::greet).post(hook::receive).layer(larger()))
        .route("/hooks/{tenant}/{source}/{token}", get(hook::greet).post(hook::receive).layer(larger()))
        .route("/webhooks/{event_name}", post(webhook::receive).layer(larger()))
        .route("/status/{slug}", get(status::show_tenant))
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(Extension(sign_in::Households::default()))
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(middleware::from_fn_with_state(public.clone(), deadline))
        .layer(middleware::from_fn_with_state(public.clone(), count))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(fixed(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, Policy::default().header()))
        .layer(CatchPanicLayer::custom(|_| problem::broken()))
        .with_state(public)
}

/// Where photos may be sent: its handler bounds size and time by itself.
const LEAD: &str = "/lead/{slug}";

/// Gives every other request so long to be read and answered.
async fn deadline(State(public): State<Public>, request: Request, next: Next) -> Response {
    let is_lead = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == LEAD);
    if is_lead {
        return next.run(request).await;
    }
    let reader = Reader::of(request.headers());
    let answer = tokio::time::timeout(public.app.config.http.request_timeout(), next.run(request)).await;
    answer.unwrap_or_else(|_| problem::problem(reader, StatusCode::REQUEST_TIMEOUT, "this took too long", ""))
}

/// Lets an address send so many requests; reading is free. Sources prove who they are, and send for many; and
/// whoever unsubscribes at a click does so by the few addresses of their mail provider.
async fn count(State(public): State<Public>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let for_many = ["/hooks/", "/webhooks/", "/u/"].iter().any(|start| path.starts_with(start));
    let sends = *request.method() == Method::POST && !for_many;
    if let Some(address) = public.address(request.extensions(), request.headers()).filter(|_| sends)
        && let Err(wait) = public.rates.addresses.take(&client::household(address))
    {
        return problem::too_many(Reader::of(request.headers()), wait);
    }
    next.run(request).await
}

/// Programs send more at once than people do.
fn larger() -> DefaultBodyLimit {
    DefaultBodyLimit::max(hook::BODY_LIMIT_BYTES)
}

/// Returns the private routes: health, readiness, metrics.
pub fn private(app: Arc<App>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(problem::no_such_page)
        .with_state(Private { app, metrics })
}

fn fixed(name: HeaderName, value: HeaderValue) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, value)
}
