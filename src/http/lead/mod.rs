//! `/lead/{slug}`: the form, and intake from it, from other websites' scripts and from programs.

mod body;
mod embed;
mod fields;
mod form;
pub mod photo;
mod ticket;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
pub use body::Uploads;
use body::{Refusal, Submission};
use fields::{Fields, enquiry, is_set};
use serde::Deserialize;
use ticket::Ticket;

use crate::app::{App, Front};
use crate::base::{Error, Kind, Result};
use crate::connector::turnstile;
use crate::engine::enquiry::FieldFault;
use crate::engine::photo::Picture;
use crate::engine::spam::{Proof, Signals, Time};
use crate::http::problem::{self, Reader};
use crate::http::{Public, client};
use crate::model::address::Slug;
use crate::model::form::{FieldName, Form, Need};
use crate::model::lead::Agreed;
use crate::pipeline::intake::{self, Intake, Offer};
use crate::store::Inserted;

const IDEMPOTENCY_HEADER: &str = "idempotency-key";
const IDEMPOTENCY_FIELD: &str = "idempotency_key";
const TURNSTILE_FIELD: &str = "cf-turnstile-response";

pub async fn form(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Response {
    match front(&app, &slug).await {
        Ok(front) => {
            let mut values = query;
            values.remove("ticket");
            if let Some(referrer) = headers.get(header::REFERER).and_then(|value| value.to_str().ok()) {
                values.entry("referrer".to_owned()).or_insert_with(|| referrer.to_owned());
            }
            form::show(&app, &front, &values, &[], StatusCode::OK)
        }
        Err(error) => problem::failure(Reader::Person, &error),
    }
}

#[derive(Deserialize)]
pub struct Reached {
    #[serde(default)]
    by: String,
}

pub async fn thanks(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    Query(reached): Query<Reached>,
) -> Response {
    match front(&app, &slug).await {
        Ok(front) => form::thanks(&app, &front, &reached.by),
        Err(error) => problem::failure(Reader::Person, &error),
    }
}

pub async fn preflight(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Response {
    match front(&app, &slug).await {
        Ok(front) => embed::preflight(&front, &headers),
        Err(error) => problem::failure(Reader::Program, &error),
    }
}

pub async fn submit(State(public): State<Public>, Path(slug): Path<String>, request: Request) -> Response {
    let headers = request.headers().clone();
    let reader = Reader::of(&headers);
    let front = match front(&public.app, &slug).await {
        Ok(front) => front,
        Err(error) => return problem::failure(reader, &error),
    };
    let answer = match public.rates.tenants.take(&front.tenant.id) {
        Ok(()) => take(&public, &front, reader, request).await,
        Err(wait) => problem::too_many(reader, wait),
    };
    embed::readable(answer, &front, &headers)
}

async fn take(public: &Public, front: &Front, reader: Reader, request: Request) -> Response {
    let app = &public.app;
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let address = public.address(&extensions, &headers);
    let read = body::read(&app.config, &public.uploads, address.map(client::household), request).await;
    let submission = match read {
        Ok(submission) => submission,
        Err(Refusal { status, title, detail }) => return problem::problem(reader, status, title, &detail),
    };
    let fields = submission.fields.clone();
    match accept(public, front, reader, &headers, address, submission).await {
        Ok(Intake::Accepted(id, inserted)) => match reader {
            Reader::Person => Redirect::to(&thanks_path(front, &fields)).into_response(),
            Reader::Program => {
                let status = if inserted == Inserted::New { StatusCode::ACCEPTED } else { StatusCode::OK };
                (status, axum::Json(serde_json::json!({ "id": id }))).into_response()
            }
        },
        Ok(Intake::Invalid(faults)) => match reader {
            Reader::Person => form::show(app, front, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY),
            Reader::Program => problem::invalid_fields(&faults),
        },
        Err(error) if error.kind() == Kind::Conflict => {
            let hint = error.hint_text().unwrap_or_default();
            problem::problem(reader, StatusCode::UNPROCESSABLE_ENTITY, error.message(), hint)
        }
        Err(error) => problem::failure(reader, &error),
    }
}

fn thanks_path(front: &Front, fields: &Fields) -> String {
    let left = |name: &&str| fields.get(*name).is_some_and(|value| !value.trim().is_empty());
    let by = ["email", "phone"].into_iter().filter(left).collect::<Vec<_>>().join(",");
    format!("/lead/{}/thanks?by={by}", front.tenant.slug)
}

async fn accept(
    public: &Public,
    front: &Front,
    reader: Reader,
    headers: &HeaderMap,
    address: Option<IpAddr>,
    submission: Submission,
) -> Result<Intake> {
    let app = &public.app;
    let fields = &submission.fields;
    let ticket = fields.get("ticket").and_then(|text| Ticket::open(app, &front.tenant.slug, text));
    let key = key(headers, fields, ticket.as_ref())?;
    let (source, fields_shown) = match reader {
        Reader::Person => ("form", front.form.fields.as_slice()),
        Reader::Program => ("api", [].as_slice()),
    };
    let required = fields_shown.iter().filter(|field| field.need == Need::Required);
    let mut offer = Offer {
        enquiry: enquiry(fields, source),
        key,
        required: required.map(|field| field.name).collect(),
        consents: consents(app, front, fields).await?,
        ..Offer::default()
    };
    let faults = intake::check(&front.tenant, &offer)?;
    let pictures = match pictures(public, front, &submission).await {
        // Photos cannot be kept in a form that is shown again, so they are looked at when the rest is right.
        Ok(pictures) if faults.is_empty() => pictures,
        Ok(_) => return Ok(Intake::Invalid(faults)),
        Err(message) => {
            let fault = FieldFault { field: FieldName::Photos.name(), message };
            return Ok(Intake::Invalid([faults, vec![fault]].concat()));
        }
    };
    offer.pictures = pictures;
    offer.signals = Some(signals(app, front, reader, headers, fields, ticket.as_ref(), address).await);
    intake::accept(app, &front.tenant, offer).await
}

/// Returns the key by which a second sending is known: the sender's own, or that of the form's showing.
fn key(headers: &HeaderMap, fields: &Fields, ticket: Option<&Ticket>) -> Result<Option<String>> {
    match headers.get(IDEMPOTENCY_HEADER).map(HeaderValue::to_str) {
        Some(Ok(key)) => Ok(Some(key.to_owned())),
        Some(Err(_)) => Err(Error::usage("the `Idempotency-Key` header is not plain text")),
        None => {
            let own = fields.get(IDEMPOTENCY_FIELD).filter(|key| !key.is_empty()).cloned();
            Ok(own.or_else(|| ticket.map(|ticket| ticket.key.clone())))
        }
    }
}

async fn signals(
    app: &App,
    front: &Front,
    reader: Reader,
    headers: &HeaderMap,
    fields: &Fields,
    ticket: Option<&Ticket>,
    address: Option<IpAddr>,
) -> Signals {
    // A form of the tenant's own website has no ticket, nor has a program.
    let vouched = reader == Reader::Program || embed::trusted_origin(front, headers).is_some();
    let time = match ticket {
        None if vouched => Time::NotAsked,
        _ => Ticket::time(ticket, app.clock.now()),
    };
    let puzzle = match (front.form.proof_of_work, ticket) {
        (true, Some(ticket)) => ticket.proof(app, fields.get("altcha").map_or("", String::as_str)),
        (true, None) | (false, _) => Proof::NotAsked,
    };
    Signals { time, puzzle, widget: widget(app, front, fields, address).await, ..Signals::default() }
}

/// Asks Turnstile, where the tenant uses it. While it cannot be asked, nothing speaks against anybody.
async fn widget(app: &App, front: &Front, fields: &Fields, address: Option<IpAddr>) -> Proof {
    let Some(sealed) = &front.turnstile_sealed else { return Proof::NotAsked };
    let Some(response) = fields.get(TURNSTILE_FIELD).filter(|response| !response.is_empty()) else {
        return Proof::Missing;
    };
    let asking = async {
        let secret = app.key.open(&Form::seal_owner(&front.tenant.id), sealed)?;
        turnstile::verify(&app.config.intake.turnstile_url, &secret, response, address).await
    };
    match asking.await {
        Ok(true) => Proof::Good,
        Ok(false) => Proof::Wrong,
        Err(error) => {
            tracing::warn!(tenant.id = %front.tenant.id, reason = %error.report(), "Turnstile was not asked");
            Proof::NotAsked
        }
    }
}

/// Returns the words of consent that were given, as they were put to the person.
async fn consents(app: &App, front: &Front, fields: &Fields) -> Result<Vec<Agreed>> {
    let mut words = Vec::new();
    for name in [FieldName::ConsentSms, FieldName::ConsentMarketing] {
        let (Some(channel), true) = (name.channel(), is_set(fields, name.name())) else { continue };
        let text = |suffix: &str| fields.get(&format!("{name}_{suffix}")).map(|text| text.trim().to_owned());
        let version = text("version").and_then(|version| version.parse::<i32>().ok());
        let known = match version {
            Some(version) => intake::wording(app, &front.tenant.id, channel, version).await?,
            None => None,
        };
        let wording = match (known, text("text").filter(|text| !text.is_empty())) {
            (Some(known), _) => format!("version {}: {}", known.version, known.wording),
            (None, Some(stated)) => stated.chars().take(2_000).collect(),
            (None, None) => continue,
        };
        words.push(Agreed { channel, given: true, wording });
    }
    Ok(words)
}

/// Makes pictures of the photos, one request at a time, away from the threads that serve others.
async fn pictures(public: &Public, front: &Front, submission: &Submission) -> Result<Vec<Picture>, String> {
    if front.form.need(FieldName::Photos).is_none() {
        return Ok(Vec::new());
    }
    if let Some(fault) = &submission.photo_fault {
        return Err(fault.clone());
    }
    if submission.photos.is_empty() {
        return Ok(Vec::new());
    }
    let again = || "The photos could not be read. Please choose them again.".to_owned();
    let (photos, limit) = (submission.photos.clone(), public.app.config.intake.photo_limit_pixels);
    let _place = public.decoding.acquire().await.map_err(|_| again())?;
    let reading = tokio::task::spawn_blocking(move || {
        photos.iter().map(|bytes| crate::engine::photo::read(bytes, limit)).collect()
    });
    reading.await.map_err(|_| again())?
}

async fn front(app: &App, slug: &str) -> Result<Arc<Front>> {
    let missing = || Error::not_found("there is no such form").hint("check the address");
    let slug: Slug = slug.parse().map_err(|_| missing())?;
    app.front(&slug).await.map_err(|error| match error.kind() {
        Kind::NotFound => missing(),
        _ => error,
    })
}

impl Public {
    /// Returns the client's address.
    pub fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        client::address(extensions, headers, &self.proxies)
    }
}
