//! When an event counts as handed over to a client.
//!
//! WeCom's clients confirm no event. So a WebSocket ping is sent behind it, whose number the client's library repeats in
//! its pong: then everything before the ping has been read. A pong may answer several pings at once.
//!
//! A client may be busy with an event for minutes and read nothing meanwhile, pings included. So silence alone is allowed
//! for as long as a handler may take. A client that goes on to say something and never answers a ping is one whose library
//! knows no pings.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use longwire_consumer::DeliveryId;

/// So long a client that says other things may leave a ping unanswered. Libraries answer before they read on, so the pong
/// is in the socket before whatever the client says next; this allows for programs that queue what they send.
const TALKING: Duration = Duration::from_secs(60);

/// When an event counts as handed over to a client.
pub(crate) struct HandOver {
    /// What was written and not proved, oldest first, each with the number of the ping behind it.
    unproved: VecDeque<(u64, DeliveryId)>,
    /// The pings that were sent and not answered, oldest first.
    pings: VecDeque<(u64, Instant)>,
    /// The number of the next ping.
    next: u64,
    /// When the client said something first after the oldest ping that it has not answered.
    talking_since: Option<Instant>,
    /// How long a client may say nothing at all while an event is unproved.
    silence: Duration,
}

impl HandOver {
    /// For a client whose handler may take so long.
    pub(crate) fn new(silence: Duration) -> Self {
        Self {
            unproved: VecDeque::new(),
            pings: VecDeque::new(),
            next: 1,
            talking_since: None,
            silence,
        }
    }

    /// An event was written.
    pub(crate) fn wrote(&mut self, delivery: DeliveryId) {
        self.unproved.push_back((self.next, delivery));
    }

    /// The payload of a ping that is to be written now, if something was written since the last one.
    pub(crate) fn poll_ping(&mut self, now: Instant) -> Option<[u8; 8]> {
        let (behind, _) = self.unproved.back()?;
        if *behind != self.next {
            return None;
        }
        self.pings.push_back((self.next, now));
        let payload = self.next.to_be_bytes();
        self.next += 1;
        Some(payload)
    }

    /// A pong came. Returns what it proves, in the order it was written; nothing if it answers no ping of ours.
    pub(crate) fn handle_pong(&mut self, payload: &[u8]) -> Vec<DeliveryId> {
        let Ok(payload) = payload.try_into() else {
            return Vec::new();
        };
        let number = u64::from_be_bytes(payload);
        if number >= self.next {
            return Vec::new();
        }
        while self.pings.front().is_some_and(|(ping, _)| *ping <= number) {
            self.pings.pop_front();
            self.talking_since = None;
        }
        let proved = self.unproved.partition_point(|(ping, _)| *ping <= number);
        let proved = self.unproved.drain(..proved);
        let proved = proved.map(|(_, delivery)| delivery).collect();
        if self.unproved.is_empty() {
            // Most clients are idle, and there are thousands.
            self.unproved = VecDeque::new();
            self.pings = VecDeque::new();
        }
        proved
    }

    /// The client said something else.
    pub(crate) fn heard(&mut self, now: Instant) {
        if !self.pings.is_empty() {
            self.talking_since.get_or_insert(now);
        }
    }

    /// Whether something is not proved yet.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.unproved.is_empty()
    }

    /// When the client counts as one that never answers.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let (_, oldest) = self.pings.front()?;
        let silent = *oldest + self.silence;
        Some(match self.talking_since {
            Some(since) => silent.min(since + TALKING),
            None => silent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(600);

    fn ids(numbers: &[u64]) -> Vec<DeliveryId> {
        numbers.iter().copied().map(DeliveryId).collect()
    }

    #[test]
    fn a_pong_proves_what_was_written_before_its_ping() {
        let now = Instant::now();
        let mut hand_over = HandOver::new(SILENCE);
        assert_eq!(hand_over.poll_ping(now), None);
        hand_over.wrote(DeliveryId(1));
        hand_over.wrote(DeliveryId(2));
        let first = hand_over.poll_ping(now).expect("behind two events");
        assert_eq!(hand_over.poll_ping(now), None, "one ping for both");
        hand_over.wrote(DeliveryId(3));
        assert_eq!(hand_over.handle_pong(&first), ids(&[1, 2]));
        assert!(hand_over.is_waiting());
        let second = hand_over.poll_ping(now).expect("behind the third");
        assert_eq!(hand_over.handle_pong(&second), ids(&[3]));
        assert_eq!(hand_over.handle_pong(&second), ids(&[]), "again");
        assert!(!hand_over.is_waiting());
        assert_eq!(hand_over.poll_timeout(), None);
    }

    #[test]
    fn one_pong_may_answer_several_pings_and_a_foreign_one_none() {
        let now = Instant::now();
        let mut hand_over = HandOver::new(SILENCE);
        let mut pings = Vec::new();
        for delivery in 1..=3 {
            hand_over.wrote(DeliveryId(delivery));
            pings.extend(hand_over.poll_ping(now));
        }
        for foreign in [
            &b""[..],
            b"ping",
            &u64::MAX.to_be_bytes(),
            &4_u64.to_be_bytes(),
        ] {
            assert_eq!(hand_over.handle_pong(foreign), ids(&[]));
        }
        assert_eq!(hand_over.handle_pong(&pings[1]), ids(&[1, 2]));
        assert_eq!(hand_over.handle_pong(&pings[0]), ids(&[]), "an older one");
        assert_eq!(hand_over.handle_pong(&pings[2]), ids(&[3]));
    }

    #[test]
    fn silence_is_patience_and_talk_without_pongs_is_not() {
        let start = Instant::now();
        let mut hand_over = HandOver::new(SILENCE);
        hand_over.heard(start);
        hand_over.wrote(DeliveryId(1));
        assert_eq!(hand_over.poll_timeout(), None, "its ping is not written");
        let ping = hand_over.poll_ping(start).expect("behind the event");
        assert_eq!(hand_over.poll_timeout(), Some(start + SILENCE));
        let later = start + Duration::from_secs(100);
        hand_over.heard(later);
        hand_over.heard(later + TALKING / 2);
        assert_eq!(hand_over.poll_timeout(), Some(later + TALKING));
        hand_over.handle_pong(&ping);
        assert_eq!(hand_over.poll_timeout(), None);
    }
}
