//! One call as the services see it: who makes it, its parameters and its body.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::HeaderName;
use serde::de::DeserializeOwned;

use crate::serve::envelope::Refusal;
use nexora_core::base::clock::Timestamp;

/// A call whose route is known.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: Timestamp,
    /// The address of this sandbox, for the links it hands out.
    pub origin: Arc<str>,
    /// The address in whose name the call is made; empty until its token was looked at.
    pub mailbox: String,
    /// What the call's token allows.
    pub scopes: Vec<String>,
    /// The holes of the route's path, filled and decoded.
    pub params: Vec<(&'static str, String)>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The message itself, when the call is an upload.
    pub media: Option<Bytes>,
}

impl Call {
    /// Returns a part of the path; one that the route does not have is empty.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a parameter that may be given several times.
    pub fn query_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn query_flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns a parameter that is a number, held to `1..=limit`.
    pub fn query_count(&self, name: &str, default: usize, limit: usize) -> Result<usize, Refusal> {
        let Some(text) = self.query(name) else { return Ok(default) };
        let count: usize = text
            .parse()
            .map_err(|_| Refusal::invalid(format!("Invalid value at '{name}' (TYPE_UINT32), \"{text}\"")))?;
        Ok(count.clamp(1, limit))
    }

    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Reads the JSON body; none at all counts as an empty object.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| {
            Refusal::new(400, "parseError", format!("Invalid JSON payload received. {error}"))
        })
    }
}

/// One page of a list, and the token of the next.
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Cuts a page out of `all`: a page token is how many items came before it.
pub fn page<T>(call: &Call, all: Vec<T>, size: usize) -> Result<Page<T>, Refusal> {
    let skipped: usize = match call.query("pageToken").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => token.parse().map_err(|_| Refusal::invalid("Invalid pageToken"))?,
    };
    let end = skipped.saturating_add(size);
    let next = (all.len() > end).then(|| end.to_string());
    Ok(Page { items: all.into_iter().skip(skipped).take(size).collect(), next })
}
