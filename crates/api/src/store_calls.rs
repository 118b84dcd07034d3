//! Questions to the store, and what its refusals mean to a caller.

use std::error::Error;

use longwire_listener::{Problem, blocking};
use longwire_store::{ReadError, WriteError};

use crate::problem_code::ProblemCode;

/// Asks where it may block.
pub(crate) async fn read<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    let answer = blocking::run(query).await?;
    answer.map_err(|error| ProblemCode::StoreUnavailable.problem(chain(&error)))
}

/// Changes something where it may block. A refusal names no other installation, which may be another space's.
pub(crate) async fn write<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Problem> {
    let outcome = blocking::run(change).await?;
    outcome.map_err(|error| match &error {
        WriteError::SameBot { name, .. } => {
            let detail = format!("`{name}` is the same bot as one that is wanted already");
            ProblemCode::SameBot.problem(detail)
        }
        error => not_written(error),
    })
}

/// Why it was not changed.
pub(crate) fn not_written(error: &WriteError) -> Problem {
    let code = match error {
        WriteError::NameTaken { .. } => ProblemCode::NameTaken,
        WriteError::SameBot { .. } => ProblemCode::SameBot,
        WriteError::DeclaredByFile { .. } => ProblemCode::DeclaredByFile,
        WriteError::UnknownInstallation { .. }
        | WriteError::UnknownConsumer { .. }
        | WriteError::UnknownToken { .. } => ProblemCode::NotFound,
        WriteError::Outdated { .. } => ProblemCode::Outdated,
        WriteError::Overdue { .. } => ProblemCode::StoreUnsettled,
        WriteError::Seal(_)
        | WriteError::Keys(_)
        | WriteError::Refused(_)
        | WriteError::NotBegun { .. }
        | WriteError::TakingOver
        | WriteError::Busy
        | WriteError::WriterGone => ProblemCode::StoreUnavailable,
    };
    code.problem(chain(error))
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
