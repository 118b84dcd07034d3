//! Why an administrative write was not made, and what to do about it.

use std::time::Duration;

use longwire_access::TokenId;
use longwire_installation::{InstallationId, Revision};

use crate::cause::{Cause, Failure};
use crate::ids::ConsumerId;
use crate::seal::{KeyRingError, SealError};

/// An administrative write was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is one of this name already.
    #[error("the name `{name}` is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Another installation that is wanted is the same bot, and a bot cannot be held twice.
    #[error("`{name}` is the same bot as `{other}`, which is wanted already")]
    SameBot {
        /// The one that is to be wanted too.
        name: String,
        /// The one that is.
        other: String,
    },
    /// The configuration file declares it, and so the file alone says what it is.
    #[error("`{name}` is declared by the configuration file")]
    DeclaredByFile {
        /// The installation.
        name: String,
    },
    /// There is no such installation.
    #[error("there is no installation {id}")]
    UnknownInstallation {
        /// Its row.
        id: InstallationId,
    },
    /// There is no such consumer.
    #[error("there is no consumer {id}")]
    UnknownConsumer {
        /// Its row.
        id: ConsumerId,
    },
    /// There is no such token.
    #[error("there is no token {id}")]
    UnknownToken {
        /// Its public half.
        id: TokenId,
    },
    /// Somebody else changed it since whoever asks has seen it.
    #[error("it was changed meanwhile, and has revision {} now", found.0)]
    Outdated {
        /// Its revision now.
        found: Revision,
    },
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The key that would seal a secret is no longer in its file.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// The database refused.
    #[error("the database does not take the change")]
    Refused(#[from] Failure),
    /// The change was not begun in time, and will not be.
    #[error("the writer did not get to the change within {} s, and it was not made", after.as_secs())]
    NotBegun {
        /// How long it was waited for.
        after: Duration,
    },
    /// The change was begun, and nobody knows yet what becomes of it.
    #[error("the disk has not taken the change within {} s; it may still be made", after.as_secs())]
    Overdue {
        /// How long it was waited for.
        after: Duration,
    },
    /// Another process has the database, which this one is taking over.
    #[error("this process is taking over from a running one, which still has the store")]
    TakingOver,
    /// Too many changes wait already.
    #[error("too many changes wait for the writer")]
    Busy,
    /// The writer ended before it made the change.
    #[error("the writer ended before it made the change")]
    WriterGone,
}

impl WriteError {
    /// What is wrong with the database, if this is more than a refusal of the change.
    pub(crate) fn database_failure(&self) -> Option<Failure> {
        match self {
            Self::Refused(failure) => (failure.cause != Cause::Poison).then(|| failure.clone()),
            Self::NameTaken { .. }
            | Self::SameBot { .. }
            | Self::DeclaredByFile { .. }
            | Self::UnknownInstallation { .. }
            | Self::UnknownConsumer { .. }
            | Self::UnknownToken { .. }
            | Self::Outdated { .. }
            | Self::Seal(_)
            | Self::Keys(_)
            | Self::NotBegun { .. }
            | Self::Overdue { .. }
            | Self::TakingOver
            | Self::Busy
            | Self::WriterGone => None,
        }
    }

    /// What to do about it, where the error's words do not say it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NameTaken { .. } => Some("choose another name"),
            Self::DeclaredByFile { .. } => Some(
                "change its [[installation]] in the file and run `longwire reload`; taken out of the file, it is stopped and can \
                 be changed and removed like any other",
            ),
            Self::Outdated { .. } => {
                Some("look at it again, and repeat the change if it is still wanted")
            }
            Self::Keys(error) => Some(error.advice()),
            Self::Refused(failure) => Some(failure.cause.advice()),
            Self::NotBegun { .. } | Self::Busy => {
                Some("look at the state of the store, and try again when it is well")
            }
            Self::TakingOver => Some("try again when the takeover is complete, in some seconds"),
            Self::Overdue { .. } => Some(
                "look at the disk, and then whether the change was made, before it is tried again",
            ),
            Self::SameBot { .. }
            | Self::UnknownInstallation { .. }
            | Self::UnknownConsumer { .. }
            | Self::UnknownToken { .. }
            | Self::Seal(_)
            | Self::WriterGone => None,
        }
    }
}
