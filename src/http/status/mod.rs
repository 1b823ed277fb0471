//! `GET /status` and `GET /status/{slug}`: is the service up; signed in, how a tenant does, or for the
//! operator how all of them do. Read-only.

mod chart;
mod operator;
mod owner;
mod time;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::http::extract::{ClientAddress, SignedIn};
use crate::http::page::{self, Policy, Script};
use crate::http::problem::Problem;
use crate::http::{session, sign_in};
use crate::ops::report::dashboard::{self, Dashboard};
use crate::ops::report::overview;
use nexora_core::base::{Error, Result};
use nexora_core::model::principal::Principal;
use nexora_core::model::tenant::Tenant;
use nexora_store::migration;

#[derive(Deserialize)]
pub struct Signed {
    token: Option<String>,
}

/// The choice for a visitor who may see several tenants.
#[derive(Template)]
#[template(path = "status/choice.html")]
struct Choice {
    tenants: Vec<Tenant>,
}

#[derive(Template)]
#[template(path = "status/signed_out.html")]
struct SignedOut {
    is_up: bool,
}

/// `GET /status`: what the visitor may see. A signed link begins a session.
pub async fn show(
    State(app): State<Arc<App>>,
    Query(query): Query<Signed>,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(link) = query.token {
        return sign_in::by_link(&app, &headers, client, &link).await;
    }
    let principal = session::principal(&app, &headers).await?;
    answer(&app, principal.as_ref(), None).await
}

/// `GET /status/{slug}`: one tenant.
pub async fn show_tenant(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    SignedIn(principal): SignedIn,
) -> Result<Response, Problem> {
    answer(&app, principal.as_ref(), Some(&slug)).await
}

/// Answers a visitor who asks for the page of a tenant, or for whatever they may see. What may not be seen is
/// answered like what is not there.
///
/// # Errors
/// `404` when there is no such page, or none for this visitor.
pub async fn answer(
    app: &App,
    principal: Option<&Principal>,
    slug: Option<&str>,
) -> Result<Response, Problem> {
    Ok(match (principal, slug) {
        (None, _) => signed_out(app).await,
        (Some(principal), Some(slug)) => tenant_page(app, principal, slug).await?,
        (Some(Principal::Operator { .. }), None) => operators_page(app).await?,
        (Some(principal), None) => own_page(app, principal).await?,
    })
}

/// A page that keeps itself up to date, in a brand's colour.
fn live(page: &impl Template, style: &str) -> Response {
    page::render_under(StatusCode::OK, page, &Policy { style, script: Script::Live, ..Policy::default() })
}

async fn signed_out(app: &App) -> Response {
    let is_up = app.db.read(migration::check).await.is_ok();
    let status = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    page::render(status, &SignedOut { is_up })
}

async fn operators_page(app: &App) -> Result<Response> {
    Ok(live(&operator::Page::new(overview::load(app).await?), ""))
}

async fn own_page(app: &App, principal: &Principal) -> Result<Response> {
    let mut tenants = dashboard::tenants_of(app, principal).await?;
    match (tenants.pop(), tenants.is_empty()) {
        (None, _) => Err(Error::not_found("there is no page for you yet")
            .hint("Ask whoever looks after Nexora for you to give you access to a business.")),
        (Some(only), true) => {
            let found = dashboard::of_tenant(app, principal, only).await?;
            owners_page(app, found, false)
        }
        (Some(last), false) => {
            tenants.push(last);
            Ok(page::render(StatusCode::OK, &Choice { tenants }))
        }
    }
}

async fn tenant_page(app: &App, principal: &Principal, slug: &str) -> Result<Response> {
    let found = dashboard::find(app, principal, slug).await?;
    let has_more = match principal {
        Principal::Operator { .. } => true,
        Principal::Member { roles, .. } => roles.len() > 1,
        Principal::Link { .. } => false,
    };
    owners_page(app, found, has_more)
}

fn owners_page(app: &App, found: Dashboard, has_more: bool) -> Result<Response> {
    let page = owner::Page::new(found, &app.config.http.public_url, has_more)?;
    Ok(live(&page, &page.brand))
}
