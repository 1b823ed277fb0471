//! What can come of an attempt, and of asking a provider about one. Both sets are closed.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::base::text::Json;

/// What a provider made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receipt {
    /// The provider's name for it.
    pub provider_id: Option<String>,
    /// What later steps may refer to, by name.
    pub output: Map<String, Value>,
}

impl Receipt {
    pub fn named(provider_id: Option<String>) -> Receipt {
        Receipt { provider_id, output: Map::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Receipt {
        self.output.insert(name.to_owned(), value.into());
        self
    }
}

/// What came of one attempt at an effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It happened.
    Delivered(Receipt),
    /// Half of it happened: note this evidence durably, then go on from there at once.
    InProgress { evidence: Json },
    /// It did not happen; trying again may help.
    Retry { reason: String, after: Option<Duration> },
    /// It did not happen, because of a rate limit: waiting is no attempt.
    Throttled { reason: String, after: Option<Duration> },
    /// It did not happen and never will, as it is.
    Refused { reason: String },
    /// It did not happen and never will: the mail system does not take mail for this recipient, in its own words
    /// (a 5xx reply to `RCPT`, RFC 5321).
    RecipientRefused { reason: String },
    /// It did not happen: the credential is not good. Nothing of this connection will work.
    Unauthorized { reason: String },
    /// It is unknown whether it happened.
    InDoubt { reason: String },
}

/// What a provider answered when asked whether an effect happened.
#[derive(Clone, Debug, PartialEq)]
pub enum ReconcileResult {
    /// It did.
    Delivered(Receipt),
    /// It did in part: go on from this evidence.
    InProgress { evidence: Json },
    /// It did not: it is safe to begin again.
    NotDelivered,
    /// The provider answered and cannot tell. Only a person can decide.
    Unknown { reason: String },
    /// The provider could not be asked now.
    Unanswered { reason: String, after: Option<Duration> },
    /// The credential is not good.
    Unauthorized { reason: String },
}

/// Why a provider could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum PollError {
    /// Trying again may help.
    Later { reason: String, after: Option<Duration> },
    /// A rate limit holds.
    Throttled { reason: String, after: Option<Duration> },
    /// The credential is not good. Nothing of this connection will work.
    Unauthorized { reason: String },
    /// The position is too old: everything must be read.
    Expired,
    /// What is to be read is not there, or must not be read. Only a person can mend that.
    Refused { reason: String },
}
