//! What the log can tell of how an event came, for its journey.
//!
//! When each single event was acknowledged is not kept: it would be a row per event. What always holds is known instead, and
//! what the platform did about it: it pushes again what was not acknowledged in time, and the row counts that. By which key
//! a repeat was recognized is counted per bot alone. Distributions of the times until the ACK are among the metrics.

use crate::event_record::EventRecord;
use longwire_installation::Platform;
use longwire_wire::event::Source;

/// How an event came.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// The way it came.
    pub source: Source,
    /// When the platform says it happened, in milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// When we had the whole of it, in milliseconds since 1970.
    pub received_ms: i64,
    /// How long it was on its way, in milliseconds, by two clocks; 0 where these contradict each other.
    pub delay_ms: Option<u64>,
    /// What the platform was told.
    pub acknowledgement: Acknowledgement,
    /// How often the platform pushed it again.
    pub repeats: u64,
    /// When it last did, in milliseconds since 1970.
    pub last_repeat_ms: Option<i64>,
}

/// What the platform was told of an event that is in the log.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Acknowledgement {
    /// A 200 after the commit, or a 500 if the commit came too late for the platform's deadline, or nothing if the
    /// connection had ended. Nothing tells that the first was not the case.
    AfterCommit,
    /// The platform pushed it again, so its first answer was a 500, came too late, or was lost. Each repeat was told 200
    /// after its key was found.
    AfterRepeat,
    /// Its platform waits for no answer, and pushes nothing again by itself.
    NotAwaited,
    /// It came from no platform's push.
    NotPushed,
}

impl Acknowledgement {
    /// A stable word for JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::AfterCommit => "after_commit",
            Self::AfterRepeat => "after_repeat",
            Self::NotAwaited => "not_awaited",
            Self::NotPushed => "not_pushed",
        }
    }

    /// The same in a sentence for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::AfterCommit => "acknowledged right after it was recorded",
            Self::AfterRepeat => {
                "pushed again: the first answer was a refusal, came too late or was lost; repeats were acknowledged"
            }
            Self::NotAwaited => "recorded; this platform waits for no acknowledgement",
            Self::NotPushed => "recorded; no platform pushed it",
        }
    }
}

impl EventRecord {
    /// How it came.
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        let delay_ms = self.created_ms.map(|created_ms| {
            let delay_ms = self.received_ms.saturating_sub(created_ms);
            u64::try_from(delay_ms).unwrap_or(0)
        });
        let acknowledgement = match (self.source, self.platform) {
            (Source::Operational | Source::Backfill, _) => Acknowledgement::NotPushed,
            (Source::LongConnection, Some(Platform::Wecom)) => Acknowledgement::NotAwaited,
            (Source::LongConnection | Source::Webhook, _) if self.repeats > 0 => {
                Acknowledgement::AfterRepeat
            }
            (Source::LongConnection | Source::Webhook, _) => Acknowledgement::AfterCommit,
        };
        Arrival {
            source: self.source,
            created_ms: self.created_ms,
            received_ms: self.received_ms,
            delay_ms,
            acknowledgement,
            repeats: self.repeats,
            last_repeat_ms: self.last_repeat_ms,
        }
    }
}
