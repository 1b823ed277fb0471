//! `/lead/{slug}`: the form, and intake from it, from other websites' scripts and from programs.

mod body;
mod embed;
mod fields;
mod form;
mod form_token;
pub mod photo;
mod sent;
mod signals;
mod submission;
mod upload;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use fields::Fields;
use sent::Sent;
use serde::Deserialize;
use submission::Accepted;
pub use upload::Budget;

use crate::app::{App, PublicProfile};
use crate::http::Public;
use crate::http::extract::{ClientAddress, Profile};
use crate::http::page;
use crate::http::problem::{Problem, Reader};
use nexora_store::Inserted;

pub async fn form(
    State(app): State<Arc<App>>,
    Profile(profile): Profile,
    Query(query): Query<Fields>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut values = query;
    // Neither the token of a form nor consent is taken from an address.
    values.retain(|name, _| name != form_token::FIELD && !name.starts_with("consent_"));
    if let Some(referrer) = headers.get(header::REFERER).and_then(|value| value.to_str().ok()) {
        values.entry("referrer".to_owned()).or_insert_with(|| referrer.to_owned());
    }
    form::show(&app, &profile, &values, &[], StatusCode::OK)
}

#[derive(Deserialize)]
pub struct Reached {
    #[serde(default)]
    by: String,
}

pub async fn thanks(
    State(app): State<Arc<App>>,
    Profile(profile): Profile,
    Query(reached): Query<Reached>,
) -> Response {
    form::thanks(&app, &profile, &reached.by)
}

pub async fn preflight(Profile(profile): Profile, headers: HeaderMap) -> Response {
    embed::preflight(&profile, &headers)
}

pub async fn submit(
    State(public): State<Public>,
    Profile(profile): Profile,
    client: ClientAddress,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let sent = Sent { profile: &profile, reader: Reader::of(&headers), headers: &headers, client };
    let answer = take(&public, &sent, request).await.into_response();
    let answer = embed::readable(answer, &profile, &headers);
    match sent.reader {
        Reader::Person => page::spoken(profile.settings.language, form::framed(answer, &profile)),
        Reader::Program => answer,
    }
}

async fn take(public: &Public, sent: &Sent<'_>, request: Request) -> Result<Response, Problem> {
    let (app, profile) = (&public.app, sent.profile);
    let submission = body::read(&app.config, &public.uploads, sent.client.0, request).await?;
    let fields = submission.fields.clone();
    match (submission::accept(public, sent, submission).await?, sent.reader) {
        (Accepted::Lead(..), Reader::Person) => {
            Ok(Redirect::to(&thanks_path(profile, &fields)).into_response())
        }
        (Accepted::Lead(id, inserted), Reader::Program) => {
            let status = if inserted == Inserted::New { StatusCode::ACCEPTED } else { StatusCode::OK };
            Ok((status, axum::Json(serde_json::json!({ "id": id }))).into_response())
        }
        (Accepted::Invalid(faults), Reader::Person) => {
            form::show(app, profile, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY)
        }
        (Accepted::Invalid(faults), Reader::Program) => {
            Err(Problem::invalid_fields(&faults, profile.settings.language))
        }
    }
}

fn thanks_path(profile: &PublicProfile, fields: &Fields) -> String {
    let left = |name: &&str| fields.get(*name).is_some_and(|value| !value.trim().is_empty());
    let by = ["email", "phone"].into_iter().filter(left).collect::<Vec<_>>().join(",");
    format!("/lead/{}/thanks?by={by}", profile.tenant.slug)
}
