//! What the actor of a consumer and one of its connections share.
//!
//! The actor puts events into a channel; the connection puts answers into a list and wakes the actor, once until it has looked.
//! So a busy connection wakes it once for many answers. The list has at most one answer of each event that the connection has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Message;
use bytes::Bytes;
use longwire_actor::{Card, Receives};
use longwire_consumer::{DeliveryId, ReaderId};
use tokio::sync::mpsc;

use super::{RelayEvent, RelayHello, RelayInFlight};
use crate::clock::unix_ms;

/// A connection has answered, or is gone: see its link. From the connection; the next one comes after this one was handled.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct RelayHeard(pub(crate) ReaderId);

/// What a connection said of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RelayAnswer {
    /// It is done, and this is the answer to whoever waits for one.
    Done(DeliveryId, Option<Bytes>),
    /// It failed.
    Failed(DeliveryId, String),
}

/// Both ends of a connection.
pub(crate) struct RelayLink {
    pub(crate) reader: ReaderId,
    pub(crate) hello: RelayHello,
    pub(crate) since_ms: i64,
    consumer: Arc<dyn Receives<RelayHeard>>,
    state: Mutex<LinkState>,
}

#[derive(Default)]
struct LinkState {
    /// What the connection has and has not answered, by delivery.
    held: BTreeMap<u64, RelayInFlight>,
    answers: Vec<RelayAnswer>,
    is_gone: bool,
    /// Whether the actor was woken and has not looked yet.
    is_told: bool,
    counts: LinkCounts,
}

/// What was counted of a connection.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct LinkCounts {
    pub(crate) given: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) last_ack_ms: Option<i64>,
}

/// A connection as its consumer's reader. Dropping it gives everything unanswered back: others get it at once, in order, with
/// `redelivered`.
///
/// When [`events`](Self::events) ends, the consumer has ended or does not want this connection any more: it is to be closed.
pub struct RelayReader {
    /// Which of the consumer's readers it is.
    pub reader: ReaderId,
    /// What it is sent. It takes each event at once; what it cannot send is at most its window.
    pub events: mpsc::Receiver<Box<RelayEvent>>,
    /// How long it may have an event. Then the event counts as failed there; an answer that comes later counts still.
    pub handler_limit: Duration,
    link: Arc<RelayLink>,
}

impl RelayLink {
    pub(crate) fn new(
        reader: ReaderId,
        hello: RelayHello,
        consumer: Arc<dyn Receives<RelayHeard>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            reader,
            hello,
            since_ms: unix_ms(),
            consumer,
            state: Mutex::default(),
        })
    }

    pub(crate) fn reader(
        self: &Arc<Self>,
        events: mpsc::Receiver<Box<RelayEvent>>,
        handler_limit: Duration,
    ) -> RelayReader {
        RelayReader {
            reader: self.reader,
            events,
            handler_limit,
            link: Arc::clone(self),
        }
    }

    /// The connection is about to have this event.
    pub(crate) fn hold(&self, event: &RelayEvent, now_ms: i64) {
        let held = RelayInFlight {
            seq: event.seq,
            chat: event.chat.clone(),
            since_ms: now_ms,
        };
        let mut state = self.state();
        state.held.insert(event.delivery.0, held);
        state.counts.given += 1;
    }

    /// An answer to this delivery does not count any more.
    pub(crate) fn forget(&self, delivery: DeliveryId) {
        self.state().held.remove(&delivery.0);
    }

    /// What the connection said since the last call, and whether it is gone.
    pub(crate) fn take(&self) -> (Vec<RelayAnswer>, bool) {
        let mut state = self.state();
        state.is_told = false;
        (std::mem::take(&mut state.answers), state.is_gone)
    }

    pub(crate) fn in_flight(&self) -> Vec<RelayInFlight> {
        self.state().held.values().cloned().collect()
    }

    pub(crate) fn counts(&self) -> LinkCounts {
        self.state().counts
    }

    /// Returns whether the connection had the delivery and had not answered it.
    fn answer(&self, answer: RelayAnswer) -> bool {
        let mut state = self.state();
        let delivery = match &answer {
            RelayAnswer::Done(delivery, _) | RelayAnswer::Failed(delivery, _) => *delivery,
        };
        if state.held.remove(&delivery.0).is_none() {
            return false;
        }
        match &answer {
            RelayAnswer::Done(..) => {
                state.counts.done += 1;
                state.counts.last_ack_ms = Some(unix_ms());
            }
            RelayAnswer::Failed(..) => state.counts.failed += 1,
        }
        state.answers.push(answer);
        self.tell(state);
        true
    }

    fn gone(&self) {
        let mut state = self.state();
        state.is_gone = true;
        self.tell(state);
    }

    /// Wakes the actor, unless it was woken and has not looked.
    fn tell(&self, mut state: MutexGuard<'_, LinkState>) {
        let was_told = std::mem::replace(&mut state.is_told, true);
        drop(state);
        if !was_told {
            longwire_actor::send(&*self.consumer, RelayHeard(self.reader));
        }
    }

    fn state(&self) -> MutexGuard<'_, LinkState> {
        // Each change of it is whole, whoever panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RelayReader {
    /// The application has handled the event. `answer` is the JSON that it gave with that, for whoever waits for the answer to a
    /// click; it is checked before it is used.
    ///
    /// Returns whether this connection had the event and had not answered it. If not, nothing happens: it was never sent here, or
    /// this is the second answer, or the connection has lost it.
    pub fn done(&self, delivery: DeliveryId, answer: Option<Bytes>) -> bool {
        self.link.answer(RelayAnswer::Done(delivery, answer))
    }

    /// The application could not handle the event. It comes again, to this connection while that is there, after 1, 2, 4 s and so
    /// on, until the consumer's policy gives it up. `why` is for people. Returns the same as [`done`](Self::done).
    pub fn failed(&self, delivery: DeliveryId, why: String) -> bool {
        self.link.answer(RelayAnswer::Failed(delivery, why))
    }

    /// How many events it has and has not answered.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.link.state().held.len()
    }

    /// The card that it attached itself with.
    #[must_use]
    pub fn card(&self) -> &Arc<Card> {
        &self.link.hello.card
    }
}

impl Drop for RelayReader {
    fn drop(&mut self) {
        self.link.gone();
    }
}

impl fmt::Debug for RelayReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayReader")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}
