//! What SQLite's error messages mean.
//!
//! Diesel keeps SQLite's message and drops its code, so causes are told by the messages, which are fixed strings of SQLite
//! (`sqlite3ErrStr` in `main.c`).

use diesel::result::{ConnectionError, DatabaseErrorKind, Error};

use crate::cause::{Cause, Failure};

/// SQLite's message for a result code, and what it means here.
const MESSAGES: &[(&str, Cause)] = &[
    ("database or disk is full", Cause::DiskFull),
    ("database is locked", Cause::Locked),
    ("database table is locked", Cause::Locked),
    ("attempt to write a readonly database", Cause::ReadOnly),
    ("database disk image is malformed", Cause::Corrupt),
    ("file is not a database", Cause::Corrupt),
    ("disk I/O error", Cause::Io),
    ("unable to open database file", Cause::Io),
    ("string or blob too big", Cause::Poison),
    ("datatype mismatch", Cause::Poison),
    ("constraint failed", Cause::Poison),
];

impl Failure {
    pub(crate) fn of_message(message: &str) -> Self {
        let cause = MESSAGES
            .iter()
            .find(|(text, _)| message.contains(text))
            .map_or(Cause::Other, |&(_, cause)| cause);
        Self::new(cause, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation => {
                    Self::new(Cause::Poison, information.message())
                }
                _ => Self::of_message(information.message()),
            },
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            other => Self::of_message(&other.to_string()),
        }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => Self::from(error),
            other => Self::of_message(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_messages_have_causes() {
        for (message, cause) in [
            ("database or disk is full", Cause::DiskFull),
            ("database is locked", Cause::Locked),
            ("FOREIGN KEY constraint failed", Cause::Poison),
            ("something new", Cause::Other),
        ] {
            let error =
                Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
            assert_eq!(Failure::from(error).cause, cause, "{message}");
        }
    }
}
