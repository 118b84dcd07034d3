//! What comes of a new secret that is tried at the moment that an operator chose.

use tokio::sync::oneshot;

/// The platform took the new secret, and the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretTried {
    /// The connection that serves with it.
    pub generation: u64,
    /// How long the bot had no connection, in milliseconds.
    pub gap_ms: u64,
}

/// Why a new secret is not in use after a try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrySecretError {
    /// No installation of this id or name.
    #[error("there is no such installation")]
    UnknownInstallation,
    /// No new secret waits.
    #[error("no new secret waits to be tried")]
    NoCandidate,
    /// The bot is not connected. Of one that is stopped or refused the new secret is used without a try.
    #[error("the bot is not connected (it is {state})")]
    NotConnected {
        /// The state it is in.
        state: &'static str,
    },
    /// The platform does not take it. The old one serves as before.
    #[error("the new secret was refused: {reason}")]
    Refused {
        /// Why, for people.
        reason: String,
        /// What to do.
        next_step: &'static str,
    },
    /// The platform said nothing about it. The old one serves as before, and the new one waits.
    #[error("the new secret could not be tried: {reason}")]
    Failed {
        /// Why, for people.
        reason: String,
    },
    /// The bot was stopped or changed meanwhile, or lost its connection. The new one waits.
    #[error(
        "the bot was stopped or changed, or lost its connection, before the new secret was tried"
    )]
    GivenUp,
    /// No end in time. The try goes on.
    #[error("nothing is known of the new secret yet")]
    TimedOut,
}

impl TrySecretError {
    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "unknown_installation",
            Self::NoCandidate => "no_new_secret",
            Self::NotConnected { .. } => "not_connected",
            Self::Refused { .. } => "secret_refused",
            Self::Failed { .. } => "secret_not_tried",
            Self::GivenUp => "try_given_up",
            Self::TimedOut => "timed_out",
        }
    }

    /// What to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => {
                "list the installations, and use an id or a name from there"
            }
            Self::NoCandidate => "set the new secret of the installation first",
            Self::NotConnected { .. } => "wait until it is live, then try again",
            Self::Refused { next_step, .. } => next_step,
            Self::Failed { .. } | Self::GivenUp => "try again",
            Self::TimedOut => "look at the installation: it shows what came of the try",
        }
    }
}

/// Where what came of a try goes.
pub(crate) type TryTeller = oneshot::Sender<Result<SecretTried, TrySecretError>>;
