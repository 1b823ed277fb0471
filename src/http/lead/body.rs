//! The body of a request: a form, a form with photos, or JSON, read within bounds of size and time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::http::lead::fields::{Fields, text_of};
use crate::http::tally::{Counted, Tally};

/// What was sent.
#[derive(Default)]
pub struct Submission {
    pub fields: Fields,
    /// The files of the field for photos.
    pub photos: Vec<Vec<u8>>,
    /// What is wrong with the photos, in words for whoever sent them.
    pub photo_fault: Option<String>,
    /// The place of a request with photos, until they are kept.
    pub place: Option<Place>,
}

/// A request that cannot be read.
pub struct Refusal {
    pub status: StatusCode,
    pub title: &'static str,
    pub detail: String,
}

impl Refusal {
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal { status, title, detail: detail.into() }
    }
}

/// The places for requests with photos, so that they take no more memory than is meant for them.
pub struct Uploads {
    places: Arc<Semaphore>,
    tally: Tally,
}

/// Requests with photos that one address may send at the same time.
const PER_ADDRESS: usize = 2;

/// How long a client that sends photos may fall silent.
const SILENCE: Duration = Duration::from_secs(10);

/// What a part of a multipart body adds to its content: boundary and headers.
const PART_OVERHEAD: u64 = 2_048;

/// One taken place.
pub type Place = (OwnedSemaphorePermit, Option<Counted>);

impl Uploads {
    pub fn new(places: u32) -> Uploads {
        let places = usize::try_from(places).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Uploads { places: Arc::new(Semaphore::new(places)), tally: Tally::default() }
    }

    fn take(&self, address: Option<IpAddr>) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        match address {
            Some(address) => Some((permit, Some(self.tally.take(address, PER_ADDRESS)?))),
            None => Some((permit, None)),
        }
    }
}

/// Reads what was sent; `address` is the client's.
///
/// # Errors
/// What to answer instead.
pub async fn read(
    config: &Config,
    uploads: &Uploads,
    address: Option<IpAddr>,
    request: Request,
) -> Result<Submission, Refusal> {
    let kind = media_type(request.headers());
    match kind.as_str() {
        "application/x-www-form-urlencoded" => {
            let body = read_small(config, request.into_body()).await?;
            let pairs = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&body).map_err(|error| {
                Refusal::new(StatusCode::BAD_REQUEST, "the form is malformed", error.to_string())
            })?;
            Ok(Submission { fields: pairs.into_iter().collect(), ..Submission::default() })
        }
        "application/json" => {
            let body = read_small(config, request.into_body()).await?;
            let object: BTreeMap<String, serde_json::Value> =
                serde_json::from_slice(&body).map_err(|error| {
                    Refusal::new(StatusCode::BAD_REQUEST, "the body is not a JSON object", error.to_string())
                })?;
            let fields = object.into_iter().map(|(name, value)| Ok((name.clone(), text_of(&name, value)?)));
            Ok(Submission { fields: fields.collect::<Result<_, Refusal>>()?, ..Submission::default() })
        }
        "multipart/form-data" => {
            let busy = || {
                let detail = "Many are sending photos just now. Please try again in a moment.";
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "please try again", detail)
            };
            let place = uploads.take(address).ok_or_else(busy)?;
            let reading = read_parts(config, request);
            let read = tokio::time::timeout(config.intake.upload_timeout(), reading).await;
            let mut submission = read.unwrap_or_else(|_| Err(too_slow()))?;
            submission.place = Some(place);
            Ok(submission)
        }
        _ => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this form of content is not taken",
            "Send `application/json`, `application/x-www-form-urlencoded` or `multipart/form-data`.",
        )),
    }
}

/// Returns the type of the content, without its parameters.
pub fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "this is too large", "Please shorten the message.")
}

fn too_slow() -> Refusal {
    let detail = "It took too long to arrive. Please try again, or with fewer photos.";
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "this took too long", detail)
}

fn torn(reason: impl ToString) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "the request could not be read", reason.to_string())
}

async fn read_small(config: &Config, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let limit = usize::try_from(config.http.body_limit_bytes).unwrap_or(usize::MAX);
    let reading = axum::body::to_bytes(body, limit);
    let read = tokio::time::timeout(config.http.request_timeout(), reading).await.map_err(|_| too_slow())?;
    read.map_err(|error| {
        let source = std::error::Error::source(&error);
        let is_long = source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if is_long { too_large() } else { torn(error) }
    })
}

async fn read_parts(config: &Config, request: Request) -> Result<Submission, Refusal> {
    let settings = &config.intake;
    let mut parts = Multipart::from_request(request, &()).await.map_err(torn)?;
    let mut submission = Submission::default();
    let photo_limit = settings.photo_limit_bytes;
    let mut text_left = config.http.body_limit_bytes;
    // What is too large is read to its end all the same, up to what could ever be meant, so that the
    // browser hears the answer.
    let mut left = u64::from(settings.photos) * (photo_limit + PART_OVERHEAD) + text_left;
    loop {
        let next = tokio::time::timeout(SILENCE, parts.next_field()).await.map_err(|_| too_slow())?;
        let Some(mut part) = next.map_err(torn)? else { break };
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let limit = if is_file { photo_limit } else { text_left };
        let mut content = Vec::new();
        let mut is_whole = true;
        loop {
            let chunk = tokio::time::timeout(SILENCE, part.chunk()).await.map_err(|_| too_slow())?;
            let Some(chunk) = chunk.map_err(torn)? else { break };
            let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(size).ok_or_else(too_large)?;
            let held = u64::try_from(content.len()).unwrap_or(u64::MAX);
            is_whole &= held + size <= limit;
            if is_whole {
                content.extend_from_slice(&chunk);
            }
        }
        match (is_file, is_whole) {
            (false, false) => return Err(too_large()),
            (false, true) => {
                text_left -= u64::try_from(content.len()).unwrap_or(text_left);
                submission.fields.insert(name, String::from_utf8_lossy(&content).into_owned());
            }
            (true, false) => {
                let megabytes = photo_limit / 1_000_000;
                let fault = format!("A photo is larger than {megabytes} MB. Please send a smaller one.");
                submission.photo_fault = Some(fault);
            }
            // An empty file is a field in which nothing was chosen.
            (true, true) if content.is_empty() || name != "photos" => {}
            (true, true) if submission.photos.len() >= usize::try_from(settings.photos).unwrap_or(0) => {
                let fault = format!("Please send at most {} photos.", settings.photos);
                submission.photo_fault = Some(fault);
            }
            (true, true) => submission.photos.push(content),
        }
    }
    Ok(submission)
}
