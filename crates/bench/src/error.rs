//! Why a command of this crate did not do what it was asked.

mod stand;

use std::io;

use longwire_store::{OpenError, ReadError, WriteError};

use crate::write_lock::WriteLockError;

pub(crate) use stand::INSTALL;
pub use stand::{Role, StandError};

/// A run that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A process of the run did not do its part.
    #[error(transparent)]
    Stand(#[from] StandError),
    /// A simulated platform of this process does not start.
    #[error("the simulated platform does not start")]
    Sim(#[from] longwire_sim::StartError),
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store does not take a change.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The floor that the gateway is compared with ended.
    #[error(transparent)]
    Floor(#[from] longwire_bare::FloorError),
    /// The floor of deliveries ended.
    #[error(transparent)]
    PostFloor(#[from] longwire_bare::PostFloorError),
    /// What the floor recorded cannot be read.
    #[error(transparent)]
    FloorLog(#[from] longwire_bare::LogError),
    /// A database cannot be locked.
    #[error(transparent)]
    Lock(#[from] WriteLockError),
    /// A value of the command line is wrong in a way its type could not tell.
    #[error("{0}")]
    Usage(String),
    /// The operating system refuses something.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What it says.
        #[source]
        source: io::Error,
    },
}

impl BenchError {
    /// For `map_err`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// What to do about it, where that is known better than its words say it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Stand(error) => error.advice(),
            Self::Open(error) => Some(error.advice()),
            Self::Write(error) => error.advice(),
            Self::Sim(_)
            | Self::Read(_)
            | Self::Floor(_)
            | Self::PostFloor(_)
            | Self::FloorLog(_)
            | Self::Lock(_)
            | Self::Usage(_)
            | Self::Io { .. } => None,
        }
    }
}
