//! Questions to the store, and what its refusals mean to a caller.

use std::error::Error;

use longwire_listener::{Problem, blocking};
use longwire_store::ReadError;

use crate::problem_code::ProblemCode;

/// Asks where it may block.
pub(crate) async fn read<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    let answer = blocking::run(query).await?;
    answer.map_err(|error| ProblemCode::StoreUnavailable.problem(chain(&error)))
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
