//! Why a person's authorization did not come about, or gives no token.

use longwire_platform::feishu::UserTokenError;
use longwire_store::{ReadError, SealError, WriteError};

use crate::user_call::UserCallError;

/// Why a person's authorization did not come about, or gives no token.
#[derive(Debug, thiserror::Error)]
pub enum UserAuthorizationError {
    /// No installation of this id.
    #[error("there is no such installation")]
    UnknownInstallation,
    /// WeCom has no such authorization.
    #[error("only bots of Feishu and Lark act for people")]
    OtherPlatform,
    /// The bot is stopped, or the process drains.
    #[error("the bot asks nothing (it is {state})")]
    NotRunning {
        /// The state it is in.
        state: &'static str,
    },
    /// The base URL or the proxy of the bot cannot be used.
    #[error("the bot's settings cannot be used: {0}")]
    Settings(String),
    /// The state is unknown, was used, or its ten minutes are over.
    #[error("this state is unknown, was used already, or is older than ten minutes")]
    UnknownState,
    /// The person said no.
    #[error("the person did not agree")]
    Denied,
    /// Somebody else agreed than the one who was asked.
    #[error("somebody else agreed than the person who was asked")]
    OtherPerson,
    /// The person never agreed, or it was taken away.
    #[error("there is no authorization of this person")]
    Unknown,
    /// The person has to agree again.
    #[error("the authorization of this person has ended: {reason}")]
    Ended {
        /// Why, as a stable word.
        reason: String,
    },
    /// The platform gave no tokens.
    #[error(transparent)]
    Platform(#[from] UserTokenError),
    /// The call was given up. What was to be spent may be.
    #[error("the call was given up before the platform answered")]
    NoAnswer,
    /// The store does not tell.
    #[error("the store cannot be read")]
    Read(#[from] ReadError),
    /// The store did not take it.
    #[error("the store did not take it")]
    Write(#[from] WriteError),
    /// The tokens cannot be opened.
    #[error("the tokens cannot be opened")]
    Seal(#[from] SealError),
}

impl UserAuthorizationError {
    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "unknown_installation",
            Self::OtherPlatform => "other_platform",
            Self::NotRunning { .. } => "not_running",
            Self::Settings(_) => "settings",
            Self::UnknownState => "unknown_state",
            Self::Denied => "denied",
            Self::OtherPerson => "other_person",
            Self::Unknown => "not_authorized",
            Self::Ended { .. } => "authorization_ended",
            Self::Platform(error) => error.label(),
            Self::NoAnswer => "unknown",
            Self::Read(_) | Self::Write(_) | Self::Seal(_) => "store_unavailable",
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "list the installations, and use an id from there",
            Self::OtherPlatform => "use a bot of Feishu or Lark",
            Self::NotRunning { .. } => "start the bot, then ask again",
            Self::Settings(_) => "mend the base URL or the proxy of the bot",
            Self::UnknownState | Self::Denied | Self::Unknown | Self::Ended { .. } => {
                "begin a new authorization, and let the person agree"
            }
            Self::OtherPerson => {
                "begin an authorization for the person who clicks, by the open_id of the click"
            }
            Self::Platform(error) => error.next_step(),
            Self::NoAnswer => "ask again; if it is refused then, begin a new authorization",
            Self::Read(_) | Self::Write(_) => "see to the store's disk, then ask again",
            Self::Seal(_) => "begin a new authorization, or put the key file back",
        }
    }
}

impl From<UserCallError> for UserAuthorizationError {
    fn from(error: UserCallError) -> Self {
        match error {
            UserCallError::OtherPlatform => Self::OtherPlatform,
            UserCallError::NotRunning { state } => Self::NotRunning { state },
            UserCallError::Settings(why) => Self::Settings(why),
            UserCallError::NoAnswer => Self::NoAnswer,
            UserCallError::Platform(error) => Self::Platform(error),
        }
    }
}
