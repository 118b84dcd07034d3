//! Lanes: events that are delivered one after the other.
//!
//! A lane is in one place at a time: its next event can be sent (`ready`), has to wait (`waiting`), is in the log (`to_refill`),
//! or nothing of the lane can be sent because of what is under way. The next event is the oldest one that is not under way.
//! [`place`](ConsumerQueue::place) finds the place anew after each change.

use std::collections::VecDeque;
use std::time::Instant;

use longwire_wire::event::Seq;

use super::{ConsumerQueue, OpenEvent, Receivers, Tried};
use crate::delivery::{ReadEvent, ReaderId};
use crate::moment::{Moment, millis};
use crate::order_key::{OrderKey, Urgent};
use crate::policy::{GatherPolicy, MAX_GATHERED};
use crate::position::DeferredChat;

/// A lane in its order: clicks first, then by the age of the next event.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// False for clicks, so that they come first.
    pub(super) can_wait: bool,
    pub(super) next: i64,
    pub(super) key: OrderKey,
}

#[derive(Debug)]
pub(super) struct Lane {
    /// Its events in memory that are not done, oldest first.
    pub(super) events: VecDeque<i64>,
    place: LanePlace,
    /// How many deliveries of it are under way.
    under_way: usize,
    /// The stream reader that has them. It may be sent what follows.
    pub(super) follower: Option<ReaderId>,
    /// Its events up to here are under way.
    under_way_until: i64,
    /// The newest event that was sent from here.
    newest_sent: i64,
    /// The newest event that was done while an older one was not.
    pub(super) newest_done: i64,
    /// So many of the oldest events were sent as one batch, and stay one.
    pub(super) batch: usize,
    /// The part that is in the log: behind the first number, up to the second.
    pub(super) in_log: Option<(i64, i64)>,
    /// In which row of failures of the endpoint it failed last.
    pub(super) failed_in: u32,
    /// The key by which readers share it. Its own, but for the clicks of a chat that go to the chat's connection.
    pub(super) shared_by: OrderKey,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum LanePlace {
    Nowhere,
    Ready(Turn),
    Waiting(Instant),
    UnderWay,
    ToRefill,
}

impl Lane {
    fn new(key: OrderKey) -> Self {
        Self {
            shared_by: key,
            events: VecDeque::new(),
            place: LanePlace::Nowhere,
            under_way: 0,
            follower: None,
            under_way_until: i64::MIN,
            newest_sent: i64::MIN,
            newest_done: i64::MIN,
            batch: 0,
            in_log: None,
            failed_in: 0,
        }
    }

    /// Whether a delivery of it is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// How many of its oldest events stay in memory when the rest is left in the log. What is being gathered stays together.
    /// What was sent stays too: between it events may be done, which a stretch of the log would bring back.
    fn stays(&self, gathers: bool) -> usize {
        let sent = self.events.partition_point(|seq| *seq <= self.newest_sent);
        let next = usize::from(matches!(self.place, LanePlace::Ready(_)));
        let usual = if gathers && self.batch == 0 {
            MAX_GATHERED
        } else {
            self.batch.max(1)
        };
        usual.max(sent + next)
    }
}

impl<E: Clone> ConsumerQueue<E> {
    /// Takes an event into its lane, in the order of numbers.
    pub(super) fn admit(&mut self, key: OrderKey, event: ReadEvent<E>, tried: Tried, now: Moment) {
        let seq = event.seq.0;
        let lane = self.lanes.entry(key).or_insert_with(|| Lane::new(key));
        if self.settings.receivers == Receivers::Connections {
            lane.shared_by = event.shared_by(self.policy.order);
        }
        lane.under_way_until = lane.under_way_until.min(seq - 1);
        match lane.events.back() {
            Some(newest) if *newest >= seq => {
                let at = lane.events.partition_point(|other| *other < seq);
                lane.events.insert(at, seq);
            }
            Some(_) | None => lane.events.push_back(seq),
        }
        self.open_bytes += event.size_bytes;
        if tried.attempts > 0 {
            self.tried.add(event.size_bytes);
        }
        let open = OpenEvent {
            key,
            urgent: event.urgent,
            recorded_ms: event.recorded_ms,
            read_at: now.instant,
            size_bytes: event.size_bytes,
            payload: event.payload,
            tried,
            retry_at: None,
            delivery: None,
            gap_before: std::mem::take(&mut self.gap),
        };
        self.open.insert(seq, open);
        self.reservations.handle_event();
        self.place(key, now);
    }

    /// A lane of an earlier process has a part in the log.
    pub(super) fn restore_deferred(&mut self, chat: DeferredChat) {
        let lane = self
            .lanes
            .entry(chat.key)
            .or_insert_with(|| Lane::new(chat.key));
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
        let follows = lane.follower.is_some();
        let next = match self.next_of(lane) {
            _ if lane.is_under_way() && !follows => LanePlace::UnderWay,
            Some(next) => self.place_of_next(key, next, lane, now),
            // Room that there is not comes when something is done, also of this lane.
            None if lane.is_under_way() && !(lane.in_log.is_some() && self.has_room()) => {
                LanePlace::UnderWay
            }
            None if lane.in_log.is_some() => LanePlace::ToRefill,
            None => LanePlace::Nowhere,
        };
        self.move_lane(key, next);
    }

    /// The oldest event of the lane that is not under way.
    pub(super) fn next_of(&self, lane: &Lane) -> Option<i64> {
        let from = lane
            .events
            .partition_point(|seq| *seq <= lane.under_way_until);
        let is_free = |seq: &&i64| {
            let event = self.open.get(seq);
            event.is_some_and(|event| event.delivery.is_none())
        };
        lane.events.range(from..).find(is_free).copied()
    }

    fn place_of_next(&self, key: OrderKey, next: i64, lane: &Lane, now: Moment) -> LanePlace {
        let event = self.open.get(&next);
        let urgent = event.map_or(Urgent::No, |event| event.urgent);
        let retry_at = event.and_then(|event| event.retry_at);
        let gathered_at = match self.policy.gather {
            Some(gather) if urgent == Urgent::No && lane.batch == 0 => {
                self.gather(lane, gather, now).1
            }
            Some(_) | None => None,
        };
        let wait = retry_at.max(gathered_at).filter(|at| *at > now.instant);
        match wait {
            Some(at) => LanePlace::Waiting(at),
            None => LanePlace::Ready(Turn {
                can_wait: urgent == Urgent::No,
                next,
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
            LanePlace::Nowhere | LanePlace::UnderWay => {}
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
            LanePlace::UnderWay => {}
            LanePlace::Nowhere => {
                self.lanes.remove(&key);
            }
        }
    }

    /// A delivery takes the next events of the lane along, up to `newest`. If a stream reader has it, more may follow.
    pub(super) fn send_lane(
        &mut self,
        key: OrderKey,
        newest: i64,
        follower: Option<ReaderId>,
        now: Moment,
    ) {
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.under_way += 1;
            lane.follower = follower;
            lane.under_way_until = newest;
            lane.newest_sent = lane.newest_sent.max(newest);
        }
        self.place(key, now);
    }

    /// A delivery of the lane has ended; the `oldest` of its events is not under way any more, if there is one. The lane is not
    /// placed anew.
    pub(super) fn end_in_lane(&mut self, key: OrderKey, oldest: Option<i64>) {
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        lane.under_way -= 1;
        if lane.under_way == 0 {
            lane.follower = None;
            lane.under_way_until = i64::MIN;
        } else if let Some(oldest) = oldest {
            lane.under_way_until = lane.under_way_until.min(oldest - 1);
        }
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
        if event.tried.attempts > 0 {
            self.tried.remove(event.size_bytes);
        }
        if let Some(lane) = self.lanes.get_mut(&event.key)
            && let Ok(at) = lane.events.binary_search(&seq)
        {
            lane.events.remove(at);
            if at > 0 {
                lane.newest_done = lane.newest_done.max(seq);
            }
            if at < lane.batch {
                lane.batch -= 1;
            }
        }
        self.saves.changed();
        Some(event)
    }

    /// Leaves the rest of the longest lane in the log, so that others can be read. Only when every lane waits for what is under
    /// way, for time, or for a reader that has all it may have while another has room.
    pub(super) fn defer_longest(&mut self) -> bool {
        let goes = |turn: &Turn| self.can_go(turn) || self.waits_for_busy_readers(turn);
        if self.ready.iter().any(goes) || !self.to_refill.is_empty() {
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
                    self.tried.remove(event.size_bytes);
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
