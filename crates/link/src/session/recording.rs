//! The events of one connection between the read and the proof: which place each has, and when the writer is offered what.

use std::time::{Duration, Instant};

use longwire_wire::event::NewEvent;

use super::action::EventGroup;
use super::input::Submitted;
use crate::unrecorded::{Flight, Unrecorded};
use crate::window::{Released, Ticket, Window};

/// How soon a group that the writer had no room for is offered again at first. The writer commits several batches in this time.
const OFFER_AGAIN: Duration = Duration::from_millis(3);

/// The longest pause between two offers, well within the time an event may wait for its answer.
const OFFER_RARELY: Duration = Duration::from_millis(200);

/// How soon events that were not recorded are offered again, where nobody repeats them: as often as the writer itself
/// looks whether its trouble is over.
const TROUBLE: Duration = Duration::from_secs(1);

/// Events on their way to the store. `K` is what is kept of each until the store has answered.
#[derive(Debug)]
pub(super) struct Recording<K> {
    window: Window<K>,
    unrecorded: Unrecorded<NewEvent>,
    offer: Offer,
    has_predecessors: bool,
}

/// When the writer is offered a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Offer {
    /// As soon as there is one.
    Now,
    /// Not before `due`: the writer had no room. `pause` is how long after the last time that is.
    Later { due: Instant, pause: Duration },
}

impl<K> Recording<K> {
    pub(super) fn new(window: Window<K>, flight: Flight) -> Self {
        Self {
            window,
            unrecorded: Unrecorded::new(flight),
            offer: Offer::Now,
            has_predecessors: false,
        }
    }

    /// Whether there is room for another event, in the window and at the writer.
    pub(super) fn has_room(&self) -> bool {
        self.window.has_room() && self.offer == Offer::Now
    }

    /// Gives an event its place. It may have waited unread for so long.
    pub(super) fn admit(
        &mut self,
        kept: K,
        mut event: NewEvent,
        unread_for: Duration,
        now: Instant,
    ) {
        let size_bytes = event.payload.len();
        let Ticket(ticket) = self.window.admit_late(kept, size_bytes, unread_for, now);
        event.ticket = ticket;
        self.unrecorded.push(event);
    }

    /// Offers events once more, before any other. Each gets a place again.
    pub(super) fn readmit(
        &mut self,
        events: Vec<NewEvent>,
        keep: impl Fn(&NewEvent) -> K,
        now: Instant,
    ) {
        let mut again = events;
        for event in &mut again {
            let Ticket(ticket) = self.window.admit(keep(event), event.payload.len(), now);
            event.ticket = ticket;
        }
        self.unrecorded.put_back(again);
        self.offer = Offer::Later {
            due: now + TROUBLE,
            pause: OFFER_RARELY,
        };
    }

    /// The next group for the writer, unless it is not to be offered any now.
    pub(super) fn next_group(&mut self, now: Instant) -> Option<EventGroup> {
        if self.poll_offer().is_some_and(|due| due > now) || !self.may_offer() {
            return None;
        }
        let has_more = self.unrecorded.in_flight() > 0;
        let events = self.unrecorded.next_group()?;
        Some(EventGroup { events, has_more })
    }

    fn may_offer(&self) -> bool {
        self.unrecorded.may_offer() && !self.has_predecessors
    }

    /// What came of the last group.
    pub(super) fn handle_submitted(&mut self, submitted: Submitted, now: Instant) {
        match submitted {
            Submitted::Accepted | Submitted::Stopped => self.offer = Offer::Now,
            Submitted::Full(events) => {
                self.unrecorded.handle_answered(events.len());
                self.unrecorded.put_back(events);
                self.offer_later(now);
            }
        }
    }

    /// The pause may be over. Where a group waits it is offered now ([`next_group`](Self::next_group)), and the writer's
    /// answer says whether there is room; where none does, `writer_has_room` says it.
    pub(super) fn handle_timeout(&mut self, writer_has_room: bool, now: Instant) {
        if self.may_offer() || self.poll_offer().is_none_or(|due| due > now) {
            return;
        }
        if writer_has_room {
            self.offer = Offer::Now;
        } else {
            self.offer_later(now);
        }
    }

    /// Asks whether the writer has room before events are decoded, because then they would be here: thousands of
    /// connections with a burst each in hand are more than the writer's queue may hold.
    pub(super) fn look_at_writer(&mut self, writer_has_room: bool, now: Instant) {
        if self.offer == Offer::Now && !writer_has_room {
            self.offer_later(now);
        }
    }

    /// The pause grows: a writer that is stuck must not be asked by every connection some hundred times a second.
    fn offer_later(&mut self, now: Instant) {
        let pause = match self.offer {
            Offer::Now => OFFER_AGAIN,
            Offer::Later { pause, .. } => (pause * 2).min(OFFER_RARELY),
        };
        let due = now + pause;
        self.offer = Offer::Later { due, pause };
    }

    /// When the writer is asked again.
    pub(super) fn poll_offer(&self) -> Option<Instant> {
        match self.offer {
            Offer::Later { due, .. } => Some(due),
            Offer::Now => None,
        }
    }

    /// The store has answered so many events of the writer's.
    pub(super) fn handle_answered(&mut self, events: usize) {
        self.unrecorded.handle_answered(events);
    }

    /// The store has answered the event of this ticket: its place is free.
    pub(super) fn release(&mut self, ticket: u32) -> Released<K> {
        self.window.release(Ticket(ticket))
    }

    /// Keeps the place of an event that was just released and has another answer to wait for; [`release`](Self::release)
    /// frees it.
    pub(super) fn hold(&mut self, ticket: u32, size_bytes: usize, now: Instant) {
        self.window.hold(Ticket(ticket), size_bytes, now);
    }

    /// Whether one more may be held beside the `held` ones.
    pub(super) fn may_hold(&self, held: usize) -> bool {
        self.window.may_hold(held)
    }

    /// Gives up what the writer does not have. Returns how many events that were.
    pub(super) fn give_up_waiting(&mut self) -> usize {
        let events = self.unrecorded.give_up();
        for event in &events {
            self.window.release(Ticket(event.ticket));
        }
        events.len()
    }

    /// What waited longer than the answer budget, and since when.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(K, Instant)> {
        let (_, kept, since) = self.window.expire(now).next()?;
        Some((kept, since))
    }

    /// When the oldest waiting event has used up its budget.
    pub(super) fn poll_expiry(&self) -> Option<Instant> {
        self.window.poll_timeout()
    }

    pub(super) fn wait_for_predecessors(&mut self) {
        self.has_predecessors = true;
    }

    pub(super) fn may_record(&mut self) {
        self.has_predecessors = false;
    }

    pub(super) fn has_predecessors(&self) -> bool {
        self.has_predecessors
    }

    /// How many events wait to be handed to the writer.
    pub(super) fn waiting(&self) -> usize {
        self.unrecorded.waiting()
    }

    pub(super) fn len(&self) -> usize {
        self.window.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.window.is_empty()
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.window.bytes_held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_without_room_is_asked_ever_more_rarely() {
        let window = Window::new(64, 1 << 20, Duration::from_secs(1));
        let mut recording: Recording<()> = Recording::new(window, Flight::Many);
        let mut now = Instant::now();
        let mut questions = 0;
        let end = now + Duration::from_secs(10);
        recording.look_at_writer(false, now);
        while now < end {
            let due = recording.poll_offer().expect("it is asked again");
            assert!(due > now && due <= now + OFFER_RARELY);
            now = due;
            recording.handle_timeout(false, now);
            questions += 1;
        }
        assert!(
            questions < 60,
            "{questions} questions in ten seconds to a stuck writer"
        );
        assert!(!recording.has_room());
        recording.handle_timeout(true, now + OFFER_RARELY);
        assert!(recording.has_room());
    }
}
