//! What is served: the form and the status page in public, health and metrics in private.

mod client;
mod health;
mod lead;
mod link;
mod page;
mod problem;
mod server;
mod session;
pub mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

pub use server::{Limits, Server};

use crate::app::App;

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
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, settings.request_timeout());
    Router::new()
        .route("/lead/{slug}", get(lead::form).post(lead::submit))
        .route("/lead/{slug}/thanks", get(lead::thanks))
        .route("/u/{token}", get(link::show_unsubscribe).post(link::unsubscribe))
        .route("/r/{token}", get(link::review))
        .route("/status", get(status::show))
        .route("/status/{slug}", get(status::show_tenant))
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(timeout)
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(fixed(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, page::content_security_policy()))
        .layer(CatchPanicLayer::custom(|_| problem::broken()))
        .with_state(app)
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
