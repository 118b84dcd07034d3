//! What a queue tells: logged once, recorded as an event of our own, and kept in the store where it lasts.
//!
//! An event about a consumer is never delivered to it endlessly: of each type one a minute is recorded.

use std::time::{Duration, Instant};

use bytestring::ByteString;
use longwire_consumer::{ConsumerNews, DeliveryFailure, Moment};
use longwire_store::{ConsumerState, Happening};
use longwire_wire::view::Operation;

use super::Consumer;
use crate::operational;

/// Of each type of event about one consumer, one is recorded in this time.
const ONE_IN: Duration = Duration::from_secs(60);

/// When an event of each type was last recorded.
#[derive(Default)]
pub(super) struct ToldTimes(Vec<(&'static str, u8, Instant)>);

impl ToldTimes {
    /// Whether one may be recorded again; if so, it counts as recorded.
    fn may_tell(&mut self, event_type: &'static str, percent: u8, now: Instant) -> bool {
        self.0.retain(|(_, _, at)| now < *at + ONE_IN);
        let told = self.0.iter();
        let mut told = told.map(|(told, told_percent, _)| (*told, *told_percent));
        if told.any(|one| one == (event_type, percent)) {
            return false;
        }
        self.0.push((event_type, percent, now));
        true
    }
}

impl Consumer {
    /// Tells what happened.
    pub(super) fn tell_news(&mut self, now: Moment) {
        for at in 0..self.tracks.len() {
            while let Some(news) = self.tracks[at].queue.poll_news() {
                self.tell(news, now);
            }
        }
    }

    fn tell(&mut self, news: ConsumerNews, now: Moment) {
        let name = &self.definition.name;
        match news {
            ConsumerNews::Paused { cause } => {
                let cause = in_words(cause);
                tracing::warn!(consumer = %name, cause, "the endpoint fails; its backlog is kept and it is probed");
                let detail =
                    "The endpoint fails. Its backlog is kept, and delivery resumes by itself.";
                self.record("longwire.consumer.paused", 0, Some(cause), detail, now);
            }
            ConsumerNews::Resumed { paused_for } => {
                tracing::info!(consumer = %name, paused_s = paused_for.as_secs(), "the endpoint answers again");
                let detail = "The endpoint answers again. The backlog is delivered in order.";
                self.record("longwire.consumer.resumed", 0, None, detail, now);
            }
            ConsumerNews::Stopped => {
                tracing::warn!(consumer = %name, "the endpoint answered 410; nothing is sent until it is resumed");
                let reason = "the endpoint answered 410 Gone".to_owned();
                self.keep_state(ConsumerState::Stopped { reason });
                let detail = "The endpoint answered 410. Resume the consumer to deliver again.";
                self.record(
                    "longwire.consumer.stopped",
                    0,
                    Some("status_410"),
                    detail,
                    now,
                );
            }
            ConsumerNews::Lagging { percent, behind } => {
                tracing::warn!(consumer = %name, percent, behind_s = behind.as_secs(), "the consumer lags");
                let detail = "The consumer is behind by this part of its patience.";
                self.record("longwire.consumer.lagging", percent, None, detail, now);
            }
            ConsumerNews::CaughtUp => {
                tracing::info!(consumer = %name, "the consumer has caught up");
            }
            ConsumerNews::GaveUp {
                seq,
                attempts,
                failure,
            } => {
                self.entry.counters.given_up();
                let cause = in_words(failure);
                tracing::warn!(consumer = %name, seq = seq.0, attempts, cause, "an event was given up by policy");
                self.note(seq, now.unix_ms, Happening::GaveUp { attempts });
            }
            ConsumerNews::Gone { events } => {
                self.entry.counters.gone(events);
                tracing::warn!(consumer = %name, events, "retention took events before the consumer had done them; the next one says so in gapbefore");
            }
            ConsumerNews::Skipped { seq } => {
                self.entry.counters.skipped();
                tracing::debug!(consumer = %name, seq = seq.0, "an event was too old and was not sent");
            }
        }
    }

    fn record(
        &mut self,
        event_type: &'static str,
        percent: u8,
        reason: Option<&'static str>,
        detail: &'static str,
        now: Moment,
    ) {
        if !self.told.may_tell(event_type, percent, now.instant) {
            return;
        }
        let Some(main) = self.tracks.first() else {
            return;
        };
        let lag = self.shared.log.head().0 - main.queue.floor().0;
        let lag_ms = main
            .queue
            .oldest_ms()
            .map(|oldest| now.unix_ms.saturating_sub(oldest).max(0).unsigned_abs());
        let operation = Operation {
            consumer: Some(self.definition.name.as_str().into()),
            reason: reason.map(ByteString::from_static),
            detail: Some(ByteString::from_static(detail)),
            lag_events: Some(lag.max(0).unsigned_abs()),
            lag_ms,
            patience_percent: (percent > 0).then_some(percent.into()),
            ..Operation::default()
        };
        let writer = &self.shared.writer;
        operational::record(writer, self.space.as_str(), event_type, &operation);
    }

    /// Keeps a state that lasts beyond this process.
    fn keep_state(&mut self, state: ConsumerState) {
        self.state = state.clone();
        let (store, entry) = (
            self.shared.settings.store.clone(),
            std::sync::Arc::clone(&self.entry),
        );
        let definition = std::sync::Arc::clone(&self.definition);
        actix_rt::spawn(async move {
            let id = entry.id;
            let kept = tokio::task::spawn_blocking(move || store.set_consumer_state(id, state));
            match kept.await {
                Ok(Ok(record)) => entry.changed(record, definition),
                Ok(Err(error)) => {
                    tracing::warn!(consumer = %definition.name, error = %error, "the state of a consumer was not kept");
                }
                Err(error) => {
                    tracing::error!(consumer = %definition.name, error = %error, "the state of a consumer was not kept");
                }
            }
        });
    }
}

/// A failure as a stable word.
pub(crate) fn in_words(failure: DeliveryFailure) -> &'static str {
    match failure {
        DeliveryFailure::Refused => "refused",
        DeliveryFailure::Unreachable => "unreachable",
        DeliveryFailure::NoAnswer => "no_answer",
        DeliveryFailure::TimedOut => "timed_out",
        DeliveryFailure::Status { code: 410, .. } => "gone",
        DeliveryFailure::Status { .. } => "status",
        DeliveryFailure::Nacked { .. } => "nacked",
        DeliveryFailure::Unhandled => "unhandled",
        DeliveryFailure::ClaimExpired => "claim_expired",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_of_a_type_is_told_in_a_minute() {
        let start = Instant::now();
        let mut told = ToldTimes::default();
        assert!(told.may_tell("a", 0, start));
        assert!(!told.may_tell("a", 0, start + ONE_IN / 2));
        assert!(told.may_tell("b", 0, start));
        assert!(
            told.may_tell("a", 50, start),
            "another part of the patience"
        );
        assert!(told.may_tell("a", 0, start + ONE_IN));
    }
}
