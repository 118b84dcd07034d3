//! What happens later: one ordered set for the whole simulator, so that no push and no connection has a
//! timer of its own.
//!
//! ACK deadlines all lie the same span ahead and arrive in order, so they are a queue. Repeats of one rung of the
//! ladder do as well, and in an overload there are millions of them: whatever comes no sooner than all before it
//! joins a queue of its own. Everything else is rare and sits in the [`TimerQueue`].

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::timer_queue::TimerQueue;

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The attempt had its time.
    Answer(AttemptId),
    /// The push's next attempt.
    Repush(u64),
    /// A late pong with this payload.
    Pong(ConnectionId, Bytes),
    /// Look whether the connection still pings.
    PingCheck(ConnectionId),
    /// End the connection without further words.
    Abort(ConnectionId),
}

/// Everything that is due some time.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    answers: VecDeque<(Instant, AttemptId)>,
    /// Pushes that are repeated, the next one first.
    repeats: VecDeque<(Instant, u64)>,
    others: TimerQueue<Due>,
}

impl Deadlines {
    /// The answer to `delivery` is due at `at`, which is never before the ones awaited so far.
    pub(crate) fn await_answer(&mut self, at: Instant, delivery: AttemptId) {
        debug_assert!(self.answers.back().is_none_or(|(last, _)| *last <= at));
        self.answers.push_back((at, delivery));
    }

    /// Forgets awaited answers from the oldest on, as long as they are no longer awaited.
    pub(crate) fn trim(&mut self, awaited: impl Fn(AttemptId) -> bool) {
        while let Some((_, delivery)) = self.answers.front() {
            if awaited(*delivery) {
                break;
            }
            self.answers.pop_front();
        }
    }

    /// The push is to be repeated at `at`.
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

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let answer = self.answers.front().map(|(at, _)| *at);
        let repeat = self.repeats.front().map(|(at, _)| *at);
        let first = answer.into_iter().chain(repeat);
        first.chain(self.others.next()).min()
    }

    /// Takes what is due by now, one at a time.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Due> {
        if self.answers.front().is_some_and(|(at, _)| *at <= now) {
            return self.answers.pop_front().map(|(_, of)| Due::Answer(of));
        }
        if self.repeats.front().is_some_and(|(at, _)| *at <= now) {
            return self.repeats.pop_front().map(|(_, of)| Due::Repush(of));
        }
        self.others.pop(now)
    }

    /// Forgets everything about pushes.
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
