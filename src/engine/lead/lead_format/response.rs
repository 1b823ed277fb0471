//! What a sender is answered: each reads our answer in its own way, and sends again, or not, by it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use nexora_core::model::LeadId;
use nexora_core::model::source::SourceSecrets;

/// An answer, as far as the format decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    /// How the sender is to show who it is (`WWW-Authenticate`).
    pub challenge: Option<&'static str>,
    pub body: String,
}

/// The question with which a sender first calls, to make sure that the address is ours.
#[derive(Clone, Copy, Debug)]
pub struct Handshake<'a> {
    pub secrets: &'a SourceSecrets,
    pub query: &'a BTreeMap<String, String>,
    /// The last part of the address, where it is a secret.
    pub token: Option<&'a str>,
}

/// The title of the answer to a call that is not the source's.
pub const REFUSED: &str = "this call is not known to come from the source";

/// The title of the answer to a body that is not in the format.
pub const MALFORMED: &str = "the body cannot be read";

impl Response {
    /// Makes a success with JSON.
    pub fn json(body: &Value) -> Response {
        Response { status: 200, content_type: "application/json", challenge: None, body: body.to_string() }
    }

    /// Makes a success that says nothing.
    pub fn empty_object() -> Response {
        Response::json(&json!({}))
    }

    /// Makes a success that names the lead, if one was made.
    pub fn lead(lead: Option<&LeadId>) -> Response {
        match lead {
            Some(id) => Response::json(&json!({ "id": id })),
            None => Response::empty_object(),
        }
    }

    /// Makes a success with plain text.
    pub fn text(body: impl Into<String>) -> Response {
        let content_type = "text/plain; charset=utf-8";
        Response { status: 200, content_type, challenge: None, body: body.into() }
    }

    /// Makes a problem (RFC 9457).
    pub fn problem(status: u16, title: &str, detail: &str) -> Response {
        let body = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
        let content_type = "application/problem+json";
        Response { status, content_type, ..Response::json(&body) }
    }
}

impl Handshake<'_> {
    /// Returns what the sender says under this name; empty when it does not.
    pub fn asked(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }
}
