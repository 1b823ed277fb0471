//! `/hooks/{tenant}/{source}`: sources of leads call here, each in its own format.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::base::{Error, Kind, Result};
use crate::engine::lead_format::response::{self, Handshake};
use crate::engine::lead_format::verify::{Headers, Verification};
use crate::engine::lead_format::{self, Webhook};
use crate::http::Public;
use crate::http::problem::{self, Reader};
use crate::model::address::Slug;
use crate::model::source::{Source, SourceState};
use crate::model::tenant::Tenant;
use crate::pipeline::hook::{self, Incoming, Taken};
use crate::store::source;

/// The largest body that a source, or another program, sends.
pub const BODY_LIMIT_BYTES: usize = 256_000;

/// What the address names.
#[derive(serde::Deserialize)]
pub struct Address {
    tenant: String,
    source: String,
    /// A secret, for senders that can show no other.
    token: Option<String>,
}

/// Answers the question with which some senders make sure that the address is ours.
pub async fn greet(
    State(app): State<Arc<App>>,
    Path(address): Path<Address>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let greeted = async {
        let (_, source, webhook) = find(&app, &address).await?;
        let secrets = &hook::secrets(&app, &source).map_err(ours)?;
        let token = address.token.as_deref();
        Ok(webhook.handling.handshake(&Handshake { secrets, query: &query, token }))
    };
    match greeted.await {
        Ok(Some(reply)) => respond(reply),
        Ok(None) => {
            let title = "this page does not take that method";
            problem::problem(Reader::Program, StatusCode::METHOD_NOT_ALLOWED, title, "")
        }
        Err(error) => problem::failure(Reader::Program, &error),
    }
}

/// Takes in what a source sends.
pub async fn receive(
    State(public): State<Public>,
    Path(address): Path<Address>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            return problem::problem(Reader::Program, rejection.status(), "the body cannot be read", "");
        }
    };
    let app = &public.app;
    let received = async {
        let (tenant, source, webhook) = find(app, &address).await?;
        let incoming =
            Incoming { headers: named(&headers), token: address.token.clone(), body: body.to_vec() };
        let taken = hook::take(app, &tenant, &source, webhook, incoming).await.map_err(ours)?;
        Ok((source, webhook, taken))
    };
    match received.await {
        Ok((source, webhook, Taken::Refused(verification, malformed))) => {
            if let Err(wait) = public.refuse(&extensions, &headers) {
                return problem::too_many(Reader::Program, wait);
            }
            match refuse(&public, &source, webhook, verification, malformed).await {
                Ok(response) => response,
                Err(error) => problem::failure(Reader::Program, &error),
            }
        }
        Ok((source, webhook, taken)) => reply(&source, webhook, taken),
        Err(error) => problem::failure(Reader::Program, &error),
    }
}

/// Finds the source that is listened to; one that is switched off is as good as none.
async fn find(app: &App, address: &Address) -> Result<(Arc<Tenant>, Source, Webhook)> {
    let missing = || Error::not_found("there is no such source").hint("check the address");
    let slug: Slug = address.tenant.parse().map_err(|_| missing())?;
    let tenant = app.tenant_by_slug(&slug).await.map_err(|error| match error.kind() {
        Kind::NotFound => missing(),
        _ => error,
    })?;
    let (tenant_id, name) = (tenant.id.clone(), Slug::parse(&address.source).map_err(|_| missing())?);
    let found = app.db.read(move |conn| source::find_by_name(conn, &tenant_id, name.as_str())).await?;
    let found = found.filter(|source| source.state == SourceState::Enabled).ok_or_else(missing)?;
    let webhook = lead_format::of(&found.kind)?;
    Ok((tenant, found, webhook))
}

/// A secret of the source that cannot be opened is our fault, and nobody else's concern.
fn ours(error: Error) -> Error {
    match error.kind() {
        Kind::Denied => Error::internal("the source cannot be verified").source(error),
        _ => error,
    }
}

fn named(headers: &HeaderMap) -> Headers {
    let text = |(name, value): (&header::HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn reply(source: &Source, webhook: Webhook, taken: Taken) -> Response {
    match taken {
        Taken::Kept(lead) => {
            let settings = source.settings.read().unwrap_or_default();
            respond(webhook.handling.accepted(&settings, lead.as_ref()))
        }
        Taken::Malformed(reason) => respond(webhook.handling.malformed(&reason)),
        Taken::Refused(verification, _) => respond(webhook.handling.refused(verification)),
    }
}

/// Answers a call that is not known to be the source's. It is written down once in a while: anybody can call.
async fn refuse(
    public: &Public,
    source: &Source,
    webhook: Webhook,
    verification: Verification,
    malformed: Option<String>,
) -> Result<Response> {
    if let Some(reason) = malformed {
        return Ok(respond(webhook.handling.malformed(&reason)));
    }
    match public.rates.notes.take(&source.id) {
        Ok(()) => hook::note_refusal(&public.app, source, verification).await?,
        Err(_) => tracing::debug!(source.id = %source.id, "source {}: {}", source.id, verification.reason()),
    }
    Ok(respond(webhook.handling.refused(verification)))
}

fn respond(answer: response::Response) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let challenge = answer.challenge.map(|challenge| [(header::WWW_AUTHENTICATE, challenge)]);
    let content_type = [(header::CONTENT_TYPE, answer.content_type)];
    (status, challenge, content_type, answer.body).into_response()
}
