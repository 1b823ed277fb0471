//! Answers and refusals in the form that Google gives them.
//!
//! The services share one error envelope; the token endpoint has the one of OAuth 2.0 (RFC 6749).

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// An answer before it goes on the wire.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Bytes,
}

impl Reply {
    pub fn json(value: &Value) -> Reply {
        let body = format!("{value:#}\n");
        Reply::of(StatusCode::OK, "application/json; charset=UTF-8", body)
    }

    pub fn html(page: String) -> Reply {
        Reply::of(StatusCode::OK, "text/html; charset=utf-8", page)
    }

    /// Answers without a body, as Google does after a deletion.
    pub fn empty(status: StatusCode) -> Reply {
        Reply { status, headers: Vec::new(), body: Bytes::new() }
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    fn of(status: StatusCode, content_type: &str, body: String) -> Reply {
        let headers = vec![(CONTENT_TYPE, content_type.to_owned()), (CACHE_CONTROL, "no-store".to_owned())];
        Reply { status, headers, body: Bytes::from(body) }
    }

    /// Returns the answer for the wire; a header that cannot stand there is left out.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A call that is not granted, in Google's words.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    reason: String,
    message: String,
    retry_after: Option<u64>,
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Service,
    OAuth,
}

impl Refusal {
    pub fn new(status: u16, reason: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            reason: reason.into(),
            message: message.into(),
            retry_after: None,
            form: Form::Service,
        }
    }

    /// Refuses as the token endpoint does.
    pub fn oauth(status: u16, error: impl Into<String>, description: impl Into<String>) -> Refusal {
        Refusal { form: Form::OAuth, ..Refusal::new(status, error, description) }
    }

    /// Refuses with what Google says for this status and reason when nothing else is known.
    pub fn usual(status: u16, reason: Option<String>, message: Option<String>) -> Refusal {
        let reason = reason.unwrap_or_else(|| usual_reason(status).to_owned());
        let message = message.unwrap_or_else(|| usual_message(&reason).to_owned());
        Refusal::new(status, reason, message)
    }

    /// Refuses as Sheets does, whose reason is another than Gmail's.
    pub fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "badRequest", message)
    }

    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalidArgument", message)
    }

    pub fn not_found() -> Refusal {
        Refusal::usual(404, None, None)
    }

    pub fn unauthenticated() -> Refusal {
        Refusal::usual(401, None, None)
    }

    pub fn insufficient_scope() -> Refusal {
        Refusal::usual(403, Some("insufficientPermissions".to_owned()), None)
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: Option<u64>) -> Refusal {
        self.retry_after = seconds;
        self
    }

    /// Returns the sentence alone, to be said in another refusal.
    pub fn into_message(self) -> String {
        self.message
    }

    pub fn into_reply(self) -> Reply {
        let body = match self.form {
            Form::Service => self.envelope(),
            Form::OAuth => json!({"error": self.reason, "error_description": self.message}),
        };
        let mut reply = Reply::json(&body);
        reply.status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(seconds) = self.retry_after {
            reply = reply.with_header(RETRY_AFTER, seconds.to_string());
        }
        match (self.form, self.status, self.reason.as_str()) {
            (Form::Service, 401, _) => reply.with_header(WWW_AUTHENTICATE, challenge("invalid_token")),
            (Form::Service, 403, "insufficientPermissions") => {
                reply.with_header(WWW_AUTHENTICATE, challenge("insufficient_scope"))
            }
            _ => reply,
        }
    }

    fn envelope(&self) -> Value {
        let mut detail = json!({
            "message": self.message,
            "domain": domain(&self.reason),
            "reason": self.reason,
        });
        if self.status == 401 {
            merge(&mut detail, json!({"location": "Authorization", "locationType": "header"}));
        }
        let mut error = json!({"code": self.status, "message": self.message, "errors": [detail]});
        if let Some(status) = canonical_status(self.status) {
            merge(&mut error, json!({ "status": status }));
        }
        if self.reason == "insufficientPermissions" {
            let detail = json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
            });
            merge(&mut error, json!({ "details": [detail] }));
        }
        json!({ "error": error })
    }
}

/// Adds the fields of `more` to the object `value`.
pub fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}

fn challenge(error: &str) -> String {
    format!("Bearer realm=\"https://accounts.google.com/\", error=\"{error}\"")
}

fn domain(reason: &str) -> &'static str {
    match reason {
        "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" | "dailyLimitExceeded" => {
            "usageLimits"
        }
        _ => "global",
    }
}

/// Returns the name of a status in `google.rpc.Code`; 410 has none there.
fn canonical_status(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ALREADY_EXISTS",
        412 => "FAILED_PRECONDITION",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        500 => "INTERNAL",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => return None,
    })
}

fn usual_reason(status: u16) -> &'static str {
    match status {
        400 => "badRequest",
        401 => "authError",
        403 => "forbidden",
        404 => "notFound",
        409 => "duplicate",
        410 => "deleted",
        412 => "conditionNotMet",
        413 => "uploadTooLarge",
        429 => "rateLimitExceeded",
        _ => "backendError",
    }
}

fn usual_message(reason: &str) -> &'static str {
    match reason {
        "badRequest" => "Bad Request",
        "authError" => {
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
             or other valid authentication credential. See \
             https://developers.google.com/identity/sign-in/web/devconsole-project."
        }
        "insufficientPermissions" => "Request had insufficient authentication scopes.",
        "forbidden" => "Forbidden",
        "notFound" => "Requested entity was not found.",
        "duplicate" => "The requested identifier already exists.",
        "deleted" => "Resource has been deleted",
        "fullSyncRequired" => "Sync token is no longer valid, a full sync is required.",
        "conditionNotMet" => "Precondition Failed",
        "uploadTooLarge" => "Request is too large.",
        "rateLimitExceeded" => "Rate Limit Exceeded",
        "userRateLimitExceeded" => "User Rate Limit Exceeded",
        "quotaExceeded" => "Quota exceeded for quota metric and limit of this service.",
        "dailyLimitExceeded" => "Daily Limit Exceeded",
        "internalError" => "Internal error encountered.",
        "invalidArgument" => "Request contains an invalid argument.",
        _ => "Backend Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_google_words_it() {
        let reply = Refusal::usual(429, None, None).retry_after(Some(7)).into_reply();
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(reply.headers.contains(&(RETRY_AFTER, "7".to_owned())));
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let detail =
            json!({"message": "Rate Limit Exceeded", "domain": "usageLimits", "reason": "rateLimitExceeded"});
        let error = json!({
            "code": 429, "message": "Rate Limit Exceeded", "status": "RESOURCE_EXHAUSTED", "errors": [detail],
        });
        assert_eq!(body, json!({ "error": error }));
    }

    #[test]
    fn the_token_endpoint_has_its_own_form() {
        let reply = Refusal::oauth(400, "invalid_grant", "Invalid JWT Signature.").into_reply();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body, json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}));
    }
}
