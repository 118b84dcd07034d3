//! Events whose answer is the application's: clicks on cards above all. Which of them wait for it, and until when.
//!
//! ```text
//! recorded ──▶ asked ──the application answers──▶ answered with its result
//!                └──it says nothing, or time is up──▶ answered by default
//! ```
//! Such an event is recorded like every other, so that whatever happens it is not lost. A repeat that comes while the
//! application is being asked is not asked about again: it waits beside the first one and gets the same answer.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::event::{NewEvent, Seq};

/// How events whose answer is the application's are treated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardSettings {
    /// How long after the receipt of its frame a card event of Feishu or Lark is answered at the latest. The platform waits
    /// 3 s.
    pub deadline: Duration,
    /// The result of those that the application does not answer in time, a JSON document. `{}` leaves the card as it is.
    pub default_result: Bytes,
}

impl Default for CardSettings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(2500),
            default_result: Bytes::from_static(b"{}"),
        }
    }
}

/// What the application is asked about.
pub struct CardEvent {
    /// The platform's type, such as `card.action.trigger`.
    pub event_type: ByteString,
    /// The platform's id of the event.
    pub event_id: Option<ByteString>,
    /// The chat it belongs to, where its type has one.
    pub chat: Option<ByteString>,
    /// When we had the whole of it, in milliseconds since 1970.
    pub received_ms: i64,
    /// The platform's bytes, shared with the record.
    pub payload: Bytes,
    /// An answer that comes later is not used.
    pub due: Instant,
}

impl CardEvent {
    /// What the application is asked about `event`, if it has a type.
    pub(super) fn of(event: &NewEvent, due: Instant) -> Option<Box<Self>> {
        Some(Box::new(Self {
            event_type: event.event_type.clone()?,
            event_id: event.event_id.clone(),
            chat: event.chat.clone(),
            received_ms: event.received_ms,
            payload: event.payload.clone(),
            due,
        }))
    }
}

/// Without the payload, which is what a user did.
impl fmt::Debug for CardEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardEvent")
            .field("event_type", &self.event_type)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// What becomes of the question about a card event. It cannot be printed: it may be what an application said.
#[derive(Clone, PartialEq, Eq)]
pub enum CardResult {
    /// A JSON document that the platform takes.
    Answered(Bytes),
    /// The application that claims the event has no answer: it gets the default one, or of WeCom none.
    Unanswered,
    /// No application claims this event: it is answered as any event.
    Unclaimed,
}

/// Which question to the application an answer is to. It is of use to the session that gave it out.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CardTicket {
    // First, so that the order of tickets is the order of deadlines.
    due: Instant,
    ticket: u32,
    seq: Seq,
}

impl CardTicket {
    pub(super) fn new(due: Instant, ticket: u32, seq: Seq) -> Self {
        Self { due, ticket, seq }
    }

    /// Of a question that no connection asks: it has no window, so the answer is told by nothing else.
    #[must_use]
    pub fn alone(due: Instant, seq: Seq) -> Self {
        Self::new(due, 0, seq)
    }

    /// The event's place in the log.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The number of its place in the window.
    pub(super) fn number(&self) -> u32 {
        self.ticket
    }
}

/// The events of one connection that wait for the application. `O` is what is owed to the platform.
#[derive(Debug)]
pub(super) struct AwaitedCards<O> {
    waiting: BTreeMap<CardTicket, O>,
}

impl<O> Default for AwaitedCards<O> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
        }
    }
}

impl<O> AwaitedCards<O> {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn contains(&self, ticket: CardTicket) -> bool {
        self.waiting.contains_key(&ticket)
    }

    /// Whether the application is being asked about this event.
    pub(super) fn is_asked(&self, seq: Seq) -> bool {
        self.waiting.keys().any(|ticket| ticket.seq == seq)
    }

    pub(super) fn insert(&mut self, ticket: CardTicket, owed: O) {
        self.waiting.insert(ticket, owed);
    }

    /// The next of those that wait for the answer about this event.
    pub(super) fn take(&mut self, seq: Seq) -> Option<(CardTicket, O)> {
        let ticket = *self.waiting.keys().find(|ticket| ticket.seq == seq)?;
        let owed = self.waiting.remove(&ticket)?;
        Some((ticket, owed))
    }

    /// The next whose time is up.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(CardTicket, O)> {
        let first = self.waiting.first_entry()?;
        (first.key().due <= now).then(|| first.remove_entry())
    }

    /// The next of all.
    pub(super) fn pop(&mut self) -> Option<(CardTicket, O)> {
        self.waiting.pop_first()
    }

    /// When the time of the next one is up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (ticket, _) = self.waiting.first_key_value()?;
        Some(ticket.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(start: Instant, due_ms: u64, number: u32, seq: i64) -> CardTicket {
        CardTicket::new(start + Duration::from_millis(due_ms), number, Seq(seq))
    }

    #[test]
    fn what_is_due_first_goes_first() {
        let start = Instant::now();
        let mut cards = AwaitedCards::default();
        cards.insert(ticket(start, 20, 1, 1), 'a');
        cards.insert(ticket(start, 10, 2, 2), 'b');
        assert_eq!(
            cards.poll_timeout(),
            Some(start + Duration::from_millis(10))
        );
        assert!(cards.expire(start).is_none());
        let late = start + Duration::from_millis(20);
        let mut expired = || cards.expire(late).map(|(_, owed)| owed);
        assert_eq!(
            [expired(), expired(), expired()],
            [Some('b'), Some('a'), None]
        );
        assert_eq!(cards.poll_timeout(), None);
    }

    #[test]
    fn one_answer_is_for_all_repeats_of_an_event() {
        let start = Instant::now();
        let mut cards = AwaitedCards::default();
        assert!(!cards.is_asked(Seq(7)));
        cards.insert(ticket(start, 10, 1, 7), 'a');
        cards.insert(ticket(start, 15, 2, 8), 'b');
        cards.insert(ticket(start, 20, 3, 7), 'c');
        assert!(cards.is_asked(Seq(7)));
        let mut take = || {
            cards
                .take(Seq(7))
                .map(|(ticket, owed)| (ticket.number(), owed))
        };
        assert_eq!(
            [take(), take(), take()],
            [Some((1, 'a')), Some((3, 'c')), None]
        );
        assert_eq!(cards.len(), 1);
        assert!(!cards.contains(ticket(start, 10, 1, 7)), "it is late");
    }

    #[test]
    fn nothing_of_what_a_user_did_is_printed() {
        let event = CardEvent {
            event_type: "card.action.trigger".into(),
            event_id: None,
            chat: None,
            received_ms: 0,
            payload: Bytes::from_static(b"s3cr3t"),
            due: Instant::now(),
        };
        assert!(!format!("{event:?}").contains("s3cr3t"));
    }
}
