//! `GET` and `POST /lead/{slug}`: the form, and intake from it or from a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::base::secret::random_bytes;
use crate::base::text::hex;
use crate::base::{Error, Kind, Result};
use crate::engine::enquiry::Enquiry;
use crate::http::page::{self, Form, Thanks};
use crate::http::problem::{self, Reader};
use crate::model::address::Slug;
use crate::model::lead::Attribution;
use crate::model::tenant::Tenant;
use crate::pipeline::intake::{self, Intake};
use crate::store::Inserted;

/// The fields of a request by name, whatever form they came in.
type Fields = BTreeMap<String, String>;

/// What tells where a homeowner came from, as advertisers name it.
const ATTRIBUTION: [&str; 10] = [
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "gclid",
    "fbclid",
    "msclkid",
    "referrer",
    "landing_url",
];

const IDEMPOTENCY_HEADER: &str = "idempotency-key";
const IDEMPOTENCY_FIELD: &str = "idempotency_key";

pub async fn form(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Response {
    match tenant(&app, &slug).await {
        Ok(tenant) => {
            let mut values = query;
            if let Some(referrer) = headers.get(header::REFERER).and_then(|value| value.to_str().ok()) {
                values.entry("referrer".to_owned()).or_insert_with(|| referrer.to_owned());
            }
            show_form(StatusCode::OK, &tenant, &values, &[])
        }
        Err(error) => problem::failure(Reader::Person, &error),
    }
}

pub async fn thanks(State(app): State<Arc<App>>, Path(slug): Path<String>) -> Response {
    match tenant(&app, &slug).await {
        Ok(tenant) => page::render(StatusCode::OK, &Thanks { tenant: &tenant }),
        Err(error) => problem::failure(Reader::Person, &error),
    }
}

pub async fn submit(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let reader = Reader::of(&headers);
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(reader, rejection.status()),
    };
    let fields = match read_fields(&headers, &body) {
        Ok(fields) => fields,
        Err(refusal) => return problem::problem(reader, refusal.status, refusal.title, &refusal.detail),
    };
    let tenant = match tenant(&app, &slug).await {
        Ok(tenant) => tenant,
        Err(error) => return problem::failure(reader, &error),
    };
    match accept(&app, &tenant, &headers, &fields, reader).await {
        Ok(Intake::Accepted(id, inserted)) => match reader {
            Reader::Person => Redirect::to(&format!("/lead/{slug}/thanks")).into_response(),
            Reader::Program => {
                let status = if inserted == Inserted::New { StatusCode::ACCEPTED } else { StatusCode::OK };
                (status, axum::Json(serde_json::json!({ "id": id }))).into_response()
            }
        },
        Ok(Intake::Invalid(faults)) => match reader {
            Reader::Person => show_form(StatusCode::UNPROCESSABLE_ENTITY, &tenant, &fields, &faults),
            Reader::Program => problem::invalid_fields(&faults),
        },
        Err(error) if error.kind() == Kind::Conflict => problem::problem(
            reader,
            StatusCode::UNPROCESSABLE_ENTITY,
            error.message(),
            error.hint_text().unwrap_or_default(),
        ),
        Err(error) => problem::failure(reader, &error),
    }
}

async fn accept(
    app: &App,
    tenant: &Arc<Tenant>,
    headers: &HeaderMap,
    fields: &Fields,
    reader: Reader,
) -> Result<Intake> {
    let header_key = headers.get(IDEMPOTENCY_HEADER).map(|value| value.to_str());
    let key = match header_key {
        Some(Ok(key)) => Some(key),
        Some(Err(_)) => return Err(Error::usage("the `Idempotency-Key` header is not plain text")),
        None => fields.get(IDEMPOTENCY_FIELD).map(String::as_str).filter(|key| !key.is_empty()),
    };
    let source = match reader {
        Reader::Person => "form",
        Reader::Program => "api",
    };
    intake::accept(app, tenant, enquiry(fields, source), key).await
}

async fn tenant(app: &App, slug: &str) -> Result<Arc<Tenant>> {
    let missing = || Error::not_found("there is no such form").hint("check the address");
    let slug: Slug = slug.parse().map_err(|_| missing())?;
    app.tenant_by_slug(&slug).await.map_err(|error| match error.kind() {
        Kind::NotFound => missing(),
        _ => error,
    })
}

fn show_form(
    status: StatusCode,
    tenant: &Tenant,
    values: &Fields,
    faults: &[crate::engine::enquiry::FieldFault],
) -> Response {
    let hidden = ATTRIBUTION.iter().filter_map(|name| Some(((*name).to_owned(), values.get(*name)?.clone())));
    let form = Form {
        tenant,
        inputs: page::inputs(values, faults),
        wrong: page::wrong(faults),
        key: form_key(),
        hidden: hidden.collect(),
    };
    page::render(status, &form)
}

/// A key for one filling-in of the form; without randomness the form works, less protected.
fn form_key() -> String {
    random_bytes::<16>().map_or_else(|_| String::new(), hex)
}

/// A request that cannot be read.
struct Refusal {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

fn unread(reader: Reader, status: StatusCode) -> Response {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            problem::problem(reader, status, "this is too large", "Please shorten the message.")
        }
        _ => problem::problem(reader, status, "the request could not be read", ""),
    }
}

fn read_fields(headers: &HeaderMap, body: &Bytes) -> Result<Fields, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let malformed = |title, detail: String| Refusal { status: StatusCode::BAD_REQUEST, title, detail };
    match kind.as_str() {
        "application/x-www-form-urlencoded" => serde_urlencoded::from_bytes::<Vec<(String, String)>>(body)
            .map(|pairs| pairs.into_iter().collect())
            .map_err(|error| malformed("the form is malformed", error.to_string())),
        "application/json" => {
            let object: BTreeMap<String, serde_json::Value> = serde_json::from_slice(body)
                .map_err(|error| malformed("the body is not a JSON object", error.to_string()))?;
            object.into_iter().map(|(name, value)| Ok((name.clone(), text_of(&name, value)?))).collect()
        }
        _ => Err(Refusal {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            title: "this form of content is not taken",
            detail: "Send `application/json` or `application/x-www-form-urlencoded`.".to_owned(),
        }),
    }
}

/// A field is text; a number or truth value is taken as its text, and nested values are refused.
fn text_of(name: &str, value: serde_json::Value) -> Result<String, Refusal> {
    match value {
        serde_json::Value::Null => Ok(String::new()),
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Bool(flag) => Ok(flag.to_string()),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        // What is not one of our fields may have any shape: it is left aside.
        _ if !is_known(name) => Ok(String::new()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => Err(Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            title: "a field has the wrong type",
            detail: format!("`{name}` must be text"),
        }),
    }
}

const FIELDS: [&str; 13] = [
    "name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "service",
    "message",
    "address",
    "postcode",
    "preferred_time",
    "source",
    "is_test",
    "website",
];

fn is_known(name: &str) -> bool {
    FIELDS.contains(&name) || ATTRIBUTION.contains(&name)
}

fn enquiry(fields: &Fields, default_source: &str) -> Enquiry {
    let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let name = match text("name") {
        name if name.trim().is_empty() => format!("{} {}", text("first_name"), text("last_name")),
        name => name,
    };
    let source = match text("source") {
        source if source.trim().is_empty() => default_source.to_owned(),
        source => source.chars().take(60).collect(),
    };
    let attribution =
        ATTRIBUTION.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone())));
    Enquiry {
        name,
        email: text("email"),
        phone: text("phone"),
        service: text("service"),
        message: text("message"),
        address: text("address"),
        postcode: text("postcode"),
        preferred_time: text("preferred_time"),
        source,
        attribution: Attribution(attribution.collect()),
        is_test: matches!(text("is_test").as_str(), "true" | "1"),
        honeypot: text("website"),
        ..Enquiry::default()
    }
}
