//! Time.

use std::time::Instant;

use super::{ConsumerQueue, Receivers};
use crate::delivery::DeliveryFailure;
use crate::moment::Moment;
use crate::news::QueueState;

impl<E: Clone> ConsumerQueue<E> {
    /// When to call [`handle_timeout`](Self::handle_timeout), and then to poll again. Never in the past of the last call but
    /// for what that call could not do.
    #[must_use]
    pub fn poll_timeout(&self, now: Moment) -> Option<Instant> {
        let lag = self.lag.due(self.oldest_ms(), self.policy.patience, now);
        let dues = [
            self.waiting.first().map(|(at, _)| *at),
            self.claims.first().map(|(at, _)| *at),
            self.saves.due(),
            self.sending_due(now.instant),
            lag,
        ];
        dues.into_iter().flatten().min()
    }

    /// When something that can be sent but for the time can be sent.
    fn sending_due(&self, now: Instant) -> Option<Instant> {
        self.sendable().next()?;
        let slot = self.throttle.next(now);
        match self.state() {
            QueueState::Active => {
                let gone = self.readers.next_gone(now);
                slot.into_iter().chain(gone).min()
            }
            QueueState::Failing { .. } if self.readers.has_room() => {
                self.health.due(self.fresh().is_some()).max(slot)
            }
            // What is under way ends first, or an operator decides.
            QueueState::Failing { .. } | QueueState::Paused | QueueState::Stopped => None,
        }
    }

    /// Time has come to `now`.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some((at, key)) = self.waiting.first().copied()
            && at <= now.instant
        {
            self.place(key, now);
            // What is gathered may have more to wait for.
            if self.waiting.first() == Some(&(at, key)) {
                break;
            }
        }
        while let Some((at, delivery)) = self.claims.first().copied()
            && at <= now.instant
        {
            let failure = match self.settings.receivers {
                // Its handler had the time that it may have, and the next try waits as after any failure.
                Receivers::Connections => DeliveryFailure::TimedOut,
                Receivers::Endpoint | Receivers::Readers => DeliveryFailure::ClaimExpired,
            };
            self.handle_failed(delivery, failure, now);
            self.claims.remove(&(at, delivery));
        }
        self.check_lag(now);
    }

    /// When the oldest event in memory was recorded, in milliseconds since 1970.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<i64> {
        self.open.values().next().map(|event| event.recorded_ms)
    }

    pub(super) fn check_lag(&mut self, now: Moment) {
        let news = self.lag.check(self.oldest_ms(), self.policy.patience, now);
        self.news.extend(news);
    }
}
