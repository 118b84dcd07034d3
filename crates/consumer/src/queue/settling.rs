//! How deliveries end.

use std::time::Duration;

use longwire_wire::event::Seq;

use super::failing::Verdict;
use super::{ConsumerQueue, InFlight, Receivers};
use crate::delivery::{Blame, DeliveryFailure, DeliveryId, ReaderId};
use crate::moment::Moment;
use crate::news::ConsumerNews;
use crate::retry::{MAX_RETRY_AFTER, retry_delay};

impl<E: Clone> ConsumerQueue<E> {
    /// The application took the delivery: all its events are done.
    pub fn handle_done(&mut self, delivery: DeliveryId, now: Moment) {
        let Some(ended) = self.end(delivery) else {
            return;
        };
        for seq in ended.seqs {
            self.remove(seq);
        }
        self.place(ended.key, now);
        self.succeed(now);
    }

    /// The delivery failed. All its events are sent again, unless the policy gives them up.
    pub fn handle_failed(&mut self, delivery: DeliveryId, failure: DeliveryFailure, now: Moment) {
        let Some(ended) = self.end(delivery) else {
            return;
        };
        let chance = self.chance();
        let verdict = match self.settings.receivers {
            Receivers::Endpoint => {
                let read = self.read;
                self.health
                    .handle_failure(failure, delivery, ended.key, read, chance, now)
            }
            Receivers::Readers | Receivers::Connections => Verdict::EventFails,
        };
        match verdict {
            Verdict::EndpointFails { began: true } => {
                self.news.push_back(ConsumerNews::Paused { cause: failure });
            }
            Verdict::Stopped if failure.blame() == Blame::Gone => {
                self.news.push_back(ConsumerNews::Stopped);
            }
            Verdict::EndpointFails { began: false } | Verdict::EventFails | Verdict::Stopped => {}
        }
        let mut failures = 0;
        if failure.blame() == Blame::Event || verdict == Verdict::EventFails {
            for seq in &ended.seqs {
                failures = failures.max(self.count_failure(*seq, failure, now));
            }
        }
        if let Some(lane) = self.lanes.get_mut(&ended.key) {
            lane.failed_in = self.health.row();
        }
        if verdict == Verdict::EventFails {
            self.wait_for_retry(&ended, failure, failures, chance, now);
        }
        self.place(ended.key, now);
    }

    /// The delivery did not leave: there was no socket for it, or the process is about to end. It is no attempt. Of a stream
    /// reader only the last delivery can be released: what followed it would have left before it.
    pub fn handle_released(&mut self, delivery: DeliveryId, now: Moment) {
        let Some(ended) = self.end(delivery) else {
            return;
        };
        for seq in &ended.seqs {
            if let Some(event) = self.open.get_mut(seq) {
                event.tried.attempts = event.tried.attempts.saturating_sub(1);
                if event.tried.attempts == 0 {
                    self.tried.remove(event.size_bytes);
                }
            }
        }
        self.health.handle_released(delivery);
        self.place(ended.key, now);
    }

    /// A reader is there, or changes how many deliveries it takes at a time.
    pub fn handle_reader(&mut self, reader: ReaderId, window: usize) {
        self.readers.attach(reader, window);
    }

    /// A reader is gone. What it had and did not acknowledge is sent to others at once.
    pub fn handle_reader_gone(&mut self, reader: ReaderId, now: Moment) {
        let of_reader =
            |(id, under_way): (&DeliveryId, &InFlight)| (under_way.reader == reader).then_some(*id);
        let had: Vec<_> = self.in_flight.iter().filter_map(of_reader).collect();
        for delivery in had {
            if let Some(ended) = self.end(delivery) {
                self.place(ended.key, now);
            }
        }
        self.readers.detach(reader);
    }

    /// The application has handled these events. Counts for every event that was sent or may have been, is not done, and
    /// whoever has it now. Returns how many of them were done by this.
    pub fn handle_acked(&mut self, events: &[Seq], now: Moment) -> usize {
        let done = events.iter().filter(|seq| self.ack(seq.0, now)).count();
        if done > 0 {
            self.succeed(now);
        }
        done
    }

    /// The application has handled all that it was sent up to this event, in the order in which it was sent: all deliveries to
    /// `reader`, or to anybody, that are not younger than the one with `event`. If `event` is not under way, it counts alone.
    /// Returns how many events were done by this.
    pub fn handle_acked_through(
        &mut self,
        event: Seq,
        reader: Option<ReaderId>,
        now: Moment,
    ) -> usize {
        let newest = self.open.get(&event.0).and_then(|event| event.delivery);
        let of = |under_way: &InFlight| reader.is_none_or(|reader| under_way.reader == reader);
        let newest = newest.filter(|id| self.in_flight.get(id).is_some_and(of));
        let Some(newest) = newest else {
            return self.handle_acked(&[event], now);
        };
        let older = self.in_flight.range(..newest).filter(|(_, one)| of(one));
        let mut events: Vec<Seq> = older
            .flat_map(|(_, one)| one.seqs.iter().map(|seq| Seq(*seq)))
            .collect();
        // Of a batch the part up to the event.
        let of_newest = self
            .in_flight
            .get(&newest)
            .into_iter()
            .flat_map(|one| &one.seqs);
        events.extend(
            of_newest
                .filter(|seq| **seq <= event.0)
                .map(|seq| Seq(*seq)),
        );
        self.handle_acked(&events, now)
    }

    /// The application gives these events back, and wants them again after `delay`, or after the usual delay. Events of one
    /// batch go back together. Returns how many deliveries ended by this.
    pub fn handle_nacked(&mut self, events: &[Seq], delay: Option<Duration>, now: Moment) -> usize {
        let failure = DeliveryFailure::Nacked { delay };
        let failed = events
            .iter()
            .filter(|seq| self.fail_event(**seq, failure, now));
        failed.count()
    }

    /// A stream reader has had this event for too long: its delivery failed as a claim that ended.
    pub fn handle_overdue(&mut self, event: Seq, now: Moment) {
        self.fail_event(event, DeliveryFailure::ClaimExpired, now);
    }

    /// Whether a delivery of the event was under way; it has failed.
    fn fail_event(&mut self, event: Seq, failure: DeliveryFailure, now: Moment) -> bool {
        let delivery = self.open.get(&event.0).and_then(|event| event.delivery);
        if let Some(delivery) = delivery {
            self.handle_failed(delivery, failure, now);
        }
        delivery.is_some()
    }

    /// Whether the event was open and is done now.
    fn ack(&mut self, seq: i64, now: Moment) -> bool {
        let label_until = self.label_until;
        let Some(event) = self.open.get(&seq) else {
            return self.ack_unfinished(seq);
        };
        if event.tried.attempts == 0 && seq > label_until {
            return false;
        }
        let (key, delivery) = (event.key, event.delivery);
        self.remove(seq);
        if let Some(delivery) = delivery
            && let Some(under_way) = self.in_flight.get_mut(&delivery)
        {
            under_way.seqs.retain(|other| *other != seq);
            if under_way.seqs.is_empty() {
                self.end(delivery);
                self.place(key, now);
            }
        } else {
            self.place(key, now);
        }
        true
    }

    /// The application may answer after a restart, before the event was read again.
    fn ack_unfinished(&mut self, seq: i64) -> bool {
        let found = self
            .unfinished
            .binary_search_by_key(&seq, |event| event.seq.0);
        let sent = |at: &usize| seq <= self.label_until || self.unfinished[*at].attempts > 0;
        let Some(at) = found.ok().filter(sent) else {
            return false;
        };
        self.unfinished.remove(at);
        self.saves.changed();
        true
    }

    /// Takes a delivery out of those under way. Its lane is not placed anew.
    pub(super) fn end(&mut self, delivery: DeliveryId) -> Option<InFlight> {
        let ended = self.in_flight.remove(&delivery)?;
        if let Some(deadline) = ended.deadline {
            self.claims.remove(&(deadline, delivery));
        }
        self.readers.give_back(ended.reader);
        self.end_in_lane(ended.key, ended.seqs.first().copied());
        for seq in &ended.seqs {
            if let Some(event) = self.open.get_mut(seq) {
                event.delivery = None;
            }
        }
        Some(ended)
    }

    fn succeed(&mut self, now: Moment) {
        if let Some(paused_for) = self.health.handle_success(now) {
            self.news.push_back(ConsumerNews::Resumed { paused_for });
        }
        self.check_lag(now);
    }

    /// Counts a failure of the event and gives it up if the policy says so. Returns how often it failed.
    fn count_failure(&mut self, seq: i64, failure: DeliveryFailure, now: Moment) -> u32 {
        let Some(event) = self.open.get_mut(&seq) else {
            return 0;
        };
        let tried = &mut event.tried;
        tried.failures = tried.failures.saturating_add(1);
        if tried.first_failed_ms == 0 {
            tried.first_failed_ms = now.unix_ms.max(1);
        }
        let tried = *tried;
        let since_first = now.age_of(tried.first_failed_ms);
        self.saves.changed();
        let is_over = failure == DeliveryFailure::Unhandled;
        if !is_over && !self.policy.give_up.is_due(tried.failures, since_first) {
            return tried.failures;
        }
        self.news.push_back(ConsumerNews::GaveUp {
            seq: Seq(seq),
            attempts: tried.attempts,
            failure,
        });
        self.remove(seq);
        0
    }

    /// The lane waits until the oldest event of the delivery is tried again.
    fn wait_for_retry(
        &mut self,
        ended: &InFlight,
        failure: DeliveryFailure,
        failures: u32,
        chance: u64,
        now: Moment,
    ) {
        let delay = match failure {
            // Whoever had it is probably gone; another reader may have it at once.
            DeliveryFailure::ClaimExpired => Duration::ZERO,
            DeliveryFailure::Nacked { delay: Some(delay) } => delay.min(MAX_RETRY_AFTER),
            DeliveryFailure::Nacked { delay: None }
            | DeliveryFailure::Refused
            | DeliveryFailure::Unreachable
            | DeliveryFailure::NoAnswer
            | DeliveryFailure::TimedOut
            | DeliveryFailure::Unhandled
            | DeliveryFailure::Status { .. } => {
                let asked = failure.asked_delay().unwrap_or_default();
                retry_delay(failures, chance).max(asked.min(MAX_RETRY_AFTER))
            }
        };
        let oldest = ended.seqs.iter().find(|seq| self.open.contains_key(seq));
        if failures > 0
            && let Some(seq) = oldest
            && let Some(event) = self.open.get_mut(seq)
        {
            event.retry_at = Some(now.instant + delay);
        }
    }
}
