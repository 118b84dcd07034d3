//! What a socket read: frames to events, a burst of events to one group for the writer.
//!
//! No decision about the connection's life is made here; what the frame reader calls a violation, and what the platform
//! says by closing, goes up to the pump as a [`Verdict`]. Whatever cannot be understood is counted and dropped, and ends
//! the connection only where RFC 6455 says so.

use super::{Question, Seam, Socket, Unanswered};
use crate::assembler::Fragment;
use crate::clock::{now, unix_ms};
use crate::installation::AssemblerWanted;
use crate::pinger::{Heard, Pong};
use crate::post::send;
use bytes::Bytes;
use bytestring::ByteString;
use longwire_egress::ws::{Incoming, Limits, Reader, Violation};
use longwire_link::{Backlog, Ticket};
use longwire_store::{Group, NewEvent, Refusal, Rejected, Reply, Source};
use longwire_wire::answer::Echo;
use longwire_wire::endpoint::ClientConfig;
use longwire_wire::envelope::Envelope;
use longwire_wire::frame::{Frame, FrameView, Kind, Part};
use longwire_wire::identity::Identity;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How soon a group the writer had no room for is offered again at first. The writer commits several batches in this time.
const OFFER_AGAIN: Duration = Duration::from_millis(3);

/// The longest pause between two offers, well within the time an event may wait for its answer.
const OFFER_RARELY: Duration = Duration::from_millis(200);

/// Up to this an unfinished message is its connection's own business and not part of what all share: the longest frames
/// that the platform sends in order. Were they counted, those who take all there is would cut the connections of others
/// for any frame that two reads bring.
const UNFINISHED_FREE_BYTES: usize = 64 * 1024;

/// What ends frames of type `card`.
const CARD_ADVICE: &str = "set the app's callback subscription to long connection in the platform's console and publish the \
     app; until then a click ends in error 200340";

/// What came in and is not yet the writer's.
pub(super) struct Inbound {
    reader: Reader,
    burst: Vec<NewEvent>,
    /// A group the writer had no room for. While it waits, no event is taken.
    refused: Option<Box<Group>>,
    /// When a writer that had no room is asked again, and how long after the last time that is.
    offer: Option<(Instant, Duration)>,
    backlog: Backlog,
    /// Of what all connections may hold of unfinished input, this one's part.
    unfinished_bytes: usize,
    paused: Pause,
}

/// One whole push.
pub(super) struct Push {
    pub(super) unanswered: Unanswered,
    pub(super) message_id: Option<ByteString>,
    pub(super) trace_id: Option<ByteString>,
    pub(super) payload: Bytes,
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
}

impl Inbound {
    pub(super) fn new() -> Self {
        Self {
            reader: Reader::new(Limits::default()),
            burst: Vec::new(),
            refused: None,
            offer: None,
            backlog: Backlog::default(),
            unfinished_bytes: 0,
            paused: Pause::Reading,
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

    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// How far the connection is behind.
    pub(super) fn backlog(&mut self) -> &mut Backlog {
        &mut self.backlog
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
            && !matches!(self.seam, Seam::Wanted(_))
            && (self.has_room() || self.inbound.backlog.is_shedding())
    }

    /// Whether there is room for another event, in the window and at the writer.
    pub(super) fn has_room(&self) -> bool {
        self.window.has_room() && self.inbound.offer.is_none()
    }

    /// Bytes came in, whatever they are: the link lives.
    pub(super) fn heard(&mut self) {
        self.bot.tally.last_heard_ms.store(unix_ms(), Relaxed);
        if self.question == Question::Open {
            self.question = Question::None;
            if let Some(ears) = &self.ears {
                send(&**ears, Heard);
            }
        }
    }

    /// Decodes what the reader holds, as far as there is room.
    pub(super) fn take_messages(&mut self) -> Verdict {
        // Asked before the events are here, because then they would be: thousands of connections with a burst each in
        // hand are more than the writer's queue may hold.
        if self.inbound.offer.is_none() && !self.shared.writer.has_room() {
            self.inbound.ask_later(now());
        }
        loop {
            if !self.may_read() {
                return Verdict::Full;
            }
            match self.inbound.reader.next() {
                Ok(None) => return self.hold_unfinished(),
                Ok(Some(Incoming::Binary(bytes))) => self.take_frame(bytes),
                Ok(Some(Incoming::Text(text))) => self.malformed("text_message", text.len()),
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
        self.shared.unfinished.change(before, bytes);
        self.inbound.unfinished_bytes = bytes;
        if bytes > before && bytes > most_bytes {
            return Verdict::Broken(Violation::TooLarge {
                declared: held_bytes as u64,
            });
        }
        Verdict::Hungry
    }

    fn take_frame(&mut self, bytes: Bytes) {
        let size_bytes = bytes.len();
        let view = match FrameView::parse(bytes) {
            Ok(view) => view,
            Err(error) => return self.malformed(error.kind(), size_bytes),
        };
        match view.kind() {
            Kind::Event => self.take_push(&view),
            Kind::Pong => self.take_pong(&view),
            // No official client answers it; one third-party client does, and it does no harm.
            Kind::Ping => self.outbound.frame(&Frame::pong(self.service, None)),
            Kind::Card => self.take_card(size_bytes),
            Kind::OtherControl => self.malformed("unknown_control_frame", size_bytes),
            Kind::OtherData => self.malformed("unknown_data_frame", size_bytes),
            Kind::UnknownMethod(_) => self.malformed("unknown_method", size_bytes),
        }
    }

    fn take_push(&mut self, view: &FrameView) {
        let payload = view.payload().unwrap_or_default();
        let trace_id = view.trace_id().map(|text| slice(view.bytes(), text));
        let message_id = view.message_id().map(|text| slice(view.bytes(), text));
        match view.part() {
            Ok(Part::Whole) if !self.has_room() => self.shed(Unanswered {
                echo: Echo::of(view),
                split: None,
            }),
            Ok(Part::Whole) => self.take_event(Push {
                unanswered: Unanswered {
                    echo: Echo::of(view),
                    split: None,
                },
                message_id,
                trace_id,
                payload,
            }),
            Ok(Part::Fragment { sum, seq }) => {
                let Some(message_id) = message_id else {
                    return self.malformed("fragment_without_message_id", payload.len());
                };
                self.join(Fragment {
                    message_id: ByteString::from(message_id.to_string()),
                    sum,
                    seq,
                    trace_id: trace_id.map(|text| ByteString::from(text.to_string())),
                    payload: Bytes::copy_from_slice(&payload),
                    // Frames of fragments are long; what an answer echoes is kept, not the part itself.
                    echo: Echo::of(view).slim(),
                });
            }
            Err(error) => self.malformed(error.kind(), payload.len()),
        }
    }

    /// One more than there is room for, of a connection that has been behind for too long: refused at once, without a
    /// look at what it is. The platform pushes it again.
    pub(super) fn shed(&mut self, unanswered: Unanswered) {
        let now = now();
        self.inbound.backlog.handle_refused(now);
        self.shared.totals.received.fetch_add(1, Relaxed);
        self.shared.totals.shed.fetch_add(1, Relaxed);
        let tally = &self.bot.tally;
        tally.events.fetch_add(1, Relaxed);
        tally.shed.fetch_add(1, Relaxed);
        let at_ms = unix_ms();
        tally.last_event_ms.store(at_ms, Relaxed);
        tally.last_shed_ms.store(at_ms, Relaxed);
        self.answer_refused(unanswered, now);
    }

    /// Gives a fragment to the assembler, and calls for one where none lives.
    pub(super) fn join(&mut self, fragment: Fragment) {
        match &mut self.seam {
            Seam::Joined(assembler, given) => {
                *given = given.wrapping_add(1);
                send(&**assembler, fragment);
            }
            seam => {
                *seam = Seam::Wanted(Box::new(fragment));
                send(&*self.parent, AssemblerWanted(self.generation));
            }
        }
    }

    /// One whole push: it gets a place in the window and joins the burst.
    pub(super) fn take_event(&mut self, push: Push) {
        let Push {
            unanswered,
            message_id,
            trace_id,
            payload,
        } = push;
        let received_ms = unix_ms();
        let envelope = Envelope::parse(&payload);
        let identity = match &envelope {
            Ok(envelope) => Identity::of(envelope),
            Err(_) => Identity::unparsed(message_id.as_deref(), &payload),
        };
        let now = now();
        if let Ok(Some(happened_ms)) = envelope.as_ref().map(|envelope| envelope.created_ms) {
            self.inbound
                .backlog
                .handle_event(happened_ms, received_ms, now);
        }
        let unread_for = self.inbound.backlog.unread_for(now);
        let Ticket(ticket) = self
            .window
            .admit_late(unanswered, payload.len(), unread_for, now);
        let event = match envelope {
            Ok(envelope) => NewEvent {
                ticket,
                identity,
                event_id: Some(envelope.event_id),
                event_type: Some(envelope.event_type),
                chat: envelope.chat,
                source: Source::LongConnection,
                received_ms,
                created_ms: envelope.created_ms,
                trace_id,
                payload,
            },
            Err(error) => {
                self.shared.totals.unparsed.fetch_add(1, Relaxed);
                self.malformed(error.kind(), payload.len());
                NewEvent {
                    ticket,
                    identity,
                    event_id: None,
                    event_type: None,
                    chat: None,
                    source: Source::LongConnection,
                    received_ms,
                    created_ms: None,
                    trace_id,
                    payload,
                }
            }
        };
        self.shared.totals.received.fetch_add(1, Relaxed);
        self.bot.tally.events.fetch_add(1, Relaxed);
        self.bot.tally.last_event_ms.store(received_ms, Relaxed);
        self.inbound.burst.push(event);
    }

    fn take_pong(&mut self, view: &FrameView) {
        let payload = view.payload().unwrap_or_default();
        let config = ClientConfig::parse(&payload);
        if config.is_none() && !payload.is_empty() {
            self.malformed("pong_config", payload.len());
        }
        if let Some(ears) = &self.ears {
            send(&**ears, Pong(config));
        }
    }

    /// The platform sends such frames while the app's callback subscription is not set to long connection; users then
    /// see error 200340. No official client answers them.
    fn take_card(&mut self, size_bytes: usize) {
        self.bot.tally.malformed.fetch_add(1, Relaxed);
        self.shared.malformed.count_advised(
            "card_frame_not_an_event",
            &self.bot.public_id,
            size_bytes,
            Some(CARD_ADVICE),
        );
    }

    pub(super) fn malformed(&self, kind: &'static str, size_bytes: usize) {
        self.bot.tally.malformed.fetch_add(1, Relaxed);
        self.shared
            .malformed
            .count(kind, &self.bot.public_id, size_bytes);
    }

    /// Hands the burst to the writer as one group, or keeps it when there is no room.
    pub(super) fn submit(&mut self) {
        if let Some(due) = self.inbound.offer_due() {
            let now = now();
            if due > now {
                return;
            }
            if self.inbound.refused.is_none() {
                if self.shared.writer.has_room() {
                    self.inbound.offer = None;
                } else {
                    return self.inbound.ask_later(now);
                }
            }
        }
        let group = match self.inbound.refused.take() {
            Some(group) => *group,
            None if self.inbound.burst.is_empty() => return,
            None => self.group(),
        };
        self.hand_over(group);
        if self.inbound.refused.is_none() && !self.inbound.burst.is_empty() {
            let group = self.group();
            self.hand_over(group);
        }
        self.show_window();
    }

    fn group(&mut self) -> Group {
        Group {
            installation: self.bot.id,
            events: std::mem::take(&mut self.inbound.burst),
            reply: Arc::clone(&self.me) as Arc<dyn Reply>,
        }
    }

    fn hand_over(&mut self, group: Group) {
        let not_there = self.inbound.burst.len() + group.events.len();
        let submitted = if self.window.len() > not_there {
            self.shared.writer.submit_more(group)
        } else {
            self.shared.writer.submit(group)
        };
        match submitted {
            Ok(()) => self.inbound.offer = None,
            Err(Rejected {
                group,
                why: Refusal::Full,
            }) => {
                self.inbound.refused = Some(Box::new(group));
                self.inbound.ask_later(now());
            }
            // Dropping it answers "not recorded" for each of its events.
            Err(Rejected {
                group,
                why: Refusal::Stopped,
            }) => {
                self.inbound.offer = None;
                drop(group);
            }
        }
    }
}

/// A piece of the frame, without a copy.
fn slice(frame: &Bytes, text: &str) -> ByteString {
    ByteString::try_from(frame.slice_ref(text.as_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_without_room_is_asked_ever_more_rarely() {
        let mut inbound = Inbound::new();
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
