//! The one error type: a kind, a sentence, an optional hint, a source.
//!
//! The kind alone decides the exit status, the HTTP status and whether trying again can help.
//! A message is lower case, has no full stop and names the thing in backticks; a hint is one
//! command or one change that helps.

use std::error::Error as StdError;
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as anyone outside needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A defect, or a failure of no other kind.
    Internal,
    /// The command line, or the request, is wrong.
    Usage,
    /// The configuration is wrong; restarting will not help.
    Config,
    /// No such thing.
    NotFound,
    /// It exists already, has changed, or is in the wrong state.
    Conflict,
    /// The database or a provider cannot be reached; try later.
    Unavailable,
    /// A credential is missing, expired or refused.
    Denied,
    /// Confirmation was refused or could not be asked for.
    Declined,
    /// Some items succeeded; the output says which.
    Partial,
}

impl Kind {
    /// Returns the process exit status; 0 is kept for success.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Internal => 1,
            Kind::Usage => 2,
            Kind::Config => 3,
            Kind::NotFound => 4,
            Kind::Conflict => 5,
            Kind::Unavailable => 6,
            Kind::Denied => 7,
            Kind::Declined => 8,
            Kind::Partial => 9,
        }
    }

    /// Returns the HTTP status that a request ends with. `Declined` cannot happen over HTTP.
    pub fn http_status(self) -> u16 {
        match self {
            Kind::Internal | Kind::Config | Kind::Declined => 500,
            Kind::Usage => 400,
            Kind::NotFound => 404,
            Kind::Conflict => 409,
            Kind::Unavailable => 503,
            Kind::Denied => 403,
            Kind::Partial => 207,
        }
    }

    /// Returns the word used in JSON output and logs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Internal => "internal",
            Kind::Usage => "usage",
            Kind::Config => "config",
            Kind::NotFound => "not_found",
            Kind::Conflict => "conflict",
            Kind::Unavailable => "unavailable",
            Kind::Denied => "denied",
            Kind::Declined => "declined",
            Kind::Partial => "partial",
        }
    }
}

type Source = Box<dyn StdError + Send + Sync>;

/// A failure with everything that a person or a caller needs to act on it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<Source>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), hint: None, source: None }))
    }

    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(Kind::Internal, message)
    }

    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(Kind::Usage, message)
    }

    pub fn config(message: impl Into<String>) -> Error {
        Error::new(Kind::Config, message)
    }

    pub fn not_found(message: impl Into<String>) -> Error {
        Error::new(Kind::NotFound, message)
    }

    pub fn conflict(message: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Error {
        Error::new(Kind::Unavailable, message)
    }

    pub fn denied(message: impl Into<String>) -> Error {
        Error::new(Kind::Denied, message)
    }

    /// Adds the one command or change that helps. A later hint replaces an earlier one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the failure underneath, which `report` prints after the message.
    #[must_use]
    pub fn source(mut self, source: impl Into<Source>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the message followed by every cause, as one line.
    pub fn report(&self) -> String {
        chain(self)
    }
}

/// Returns an error's text followed by every cause that it does not name already, as one line.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.name(), self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_each_cause_once() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::unavailable("cannot open database").source(cause).hint("check the disk");
        assert_eq!(error.report(), "cannot open database: disk on fire");
        assert_eq!(error.kind().exit_code(), 6);
        assert_eq!(error.kind().http_status(), 503);
        assert_eq!(error.hint_text(), Some("check the disk"));
    }

    #[test]
    fn exit_codes_are_distinct_and_never_zero() {
        let kinds = [
            Kind::Internal,
            Kind::Usage,
            Kind::Config,
            Kind::NotFound,
            Kind::Conflict,
            Kind::Unavailable,
            Kind::Denied,
            Kind::Declined,
            Kind::Partial,
        ];
        let codes: std::collections::BTreeSet<u8> = kinds.iter().map(|k| k.exit_code()).collect();
        assert_eq!(codes.len(), kinds.len());
        assert!(!codes.contains(&0));
    }
}
