//! What happened to an installation's connection, for an operator who asks why it was not connected.
//!
//! Best effort: notes ride in the writer's transactions, after the events, and are dropped and
//! counted when there are too many.

use longwire_installation::InstallationId;

/// One thing that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimelineEntry {
    /// The installation it happened to.
    pub installation: InstallationId,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The connection it happened in.
    pub generation: u64,
    /// What.
    pub kind: TimelineKind,
    /// Details, as text.
    pub detail: String,
}

/// A kept [`TimelineEntry`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimelineRecord {
    /// Rises with every note of the database.
    pub id: i64,
    /// What was noted.
    pub entry: TimelineEntry,
}

/// What happened.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum TimelineKind {
    /// Waits for its turn in the connect-rate budget.
    Queued,
    /// The platform gave a connection address.
    Bootstrapped,
    /// The WebSocket is open.
    Opened,
    /// The first pong came.
    Live,
    /// The connection ended.
    Lost,
    /// Waits before the next attempt.
    BackingOff,
    /// The platform refuses, and only someone can change that.
    Refused,
    /// Another process took the bot.
    Displaced,
    /// An actor panicked.
    Panicked,
    /// An actor was built anew.
    Rebuilt,
    /// Stopped as wanted.
    Stopped,
    /// Its events come over HTTP as wanted, so it does not connect.
    Webhook,
    /// A connection with changed access serves instead of the one before.
    Renewed,
    /// The platform does not take changed access; the connection before goes on.
    RenewalFailed,
    /// The platform's settings were taken over.
    ConfigApplied,
    /// Settings of the platform were out of range, and left aside.
    ConfigRejected,
    /// The first event ever.
    FirstEvent,
    /// The first callback since the process started.
    FirstCallback,
    /// A callback was not recorded.
    CallbackRefused,
    /// Events could not be recorded.
    DegradedStore,
    /// A kind that only a newer version knows.
    Other,
}

impl TimelineKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 21] = [
        Self::Queued,
        Self::Bootstrapped,
        Self::Opened,
        Self::Live,
        Self::Lost,
        Self::BackingOff,
        Self::Refused,
        Self::Displaced,
        Self::Panicked,
        Self::Rebuilt,
        Self::Stopped,
        Self::Webhook,
        Self::Renewed,
        Self::RenewalFailed,
        Self::ConfigApplied,
        Self::ConfigRejected,
        Self::FirstEvent,
        Self::FirstCallback,
        Self::CallbackRefused,
        Self::DegradedStore,
        Self::Other,
    ];

    /// The label in the database and in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Bootstrapped => "bootstrapped",
            Self::Opened => "opened",
            Self::Live => "live",
            Self::Lost => "lost",
            Self::BackingOff => "backing_off",
            Self::Refused => "refused",
            Self::Displaced => "displaced",
            Self::Panicked => "panicked",
            Self::Rebuilt => "rebuilt",
            Self::Stopped => "stopped",
            Self::Webhook => "webhook",
            Self::Renewed => "renewed",
            Self::RenewalFailed => "renewal_failed",
            Self::ConfigApplied => "config_applied",
            Self::ConfigRejected => "config_rejected",
            Self::FirstEvent => "first_event",
            Self::FirstCallback => "first_callback",
            Self::CallbackRefused => "callback_refused",
            Self::DegradedStore => "degraded_store",
            Self::Other => "other",
        }
    }

    /// The kind of this label; [`Other`](Self::Other) for a label we do not know.
    pub fn parse(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.label() == word)
            .unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for kind in TimelineKind::ALL {
            assert_eq!(TimelineKind::parse(kind.label()), kind);
        }
        assert_eq!(TimelineKind::parse("from the future"), TimelineKind::Other);
    }
}
