//! What is read from the log, and when.

use longwire_wire::event::Seq;

use super::{ConsumerQueue, Tried};
use crate::delivery::ReadEvent;
use crate::moment::Moment;
use crate::news::{QueueState, ReadScope, ReadWant};
use crate::order_key::OrderKey;

/// The most events of the log in one page.
const PAGE: usize = 256;
/// So many events of a lane are brought back from the log at once.
const REFILL: usize = 64;
/// What an earlier process did not finish is read in one page where it lies closer together than this.
const NEAR: i64 = 64;

impl<E: Clone> ConsumerQueue<E> {
    /// What to read next, if there is room; `head` is the newest event of the log. Reading nothing new because there is
    /// nothing is the owner's business: it knows the log's end. One page at a time.
    pub fn poll_want(&mut self, head: Seq) -> Option<ReadWant> {
        if let Some(next) = self.unfinished.front() {
            return Some(self.want_unfinished(next.seq.0));
        }
        let again = self.want_again();
        let ahead = self.want_ahead(head);
        // Neither has to wait for the other for more than a page.
        if self.refill_next {
            again.or(ahead)
        } else {
            ahead.or(again)
        }
    }

    fn want_unfinished(&self, first: i64) -> ReadWant {
        let mut until = first;
        for event in self.unfinished.iter().take(PAGE) {
            if event.seq.0 - until > NEAR {
                break;
            }
            until = event.seq.0;
        }
        ReadWant {
            scope: ReadScope::Unfinished,
            after: Seq(first - 1),
            until: Some(Seq(until)),
            limit: PAGE,
        }
    }

    fn want_again(&self) -> Option<ReadWant> {
        let key = self.to_refill.first()?;
        let (after, last) = self.lanes.get(key)?.in_log?;
        Some(ReadWant {
            scope: ReadScope::Chat(*key),
            after: Seq(after),
            until: Some(Seq(last)),
            limit: PAGE,
        })
    }

    fn want_ahead(&mut self, head: Seq) -> Option<ReadWant> {
        if head.0 <= self.read {
            return None;
        }
        let room = self.window_events().saturating_sub(self.open.len());
        if room < PAGE.min(self.window_events() / 4) && self.is_busy() {
            return None;
        }
        if !self.has_room() && !self.defer_longest() {
            return None;
        }
        let limit = self.window_events().saturating_sub(self.open.len());
        Some(ReadWant {
            scope: ReadScope::Ahead,
            after: Seq(self.read),
            until: None,
            limit: limit.clamp(1, PAGE),
        })
    }

    /// Whether there is enough to send. A page for each event that is done would cost a consumer that lags more than its
    /// deliveries do.
    fn is_busy(&self) -> bool {
        self.state() == QueueState::Active && self.sendable().any(|turn| self.can_go(turn))
    }

    pub(super) fn has_room(&self) -> bool {
        self.open.len() < self.window_events() && self.open_bytes < self.settings.window_bytes
    }

    /// A stretch of the log was read: behind `after`, up to `reached`, with the `events` in it that pass the filter, oldest
    /// first. A page that nobody wants any more is ignored. If there is no room for all of it, the rest is wanted again.
    ///
    /// Also without a want, the owner may give what was just recorded, if [`reached`](Self::reached) is `after`.
    pub fn handle_page(
        &mut self,
        scope: ReadScope,
        after: Seq,
        events: impl IntoIterator<Item = ReadEvent<E>>,
        reached: Seq,
        now: Moment,
    ) {
        let events = events.into_iter();
        match scope {
            ReadScope::Ahead => self.handle_ahead(after, events, reached, now),
            ReadScope::Unfinished => self.handle_unfinished(after, events, reached, now),
            ReadScope::Chat(key) => self.handle_again(key, after, events, reached, now),
        }
        self.check_lag(now);
    }

    fn handle_ahead(
        &mut self,
        after: Seq,
        events: impl Iterator<Item = ReadEvent<E>>,
        reached: Seq,
        now: Moment,
    ) {
        if after.0 != self.read || !self.unfinished.is_empty() {
            return;
        }
        self.refill_next = true;
        for event in events {
            // What a page tells twice is one event.
            if event.seq.0 <= self.read {
                continue;
            }
            let key = event.key(self.policy.order);
            if let Some(lane) = self.lanes.get_mut(&key)
                && let Some((_, last)) = &mut lane.in_log
            {
                *last = event.seq.0;
                self.read = event.seq.0;
                self.saves.changed();
                continue;
            }
            if !self.has_room() {
                return;
            }
            self.read = event.seq.0;
            self.admit(key, event, Tried::default(), now);
        }
        if reached.0 > self.read {
            self.read = reached.0;
            self.saves.changed();
        }
    }

    fn handle_unfinished(
        &mut self,
        after: Seq,
        events: impl Iterator<Item = ReadEvent<E>>,
        reached: Seq,
        now: Moment,
    ) {
        if self
            .unfinished
            .front()
            .is_none_or(|next| next.seq.0 - 1 != after.0)
        {
            return;
        }
        for event in events {
            // What lies before it is not in the log any more, or does not pass the filter any more: it is done.
            while self
                .unfinished
                .front()
                .is_some_and(|next| next.seq < event.seq)
            {
                self.unfinished.pop_front();
            }
            if let Some(next) = self.unfinished.front().copied()
                && next.seq == event.seq
            {
                self.unfinished.pop_front();
                let key = event.key(self.policy.order);
                self.admit(key, event, Tried::before(next), now);
            }
        }
        while self
            .unfinished
            .front()
            .is_some_and(|next| next.seq <= reached)
        {
            self.unfinished.pop_front();
        }
        self.saves.changed();
    }

    fn handle_again(
        &mut self,
        key: OrderKey,
        after: Seq,
        events: impl Iterator<Item = ReadEvent<E>>,
        reached: Seq,
        now: Moment,
    ) {
        let in_log = self.lanes.get(&key).and_then(|lane| lane.in_log);
        let Some((_, last)) = in_log.filter(|(from, _)| *from == after.0) else {
            return;
        };
        self.refill_next = false;
        let (mut from, mut taken) = (after.0, 0);
        let mut stopped = false;
        for event in events {
            if event.seq.0 > last || event.key(self.policy.order) != key {
                continue;
            }
            // One goes beyond the window, or a full window of others could hold it up.
            if taken == REFILL || (taken > 0 && !self.has_room()) {
                stopped = true;
                break;
            }
            (from, taken) = (event.seq.0, taken + 1);
            self.admit(key, event, Tried::default(), now);
        }
        if !stopped {
            from = from.max(reached.0.min(last));
        }
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.in_log = (from < last).then_some((from, last));
            self.deferred -= usize::from(lane.in_log.is_none());
        }
        self.saves.changed();
        self.place(key, now);
    }
}
