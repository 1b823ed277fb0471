//! What a failed call to Google means (Google APIs' error envelope and usage limits).
//!
//! The same failure means different things for a call that only reads and for one that changes
//! something: an answer lost on the way leaves a change in doubt, and a reading merely undone.

use std::time::Duration;

use google_apis_common as common;

use crate::refusal::{self, Meaning, TokenMeaning};
use nexora_core::base::clock::Timestamp;
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

/// What is said while a mailbox may send no more mails.
pub const SENDING_LIMIT: &str = "Gmail's daily sending limit is reached";

/// From what wait on a limit is none of the minute.
const LONG_WAIT: Duration = Duration::from_secs(600);

/// How long a connection pauses whose new token is not taken.
const REFUSED_TOKEN_WAIT: Duration = Duration::from_secs(15);

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
            common::Error::JsonDecodeError(answer, error) => Fault::unread(answer.len(), &error),
            common::Error::Io(error) => Fault::Lost(format!("the answer broke off: {error}")),
            error => Fault::NotSent(error.to_string()),
        }
    }

    /// Says that an answer of 2xx could not be read. Neither the answer nor what the parser quotes of it
    /// is told, for both hold customers' words.
    pub fn unread(length_bytes: usize, error: &serde_json::Error) -> Fault {
        let what = match error.classify() {
            serde_json::error::Category::Eof | serde_json::error::Category::Io => "broke off",
            serde_json::error::Category::Syntax => "is no JSON",
            serde_json::error::Category::Data => "has another form than the one documented",
        };
        let (line, column) = (error.line(), error.column());
        Fault::Lost(format!("the answer of {length_bytes} bytes {what} (line {line}, column {column})"))
    }

    pub fn from_envelope(
        body: &serde_json::Value,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Fault {
        let text = |pointer: &str| body.pointer(pointer).and_then(|value| value.as_str());
        let code = body.pointer("/error/code").and_then(serde_json::Value::as_u64);
        let code = code.and_then(|code| u16::try_from(code).ok()).or(status).unwrap_or(500);
        let message = text("/error/message").unwrap_or("no message");
        // Newer services say more in a list of details (google.rpc.ErrorInfo) than in the old errors. The
        // first reason that means more than the call counts, else the first of the old ones.
        let list =
            |pointer: &str| body.pointer(pointer).and_then(|list| list.as_array()).into_iter().flatten();
        let reasons: Vec<&str> = list("/error/errors")
            .chain(list("/error/details"))
            .filter_map(|entry| entry.get("reason")?.as_str())
            .chain(text("/error/status"))
            .collect();
        let telling = reasons.iter().find(|reason| refusal::meaning(code, reason, message).is_some());
        let reason = telling.or(reasons.first()).copied().unwrap_or_default();
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

    /// Returns what a service's refusal means beyond its call.
    pub fn meaning(&self) -> Option<Meaning> {
        match self {
            Fault::Status { code, reason, message, .. } => refusal::meaning(*code, reason, message),
            Fault::NotSent(_) | Fault::Throttled { .. } | Fault::Credential(_) | Fault::Lost(_) => None,
        }
    }

    /// Tells whether nothing will work until a person acts. That a token is not taken (401) is no such
    /// word, however new the token: the token endpoint has the last one.
    pub fn is_about_credential(&self) -> bool {
        matches!(self, Fault::Credential(_)) || matches!(self.meaning(), Some(Meaning::Access(_)))
    }

    /// Tells whether Google does not know a sync token any more; it says so by 410, and at times by 400.
    pub fn is_about_sync_token(&self) -> bool {
        let names = |text: &str| text.to_lowercase().contains("sync token");
        matches!(self, Fault::Status { code: 400, message, .. } if names(message))
            || self.status() == Some(410)
    }

    /// Tells whether Google itself said that this was too much.
    pub fn is_about_rate(&self) -> bool {
        matches!(self.meaning(), Some(Meaning::Rate | Meaning::SendingLimit))
    }

    /// Reads an error of the token endpoint. One that is not listed counts as a refusal where
    /// `is_refusal` says that the endpoint's status was one.
    pub fn of_token_error(error: &str, description: &str, is_refusal: bool) -> Fault {
        let said = match description.is_empty() {
            true => error.to_owned(),
            false => format!("{error}: {description}"),
        };
        match refusal::token_meaning(error, description) {
            Some(TokenMeaning::Refused(advice)) => Fault::Credential(format!("{said}; {advice}")),
            None if is_refusal => Fault::Credential(said),
            Some(TokenMeaning::Passing) | None => Fault::NotSent(format!("the token endpoint: {said}")),
        }
    }

    /// Tells whether a refusal for rate holds for longer than the next minutes.
    pub fn is_long(&self) -> bool {
        let is_daily = matches!(self, Fault::Status { reason, .. } if reason == "dailyLimitExceeded");
        is_daily || self.retry_after().is_some_and(|wait| wait >= LONG_WAIT)
    }

    /// Adds the wait that the message names by a moment, where no header named one.
    #[must_use]
    pub fn dated(mut self, now: Timestamp) -> Fault {
        if let Fault::Status { message, retry_after: retry_after @ None, .. } = &mut self {
            *retry_after = wait_until(message, now);
        }
        self
    }

    pub fn reason(&self) -> String {
        match self.meaning() {
            Some(Meaning::Access(advice)) => format!("{}; {advice}", self.said()),
            Some(Meaning::SendingLimit) => format!("{SENDING_LIMIT}: {}", self.said()),
            Some(Meaning::Rate) | None => self.said(),
        }
    }

    fn said(&self) -> String {
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

/// Returns how long it is until the moment that a message asks to be waited for: `Retry after
/// 2026-11-30T14:00:00.000Z`.
fn wait_until(message: &str, now: Timestamp) -> Option<Duration> {
    const WORDS: &str = "retry after";
    let at = message.to_ascii_lowercase().find(WORDS)? + WORDS.len();
    let is_moment = |c: char| c.is_ascii_alphanumeric() || "-:.+".contains(c);
    let moment = message.get(at..)?.trim_start_matches([' ', ':']);
    let end = moment.find(|c| !is_moment(c)).unwrap_or(moment.len());
    let moment = Timestamp::parse(moment.get(..end)?.trim_end_matches('.'))?;
    Some(moment.since(now)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wait_is_also_named_by_its_end_in_the_message() {
        let now = Timestamp::parse("2026-11-30T12:00:00Z").unwrap();
        for (message, minutes) in [
            ("User-rate limit exceeded.  Retry after 2026-11-30T14:00:00.000Z (Mail sending)", Some(120)),
            ("Rate Limit Exceeded. retry after: 2026-11-30T13:00:00+00:00.", Some(60)),
            ("Retry after 2026-11-30T11:00:00Z", None),
            ("Retry after a while", None),
            ("İ Retry after 2026-11-30T14:00:00Z", Some(120)),
            ("Too many requests", None),
        ] {
            let fault = Fault::Status {
                code: 429,
                reason: String::new(),
                message: message.into(),
                retry_after: None,
            };
            let wait = fault.dated(now).retry_after();
            assert_eq!(wait, minutes.map(|minutes| Duration::from_secs(minutes * 60)), "{message}");
        }
        let told = status(429, "rateLimitExceeded").dated(now);
        assert_eq!(told.retry_after(), Some(Duration::from_secs(7)), "a header goes first");
    }

    #[test]
    fn a_refusal_of_access_says_what_to_do_and_is_found_wherever_google_puts_it() {
        let disabled = "Mail service not enabled";
        for body in [
            json!({"error": {"code": 400, "message": disabled, "status": "FAILED_PRECONDITION"}}),
            json!({"error": {"code": 400, "message": disabled, "errors": [{"reason": "failedPrecondition"}]}}),
            json!({"error": {"code": 403, "message": "m", "errors": [{"reason": "forbidden"}, {"reason": "domainPolicy"}]}}),
        ] {
            let fault = Fault::from_envelope(&body, None, None);
            let Outcome::Unauthorized { reason } = fault.of_change() else { panic!("{body}") };
            assert!(reason.contains("administrator"), "{reason}");
        }
    }

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
