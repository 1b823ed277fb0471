//! `/hooks/{tenant}/{source}`: sources of leads call here, each in its own format.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::http::Public;
use crate::http::extract::{ClientAddress, WholeBody};
use crate::http::problem::Problem;
use crate::pipeline::hook::{self, Incoming, Taken};
use nexora_core::base::{Error, Kind};
use nexora_core::model::address::Slug;
use nexora_core::model::source::{Source, SourceState};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::lead_format::response::{self, Handshake};
use nexora_engine::lead::lead_format::verify::{Headers, Verification};
use nexora_engine::lead::lead_format::{Webhook, formats};
use nexora_store::source;

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
) -> Result<Response, Problem> {
    let (_, source, webhook) = find(&app, &address).await?;
    let secrets = &hook::secrets(&app, &source).map_err(ours)?;
    let token = address.token.as_deref();
    let answer = webhook.handling.handshake(&Handshake { secrets, query: &query, token });
    answer.map(respond).ok_or_else(Problem::wrong_method)
}

/// Takes in what a source sends.
pub async fn receive(
    State(public): State<Public>,
    Path(address): Path<Address>,
    client: ClientAddress,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Response, Problem> {
    let app = &public.app;
    let (tenant, source, webhook) = find(app, &address).await?;
    let incoming = Incoming { headers: named(&headers), token: address.token, body: body.to_vec() };
    let taken = hook::take(app, &tenant, &source, webhook, incoming).await.map_err(ours)?;
    Ok(respond(match taken {
        Taken::Kept(lead) => {
            let settings = source.settings.read().unwrap_or_default();
            webhook.handling.accepted(&settings, lead.as_ref())
        }
        Taken::Malformed(reason) => webhook.handling.malformed(&reason),
        Taken::Refused(verification, malformed) => {
            public.count_refusal(client)?;
            match malformed {
                Some(reason) => webhook.handling.malformed(&reason),
                None => {
                    note_refusal(&public, &source, verification).await?;
                    webhook.handling.refused(verification)
                }
            }
        }
    }))
}

/// Finds the source that the address names; one that is switched off is not found.
async fn find(app: &App, address: &Address) -> Result<(Arc<Tenant>, Source, Webhook), Error> {
    let missing = || Error::not_found("there is no such source").hint("check the address");
    let slug: Slug = address.tenant.parse().map_err(|_| missing())?;
    let tenant = app.tenant_by_slug(&slug).await.map_err(|error| match error.kind() {
        Kind::NotFound => missing(),
        _ => error,
    })?;
    let (tenant_id, name) = (tenant.id.clone(), Slug::parse(&address.source).map_err(|_| missing())?);
    let found =
        app.db.read(move |conn| source::find_by_name(&mut conn.of(&tenant_id), name.as_str())).await?;
    let found = found.filter(|source| source.state == SourceState::Enabled).ok_or_else(missing)?;
    let webhook = formats::of(&found.kind)?;
    Ok((tenant, found, webhook))
}

/// Says that we failed where a secret of the source cannot be opened: the caller did nothing wrong.
fn ours(error: Error) -> Error {
    match error.kind() {
        Kind::Denied => Error::internal("the source cannot be verified").source(error),
        _ => error,
    }
}

fn named(headers: &HeaderMap) -> Headers {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

/// Notes once in a while that a call is not known to be the source's. Not each time: anyone can make such calls.
async fn note_refusal(public: &Public, source: &Source, verification: Verification) -> Result<(), Error> {
    match public.rates.notes.take(&source.id) {
        Ok(()) => hook::note_refusal(&public.app, source, verification).await,
        Err(_) => {
            tracing::debug!(source.id = %source.id, "source {}: {}", source.id, verification.reason());
            Ok(())
        }
    }
}

fn respond(answer: response::Response) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let challenge = answer.challenge.map(|challenge| [(header::WWW_AUTHENTICATE, challenge)]);
    let content_type = [(header::CONTENT_TYPE, answer.content_type)];
    (status, challenge, content_type, answer.body).into_response()
}
