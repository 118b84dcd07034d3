//! What Feishu and Lark say over a connection, and what they want to hear: frames to events, receipts to answers.
//!
//! Every event is answered: 200 from a receipt, 500 for a repeat later.

use super::inbound::Owed;
use super::news::AssemblerWanted;
use super::{FragmentRouting, Socket};
use crate::answer::Answer;
use crate::assembler::{Fragment, Refused};
use crate::clock::{now, unix_ms};
use crate::pinger::Pong;
use bytes::Bytes;
use bytestring::ByteString;
use longwire_actor::send;
use longwire_store::{NewEvent, Receipt, Source};
use longwire_wire::answer::Echo;
use longwire_wire::endpoint::ClientConfig;
use longwire_wire::envelope::Envelope;
use longwire_wire::frame::{Frame, FrameKind, FrameView, Part, ServiceId};
use longwire_wire::identity::Identity;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// What ends frames of type `card`.
const CARD_ADVICE: &str = "set the app's callback subscription to long connection in the platform's console and publish the \
     app; until then a click ends in error 200340";

/// What has to be known of the platform's side of the connection.
pub(super) struct Feishu {
    /// Every ping names it.
    pub(super) service: ServiceId,
}

/// What is needed to answer an event.
pub(super) struct Unanswered {
    pub(super) echo: Echo,
    /// The id of the push, where it came split: a refusal makes the platform push it again, perhaps under the same id.
    pub(super) split: Option<ByteString>,
}

/// One whole push.
pub(super) struct Push {
    pub(super) unanswered: Unanswered,
    pub(super) message_id: Option<ByteString>,
    pub(super) trace_id: Option<ByteString>,
    pub(super) payload: Bytes,
}

impl Socket {
    pub(super) fn take_frame(&mut self, service: ServiceId, bytes: Bytes) {
        let size_bytes = bytes.len();
        let view = match FrameView::parse(bytes) {
            Ok(view) => view,
            Err(error) => return self.malformed(error.kind(), size_bytes),
        };
        match view.kind() {
            FrameKind::Event => self.take_push(&view),
            FrameKind::Pong => self.take_pong(&view),
            // No official client answers it; one third-party client does, and it does no harm.
            FrameKind::Ping => self.outbound.frame(&Frame::pong(service, None)),
            FrameKind::Card => self.take_card(size_bytes),
            FrameKind::OtherControl => self.malformed("unknown_control_frame", size_bytes),
            FrameKind::OtherData => self.malformed("unknown_data_frame", size_bytes),
            FrameKind::UnknownMethod(_) => self.malformed("unknown_method", size_bytes),
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
        if let Some(backlog) = self.inbound.backlog() {
            backlog.handle_refused(now);
        }
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
        match &mut self.routing {
            FragmentRouting::Joined(assembler, given) => {
                *given = given.wrapping_add(1);
                send(&**assembler, fragment);
            }
            routing => {
                *routing = FragmentRouting::Wanted(Box::new(fragment));
                send(&*self.installation, AssemblerWanted(self.generation));
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
        let event = match Envelope::parse(&payload) {
            Ok(envelope) => NewEvent {
                ticket: 0,
                identity: Identity::of(&envelope),
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
                self.bot.tally.unparsed.fetch_add(1, Relaxed);
                self.malformed(error.kind(), payload.len());
                NewEvent {
                    ticket: 0,
                    identity: Identity::unparsed(message_id.as_deref(), &payload),
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
        self.admit(Owed::Answer(unanswered), event);
    }

    fn take_pong(&mut self, view: &FrameView) {
        let payload = view.payload().unwrap_or_default();
        let config = ClientConfig::parse(&payload);
        if config.is_none() && !payload.is_empty() {
            self.malformed("pong_config", payload.len());
        }
        if let Some(pinger) = &self.pinger {
            send(&**pinger, Pong(config));
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

    /// Answers an event that is durable.
    pub(super) fn answer_recorded(&mut self, echo: Echo, receipt: Receipt, since: Instant) {
        let waited = now().saturating_duration_since(since);
        self.outbound
            .answer(&Answer::recorded(echo, receipt), waited);
        self.bot.tally.acked.fetch_add(1, Relaxed);
        self.shared.totals.acked.fetch_add(1, Relaxed);
    }

    /// Asks the platform for a repeat of an event that is not.
    pub(super) fn answer_refused(&mut self, unanswered: Unanswered, since: Instant) {
        let waited = now().saturating_duration_since(since);
        self.outbound
            .answer(&Answer::refused(unanswered.echo), waited);
        self.bot.tally.refused.fetch_add(1, Relaxed);
        if let (Some(message_id), FragmentRouting::Joined(assembler, _)) =
            (unanswered.split, &self.routing)
        {
            send(&**assembler, Refused(message_id));
        }
    }
}

/// A piece of the frame, without a copy.
fn slice(frame: &Bytes, text: &str) -> ByteString {
    ByteString::try_from(frame.slice_ref(text.as_bytes())).unwrap_or_default()
}
