//! Why a query was not answered.

use crate::cause::Failure;

/// A query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No connection came free, or none could be made.
    #[error("no connection to the database: {detail}")]
    NoConnection {
        /// The pool's words.
        detail: String,
    },
    /// The database refused.
    #[error("the database does not answer")]
    Refused(#[source] Failure),
}
