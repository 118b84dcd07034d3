//! What is sent next, and to whom.

use std::time::{Duration, Instant};

use longwire_wire::event::Seq;

use super::failing::ProbeScope;
use super::lanes::Turn;
use super::{ConsumerQueue, InFlight, OperatorWish, Receivers};
use crate::delivery::{Delivery, DeliveryId, ReaderId, SentEvent};
use crate::moment::Moment;
use crate::news::{ConsumerNews, QueueState};
use crate::order_key::{OrderKey, Urgent};
use crate::policy::AgeRule;

impl<E: Clone> ConsumerQueue<E> {
    /// The next delivery for the endpoint, or for a reader that takes what comes. The owner calls it until it returns `None`,
    /// after every other call.
    pub fn poll_delivery(&mut self, now: Moment) -> Option<Delivery<E>> {
        self.handle_timeout(now);
        if !self.readers.has_room() {
            return None;
        }
        let mut probe = false;
        loop {
            let (turn, reader) = match self.state() {
                QueueState::Paused | QueueState::Stopped => return None,
                QueueState::Active => self.next_for_readers(now.instant)?,
                QueueState::Failing { .. } => {
                    probe = true;
                    (self.next_probe(now.instant)?, ReaderId::ENDPOINT)
                }
            };
            if self.skip_old(turn, now) {
                continue;
            }
            let deadline = match self.settings.receivers {
                Receivers::Connections => Some(now.instant + self.settings.handler_limit),
                Receivers::Endpoint | Receivers::Readers => None,
            };
            return self.send(turn.key, reader, deadline, probe, now);
        }
    }

    /// The next delivery for a pull reader, which may keep it until `deadline`. A reader that has a name is given the chats that
    /// it had before, and those that no other reader has.
    pub fn poll_claim(
        &mut self,
        reader: ReaderId,
        deadline: Instant,
        now: Moment,
    ) -> Option<Delivery<E>> {
        self.handle_timeout(now);
        self.readers.hear(reader, now.instant);
        if self.operator == OperatorWish::Pause {
            return None;
        }
        loop {
            let may = |turn: &&Turn| {
                self.follower_of(turn).is_none()
                    && self.readers.may_claim(turn.key, reader, now.instant)
            };
            let turn = *self.sendable().find(may)?;
            if self.skip_old(turn, now) {
                continue;
            }
            return self.send(turn.key, reader, Some(deadline), false, now);
        }
    }

    fn next_for_readers(&self, now: Instant) -> Option<(Turn, ReaderId)> {
        let mut chosen = self.sendable().filter_map(|turn| {
            let reader = match self.follower_of(turn) {
                Some(reader) => self.may_follow(turn, reader).then_some(reader),
                None => self.readers.choose(self.shared_by(turn.key), now),
            };
            Some((*turn, reader?))
        });
        chosen.next()
    }

    /// The stream reader that has the events before this one.
    fn follower_of(&self, turn: &Turn) -> Option<ReaderId> {
        self.lanes.get(&turn.key)?.follower
    }

    /// Whether the event may follow those that this reader has of its lane. First deliveries that follow others are half of the
    /// window at most: if none of them is acknowledged, there is room for other lanes.
    fn may_follow(&self, turn: &Turn, reader: ReaderId) -> bool {
        let event = self.open.get(&turn.next);
        let was_tried = event.is_some_and(|event| event.tried.attempts > 0);
        let (events, bytes) = (self.window_events(), self.settings.window_bytes);
        let may = was_tried || self.tried.is_below_half(events, bytes);
        may && self.readers.has_room_for(reader)
    }

    /// Whether anybody may take the lane now, as far as is known: of pull readers only they themselves know.
    pub(super) fn can_go(&self, turn: &Turn) -> bool {
        match self.follower_of(turn) {
            Some(reader) => self.may_follow(turn, reader),
            None => !self.readers.waits_for_owner(self.shared_by(turn.key)),
        }
    }

    /// Whether the lane waits for its reader only, which has all it may have, and so has every other: nobody could be given what
    /// would be read in its place.
    pub(super) fn waits_for_busy_readers(&self, turn: &Turn) -> bool {
        let waits = match self.follower_of(turn) {
            Some(reader) => !self.readers.has_room_for(reader),
            None => self.readers.waits_for_owner(self.shared_by(turn.key)),
        };
        waits && !self.readers.has_room()
    }

    /// The key by which the lane goes to a reader.
    fn shared_by(&self, key: OrderKey) -> OrderKey {
        self.lanes.get(&key).map_or(key, |lane| lane.shared_by)
    }

    /// The lanes that are ready and whose next event is reserved, in their order.
    pub(super) fn sendable(&self) -> impl Iterator<Item = &Turn> {
        let durable = self.reservations.durable();
        self.ready.iter().filter(move |turn| turn.next <= durable)
    }

    /// The event that tells whether the endpoint still fails: one that was not tried yet, else the next one behind the last.
    fn next_probe(&self, now: Instant) -> Option<Turn> {
        let scope = self.health.may_probe(now)?;
        let failing = self.health.failing()?;
        match scope {
            ProbeScope::Fresh => self.fresh(),
            ProbeScope::All => self
                .sendable()
                .find(|turn| self.is_untried(turn))
                .or_else(|| self.sendable().find(|turn| turn.next > failing.last_tried))
                .or_else(|| self.sendable().next())
                .copied(),
        }
    }

    /// The first event that can be sent, came since the endpoint fails, and was not tried.
    pub(super) fn fresh(&self) -> Option<Turn> {
        let read = self.health.failing()?.read;
        self.sendable()
            .find(|turn| turn.next > read && self.is_untried(turn))
            .copied()
    }

    /// Whether the lane was not tried in this row of failures.
    fn is_untried(&self, turn: &Turn) -> bool {
        let lane = self.lanes.get(&turn.key);
        lane.is_some_and(|lane| lane.failed_in != self.health.row())
    }

    /// Drops the next event of the lane if the consumer does not want it any more.
    fn skip_old(&mut self, turn: Turn, now: Moment) -> bool {
        let Some(limit) = self
            .policy
            .max_age
            .filter(|limit| limit.then == AgeRule::Skip)
        else {
            return false;
        };
        let event = self.open.get(&turn.next);
        let skip = event.is_some_and(|event| now.age_of(event.recorded_ms) > limit.after);
        if skip {
            self.remove(turn.next);
            self.place(turn.key, now);
            self.news.push_back(ConsumerNews::Skipped {
                seq: Seq(turn.next),
            });
            // The oldest event is another one.
            self.check_lag(now);
        }
        skip
    }

    fn send(
        &mut self,
        key: OrderKey,
        reader: ReaderId,
        deadline: Option<Instant>,
        is_probe: bool,
        now: Moment,
    ) -> Option<Delivery<E>> {
        if self.throttle.next(now.instant).is_some() {
            return None;
        }
        let id = DeliveryId(self.next_delivery);
        let (count, is_batch) = self.batch_of(key, now);
        let next = self.next_of(self.lanes.get(&key)?)?;
        let lane = self.lanes.get_mut(&key)?;
        lane.batch = if is_batch { count } else { 0 };
        let from = lane.events.partition_point(|seq| *seq < next);
        let seqs: Vec<i64> = lane.events.range(from..).take(count).copied().collect();
        let (oldest, newest) = (*seqs.first()?, *seqs.last()?);
        let events = seqs
            .iter()
            .filter_map(|seq| self.sent(*seq, id, now))
            .collect();
        self.next_delivery += 1;
        self.throttle.take(now.instant);
        self.readers.take(self.shared_by(key), reader);
        if is_probe {
            self.health.handle_probe(id, oldest, now.instant);
        }
        let is_stream = self.settings.receivers == Receivers::Readers && deadline.is_none();
        let follower = (is_stream && !is_batch).then_some(reader);
        self.send_lane(key, newest, follower, now);
        self.claims.extend(deadline.map(|deadline| (deadline, id)));
        let under_way = InFlight {
            key,
            seqs,
            reader,
            deadline,
        };
        self.in_flight.insert(id, under_way);
        Some(Delivery {
            id,
            reader,
            events,
            is_batch,
            is_probe,
            deadline,
        })
    }

    /// How many events of the lane are sent together, and whether they are a batch.
    fn batch_of(&self, key: OrderKey, now: Moment) -> (usize, bool) {
        let Some(lane) = self.lanes.get(&key) else {
            return (0, false);
        };
        let oldest = lane.events.front().and_then(|seq| self.open.get(seq));
        let urgent = oldest.map_or(Urgent::No, |event| event.urgent);
        match self.policy.gather {
            Some(gather) if urgent == Urgent::No => {
                let count = match lane.batch {
                    0 => self.gather(lane, gather, now).0,
                    sent_before => sent_before,
                };
                // Beyond what is reserved nothing is sent; what follows makes a batch of its own.
                let durable = self.reservations.durable();
                let reserved = lane.events.iter().take_while(|seq| **seq <= durable);
                (count.min(reserved.count()), true)
            }
            Some(_) | None => (1, false),
        }
    }

    fn sent(&mut self, seq: i64, delivery: DeliveryId, now: Moment) -> Option<SentEvent<E>> {
        let event = self.open.get_mut(&seq)?;
        let redelivered = event.tried.attempts > 0 || seq <= self.label_until;
        if event.tried.attempts == 0 {
            self.tried.add(event.size_bytes);
        }
        event.tried.attempts = event.tried.attempts.saturating_add(1);
        event.retry_at = None;
        event.delivery = Some(delivery);
        let age: Duration = now.age_of(event.recorded_ms);
        let limit = self
            .policy
            .max_age
            .filter(|limit| limit.then == AgeRule::Label);
        Some(SentEvent {
            seq: Seq(seq),
            payload: event.payload.clone(),
            attempt: event.tried.attempts,
            redelivered,
            age,
            is_stale: limit.is_some_and(|limit| age > limit.after),
            gap_before: event.gap_before,
        })
    }
}
