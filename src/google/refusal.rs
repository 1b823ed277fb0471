//! What Google's refusals mean: the one table of its reasons, for the services (Gmail API, "Resolve errors",
//! and its like for Calendar and Sheets) and for the token endpoint (RFC 6749, section 5.2, and what Google
//! adds to it).
//!
//! A reason that is not listed refuses the one call it came for.

/// What a service's refusal says beyond the one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing works until a person does what the words say.
    Access(&'static str),
    /// There were too many calls; the next minutes are waited out.
    Rate,
    /// The mailbox may send no further mails for hours; all else goes on.
    SendingLimit,
}

/// What a refusal of the token endpoint says of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMeaning {
    /// It is refused for good, until a person does what the words say.
    Refused(&'static str),
    /// It is a bad moment; the credential may be good.
    Passing,
}

/// A row of the table. An empty text stands for any.
struct Row {
    status: u16,
    reason: &'static str,
    /// What the message contains, in lower case.
    message: &'static str,
    meaning: Meaning,
}

const fn row(status: u16, reason: &'static str, message: &'static str, meaning: Meaning) -> Row {
    Row { status, reason, message, meaning }
}

const ENABLE: Meaning =
    Meaning::Access("enable the API in the project of the OAuth client or key, and wait some minutes");
const SCOPES: Meaning = Meaning::Access(
    "run `nexora connection authorize`; with a service account add the scopes to its delegation",
);
const DELEGATION: Meaning =
    Meaning::Access("the credential may not act for this mailbox: check its address and the delegation");
const DOMAIN: Meaning =
    Meaning::Access("an administrator of the Google Workspace must switch the service on for this mailbox");
const ACCOUNT: Meaning =
    Meaning::Access("the Google account is closed or suspended: restore it, or connect another mailbox");
const PROJECT: Meaning =
    Meaning::Access("the Google Cloud project is suspended or gone: look at it in the Google Cloud console");

/// The first row that fits counts.
const TABLE: &[Row] = &[
    row(429, "", "mail sending", Meaning::SendingLimit),
    row(403, "", "mail sending", Meaning::SendingLimit),
    row(429, "", "sending limit", Meaning::SendingLimit),
    row(403, "", "sending limit", Meaning::SendingLimit),
    row(429, "", "sending quota", Meaning::SendingLimit),
    row(403, "", "sending quota", Meaning::SendingLimit),
    row(429, "", "5.4.5", Meaning::SendingLimit),
    row(403, "", "5.4.5", Meaning::SendingLimit),
    row(400, "", "550 5.4.5", Meaning::SendingLimit),
    row(400, "", "550-5.4.5", Meaning::SendingLimit),
    row(403, "accessNotConfigured", "", ENABLE),
    row(403, "SERVICE_DISABLED", "", ENABLE),
    row(403, "insufficientPermissions", "", SCOPES),
    row(403, "insufficientScopes", "", SCOPES),
    row(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "", SCOPES),
    row(403, "", "insufficient authentication scopes", SCOPES),
    row(403, "", "delegation denied", DELEGATION),
    row(403, "domainPolicy", "", DOMAIN),
    row(400, "failedPrecondition", "mail service not enabled", DOMAIN),
    row(400, "FAILED_PRECONDITION", "mail service not enabled", DOMAIN),
    row(403, "notACalendarUser", "", DOMAIN),
    row(403, "accountDisabled", "", ACCOUNT),
    row(403, "accountDeleted", "", ACCOUNT),
    row(403, "CONSUMER_INVALID", "", PROJECT),
    row(403, "CONSUMER_SUSPENDED", "", PROJECT),
    row(429, "", "", Meaning::Rate),
    row(403, "rateLimitExceeded", "", Meaning::Rate),
    row(403, "userRateLimitExceeded", "", Meaning::Rate),
    row(403, "quotaExceeded", "", Meaning::Rate),
    row(403, "dailyLimitExceeded", "", Meaning::Rate),
    row(403, "concurrentLimitExceeded", "", Meaning::Rate),
    row(403, "RATE_LIMIT_EXCEEDED", "", Meaning::Rate),
    row(403, "RESOURCE_EXHAUSTED", "", Meaning::Rate),
];

/// Returns what a service's refusal means beyond its call, by its status, reason and message.
pub fn meaning(status: u16, reason: &str, message: &str) -> Option<Meaning> {
    let message = message.to_lowercase();
    let fits = |row: &&Row| {
        (row.status == 0 || row.status == status)
            && (row.reason.is_empty() || row.reason.eq_ignore_ascii_case(reason))
            && message.contains(row.message)
    };
    TABLE.iter().find(fits).map(|row| row.meaning)
}

const RENEW: TokenMeaning = TokenMeaning::Refused(
    "run `nexora connection authorize`; with a service account check that the mailbox exists and is active, \
     that the key was not deleted, and the clock of this machine",
);
const CLIENT: TokenMeaning = TokenMeaning::Refused(
    "the OAuth client or the service account is deleted or disabled: restore it in the Google Cloud console, \
     or give the connection another with `nexora connection authorize`",
);
const ADMINISTRATOR: TokenMeaning = TokenMeaning::Refused(
    "an administrator of the Google Workspace must trust this app: Security, API controls, App access control",
);
const DELEGATE: TokenMeaning = TokenMeaning::Refused(
    "add the service account's client id with all scopes to the domain-wide delegation in the Admin console",
);
const SUBJECT: TokenMeaning = TokenMeaning::Refused(
    "the address in whose name the service account acts is no mailbox of the Google Workspace: check `--subject`",
);
const SUSPENDED: TokenMeaning = TokenMeaning::Refused(
    "the Google account is closed or suspended: restore it, or connect another mailbox",
);

/// The errors of the token endpoint; of two rows with the same error the first whose text is in the
/// description counts.
const TOKEN_TABLE: &[(&str, &str, TokenMeaning)] = &[
    ("rate_limit_exceeded", "", TokenMeaning::Passing),
    ("quota_exceeded", "", TokenMeaning::Passing),
    ("slow_down", "", TokenMeaning::Passing),
    ("internal_failure", "", TokenMeaning::Passing),
    ("internal_error", "", TokenMeaning::Passing),
    ("backend_error", "", TokenMeaning::Passing),
    ("server_error", "", TokenMeaning::Passing),
    ("temporarily_unavailable", "", TokenMeaning::Passing),
    ("unavailable", "", TokenMeaning::Passing),
    ("deadline_exceeded", "", TokenMeaning::Passing),
    ("invalid_grant", "", RENEW),
    ("invalid_rapt", "", RENEW),
    ("access_denied", "", RENEW),
    ("invalid_client", "", CLIENT),
    ("deleted_client", "", CLIENT),
    ("disabled_client", "", CLIENT),
    ("restricted_client", "", CLIENT),
    ("unauthorized_client", "", DELEGATE),
    ("invalid_scope", "", DELEGATE),
    ("admin_policy_enforced", "", ADMINISTRATOR),
    ("org_internal", "", ADMINISTRATOR),
    ("account_disabled", "", SUSPENDED),
    ("account_deleted", "", SUSPENDED),
    ("user_disabled", "", SUSPENDED),
    ("invalid_request", "sub", SUBJECT),
    ("invalid_request", "impersonation", SUBJECT),
    ("invalid_request", "", RENEW),
    ("unsupported_grant_type", "", CLIENT),
];

/// Returns what an error of the token endpoint means; nothing when it is not listed.
pub fn token_meaning(error: &str, description: &str) -> Option<TokenMeaning> {
    let description = description.to_lowercase();
    let fits = |(listed, text, _): &&(&str, &str, TokenMeaning)| {
        listed.eq_ignore_ascii_case(error) && description.contains(text)
    };
    TOKEN_TABLE.iter().find(fits).map(|(_, _, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_a_service_means_one_thing() {
        let access =
            |found: Option<Meaning>| matches!(found, Some(Meaning::Access(advice)) if !advice.is_empty());
        for (status, reason, message) in [
            (400, "failedPrecondition", "Mail service not enabled"),
            (400, "FAILED_PRECONDITION", "Mail service not enabled"),
            (403, "domainPolicy", "The domain administrators have disabled Gmail apps."),
            (403, "forbidden", "Delegation denied for office@acme.example.com"),
            (
                403,
                "accessNotConfigured",
                "Gmail API has not been used in project 1 before or it is disabled.",
            ),
            (403, "SERVICE_DISABLED", "m"),
            (403, "insufficientPermissions", "Insufficient Permission"),
            (403, "insufficientScopes", "m"),
            (403, "forbidden", "Request had insufficient authentication scopes."),
            (403, "notACalendarUser", "The user must be signed up for Google Calendar."),
        ] {
            assert!(access(meaning(status, reason, message)), "{status} {reason} {message}");
        }
        for (status, reason, message) in [
            (
                429,
                "RESOURCE_EXHAUSTED",
                "User-rate limit exceeded.  Retry after 2026-11-30T14:00:00.000Z (Mail sending)",
            ),
            (429, "rateLimitExceeded", "User-rate limit exceeded (Mail sending)"),
            (400, "invalidArgument", "550 5.4.5 Daily user sending limit exceeded."),
            (403, "dailyLimitExceeded", "Daily user sending quota exceeded"),
        ] {
            assert_eq!(meaning(status, reason, message), Some(Meaning::SendingLimit), "{status} {reason}");
        }
        for (status, reason) in [
            (429, ""),
            (429, "anything"),
            (403, "rateLimitExceeded"),
            (403, "userRateLimitExceeded"),
            (403, "quotaExceeded"),
            (403, "dailyLimitExceeded"),
            (403, "RATE_LIMIT_EXCEEDED"),
        ] {
            assert_eq!(meaning(status, reason, "Limit Exceeded"), Some(Meaning::Rate), "{status} {reason}");
        }
        for (status, reason, message) in [
            (403, "forbidden", "The caller does not have permission"),
            (400, "failedPrecondition", "Precondition check failed."),
            (400, "invalidArgument", "Invalid To header"),
            (404, "notFound", "Requested entity was not found."),
            (401, "authError", "Invalid Credentials"),
            (500, "backendError", "Backend Error"),
            (409, "rateLimitExceeded", "m"),
            (400, "badRequest", "Unable to parse range: 'Mail sending 5.4.5'!A1"),
        ] {
            assert_eq!(meaning(status, reason, message), None, "{status} {reason} {message}");
        }
    }

    #[test]
    fn an_error_of_the_token_endpoint_is_for_good_or_passes() {
        for (error, description) in [
            ("invalid_request", "Invalid impersonation \"sub\" field: office@acme.example.com"),
            ("invalid_request", "Invalid subject"),
            ("deleted_client", "The OAuth client was deleted."),
            ("disabled_client", "The OAuth client was disabled."),
            ("account_disabled", ""),
            ("admin_policy_enforced", ""),
            ("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method"),
            ("invalid_grant", "Token has been expired or revoked."),
            ("Invalid_Grant", ""),
            ("invalid_client", "Unauthorized"),
            ("invalid_scope", ""),
        ] {
            let found = token_meaning(error, description);
            assert!(matches!(found, Some(TokenMeaning::Refused(advice)) if !advice.is_empty()), "{error}");
        }
        for error in ["rate_limit_exceeded", "internal_failure", "temporarily_unavailable", "server_error"] {
            assert_eq!(token_meaning(error, "invalid sub"), Some(TokenMeaning::Passing), "{error}");
        }
        assert_eq!(token_meaning("something_new", ""), None);
    }
}
