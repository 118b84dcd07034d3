//! A failed write: its cause, and the database's own words.

use crate::Cause;

/// Why a transaction did not become a record.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{cause}: {detail}")]
pub struct Failure {
    /// What kind of trouble it is.
    pub cause: Cause,
    /// The database's own words.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }
}
