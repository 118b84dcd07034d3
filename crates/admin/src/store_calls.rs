//! Questions to the store, and what its refusals mean to a caller.

use actix_web::http::StatusCode;
use longwire_fleet::setback::chain;
use longwire_listener::{Problem, blocking};
use longwire_store::{ReadError, WriteError};

/// Asks where it may block.
pub(crate) async fn read<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    blocking::run(query)
        .await?
        .map_err(|error| unavailable(&error))
}

/// Changes something where it may block.
pub(crate) async fn write<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Problem> {
    blocking::run(change)
        .await?
        .map_err(|error| unchanged(&error))
}

/// Why it was not changed.
pub(crate) fn unchanged(error: &WriteError) -> Problem {
    match error {
        WriteError::NameTaken { .. } => Problem::conflict("name_taken", error.to_string()),
        WriteError::SameBot { .. } => Problem::conflict("same_bot", error.to_string()),
        WriteError::DeclaredByFile { .. } => {
            Problem::conflict("declared_by_file", error.to_string())
        }
        WriteError::UnknownInstallation { .. }
        | WriteError::UnknownConsumer { .. }
        | WriteError::UnknownToken { .. } => Problem::not_found(error.to_string()),
        WriteError::Outdated { .. } => Problem::conflict("outdated", error.to_string()),
        // The store has not said in time whether it did it.
        WriteError::Overdue { .. } => {
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "store_unsettled", chain(error))
        }
        WriteError::Seal(_)
        | WriteError::Keys(_)
        | WriteError::Refused(_)
        | WriteError::NotBegun { .. }
        | WriteError::TakingOver
        | WriteError::Busy
        | WriteError::WriterGone => unavailable(error),
    }
}

/// The store did not do it.
fn unavailable(error: &dyn std::error::Error) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
        chain(error),
    )
}
