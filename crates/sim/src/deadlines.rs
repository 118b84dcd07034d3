//! All deadlines of the simulator in one place, so that no push and no connection needs a timer.
//!
//! All ACK deadlines are the same time ahead, so they come in order and are kept in a plain queue. Repeats after the same
//! delay come in order too, and an overload has millions of them, so repeats that come in order have a second plain
//! queue. Everything else is rare and is kept in the [`TimerQueue`].

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::timer_queue::TimerQueue;

/// What has to be done at a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The attempt has no answer in time.
    Answer(AttemptId),
    /// The next attempt of a push.
    Repush(u64),
    /// A late pong with this payload.
    Pong(ConnectionId, Bytes),
    /// Push over the connection although it has not pinged.
    EndQuiet(ConnectionId),
    /// Check whether the connection still pings.
    PingCheck(ConnectionId),
    /// End the connection without a close frame.
    Abort(ConnectionId),
}

/// All deadlines of the simulator.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    answers: VecDeque<(Instant, AttemptId)>,
    /// Pushes to be repeated, the next one first.
    repeats: VecDeque<(Instant, u64)>,
    others: TimerQueue<Due>,
}

impl Deadlines {
    /// Adds the deadline of the answer to `delivery`. `at` is never earlier than those added before.
    pub(crate) fn await_answer(&mut self, at: Instant, delivery: AttemptId) {
        debug_assert!(self.answers.back().is_none_or(|(last, _)| *last <= at));
        self.answers.push_back((at, delivery));
    }

    /// Removes deadlines from the front of the queue while their answers are no longer awaited.
    pub(crate) fn trim(&mut self, awaited: impl Fn(AttemptId) -> bool) {
        while let Some((_, delivery)) = self.answers.front() {
            if awaited(*delivery) {
                break;
            }
            self.answers.pop_front();
        }
    }

    /// Adds a repeat of the push at `at`.
    pub(crate) fn repeat(&mut self, at: Instant, number: u64) {
        if self.repeats.back().is_none_or(|(last, _)| *last <= at) {
            self.repeats.push_back((at, number));
        } else {
            self.others.add(at, Due::Repush(number));
        }
    }

    pub(crate) fn add(&mut self, at: Instant, due: Due) {
        self.others.add(at, due);
    }

    /// The time of the next deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        let answer = self.answers.front().map(|(at, _)| *at);
        let repeat = self.repeats.front().map(|(at, _)| *at);
        let first = answer.into_iter().chain(repeat);
        first.chain(self.others.next()).min()
    }

    /// Removes and returns one deadline that has passed at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Due> {
        if self.answers.front().is_some_and(|(at, _)| *at <= now) {
            return self.answers.pop_front().map(|(_, of)| Due::Answer(of));
        }
        if self.repeats.front().is_some_and(|(at, _)| *at <= now) {
            return self.repeats.pop_front().map(|(_, of)| Due::Repush(of));
        }
        self.others.pop(now)
    }

    /// Removes all deadlines of pushes.
    pub(crate) fn forget_pushes(&mut self) {
        self.answers.clear();
        self.repeats.clear();
        self.others.retain(|due| !matches!(due, Due::Repush(_)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_comes_out_once_and_in_time() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let delivery = AttemptId {
            push: 1,
            attempt: 1,
        };
        let mut deadlines = Deadlines::default();
        deadlines.repeat(after(30), 2);
        deadlines.repeat(after(10), 3);
        deadlines.repeat(after(10), 4);
        deadlines.await_answer(after(20), delivery);
        assert_eq!(deadlines.next(), Some(after(10)));
        assert_eq!(deadlines.pop(after(9)), None);
        assert_eq!(deadlines.pop(after(10)), Some(Due::Repush(3)));
        assert_eq!(deadlines.pop(after(10)), Some(Due::Repush(4)));
        assert_eq!(deadlines.pop(after(10)), None);
        assert_eq!(deadlines.pop(after(20)), Some(Due::Answer(delivery)));
        assert_eq!(deadlines.next(), Some(after(30)));
        deadlines.forget_pushes();
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn answered_ones_are_trimmed_from_the_front_only() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        for push in 1..=4 {
            deadlines.await_answer(start, AttemptId { push, attempt: 1 });
        }
        deadlines.trim(|of| of.push == 3);
        assert_eq!(deadlines.answers.len(), 2);
    }
}
