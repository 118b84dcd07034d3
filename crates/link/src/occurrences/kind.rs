//! How bots and the store are, and what is told of it.

use crate::setback::Setback;
use crate::state::State;

/// What happened to a bot or the store.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OccurrenceKind {
    /// Another program has the bot.
    Displaced,
    /// The bot waits for an operator.
    Refused,
    /// The bot has no connection for long, or never heard an event.
    Deaf,
    /// The bot is connected and well after one of these.
    Live,
    /// The store records nothing.
    Degraded,
    /// It records again.
    Recovered,
}

impl OccurrenceKind {
    /// The type of the event.
    #[must_use]
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Displaced => "longwire.installation.displaced",
            Self::Refused => "longwire.installation.refused",
            Self::Deaf => "longwire.installation.deaf",
            Self::Live => "longwire.installation.live",
            Self::Degraded => "longwire.store.degraded",
            Self::Recovered => "longwire.store.recovered",
        }
    }

    /// What several bots have in common, for people.
    pub(super) fn of_many(self) -> &'static str {
        match self {
            Self::Displaced => "more bots were taken by other programs",
            Self::Refused => "more bots wait for an operator",
            Self::Deaf => "more bots hear nothing",
            Self::Live => "more bots are connected again",
            Self::Degraded => "more times the store recorded nothing",
            Self::Recovered => "more times the store recorded again",
        }
    }
}

/// A trouble of a bot that is told.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BotTrouble {
    /// Another program has it.
    Displaced,
    /// It waits for an operator.
    Refused,
    /// It has no connection for long, or never heard an event.
    Deaf,
}

impl BotTrouble {
    pub(super) fn kind(self) -> OccurrenceKind {
        match self {
            Self::Displaced => OccurrenceKind::Displaced,
            Self::Refused => OccurrenceKind::Refused,
            Self::Deaf => OccurrenceKind::Deaf,
        }
    }
}

/// How a bot is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum BotCondition {
    /// It connects, or failed a few times: nothing is told of it yet, and an earlier trouble is not over.
    Connecting,
    /// It is connected, and no failure counts any more.
    Live,
    /// It is in a trouble that is told, for a reason as a stable word.
    InTrouble(BotTrouble, &'static str),
    /// It is not to run, or not to connect.
    Stopped,
}

/// The reason of a bot that is connected and never heard an event.
pub(super) const NEVER_HEARD: &str = "never_heard_an_event";

impl BotCondition {
    /// How a bot in this state is, whose attempts failed `failures` times in a row.
    ///
    /// Without a connection it counts as deaf at the alarm, after [`ALARM_AFTER`](crate::ALARM_AFTER) failures: before that
    /// the platform restarts a server, or the network has a short trouble, and Feishu repeats what was missed.
    /// `restarting` is the word for a bot whose actors fail too often.
    #[must_use]
    pub fn of(state: &State, failures: u32, restarting: &'static str) -> Self {
        let deaf = |reason| Self::InTrouble(BotTrouble::Deaf, reason);
        match state {
            State::Stopped | State::Webhook => Self::Stopped,
            State::Live { .. } if failures == 0 => Self::Live,
            State::Live { .. } | State::Queued | State::Bootstrapping | State::Dialing => {
                Self::Connecting
            }
            State::BackingOff { reason, .. } if failures >= crate::ALARM_AFTER => {
                deaf(reason.label())
            }
            State::BackingOff { .. } => Self::Connecting,
            State::Refused { reason, .. } => Self::InTrouble(BotTrouble::Refused, reason.label()),
            State::Displaced { .. } => {
                Self::InTrouble(BotTrouble::Displaced, Setback::Displaced.label())
            }
            State::Restarting { .. } => deaf(restarting),
        }
    }

    /// A bot that was added lately, has been connected for a while, and never heard an event, is deaf: most often its app
    /// subscribes to none. Whether an older one hears nothing because nobody writes, nothing tells.
    #[must_use]
    pub fn or_never_heard(self, is_new_and_heard_nothing: bool) -> Self {
        match self {
            Self::Live if is_new_and_heard_nothing => {
                Self::InTrouble(BotTrouble::Deaf, NEVER_HEARD)
            }
            Self::Live | Self::Connecting | Self::InTrouble(..) | Self::Stopped => self,
        }
    }
}

/// Whether the store records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreCondition {
    /// It does.
    Recording,
    /// It does not.
    Degraded {
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
        /// Why, as a stable word.
        reason: &'static str,
        /// The same with what to do, for people.
        text: String,
    },
}
