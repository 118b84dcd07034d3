//! A new app secret beside the present one, until the platform has said whether it takes it.

use longwire_installation::{InstallationId, Revision};

use super::{InstallationRecord, InstallationTable};
use crate::clock::now_ms;
use crate::write_error::WriteError;

/// A new app secret that is not the bot's secret yet: [`Store::open_candidate`](crate::Store::open_candidate).
#[derive(Clone)]
pub struct SecretCandidate {
    /// The change with which it came. It tells this candidate from every other one.
    pub revision: Revision,
    /// Since when it is in its state, in milliseconds since 1970.
    pub since_ms: i64,
    /// What is known of it.
    pub state: CandidateState,
    /// `None` once it is refused: nobody needs it any more.
    pub(crate) sealed: Option<Box<str>>,
}

/// What is known of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateState {
    /// The platform was not asked yet, or has not answered.
    Waiting,
    /// The platform refused it, and the bot keeps its present secret.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

impl CandidateState {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused { .. } => "refused",
        }
    }

    /// Why it was refused.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting => None,
            Self::Refused { reason } => Some(reason),
        }
    }

    /// The state of that word and reason.
    pub(crate) fn of_row(label: &str, reason: Option<String>) -> Option<Self> {
        match label {
            "waiting" => Some(Self::Waiting),
            "refused" => Some(Self::Refused {
                reason: reason.unwrap_or_default(),
            }),
            _ => None,
        }
    }
}

/// The platform took the candidate: it is the secret from now on.
pub(crate) fn promote_candidate(
    table: &mut dyn InstallationTable,
    id: InstallationId,
    candidate: Revision,
) -> Result<InstallationRecord, WriteError> {
    let mut record = with_waiting(table, id, candidate)?;
    let sealed = record.candidate.take().and_then(|taken| taken.sealed);
    if let Some(sealed) = sealed {
        record.sealed.secret = sealed;
        record.secret_revision = candidate;
    }
    written(table, record)
}

/// The platform refused the candidate. The reason stays to be seen, until another secret comes.
pub(crate) fn drop_candidate(
    table: &mut dyn InstallationTable,
    id: InstallationId,
    candidate: Revision,
    reason: String,
) -> Result<InstallationRecord, WriteError> {
    let mut record = with_waiting(table, id, candidate)?;
    record.candidate = Some(Box::new(SecretCandidate {
        revision: candidate,
        since_ms: now_ms(),
        state: CandidateState::Refused { reason },
        sealed: None,
    }));
    written(table, record)
}

/// The installation, if this very candidate waits there.
fn with_waiting(
    table: &mut dyn InstallationTable,
    id: InstallationId,
    wanted: Revision,
) -> Result<InstallationRecord, WriteError> {
    let record = table.of_id(id)?;
    let record = record.ok_or(WriteError::UnknownInstallation { id })?;
    let waits = |candidate: &SecretCandidate| {
        candidate.revision == wanted && candidate.state == CandidateState::Waiting
    };
    if record.candidate.as_deref().is_some_and(waits) {
        Ok(record)
    } else {
        let found = record.revision;
        Err(WriteError::Outdated { found })
    }
}

fn written(
    table: &mut dyn InstallationTable,
    mut record: InstallationRecord,
) -> Result<InstallationRecord, WriteError> {
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    table.write(&record)?;
    Ok(record)
}
