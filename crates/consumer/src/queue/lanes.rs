//! Lanes: events that are delivered one after the other.
//!
//! A lane is in one place at a time: its oldest event can be sent (`ready`), has to wait (`waiting`), is under way, or is in the
//! log (`to_refill`). [`place`](ConsumerQueue::place) finds the place anew after each change.

use std::collections::VecDeque;
use std::time::Instant;

use longwire_wire::event::Seq;

use super::{ConsumerQueue, OpenEvent, Tried};
use crate::delivery::{DeliveryId, ReadEvent};
use crate::moment::{Moment, millis};
use crate::order_key::{OrderKey, Urgent};
use crate::policy::{GatherPolicy, MAX_GATHERED};
use crate::position::DeferredChat;

/// A lane in its order: clicks first, then by the age of the oldest event.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// False for clicks, so that they come first.
    pub(super) can_wait: bool,
    pub(super) oldest: i64,
    pub(super) key: OrderKey,
}

#[derive(Debug)]
pub(super) struct Lane {
    /// Its events in memory that are not done, oldest first.
    pub(super) events: VecDeque<i64>,
    place: LanePlace,
    /// The oldest event is not sent before.
    pub(super) retry_at: Option<Instant>,
    /// So many of the oldest events were sent as one batch, and stay one.
    pub(super) batch: usize,
    /// The part that is in the log: behind the first number, up to the second.
    pub(super) in_log: Option<(i64, i64)>,
    /// In which row of failures of the endpoint it failed last.
    pub(super) failed_in: u32,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum LanePlace {
    Nowhere,
    Ready(Turn),
    Waiting(Instant),
    UnderWay(DeliveryId),
    ToRefill,
}

impl Lane {
    fn new() -> Self {
        Self {
            events: VecDeque::new(),
            place: LanePlace::Nowhere,
            retry_at: None,
            batch: 0,
            in_log: None,
            failed_in: 0,
        }
    }

    /// Whether a delivery of it is under way.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.place, LanePlace::UnderWay(_))
    }

    /// How many of its oldest events stay in memory when the rest is left in the log. What is being gathered stays together.
    fn stays(&self, gathers: bool) -> usize {
        if gathers && self.batch == 0 {
            MAX_GATHERED
        } else {
            self.batch.max(1)
        }
    }
}

impl<E: Clone> ConsumerQueue<E> {
    /// Takes an event into its lane, in the order of numbers.
    pub(super) fn admit(&mut self, key: OrderKey, event: ReadEvent<E>, tried: Tried, now: Moment) {
        let seq = event.seq.0;
        let lane = self.lanes.entry(key).or_insert_with(Lane::new);
        match lane.events.back() {
            Some(newest) if *newest >= seq => {
                let at = lane.events.partition_point(|other| *other < seq);
                lane.events.insert(at, seq);
            }
            Some(_) | None => lane.events.push_back(seq),
        }
        self.open_bytes += event.size_bytes;
        let open = OpenEvent {
            key,
            urgent: event.urgent,
            recorded_ms: event.recorded_ms,
            read_at: now.instant,
            size_bytes: event.size_bytes,
            payload: event.payload,
            tried,
            delivery: None,
        };
        self.open.insert(seq, open);
        self.reservations.handle_event();
        self.place(key, now);
    }

    /// A lane of an earlier process has a part in the log.
    pub(super) fn restore_deferred(&mut self, chat: DeferredChat) {
        let lane = self.lanes.entry(chat.key).or_insert_with(Lane::new);
        let (after, last) = (chat.after.0, chat.last.0);
        lane.in_log = Some(match lane.in_log {
            Some((other_after, other_last)) => (after.min(other_after), last.max(other_last)),
            None => {
                self.deferred += 1;
                (after, last)
            }
        });
        lane.place = LanePlace::ToRefill;
        self.to_refill.insert(chat.key);
    }

    /// Finds the place of a lane anew, and forgets a lane that is empty.
    pub(super) fn place(&mut self, key: OrderKey, now: Moment) {
        let Some(lane) = self.lanes.get(&key) else {
            return;
        };
        if lane.is_under_way() {
            return;
        }
        let next = match lane.events.front() {
            None if lane.in_log.is_some() => LanePlace::ToRefill,
            None => LanePlace::Nowhere,
            Some(oldest) => self.place_of_oldest(key, *oldest, lane, now),
        };
        self.move_lane(key, next);
    }

    fn place_of_oldest(&self, key: OrderKey, oldest: i64, lane: &Lane, now: Moment) -> LanePlace {
        let urgent = self
            .open
            .get(&oldest)
            .map_or(Urgent::No, |event| event.urgent);
        let gathered_at = match self.policy.gather {
            Some(gather) if urgent == Urgent::No && lane.batch == 0 => {
                self.gather(lane, gather, now).1
            }
            Some(_) | None => None,
        };
        let wait = lane
            .retry_at
            .max(gathered_at)
            .filter(|at| *at > now.instant);
        match wait {
            Some(at) => LanePlace::Waiting(at),
            None => LanePlace::Ready(Turn {
                can_wait: urgent == Urgent::No,
                oldest,
                key,
            }),
        }
    }

    fn move_lane(&mut self, key: OrderKey, next: LanePlace) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        let last = std::mem::replace(&mut lane.place, next);
        if last == next && next != LanePlace::Nowhere {
            return;
        }
        match last {
            LanePlace::Ready(turn) => {
                self.ready.remove(&turn);
            }
            LanePlace::Waiting(at) => {
                self.waiting.remove(&(at, key));
            }
            LanePlace::ToRefill => {
                self.to_refill.remove(&key);
            }
            LanePlace::Nowhere | LanePlace::UnderWay(_) => {}
        }
        match next {
            LanePlace::Ready(turn) => {
                self.ready.insert(turn);
            }
            LanePlace::Waiting(at) => {
                self.waiting.insert((at, key));
            }
            LanePlace::ToRefill => {
                self.to_refill.insert(key);
            }
            LanePlace::UnderWay(_) => {}
            LanePlace::Nowhere => {
                self.lanes.remove(&key);
            }
        }
    }

    /// A delivery takes the oldest events of the lane along.
    pub(super) fn send_lane(&mut self, key: OrderKey, delivery: DeliveryId) {
        self.move_lane(key, LanePlace::UnderWay(delivery));
    }

    /// The delivery of the lane has ended.
    pub(super) fn bring_back(&mut self, key: OrderKey, now: Moment) {
        if let Some(lane) = self.lanes.get_mut(&key)
            && lane.is_under_way()
        {
            // Not `Nowhere`: the lane may have events, and is placed below.
            lane.place = LanePlace::Nowhere;
        }
        self.place(key, now);
    }

    /// How many of the lane's oldest events are one batch, and when it is complete; `None` if it is. A wall clock that was set
    /// back says that events were recorded in the future; they wait as if they had been recorded when they were read.
    pub(super) fn gather(
        &self,
        lane: &Lane,
        gather: GatherPolicy,
        now: Moment,
    ) -> (usize, Option<Instant>) {
        let recorded = |seq: &i64| {
            self.open
                .get(seq)
                .map_or(now.unix_ms, |event| event.recorded_ms)
        };
        let mut times = lane.events.iter().map(recorded);
        let Some(first) = times.next() else {
            return (0, None);
        };
        let (mut count, mut last) = (1, first);
        for next in times {
            let quiet = next.saturating_sub(last) > millis(gather.quiet);
            let long = next.saturating_sub(first) > millis(gather.max);
            if quiet || long || count == MAX_GATHERED {
                return (count, None);
            }
            count += 1;
            last = next;
        }
        if count == MAX_GATHERED || lane.in_log.is_some() {
            return (count, None);
        }
        let due_ms = last
            .saturating_add(millis(gather.quiet))
            .min(first.saturating_add(millis(gather.max)));
        let oldest = lane.events.front().and_then(|seq| self.open.get(seq));
        let latest = oldest.map_or(now.instant, |event| event.read_at + gather.max);
        let due = now.instant_at(due_ms, gather.max).min(latest);
        (count, Some(due))
    }

    /// Removes an event that is done from memory and from its lane, which is not placed anew.
    pub(super) fn remove(&mut self, seq: i64) -> Option<OpenEvent<E>> {
        let event = self.open.remove(&seq)?;
        self.open_bytes -= event.size_bytes;
        if let Some(lane) = self.lanes.get_mut(&event.key)
            && let Some(at) = lane.events.iter().position(|other| *other == seq)
        {
            lane.events.remove(at);
            if at == 0 {
                lane.retry_at = None;
            }
            if at < lane.batch {
                lane.batch -= 1;
            }
        }
        self.saves.changed();
        Some(event)
    }

    /// Leaves the rest of the longest lane in the log, so that others can be read. Only when every lane waits for its oldest
    /// event.
    pub(super) fn defer_longest(&mut self) -> bool {
        if !self.ready.is_empty() || !self.to_refill.is_empty() {
            return false;
        }
        let gathers = self.policy.gather.is_some();
        let may_grow = self.deferred < crate::position::MAX_DEFERRED;
        let longest = self
            .lanes
            .iter()
            .filter(|(_, lane)| may_grow || lane.in_log.is_some())
            .map(|(key, lane)| (lane.events.len().saturating_sub(lane.stays(gathers)), *key))
            .max();
        let Some((1.., key)) = longest else {
            return false;
        };
        let Some(lane) = self.lanes.get_mut(&key) else {
            return false;
        };
        let rest = lane.events.split_off(lane.stays(gathers));
        let (Some(first), Some(last)) = (rest.front(), rest.back()) else {
            return false;
        };
        self.deferred += usize::from(lane.in_log.is_none());
        let last = lane.in_log.map_or(*last, |(_, in_log)| in_log.max(*last));
        lane.in_log = Some((first - 1, last));
        for seq in rest {
            if let Some(event) = self.open.remove(&seq) {
                self.open_bytes -= event.size_bytes;
                // In another order it was sent; that it was is not kept with the stretch.
                if event.tried.attempts > 0 {
                    self.label_until = self.label_until.max(seq);
                }
            }
        }
        self.saves.changed();
        true
    }

    /// The stretches of the log that lanes have left there.
    pub(super) fn deferred_chats(&self) -> Vec<DeferredChat> {
        if self.deferred == 0 {
            return Vec::new();
        }
        let in_log = |(key, lane): (&OrderKey, &Lane)| {
            let (after, last) = lane.in_log?;
            Some(DeferredChat {
                key: *key,
                after: Seq(after),
                last: Seq(last),
            })
        };
        let mut chats: Vec<_> = self.lanes.iter().filter_map(in_log).collect();
        chats.sort_by_key(|chat| chat.after);
        chats
    }
}
