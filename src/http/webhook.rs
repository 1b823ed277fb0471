//! `POST /webhooks/{event_name}`: a program that holds a key tells of something. `lead.captured` makes a
//! lead, anything else is kept as `webhook.received`, and is durable before it is answered.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::extract::{KeyHolder, WholeBody};
use crate::http::problem::Problem;
use crate::ops;
use crate::pipeline::hook;
use crate::pipeline::intake::{Intake, KEY_LENGTH, is_key};
use nexora_core::base::{Error, Kind};
use nexora_core::model::audit::Actor;
use nexora_core::model::event::WebhookEvent;
use nexora_core::model::language::Language;
use nexora_engine::lead::lead_format::body::{self, Body};

/// The event that is a lead.
const LEAD: &str = "lead.captured";

const NAME_LENGTH: usize = 100;

pub async fn receive(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: KeyHolder,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Response, Problem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > NAME_LENGTH || !name.chars().all(plain) {
        let detail = "Use lower-case letters, digits, `.`, `_` and `-`, as in `part.arrived`.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "this is no name of an event", detail));
    }
    let data = object(&headers, &body)?;
    let once = idempotency_key(&headers)?;
    let KeyHolder { tenant, key } = caller;
    if name == LEAD {
        return match hook::capture(&app, &tenant, &data, once.as_deref()).await.map_err(unprocessable)? {
            Intake::Accepted(id, _) => Ok(accepted(&id.to_string())),
            Intake::Invalid(faults) => Err(Problem::invalid_fields(&faults, Language::English)),
        };
    }
    let actor = Actor::Key(key.name);
    let event = ops::automation::event::ingest(&app, &actor, &tenant, name, data.clone(), once).await;
    let event = event.map_err(unprocessable)?;
    let stored: WebhookEvent = event.payload.read()?;
    if stored.data != data {
        let error = Error::conflict("this idempotency key was used for another event")
            .hint("send each new event with a new `Idempotency-Key`");
        return Err(unprocessable(error));
    }
    Ok(accepted(event.id.as_str()))
}

fn object(headers: &HeaderMap, body: &[u8]) -> Result<Value, Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let read = body::object(Body { content_type, bytes: body });
    read.map_err(|reason| Problem::new(StatusCode::BAD_REQUEST, "the body cannot be read", reason))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(key)) if is_key(key) => Ok(Some(key.to_owned())),
        Some(_) => {
            let detail = format!("An idempotency key is 1 to {KEY_LENGTH} visible characters of ASCII.");
            Err(Problem::new(StatusCode::BAD_REQUEST, "the `Idempotency-Key` does not fit", detail))
        }
    }
}

/// Answers a key that was used for something else with 422, as the draft of the `Idempotency-Key` header has it.
fn unprocessable(error: Error) -> Problem {
    match error.kind() {
        Kind::Conflict => Problem::from(error).with_status(StatusCode::UNPROCESSABLE_ENTITY),
        _ => Problem::from(error),
    }
}

fn accepted(id: &str) -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "id": id }))).into_response()
}
