//! `/lead/{slug}`: the form, and intake from it, from other websites' scripts and from programs.

mod body;
mod embed;
mod fields;
mod form;
pub mod photo;
mod ticket;
mod upload;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use body::{Refusal, Submission};
use fields::{Fields, enquiry, is_set};
use serde::Deserialize;
use ticket::Ticket;
pub use upload::Budget;

use crate::app::{App, Front};
use crate::base::{Error, Kind, Result};
use crate::connector::turnstile;
use crate::engine::enquiry::FieldFault;
use crate::engine::photo::Picture;
use crate::engine::spam::{Proof, Signals, Time};
use crate::http::problem::{self, Reader};
use crate::http::{Public, client};
use crate::model::LeadId;
use crate::model::address::Slug;
use crate::model::form::{FieldName, Form, Need};
use crate::model::lead::Agreed;
use crate::pipeline::intake::{self, Key};
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
            // Neither the showing nor anybody's consent is taken from an address.
            values.retain(|name, _| name != "ticket" && !name.starts_with("consent_"));
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
    let answer = take(&public, &front, reader, request).await;
    let answer = embed::readable(answer, &front, &headers);
    match reader {
        Reader::Person => form::framed(answer, &front),
        Reader::Program => answer,
    }
}

async fn take(public: &Public, front: &Front, reader: Reader, request: Request) -> Response {
    let app = &public.app;
    let headers = request.headers().clone();
    let address = public.address(request.extensions(), &headers);
    let read = body::read(&app.config, &public.uploads, address.map(client::household), request).await;
    let submission = match read {
        Ok(submission) => submission,
        Err(Refusal { status, title, detail }) => {
            let mut answer = problem::problem(reader, status, title, &detail);
            if status == StatusCode::SERVICE_UNAVAILABLE {
                problem::retry_soon(&mut answer);
            }
            return answer;
        }
    };
    let fields = submission.fields.clone();
    let sent = Sent { front, reader, headers: &headers, address };
    match accept(public, &sent, submission).await {
        Ok(Taken::Lead(id, inserted)) => match reader {
            Reader::Person => Redirect::to(&thanks_path(front, &fields)).into_response(),
            Reader::Program => {
                let status = if inserted == Inserted::New { StatusCode::ACCEPTED } else { StatusCode::OK };
                (status, axum::Json(serde_json::json!({ "id": id }))).into_response()
            }
        },
        Ok(Taken::Invalid(faults)) => match reader {
            Reader::Person => form::show(app, front, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY),
            Reader::Program => problem::invalid_fields(&faults),
        },
        Ok(Taken::TooMany(wait)) => problem::too_many(reader, wait),
        Err(error) => problem::failure(reader, &error),
    }
}

/// Who sends something, and to which form.
struct Sent<'a> {
    front: &'a Front,
    reader: Reader,
    headers: &'a HeaderMap,
    address: Option<IpAddr>,
}

/// What became of a submission.
enum Taken {
    Lead(LeadId, Inserted),
    Invalid(Vec<FieldFault>),
    /// The tenant has more leads than it takes in a minute.
    TooMany(Duration),
}

fn thanks_path(front: &Front, fields: &Fields) -> String {
    let left = |name: &&str| fields.get(*name).is_some_and(|value| !value.trim().is_empty());
    let by = ["email", "phone"].into_iter().filter(left).collect::<Vec<_>>().join(",");
    format!("/lead/{}/thanks?by={by}", front.tenant.slug)
}

async fn accept(public: &Public, sent: &Sent<'_>, submission: Submission) -> Result<Taken> {
    let (app, front) = (&public.app, sent.front);
    let fields = submission.fields.clone();
    let ticket = fields.get("ticket").and_then(|text| Ticket::open(app, &front.tenant.slug, text));
    let (source, shown) = match sent.reader {
        Reader::Person => ("form", front.form.fields.as_slice()),
        Reader::Program => ("api", [].as_slice()),
    };
    let required: Vec<FieldName> =
        shown.iter().filter(|field| field.need == Need::Required).map(|field| field.name).collect();
    let key = key(sent.headers, &fields, ticket.as_ref())?;
    let mut enquiry = enquiry(&fields, source);
    if sent.reader == Reader::Program && !sent.is_trusted() {
        // A program has no field that it does not see: this one is the business's own.
        enquiry.honeypot.clear();
    }
    let photo_fault = |message| FieldFault { field: FieldName::Photos.name(), message };
    // Photos cannot be kept in a form that is shown again, so they are looked at when the rest is right.
    let mut arrival = match intake::check(&front.tenant, enquiry, &required)? {
        Ok(arrival) => arrival,
        Err(mut faults) => {
            let again = || "Please choose your photos again.".to_owned();
            let sent_some = !submission.photos.is_empty();
            faults.extend(submission.photo_fault.or_else(|| sent_some.then(again)).map(photo_fault));
            return Ok(Taken::Invalid(faults));
        }
    };
    arrival.pictures = match pictures(public, front, submission).await {
        Ok(pictures) => pictures,
        Err(message) => return Ok(Taken::Invalid(vec![photo_fault(message)])),
    };
    if let Err(wait) = public.rates.tenants.take(&front.tenant.id) {
        return Ok(Taken::TooMany(wait));
    }
    arrival.consents = consents(app, front, &fields).await?;
    let signals = signals(app, sent, &fields, ticket.as_ref()).await;
    arrival.signals =
        Some(Signals { honeypot: arrival.signals.is_some_and(|known| known.honeypot), ..signals });
    let (id, inserted) = intake::take(app, &front.tenant, arrival, key).await?;
    Ok(Taken::Lead(id, inserted))
}

/// Returns the key by which a second sending is known: that of the form's showing, or the sender's own.
fn key(headers: &HeaderMap, fields: &Fields, ticket: Option<&Ticket>) -> Result<Option<Key>> {
    if let Some(ticket) = ticket {
        return Ok(Some(Key::Showing(ticket.key.clone())));
    }
    let header = headers.get(IDEMPOTENCY_HEADER).map(|value| value.to_str().unwrap_or("\0").to_owned());
    let own = header.or_else(|| fields.get(IDEMPOTENCY_FIELD).filter(|key| !key.is_empty()).cloned());
    own.map(Key::of_sender).transpose()
}

async fn signals(app: &App, sent: &Sent<'_>, fields: &Fields, ticket: Option<&Ticket>) -> Signals {
    let vouched = sent.reader == Reader::Program || sent.is_trusted();
    let time = match ticket {
        None if vouched => Time::NotAsked,
        _ => Ticket::time(ticket, app.clock.now()),
    };
    let puzzle = match (sent.front.form.proof_of_work, ticket) {
        (false, _) => Proof::NotAsked,
        (true, Some(ticket)) => ticket.proof(app, fields.get("altcha").map_or("", String::as_str)),
        // A form of the tenant's own website has no puzzle.
        (true, None) if sent.is_trusted() => Proof::NotAsked,
        (true, None) => Proof::Missing,
    };
    let widget = widget(app, sent.front, fields, sent.address).await;
    Signals { time, puzzle, widget, ..Signals::default() }
}

impl Sent<'_> {
    /// Tells whether it comes from a page of a website that the tenant named.
    fn is_trusted(&self) -> bool {
        embed::trusted_origin(self.front, self.headers).is_some()
    }
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
            (None, Some(stated)) => stated.chars().filter(|c| !c.is_control()).take(2_000).collect(),
            (None, None) => continue,
        };
        words.push(Agreed { channel, given: true, wording });
    }
    Ok(words)
}

/// Makes pictures of the photos, one request at a time, away from the threads that serve others. The turn and
/// the memory are held to the end of the work, even if the client has gone.
async fn pictures(public: &Public, front: &Front, submission: Submission) -> Result<Vec<Picture>, String> {
    let Submission { photos, photo_fault, hold, .. } = submission;
    if front.form.need(FieldName::Photos).is_none() {
        return Ok(Vec::new());
    }
    if let Some(fault) = photo_fault {
        return Err(fault);
    }
    if photos.is_empty() {
        return Ok(Vec::new());
    }
    let again = || "The photos could not be read. Please choose them again.".to_owned();
    let limit = public.app.config.intake.photo_limit_pixels;
    let turn = Arc::clone(&public.decoding).acquire_owned().await.map_err(|_| again())?;
    let reading = tokio::task::spawn_blocking(move || {
        let pictures = photos.into_iter().map(|bytes| crate::engine::photo::read(&bytes, limit)).collect();
        drop((turn, hold));
        pictures
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
