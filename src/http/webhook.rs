//! `POST /webhooks/{event_name}`: a program that holds a key tells of something. `lead.captured` makes a
//! lead, anything else is kept as `webhook.received`, and is durable before it is answered.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::base::{Error, Kind, Result};
use crate::http::Public;
use crate::http::problem::{self, Reader};
use crate::model::audit::Actor;
use crate::model::event::WebhookEvent;
use crate::model::source::ApiKey;
use crate::model::tenant::Tenant;
use crate::ops;
use crate::pipeline::hook;
use crate::pipeline::intake::{Intake, KEY_LENGTH, is_key};

/// The event that is a lead.
const LEAD: &str = "lead.captured";

const NAME_LENGTH: usize = 100;

/// Why a call was not taken.
enum Refusal {
    Problem(StatusCode, String, String),
    /// It showed no good key too often, and may come back so much later.
    TooMany(Duration),
    Failure(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error.kind() {
            Kind::Conflict => Refusal::Problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                error.message().to_owned(),
                error.hint_text().unwrap_or_default().to_owned(),
            ),
            _ => Refusal::Failure(error),
        }
    }
}

pub async fn receive(
    State(public): State<Public>,
    Path(name): Path<String>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let taken = match authenticate(&public, &extensions, &headers).await {
        Ok(known) => take(&public.app, known, &name, &headers, body).await,
        Err(refusal) => Err(refusal),
    };
    match taken {
        Ok(response) => response,
        Err(Refusal::Problem(status, title, detail)) => {
            problem::problem(Reader::Program, status, &title, &detail)
        }
        Err(Refusal::TooMany(wait)) => problem::too_many(Reader::Program, wait),
        Err(Refusal::Failure(error)) => problem::failure(Reader::Program, &error),
    }
}

async fn take(
    app: &App,
    (tenant, key): (Tenant, ApiKey),
    name: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let refuse = |status, title: &str, detail: &str| {
        Err(Refusal::Problem(status, title.to_owned(), detail.to_owned()))
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > NAME_LENGTH || !name.chars().all(plain) {
        let detail = "Use lower-case letters, digits, `.`, `_` and `-`, as in `part.arrived`.";
        return refuse(StatusCode::BAD_REQUEST, "this is no name of an event", detail);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refuse(rejection.status(), "the body cannot be read", ""),
    };
    let data: Value = match serde_json::from_slice(&body) {
        Ok(data @ Value::Object(_)) => data,
        Ok(_) => return refuse(StatusCode::BAD_REQUEST, "the body is not a JSON object", ""),
        Err(error) => {
            return refuse(StatusCode::BAD_REQUEST, "the body is not JSON", &error.to_string());
        }
    };
    let once = match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => None,
        Some(Ok(key)) if is_key(key) => Some(key.to_owned()),
        Some(_) => {
            let detail = format!("An idempotency key is 1 to {KEY_LENGTH} visible characters of ASCII.");
            return refuse(StatusCode::BAD_REQUEST, "the `Idempotency-Key` does not fit", &detail);
        }
    };
    if name == LEAD {
        return match hook::capture(app, &tenant, &data, once.as_deref()).await? {
            Intake::Accepted(id, _) => Ok(accepted(&id.to_string())),
            Intake::Invalid(faults) => Ok(problem::invalid_fields(&faults)),
        };
    }
    let actor = Actor::Key(key.name);
    let event = ops::event::ingest(app, &actor, &tenant, name.to_owned(), data.clone(), once).await?;
    let stored: WebhookEvent = event.payload.read()?;
    if stored.data != data {
        return Err(Error::conflict("this idempotency key was used for another event")
            .hint("send each new event with a new `Idempotency-Key`")
            .into());
    }
    Ok(accepted(event.id.as_str()))
}

fn accepted(id: &str) -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "id": id }))).into_response()
}

/// Finds whose key it is. What is wrong is not told: who guesses learns nothing.
async fn authenticate(
    public: &Public,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<(Tenant, ApiKey), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let found = ops::key::authenticate(&public.app, text("x-tenant-id"), text("x-api-key")).await?;
    if let Some(known) = found {
        return Ok(known);
    }
    public.refuse(extensions, headers).map_err(Refusal::TooMany)?;
    let detail = "Send `X-Tenant-ID` and a good `X-API-Key`.";
    let title = "the tenant or the key is wrong";
    Err(Refusal::Problem(StatusCode::UNAUTHORIZED, title.to_owned(), detail.to_owned()))
}
