//! The answer by which `nexora doctor` knows that an address on the web leads to this installation.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::http::Public;
use crate::http::problem::Problem;
use crate::ops::doctor::proof;

pub async fn answer(State(public): State<Public>, Path(question): Path<String>) -> Result<Response, Problem> {
    match proof::answer(&public.app.key, &question) {
        Some(answer) => Ok(([(header::CACHE_CONTROL, "no-store")], answer).into_response()),
        None => Err(Problem::new(StatusCode::NOT_FOUND, "no such page", "")),
    }
}
