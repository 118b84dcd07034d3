//! What a bot is asked to look up at its platform, and why it may not be known.

use actix::Message;
use longwire_platform::feishu::LookupError;
use longwire_wire::view::{FoundMessage, Unavailable};
use tokio::sync::oneshot;

/// Why something was not found out.
#[derive(Debug, thiserror::Error)]
pub enum BotLookupError {
    /// No installation of this id.
    #[error("there is no such installation")]
    UnknownInstallation,
    /// WeCom has no such call.
    #[error("the bot's platform has no call for this")]
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
    /// The installation ended before it had an answer, or is stuck.
    #[error("the lookup was given up before the platform answered")]
    NoAnswer,
    /// The platform did not tell.
    #[error(transparent)]
    Platform(#[from] LookupError),
}

impl BotLookupError {
    /// What an application is told.
    #[must_use]
    pub fn unavailable(&self) -> Unavailable {
        match self {
            Self::UnknownInstallation | Self::NotRunning { .. } => Unavailable::NotRunning,
            Self::OtherPlatform => Unavailable::NotSupported,
            Self::Settings(_) => Unavailable::Failed,
            Self::NoAnswer => Unavailable::Timeout,
            Self::Platform(error) => error.unavailable(),
        }
    }
}

/// Where the outcome of a lookup goes.
pub(crate) type LookupTeller<T> = oneshot::Sender<Result<T, BotLookupError>>;

/// Look this up. From the fleet's handle, once per lookup; delivery bounds how many are under way.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) enum LookUp {
    /// A message, by `om_…`.
    Message {
        message_id: String,
        teller: LookupTeller<FoundMessage>,
    },
    /// The name of a person, by `ou_…`.
    Person {
        open_id: String,
        teller: LookupTeller<String>,
    },
}

impl LookUp {
    /// Nobody can be asked.
    pub(crate) fn refuse(self, refusal: BotLookupError) {
        // Whoever asked may have gone.
        match self {
            Self::Message { teller, .. } => drop(teller.send(Err(refusal))),
            Self::Person { teller, .. } => drop(teller.send(Err(refusal))),
        }
    }
}
