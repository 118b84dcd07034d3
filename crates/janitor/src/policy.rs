//! What is kept, and for how long.

use std::time::Duration;

use longwire_store::KeepRule;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What becomes of events that a consumer has not done when the bounds of age and count reach them.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub enum ConsumersBehind {
    /// They wait for the consumer, until the bound of bytes takes them: a full disk would stop every bot.
    #[default]
    Wait,
    /// They go.
    Pass,
}

impl ConsumersBehind {
    /// The word in the configuration and in JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Pass => "pass",
        }
    }
}

/// What is kept, and for how long.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct RetentionPolicy {
    /// Events of all installations together.
    pub keep: KeepRule,
    /// Whether events wait for consumers.
    pub consumers: ConsumersBehind,
    /// What happened to events after they were recorded. It never outlives its event.
    pub journeys: Duration,
    /// Notes of timelines. The newest thousand of each bot at most, whatever their age.
    pub timelines: Duration,
    /// Who changed what.
    pub audit: Duration,
    /// Tokens, after they expired or were revoked.
    pub tokens: Duration,
    /// What people agreed to, after it ended.
    pub authorizations: Duration,
}

impl RetentionPolicy {
    /// Events of 30 days.
    pub const AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    /// A database of 20 GiB.
    pub const BYTES: u64 = 20 << 30;
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            keep: KeepRule {
                age_ms: Some(crate::moment::millis(Self::AGE)),
                bytes: Some(Self::BYTES),
                events: None,
            },
            consumers: ConsumersBehind::Wait,
            journeys: DAY * 30,
            timelines: DAY * 90,
            audit: DAY * 365,
            tokens: DAY * 90,
            authorizations: DAY * 30,
        }
    }
}
