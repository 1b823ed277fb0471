//! Leads that a webhook only announces: what to ask the provider, and what its answers mean.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::lead::lead_format::webhook::{ParseResult, Sender};
use nexora_core::base::secret::Secret;
use nexora_core::model::outcome::PollError;
use nexora_core::model::source::{FetchRequest, FetchResponse, SourceSecrets};

/// How the leads of one format are fetched. The connector only makes the call.
pub trait FetchedFormat: Sync {
    /// Returns the call that asks for a lead; the address of the provider's API ends with a slash.
    ///
    /// # Errors
    /// Says why the provider cannot be asked.
    fn request(&self, api_url: &str, id: &str, secrets: &SourceSecrets) -> Result<FetchRequest, PollError>;

    /// Says what an answer means that is no success.
    fn failure(&self, response: FetchResponse) -> PollError;

    /// Reads the answer of a success.
    fn read(&self, sender: Sender<'_>, value: &Value) -> ParseResult;
}

/// Returns the token by which leads are fetched.
///
/// # Errors
/// `Unauthorized` when the source was given none.
pub fn token(secrets: &SourceSecrets) -> Result<&Secret, PollError> {
    let reason = || "the source has no access token".to_owned();
    secrets.access_token.as_ref().ok_or_else(|| PollError::Unauthorized { reason: reason() })
}

/// Writes an id as a part of an address.
pub fn encoded(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

/// Says what happened in the provider's own words.
pub fn said(provider: &str, response: &FetchResponse, pointer: &str) -> String {
    let words = response.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{provider} answered {} {words}", response.status_text).trim().to_owned()
}

/// Says what a status means where the provider's body does not say more.
pub fn by_status(response: &FetchResponse, reason: String) -> PollError {
    let after = response.retry_after;
    match response.status {
        401 | 403 => PollError::Unauthorized { reason },
        429 => PollError::Throttled { reason, after },
        408 | 500..=599 => PollError::Later { reason, after },
        _ => PollError::Refused { reason },
    }
}
