//! Counts callbacks: for the bot and for all, as events and as requests, and says what is worth saying of them.

use super::super::Fleet;
use crate::bot::Bot;
use crate::callbacks::{CallbackRejection, CallbackVerdict, RecordFailure, Saying};
use crate::clock::now;
use longwire_store::{Receipt, TimelineKind};
use longwire_wire::event::{DurableProof as _, NewEvent};
use longwire_wire::identity::Tier;
use std::sync::atomic::Ordering::Relaxed;

impl Fleet {
    /// An event came whole, and is the bot's.
    pub(super) fn count_received(&self, bot: &Bot, event: &NewEvent) {
        let (totals, tally) = (&self.context.totals, &bot.tally);
        totals.received.fetch_add(1, Relaxed);
        tally.events.fetch_add(1, Relaxed);
        tally.last_event_ms.store(event.received_ms, Relaxed);
        if event.event_type.is_none() {
            totals.unparsed.fetch_add(1, Relaxed);
            tally.unparsed.fetch_add(1, Relaxed);
        }
    }

    /// It is durable.
    pub(super) fn count_recorded(&self, bot: &Bot, receipt: &Receipt, now_ms: i64) {
        let totals = &self.context.totals;
        let verdict = match receipt.repeat() {
            None => {
                totals.recorded.fetch_add(1, Relaxed);
                CallbackVerdict::Recorded
            }
            Some(tier) => {
                let repeats = match tier {
                    Tier::EventId => &totals.repeats_by_event_id,
                    Tier::Message => &totals.repeats_by_message,
                };
                repeats.fetch_add(1, Relaxed);
                bot.tally.repeats.fetch_add(1, Relaxed);
                CallbackVerdict::Repeated
            }
        };
        totals.acked.fetch_add(1, Relaxed);
        bot.tally.acked.fetch_add(1, Relaxed);
        self.count_callback(Some(bot), verdict, now_ms);
    }

    /// It is not.
    pub(super) fn count_unrecorded(&self, bot: &Bot, failure: RecordFailure, now_ms: i64) {
        let (totals, tally) = (&self.context.totals, &bot.tally);
        let total = match failure {
            RecordFailure::Late => &totals.refused_late,
            RecordFailure::Overload => {
                tally.shed.fetch_add(1, Relaxed);
                tally.last_shed_ms.store(now_ms, Relaxed);
                &totals.shed
            }
            RecordFailure::Refused(_) => &totals.refused,
        };
        total.fetch_add(1, Relaxed);
        tally.refused.fetch_add(1, Relaxed);
    }

    /// What became of a request, to a bot or to nobody.
    pub(super) fn count_callback(
        &self,
        bot: Option<&Bot>,
        verdict: CallbackVerdict<'_>,
        now_ms: i64,
    ) {
        let now = now();
        let of_all = self.context.totals.callbacks.count(verdict, now, now_ms);
        let Some(bot) = bot else {
            if let (Some(saying), CallbackVerdict::Rejected(rejection)) = (of_all, verdict) {
                say_of_nobody(saying, rejection);
            }
            return;
        };
        if let Some(saying) = bot.callbacks().count(verdict, now, now_ms) {
            self.say_callback(bot, saying, verdict);
        }
    }

    fn say_callback(&self, bot: &Bot, saying: Saying, verdict: CallbackVerdict<'_>) {
        let generation = bot.generation().0;
        match (saying, verdict) {
            (Saying::Refusal { more_since_last }, CallbackVerdict::Rejected(rejection)) => {
                let (cause, hint) = (rejection.label(), rejection.hint());
                tracing::warn!(
                    name = %bot.record().name,
                    installation = bot.public_id,
                    cause,
                    more_since_last,
                    next_step = hint,
                    "a callback was not recorded"
                );
                let detail = format!("{cause}: {hint}");
                let kind = TimelineKind::CallbackRefused;
                self.context.note(bot.id, generation, kind, detail);
            }
            (Saying::Refusal { .. }, _) => {}
            (Saying::First, verdict) => {
                tracing::info!(
                    name = %bot.record().name,
                    installation = bot.public_id,
                    verdict = verdict.label(),
                    "the first callback since the start"
                );
                let kind = TimelineKind::FirstCallback;
                self.context.note(bot.id, generation, kind, verdict.label());
            }
        }
    }
}

/// Somebody posts to a path that is no bot's.
fn say_of_nobody(saying: Saying, rejection: &CallbackRejection) {
    if let Saying::Refusal { more_since_last } = saying {
        tracing::warn!(
            cause = rejection.label(),
            more_since_last,
            next_step = rejection.hint(),
            "a callback was not recorded, and is no bot's"
        );
    }
}
