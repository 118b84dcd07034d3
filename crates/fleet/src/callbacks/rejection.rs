//! Why a callback is not recorded: the cause by a stable name, and what an operator can do about it.

use longwire_store::Cause;
use longwire_wire::callback::CallbackRefusal;

/// Why a callback is not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackRejection {
    /// Nobody here has the name in the path, or its platform posts no such callbacks.
    UnknownInstallation,
    /// It came from an address that is not among those that callbacks may come from.
    ForeignSource,
    /// Its body is longer than allowed.
    BodyTooLarge,
    /// Its body came too slowly.
    BodyStalled,
    /// Its body ended early.
    BodyBroken,
    /// The bodies of all callbacks hold as much memory as they may.
    NoMemory,
    /// It is not the platform's, or not readable with what is known of the bot.
    Refused(CallbackRefusal),
    /// It is another app's.
    ForeignApp,
    /// The bot is stopped.
    Stopped,
    /// The sealed secrets of the bot cannot be opened.
    SecretsSealed,
    /// It is the platform's, and is not recorded all the same. The platform repeats it.
    Unrecorded(RecordFailure),
}

/// Why an event of the platform is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFailure {
    /// The bot has as many callbacks in hand as it may, or the writer takes no more in time.
    Overload,
    /// The store refused it.
    Refused(Cause),
    /// The store has not said in time whether it is recorded.
    Late,
}

impl CallbackRejection {
    /// A stable name for counters.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "unknown_installation",
            Self::ForeignSource => "foreign_source",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyStalled => "body_stalled",
            Self::BodyBroken => "body_broken",
            Self::NoMemory => "no_memory",
            Self::Refused(refusal) => refusal.label(),
            Self::ForeignApp => "foreign_app",
            Self::Stopped => "stopped",
            Self::SecretsSealed => "secrets_sealed",
            Self::Unrecorded(failure) => failure.label(),
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => {
                "the path names no bot of Feishu or Lark; compare the request URL in the console with `longwire installations list`"
            }
            Self::ForeignSource => {
                "the sender's address is not in callbacks.sources; behind a reverse proxy name the proxy in callbacks.trusted_proxies"
            }
            Self::BodyTooLarge => {
                "the body is longer than callbacks.body; the platform's own are far shorter"
            }
            Self::BodyStalled => {
                "the body came too slowly; look at the reverse proxy or tunnel in front"
            }
            Self::BodyBroken => {
                "the connection ended within the body; look at the reverse proxy or tunnel in front"
            }
            Self::NoMemory => {
                "too many long bodies came at once; if they are not the platform's, set callbacks.sources"
            }
            Self::Refused(refusal) => refusal.hint(),
            Self::ForeignApp => {
                "the callback is for another app; the request URL in that app's console names this bot"
            }
            Self::Stopped => {
                "the bot is stopped, and the platform repeats events for hours: `longwire installations start`"
            }
            Self::SecretsSealed => {
                "the key file does not open the bot's secrets; bring the right one back, or set the secrets again"
            }
            Self::Unrecorded(failure) => failure.hint(),
        }
    }
}

impl RecordFailure {
    fn label(self) -> &'static str {
        match self {
            Self::Overload => "overload",
            Self::Refused(_) => "not_recorded",
            Self::Late => "late",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Overload => {
                "more callbacks come than can be recorded in time; the platform repeats events, but no clicks"
            }
            Self::Refused(cause) => cause.advice(),
            Self::Late => "the store takes too long; `/readyz` and `longwire check` say what it is",
        }
    }
}
