//! What a failed call to Google means (Google APIs' error envelope and usage limits).
//!
//! The same failure means different things for a call that only reads and for one that changes
//! something: an answer lost on the way leaves a change in doubt, and a reading merely undone.

use std::time::Duration;

use google_apis_common as common;

use nexora_core::base::error::chain;
use nexora_core::model::outcome::{Outcome, PollError, ReconcileResult};

#[derive(Clone, Debug)]
pub enum Fault {
    /// No request left this machine.
    NotSent(String),
    /// Not sent either: the quota of this minute is used up.
    Throttled { reason: String, after: Option<Duration> },
    /// Google answered with a status that is not 2xx.
    Status { code: u16, reason: String, message: String, retry_after: Option<Duration> },
    /// No token could be had because the credential is refused.
    Credential(String),
    /// The request may have arrived; the answer did not, or not whole.
    Lost(String),
}

const RATE_REASONS: [&str; 5] = [
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "RATE_LIMIT_EXCEEDED",
];

/// How long a connection pauses whose new token is not taken.
const REFUSED_TOKEN_WAIT: Duration = Duration::from_secs(15);

const SCOPE_REASONS: [&str; 4] =
    ["insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "accessNotConfigured", "SERVICE_DISABLED"];

impl Fault {
    pub fn from_error(error: common::Error, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
        match error {
            common::Error::HttpError(error) if error.is_connect() => Fault::NotSent(chain(&error)),
            common::Error::HttpError(error) => Fault::Lost(chain(&error)),
            common::Error::MissingToken(error) => {
                Fault::NotSent(format!("no access token: {}", chain(&*error)))
            }
            common::Error::BadRequest(body) => Fault::from_envelope(&body, status, retry_after),
            common::Error::Failure(response) => Fault::Status {
                code: response.status().as_u16(),
                reason: String::new(),
                message: format!("HTTP {}", response.status()),
                retry_after,
            },
            error @ (common::Error::JsonDecodeError(..) | common::Error::Io(_)) => {
                Fault::Lost(format!("the answer broke off: {error}"))
            }
            error => Fault::NotSent(error.to_string()),
        }
    }

    pub fn from_envelope(
        body: &serde_json::Value,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Fault {
        let text = |pointer: &str| body.pointer(pointer).and_then(|value| value.as_str());
        let code = body.pointer("/error/code").and_then(serde_json::Value::as_u64);
        let code = code.and_then(|code| u16::try_from(code).ok()).or(status).unwrap_or(500);
        // Newer services say more in a list of details (google.rpc.ErrorInfo) than in the old errors.
        let details = body.pointer("/error/details").and_then(|details| details.as_array());
        let detailed = details.into_iter().flatten().find_map(|detail| detail.get("reason")?.as_str());
        let telling = |reason: &&str| RATE_REASONS.contains(reason) || SCOPE_REASONS.contains(reason);
        let reason = detailed
            .filter(telling)
            .or_else(|| text("/error/errors/0/reason"))
            .or_else(|| text("/error/status"))
            .unwrap_or_default();
        let message = text("/error/message").unwrap_or("no message");
        Fault::Status { code, reason: reason.to_owned(), message: message.to_owned(), retry_after }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Fault::Status { code, .. } => Some(*code),
            Fault::NotSent(_) | Fault::Throttled { .. } | Fault::Credential(_) | Fault::Lost(_) => None,
        }
    }

    pub fn is_expired_token(&self) -> bool {
        self.status() == Some(401)
    }

    /// Tells whether nothing will work until a person gives another credential. That a token is not
    /// taken (401) is no such word, however new the token: the token endpoint has the last one.
    pub fn is_about_credential(&self) -> bool {
        match self {
            Fault::Credential(_) => true,
            Fault::Status { code, reason, .. } => *code == 403 && SCOPE_REASONS.contains(&reason.as_str()),
            Fault::NotSent(_) | Fault::Throttled { .. } | Fault::Lost(_) => false,
        }
    }

    /// Tells whether Google itself said that this was too much.
    pub fn is_about_rate(&self) -> bool {
        match self {
            Fault::Status { code, reason, .. } => {
                *code == 429 || (*code == 403 && RATE_REASONS.contains(&reason.as_str()))
            }
            Fault::NotSent(_) | Fault::Throttled { .. } | Fault::Credential(_) | Fault::Lost(_) => false,
        }
    }

    pub fn reason(&self) -> String {
        match self {
            Fault::NotSent(reason)
            | Fault::Throttled { reason, .. }
            | Fault::Credential(reason)
            | Fault::Lost(reason) => reason.clone(),
            Fault::Status { code, reason, message, .. } if reason.is_empty() => format!("{message} ({code})"),
            Fault::Status { code, reason, message, .. } => format!("{message} ({code} {reason})"),
        }
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Fault::Status { retry_after: after, .. } | Fault::Throttled { after, .. } => *after,
            Fault::NotSent(_) | Fault::Credential(_) | Fault::Lost(_) => None,
        }
    }

    /// Reads as nothing where Google said that the thing is not there, or not any more.
    pub fn or_gone<T>(self) -> Result<Option<T>, Fault> {
        match self.status() {
            Some(404 | 410) => Ok(None),
            _ => Err(self),
        }
    }

    /// Says what the failure means for an effect when the call could not have changed anything.
    pub fn of_reading(self) -> Outcome {
        let (reason, after) = (self.reason(), self.retry_after());
        match self {
            fault if fault.is_about_credential() => Outcome::Unauthorized { reason },
            fault if fault.is_about_rate() => Outcome::Throttled { reason, after },
            fault if fault.is_expired_token() => {
                Outcome::Throttled { reason, after: Some(after.unwrap_or(REFUSED_TOKEN_WAIT)) }
            }
            Fault::Throttled { .. } => Outcome::Throttled { reason, after },
            Fault::Status { code, .. } if (400..500).contains(&code) && code != 408 => {
                Outcome::Refused { reason }
            }
            Fault::Status { .. } | Fault::NotSent(_) | Fault::Credential(_) | Fault::Lost(_) => {
                Outcome::Retry { reason, after }
            }
        }
    }

    /// Says what the failure means for an effect when the call may have changed something.
    pub fn of_change(self) -> Outcome {
        let reason = self.reason();
        match self {
            Fault::Lost(_) => Outcome::InDoubt { reason },
            Fault::Status { code, .. } if code >= 500 || code == 408 => Outcome::InDoubt { reason },
            Fault::NotSent(_) | Fault::Throttled { .. } | Fault::Credential(_) | Fault::Status { .. } => {
                self.of_reading()
            }
        }
    }

    /// Says what the failure means for a poll. `gone` is the status by which this service says that
    /// a position is too old.
    pub fn of_poll(self, gone: Option<u16>) -> PollError {
        if self.status().is_some() && self.status() == gone {
            return PollError::Expired;
        }
        match self.of_reading() {
            Outcome::Throttled { reason, after } => PollError::Throttled { reason, after },
            Outcome::Unauthorized { reason } => PollError::Unauthorized { reason },
            Outcome::Refused { reason } => PollError::Refused { reason },
            Outcome::Retry { reason, after } => PollError::Later { reason, after },
            Outcome::Delivered { .. }
            | Outcome::InProgress { .. }
            | Outcome::RecipientRefused { .. }
            | Outcome::InDoubt { .. } => {
                PollError::Later { reason: "a reading came to no end".to_owned(), after: None }
            }
        }
    }

    /// Says what the failure means when it was the question whether an effect happened.
    pub fn of_question(self) -> ReconcileResult {
        let (reason, after) = (self.reason(), self.retry_after());
        if self.is_about_credential() {
            return ReconcileResult::Unauthorized { reason };
        }
        ReconcileResult::Unanswered { reason, after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(code: u16, reason: &str) -> Fault {
        let body = json!({"error": {"code": code, "message": "m", "errors": [{"reason": reason}]}});
        Fault::from_envelope(&body, None, Some(Duration::from_secs(7)))
    }

    #[test]
    fn a_failure_means_more_when_something_may_have_changed() {
        let after = Some(Duration::from_secs(7));
        let cases = [
            (status(503, "backendError"), "Retry", "InDoubt"),
            (status(500, ""), "Retry", "InDoubt"),
            (status(429, "rateLimitExceeded"), "Throttled", "Throttled"),
            (status(403, "userRateLimitExceeded"), "Throttled", "Throttled"),
            (status(403, "insufficientPermissions"), "Unauthorized", "Unauthorized"),
            (status(403, "forbidden"), "Refused", "Refused"),
            (status(401, "authError"), "Throttled", "Throttled"),
            (status(404, "notFound"), "Refused", "Refused"),
            (Fault::Lost("cut".into()), "Retry", "InDoubt"),
            (Fault::NotSent("refused".into()), "Retry", "Retry"),
            (Fault::Throttled { reason: "full".into(), after: None }, "Throttled", "Throttled"),
            (Fault::Credential("invalid_grant".into()), "Unauthorized", "Unauthorized"),
        ];
        for (fault, reading, change) in cases {
            assert!(format!("{:?}", fault.clone().of_reading()).starts_with(reading), "{fault:?}");
            assert!(format!("{:?}", fault.clone().of_change()).starts_with(change), "{fault:?}");
        }
        let disabled = json!({"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED",
            "errors": [{"reason": "forbidden"}], "details": [{"@type": "help"}, {"reason": "SERVICE_DISABLED"}]}});
        assert!(Fault::from_envelope(&disabled, None, None).is_about_credential());
        let throttled = status(429, "rateLimitExceeded").of_change();
        assert!(matches!(throttled, Outcome::Throttled { after: floor, .. } if floor == after));
    }
}
