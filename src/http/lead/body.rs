//! The body of a request: a form, a form with photos, or JSON, read within bounds of size and time.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};

use crate::config::Config;
use crate::http::lead::fields::{Fields, texts};
use crate::http::lead::upload::{Budget, Cut, Hold};
use crate::http::problem::Problem;
use nexora_core::model::language::{Flaw, PageNotice};
use nexora_engine::lead::lead_format::body;
use serde_json::Value;

/// What was sent.
#[derive(Default)]
pub struct Submission {
    /// All of it, as one object.
    pub object: Value,
    /// Its texts by name.
    pub fields: Fields,
    /// The files of the field for photos.
    pub photos: Vec<Vec<u8>>,
    /// What is wrong with the photos.
    pub photo_flaw: Option<Flaw>,
    /// The memory that the photos take, until they are kept.
    pub hold: Option<Arc<Hold>>,
}

impl Submission {
    fn of(object: Value) -> Submission {
        Submission { fields: texts(&object), object, ..Submission::default() }
    }
}

/// What a part of a multipart body adds to its content: boundary and headers.
const PART_OVERHEAD: u64 = 2_048;

/// Parts of a body at most, and bytes of a part's name.
const PARTS: usize = 64;
const NAME: usize = 100;

/// Reads what was sent; `address` is the client's.
///
/// # Errors
/// The answer to a request that cannot be read, or not just now.
pub async fn read(
    config: &Config,
    budget: &Budget,
    address: Option<IpAddr>,
    request: Request,
) -> Result<Submission, Problem> {
    let kind = media_type(request.headers());
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    match kind.as_str() {
        "application/x-www-form-urlencoded" | "application/json" | "text/plain" | "" => {
            let body = read_small(config, request.into_body()).await?;
            let read = body::object(body::Body { content_type: &content_type, bytes: &body });
            let is_named = !matches!(kind.as_str(), "text/plain" | "");
            let unreadable = |reason| match is_named {
                true => Problem::new(StatusCode::BAD_REQUEST, "the body cannot be read", reason),
                false => unknown_type(),
            };
            Ok(Submission::of(read.map_err(unreadable)?))
        }
        "multipart/form-data" => {
            let text = config.http.body_limit_bytes;
            let limit = u64::from(config.intake.photos) * (config.intake.photo_limit_bytes + PART_OVERHEAD);
            let hold = budget.begin(address, text, limit + text).ok_or_else(busy)?;
            let reading = read_parts(config, &hold, request);
            let read = tokio::time::timeout(config.intake.upload_timeout(), reading).await;
            let mut submission = read.unwrap_or_else(|_| Err(too_slow()))?;
            submission.hold = Some(hold);
            Ok(submission)
        }
        _ => Err(unknown_type()),
    }
}

fn unknown_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "this form of content is not taken",
        "Send `application/json`, `application/x-www-form-urlencoded` or `multipart/form-data`.",
    )
}

/// Returns the type of the content, without its parameters.
pub fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn too_large() -> Problem {
    Problem::told(StatusCode::PAYLOAD_TOO_LARGE, PageNotice::TooLarge)
}

fn too_slow() -> Problem {
    Problem::told(StatusCode::REQUEST_TIMEOUT, PageNotice::TooSlow)
}

fn busy() -> Problem {
    Problem::busy(PageNotice::PhotosMustWait)
}

fn torn(reason: impl ToString) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the request could not be read", reason.to_string())
}

async fn read_small(config: &Config, body: Body) -> Result<axum::body::Bytes, Problem> {
    let limit = usize::try_from(config.http.body_limit_bytes).unwrap_or(usize::MAX);
    let reading = axum::body::to_bytes(body, limit);
    let read = tokio::time::timeout(config.http.request_timeout(), reading).await.map_err(|_| too_slow())?;
    read.map_err(|error| {
        let source = std::error::Error::source(&error);
        let is_long = source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if is_long { too_large() } else { torn(error) }
    })
}

async fn read_parts(config: &Config, hold: &Arc<Hold>, request: Request) -> Result<Submission, Problem> {
    let cut = |error: MultipartError| match hold.cut() {
        Some(Cut::TooLarge) => too_large(),
        Some(Cut::TooSlow) => too_slow(),
        Some(Cut::Busy) => busy(),
        Some(Cut::Malformed) | None => torn(error),
    };
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, hold.metered(body));
    let mut parts = Multipart::from_request(request, &()).await.map_err(torn)?;
    let mut submission = Submission::default();
    let mut texts = Vec::new();
    let mut text_left = config.http.body_limit_bytes;
    for _ in 0..PARTS {
        hold.expect_head();
        let Some(part) = parts.next_field().await.map_err(cut)? else {
            return Ok(Submission {
                photos: submission.photos,
                photo_flaw: submission.photo_flaw,
                ..Submission::of(body::collected(texts))
            });
        };
        hold.expect_content();
        let name = part.name().unwrap_or_default().to_owned();
        if name.len() > NAME {
            return Err(too_large());
        }
        match part.file_name().is_some() {
            false => {
                let text = content(part, text_left).await.map_err(cut)?.ok_or_else(too_large)?;
                text_left -= u64::try_from(text.len()).unwrap_or(text_left);
                texts.push((name, body::decoded(&text, None)));
            }
            true => {
                let photo = content(part, config.intake.photo_limit_bytes).await.map_err(cut)?;
                add_photo(config, &mut submission, &name, photo);
            }
        }
    }
    Err(too_large())
}

/// Reads a part to its end; nothing when it is larger than `limit`. It is read all the same, so that the
/// browser hears the answer.
async fn content(mut part: Field<'_>, limit: u64) -> Result<Option<Vec<u8>>, MultipartError> {
    let mut content = Some(Vec::new());
    while let Some(chunk) = part.chunk().await? {
        if let Some(held) = &mut content {
            held.extend_from_slice(&chunk);
            if u64::try_from(held.len()).unwrap_or(u64::MAX) > limit {
                content = None;
            }
        }
    }
    Ok(content)
}

fn add_photo(config: &Config, submission: &mut Submission, name: &str, photo: Option<Vec<u8>>) {
    let settings = &config.intake;
    match photo {
        None => {
            let megabytes = settings.photo_limit_bytes / 1_000_000;
            submission.photo_flaw = Some(Flaw::PhotoTooLarge(megabytes));
        }
        // An empty file is a field in which nothing was chosen.
        Some(photo) if photo.is_empty() || name != "photos" => {}
        Some(_) if submission.photos.len() >= usize::try_from(settings.photos).unwrap_or(0) => {
            submission.photo_flaw = Some(Flaw::TooManyPhotos(settings.photos));
        }
        Some(photo) => submission.photos.push(photo),
    }
}
