//! What a socket read: frames to events, a burst of events to one group for the writer.
//!
//! No decision about the connection's life is made here; what the frame reader calls a violation, and what the platform
//! says by closing, goes up to the pump as a [`Verdict`]. Whatever cannot be understood is counted and dropped, and ends
//! the connection only where RFC 6455 says so.

use super::feishu::Unanswered;
use super::pump::Ended;
use super::session::Content;
use super::{FragmentRouting, Question, Socket};
use crate::clock::{now, unix_ms};
use crate::loss::Loss;
use crate::pinger::Heard;
use bytes::Bytes;
use longwire_actor::send;
use longwire_link::{Backlog, Flight, Ticket, Unrecorded};
use longwire_store::{Cause, Group, GroupReply, NewEvent, Refusal, Rejected};
use longwire_wire::websocket::{Incoming, Limits, Reader, Violation};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How soon a group the writer had no room for is offered again at first. The writer commits several batches in this time.
const OFFER_AGAIN: Duration = Duration::from_millis(3);

/// The longest pause between two offers, well within the time an event may wait for its answer.
const OFFER_RARELY: Duration = Duration::from_millis(200);

/// How soon events that were not recorded are offered again, where nobody repeats them: as often as the writer itself
/// looks whether its trouble is over.
const TROUBLE: Duration = Duration::from_secs(1);

/// Up to this an unfinished message is its connection's own business and not part of what all share: the longest frames
/// that the platform sends in order. Were they counted, those who take all there is would cut the connections of others
/// for any frame that two reads bring.
const UNFINISHED_FREE_BYTES: usize = 64 * 1024;

/// What came in and is not yet the writer's.
pub(super) struct Inbound {
    reader: Reader,
    unrecorded: Unrecorded<NewEvent>,
    /// When a writer that had no room is asked again, and how long after the last time that is.
    offer: Option<(Instant, Duration)>,
    /// How far the connection is behind, where the platform hears a refusal; where not, TCP holds it back.
    backlog: Option<Backlog>,
    /// Of what all connections may hold of unfinished input, this one's part.
    unfinished_bytes: usize,
    paused: Pause,
    offers: Offers,
}

/// What happens to events that the store refuses and nobody repeats.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offers {
    /// They are offered again until they are recorded.
    Go,
    /// They are lost: the store takes nothing any more, because the process ends.
    WriterEnded,
    /// They are lost: the bot or the process keeps too much already.
    NoRoom,
}

/// What is kept of an event until the store has spoken.
pub(super) enum Owed {
    /// The platform waits for an answer.
    Answer(Unanswered),
    /// The platform waits for nothing and repeats nothing: the event itself, to be offered until it is recorded.
    Record(Box<NewEvent>),
}

/// Whether the socket reads, and whether its pinger knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    Reading,
    Since(Instant),
    Told,
}

/// What the decoded input means for the connection.
pub(super) enum Verdict {
    /// Everything decoded; more input is needed.
    Hungry,
    /// There is no room for more; the rest waits in the reader.
    Full,
    /// The platform closed.
    Closed(Option<u16>),
    /// The bytes are no WebSocket any more.
    Broken(Violation),
    /// All connections together have no memory left for messages that have not wholly come.
    NoMemory { held_bytes: usize },
    /// What the platform said ends it.
    Over(Ended),
}

impl Inbound {
    pub(super) fn new(flight: Flight, backlog: Option<Backlog>) -> Self {
        Self {
            reader: Reader::new(Limits::default()),
            unrecorded: Unrecorded::new(flight),
            offer: None,
            backlog,
            unfinished_bytes: 0,
            paused: Pause::Reading,
            offers: Offers::Go,
        }
    }

    pub(super) fn feed(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.reader.feed(chunk);
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.reader.held_bytes()
    }

    pub(super) fn unfinished_bytes(&self) -> usize {
        self.unfinished_bytes
    }

    /// How many events wait to be handed to the writer.
    pub(super) fn waiting(&self) -> usize {
        self.unrecorded.waiting()
    }

    /// The store has spoken about so many events.
    pub(super) fn settled(&mut self, count: usize) {
        self.unrecorded.settled(count);
    }

    /// The connection brings nothing more. Returns how many bytes of an unfinished message were there, of those how many were
    /// counted as such.
    pub(super) fn cut_off(&mut self) -> (usize, usize) {
        let reader = std::mem::replace(&mut self.reader, Reader::new(Limits::default()));
        let unfinished_bytes = std::mem::take(&mut self.unfinished_bytes);
        (reader.held_bytes(), unfinished_bytes)
    }

    /// How far the connection is behind, where that matters.
    pub(super) fn backlog(&mut self) -> Option<&mut Backlog> {
        self.backlog.as_mut()
    }

    /// Whether events are refused unseen.
    pub(super) fn is_shedding(&self) -> bool {
        self.backlog.as_ref().is_some_and(Backlog::is_shedding)
    }

    /// When the writer that had no room is asked again.
    pub(super) fn offer_due(&self) -> Option<Instant> {
        self.offer.map(|(due, _)| due)
    }

    /// The writer has no room, and is asked again later. The pause grows: a writer that is stuck must not be asked by
    /// every connection some hundred times a second.
    fn ask_later(&mut self, now: Instant) {
        let pause = self
            .offer
            .map_or(OFFER_AGAIN, |(_, pause)| (pause * 2).min(OFFER_RARELY));
        self.offer = Some((now + pause, pause));
    }

    pub(super) fn pause(&mut self) -> &mut Pause {
        &mut self.paused
    }
}

impl Socket {
    /// Whether more input may be taken: there is room for its events or they are refused, and for their answers; and no
    /// fragment waits for its assembler.
    pub(super) fn may_read(&self) -> bool {
        !self.outbound.is_full()
            && !matches!(self.routing, FragmentRouting::Wanted(_))
            && (self.has_room() || self.inbound.is_shedding())
    }

    /// Whether there is room for another event, in the window and at the writer.
    pub(super) fn has_room(&self) -> bool {
        self.window.has_room() && self.inbound.offer.is_none() && !self.is_held_back()
    }

    /// Bytes came in, whatever they are: the link lives.
    pub(super) fn heard(&mut self) {
        self.bot.tally.last_heard_ms.store(unix_ms(), Relaxed);
        if self.question == Question::Open {
            self.question = Question::None;
            if let Some(pinger) = &self.pinger {
                send(&**pinger, Heard);
            }
        }
    }

    /// Decodes what the reader holds, as long as `goes_on`.
    pub(super) fn take_messages(&mut self, goes_on: impl Fn(&Self) -> bool) -> Verdict {
        // Asked before the events are here, because then they would be: thousands of connections with a burst each in
        // hand are more than the writer's queue may hold.
        if self.inbound.offer.is_none() && !self.shared.writer.has_room() {
            self.inbound.ask_later(now());
        }
        loop {
            if !goes_on(self) {
                return Verdict::Full;
            }
            match self.inbound.reader.next() {
                Ok(None) => return self.hold_unfinished(),
                Ok(Some(Incoming::Binary(bytes))) => {
                    if let Err(ended) = self.take_message(Content::Binary(bytes)) {
                        return Verdict::Over(ended);
                    }
                }
                Ok(Some(Incoming::Text(bytes))) => {
                    if let Err(ended) = self.take_message(Content::Text(bytes)) {
                        return Verdict::Over(ended);
                    }
                }
                Ok(Some(Incoming::Ping(data))) => self.outbound.pong(&data),
                Ok(Some(Incoming::Pong(_))) => {}
                Ok(Some(Incoming::Close(close))) => {
                    return Verdict::Closed(close.map(|close| close.code));
                }
                Err(violation) => return Verdict::Broken(violation),
            }
        }
    }

    /// Keeps what is there of a message that has not wholly come, as long as there is memory for it.
    fn hold_unfinished(&mut self) -> Verdict {
        let held_bytes = self.inbound.reader.held_bytes();
        let before = self.inbound.unfinished_bytes;
        let bytes = if held_bytes > UNFINISHED_FREE_BYTES {
            held_bytes
        } else {
            0
        };
        if bytes == before {
            return Verdict::Hungry;
        }
        let most_bytes = self.shared.unfinished.most_for(before);
        if bytes > before && bytes > most_bytes {
            return Verdict::NoMemory { held_bytes };
        }
        self.shared.unfinished.change(before, bytes);
        self.inbound.unfinished_bytes = bytes;
        Verdict::Hungry
    }

    /// One whole event: it gets a place in the window and joins the burst.
    pub(super) fn admit(&mut self, owed: Owed, mut event: NewEvent) {
        let now = now();
        let mut unread_for = Duration::ZERO;
        if let Some(backlog) = &mut self.inbound.backlog {
            if let Some(happened_ms) = event.created_ms {
                backlog.handle_event(happened_ms, event.received_ms, now);
            }
            unread_for = backlog.unread_for(now);
        }
        let Ticket(ticket) = self
            .window
            .admit_late(owed, event.payload.len(), unread_for, now);
        event.ticket = ticket;
        self.shared.totals.received.fetch_add(1, Relaxed);
        self.bot.tally.events.fetch_add(1, Relaxed);
        self.bot
            .tally
            .last_event_ms
            .store(event.received_ms, Relaxed);
        self.inbound.unrecorded.push(event);
    }

    pub(super) fn malformed(&self, kind: &'static str, size_bytes: usize) {
        self.bot.tally.malformed.fetch_add(1, Relaxed);
        self.shared
            .malformed
            .count(kind, &self.bot.public_id, size_bytes);
    }

    /// Hands what waits to the writer as one group, or keeps it while there is no room, or another one has to be first.
    pub(super) fn submit(&mut self) {
        let may_offer = self.inbound.unrecorded.may_offer() && self.may_record();
        if let Some(due) = self.inbound.offer_due() {
            let now = now();
            if due > now {
                return;
            }
            if !may_offer {
                if self.shared.writer.has_room() {
                    self.inbound.offer = None;
                } else {
                    self.inbound.ask_later(now);
                }
            }
        }
        if !may_offer {
            return;
        }
        let has_more = self.inbound.unrecorded.in_flight() > 0;
        if let Some(events) = self.inbound.unrecorded.next_group() {
            self.hand_over(events, has_more);
            self.show_window();
        }
    }

    /// Events that were not recorded and that nobody else has are offered once more, before any other.
    pub(super) fn offer_again(&mut self, events: Vec<NewEvent>, cause: Cause, now: Instant) {
        let loss = match (cause, self.inbound.offers) {
            (Cause::Poison, _) => Some(Loss::Rule),
            (_, Offers::WriterEnded) => Some(Loss::ProcessEnds),
            (_, Offers::NoRoom) => Some(Loss::NoRoom),
            (_, Offers::Go) => None,
        };
        if let Some(loss) = loss {
            return self.lost(events.len(), loss, self.window.len());
        }
        let again = events.into_iter().map(|event| self.readmit(event, now));
        let again = again.collect();
        self.inbound.unrecorded.put_back(again);
        self.inbound.offer = Some((now + TROUBLE, OFFER_RARELY));
    }

    /// Gives an event that has been counted already its place again.
    fn readmit(&mut self, mut event: NewEvent, now: Instant) -> NewEvent {
        let owed = Owed::Record(Box::new(event.clone()));
        let Ticket(ticket) = self.window.admit(owed, event.payload.len(), now);
        event.ticket = ticket;
        event
    }

    /// So many events are lost, which are no longer in the window. `unanswered` remain.
    pub(super) fn lost(&mut self, events: usize, loss: Loss, unanswered: usize) {
        let (shared, bot) = (Arc::clone(&self.shared), Arc::clone(&self.bot));
        loss.count(&shared, &bot, self.generation, events as u64, || {
            self.show_unanswered(u32::try_from(unanswered).unwrap_or(u32::MAX));
        });
    }

    /// There is no room to keep what the store does not take: what waits is lost, and what it refuses from now on.
    pub(super) fn keep_nothing(&mut self) {
        self.inbound.offers = Offers::NoRoom;
        let events = self.inbound.unrecorded.give_up();
        for event in &events {
            self.window.settle(Ticket(event.ticket));
        }
        self.lost(events.len(), Loss::NoRoom, self.window.len());
    }

    fn hand_over(&mut self, events: Vec<NewEvent>, has_more: bool) {
        let group = Group {
            installation: self.bot.id,
            events,
            reply: Arc::clone(&self.me) as Arc<dyn GroupReply>,
        };
        let submitted = if has_more {
            self.shared.writer.submit_more(group)
        } else {
            self.shared.writer.submit(group)
        };
        match submitted {
            Ok(()) => self.inbound.offer = None,
            Err(Rejected {
                mut group,
                why: Refusal::Full,
            }) => {
                let events = std::mem::take(&mut group.events);
                self.inbound.unrecorded.settled(events.len());
                self.inbound.unrecorded.put_back(events);
                self.inbound.ask_later(now());
            }
            // Dropping it answers "not recorded" for each of its events.
            Err(Rejected {
                group,
                why: Refusal::Stopped,
            }) => {
                self.inbound.offer = None;
                self.inbound.offers = Offers::WriterEnded;
                drop(group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_without_room_is_asked_ever_more_rarely() {
        let mut inbound = Inbound::new(Flight::Many, None);
        let mut now = Instant::now();
        let mut questions = 0;
        let end = now + Duration::from_secs(10);
        while now < end {
            inbound.ask_later(now);
            let due = inbound.offer_due().expect("it is asked again");
            assert!(due > now && due <= now + OFFER_RARELY);
            now = due;
            questions += 1;
        }
        assert!(
            questions < 60,
            "{questions} questions in ten seconds to a stuck writer"
        );
    }
}
