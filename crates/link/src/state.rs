//! The state of an installation's connection.

use std::time::Instant;

use crate::setback::{Disposition, RetryPace, Setback};

/// The state of an installation's connection. Times and counters, such as the last frame or event, are no part of it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Not to run. No timer runs and nothing is awaited.
    Stopped,
    /// It is to run, and does not connect: the platform pushes its events over HTTP. No timer runs and nothing is awaited.
    Webhook,
    /// Waits for the connect scheduler.
    Queued,
    /// Has asked the platform for a connection URL.
    Bootstrapping,
    /// Establishes the connection, the subscription included.
    Dialing,
    /// Connected.
    Live {
        /// When the connection opened.
        since: Instant,
    },
    /// Waits for the next attempt.
    BackingOff {
        /// When the wait ends.
        until: Instant,
        /// The number of the attempt that follows, counted since the last stable connection; 0 after an orderly close.
        attempt: u32,
        /// Why the last attempt or connection ended.
        reason: Setback,
    },
    /// Waits for an operator to act.
    Refused {
        /// When the next probe is due.
        until: Instant,
        /// The objection of the platform, the proxy or our own policy.
        reason: Setback,
    },
    /// The platform serves another connection of the same bot. Taking the bot back displaces that one, so it is an
    /// operator's decision, made by hand or by a policy.
    Displaced {
        /// When the bot was lost.
        since: Instant,
        /// When it is taken back, if a policy says so.
        until: Option<Instant>,
    },
    /// Its actors ended too often. Nothing is tried before `until`.
    Restarting {
        /// When the next attempt comes.
        until: Instant,
    },
}

impl State {
    /// The names of all states, in the order in which a bot meets them.
    pub const LABELS: [&str; 10] = [
        "stopped",
        "webhook",
        "queued",
        "bootstrapping",
        "dialing",
        "live",
        "backing_off",
        "refused",
        "displaced",
        "restarting",
    ];

    /// A stable name for interfaces, counters and logs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Webhook => "webhook",
            Self::Queued => "queued",
            Self::Bootstrapping => "bootstrapping",
            Self::Dialing => "dialing",
            Self::Live { .. } => "live",
            Self::BackingOff { .. } => "backing_off",
            Self::Refused { .. } => "refused",
            Self::Displaced { .. } => "displaced",
            Self::Restarting { .. } => "restarting",
        }
    }

    /// The state as older interfaces name it: `disconnected`, `connecting`, `connected` or `error`.
    #[must_use]
    pub fn legacy(&self) -> &'static str {
        match self {
            Self::Stopped | Self::Webhook | Self::Displaced { .. } => "disconnected",
            Self::Queued | Self::Bootstrapping | Self::Dialing => "connecting",
            Self::Live { .. } => "connected",
            Self::BackingOff { reason, .. }
                if reason.disposition() == Disposition::Retry(RetryPace::Clean) =>
            {
                "connecting"
            }
            Self::BackingOff { .. } | Self::Refused { .. } | Self::Restarting { .. } => "error",
        }
    }

    /// Why there is no connection, if a setback is the cause.
    #[must_use]
    pub fn reason(&self) -> Option<Setback> {
        match self {
            Self::BackingOff { reason, .. } | Self::Refused { reason, .. } => Some(*reason),
            Self::Displaced { .. } => Some(Setback::Displaced),
            Self::Stopped
            | Self::Webhook
            | Self::Queued
            | Self::Bootstrapping
            | Self::Dialing
            | Self::Live { .. }
            | Self::Restarting { .. } => None,
        }
    }

    /// When the state ends by itself, if it does.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        match self {
            Self::BackingOff { until, .. }
            | Self::Refused { until, .. }
            | Self::Restarting { until } => Some(*until),
            Self::Displaced { until, .. } => *until,
            Self::Stopped
            | Self::Webhook
            | Self::Queued
            | Self::Bootstrapping
            | Self::Dialing
            | Self::Live { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_are_listed() {
        let until = Instant::now();
        let reason = Setback::AuthFailed;
        let states = [
            State::Stopped,
            State::Webhook,
            State::Queued,
            State::Bootstrapping,
            State::Dialing,
            State::Live { since: until },
            State::BackingOff {
                until,
                attempt: 1,
                reason,
            },
            State::Refused { until, reason },
            State::Displaced {
                since: until,
                until: None,
            },
            State::Restarting { until },
        ];
        assert_eq!(states.map(|state| state.label()), State::LABELS);
    }

    /// S68: the four words of the reference interface.
    #[test]
    fn every_state_has_its_words() {
        let until = Instant::now();
        let back_off = |code| State::BackingOff {
            until,
            attempt: 1,
            reason: Setback::ClosedByPlatform { code },
        };
        let refused = State::Refused {
            until,
            reason: Setback::AuthFailed,
        };
        let displaced = State::Displaced {
            since: until,
            until: None,
        };
        for (state, label, legacy) in [
            (State::Stopped, "stopped", "disconnected"),
            (State::Webhook, "webhook", "disconnected"),
            (State::Queued, "queued", "connecting"),
            (State::Bootstrapping, "bootstrapping", "connecting"),
            (State::Dialing, "dialing", "connecting"),
            (State::Live { since: until }, "live", "connected"),
            (back_off(Some(1001)), "backing_off", "connecting"),
            (back_off(None), "backing_off", "error"),
            (refused, "refused", "error"),
            (displaced, "displaced", "disconnected"),
            (State::Restarting { until }, "restarting", "error"),
        ] {
            assert_eq!((state.label(), state.legacy()), (label, legacy));
        }
    }
}
