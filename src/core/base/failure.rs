//! What a database failure means to a caller: its kind, and what to do about it.
//!
//! A failure is never turned into "nothing found".

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::base::{Error, Kind};

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Error {
        let (kind, message, hint) = classify(&error);
        let failure = Error::new(kind, message).source(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn classify(error: &DieselError) -> (Kind, &'static str, Option<&'static str>) {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            (Kind::Conflict, "a row with this key exists already", None)
        }
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            (Kind::Conflict, "the row refers to something that is not there, or is still referred to", None)
        }
        DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, info) => {
            classify_message(info.message())
        }
        DieselError::DatabaseError(
            DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection,
            _,
        )
        | DieselError::BrokenTransactionManager
        | DieselError::RollbackErrorOnCommit { .. } => {
            (Kind::Unavailable, "the database gave up a transaction", None)
        }
        DieselError::DatabaseError(_, info) => classify_message(info.message()),
        _ => (Kind::Internal, "a database query failed", None),
    }
}

/// Operational failures have no kind of their own, and their SQLSTATE does not come through (40P01, 55P03): their
/// English texts tell them.
fn classify_message(message: &str) -> (Kind, &'static str, Option<&'static str>) {
    let out_of_space = ["disk is full", "No space left", "disk full"];
    let passing = [
        "disk I/O error",
        "database is locked",
        "database table is locked",
        "connection closed",
        "deadlock detected",
        "due to lock timeout",
    ];
    let damaged = ["malformed", "not a database"];
    if out_of_space.iter().any(|text| message.contains(text)) {
        return (
            Kind::Unavailable,
            "the database has no room to write",
            Some("free disk space; work resumes by itself"),
        );
    }
    if message.contains("readonly database") || message.contains("read-only transaction") {
        return (
            Kind::Unavailable,
            "the database can only be read",
            Some("make its file and its folder writable for the user that runs nexora"),
        );
    }
    if passing.iter().any(|text| message.contains(text)) {
        return (Kind::Unavailable, "the database cannot be written now", None);
    }
    if damaged.iter().any(|text| message.contains(text)) {
        return (Kind::Config, "the database file is damaged or is none", Some("check `database.url`"));
    }
    (Kind::Internal, "a database query failed", None)
}
