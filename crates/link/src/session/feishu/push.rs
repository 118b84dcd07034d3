//! Frames of Feishu and Lark to events.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::answer::Echo;
use longwire_wire::endpoint::ClientConfig;
use longwire_wire::envelope::Envelope;
use longwire_wire::event::{NewEvent, Source};
use longwire_wire::frame::{Frame, FrameKind, FrameView, Part};
use longwire_wire::identity::Identity;

use super::Feishu;
use super::answers::Unanswered;
use super::fragments::Route;
use crate::session::action::{Action, Fragment};
use crate::session::input::{Surroundings, Whole};
use crate::session::transport::Content;

/// What ends frames of type `card`.
const CARD_ADVICE: &str = "set the app's callback subscription to long connection in the platform's console and publish the \
     app; until then a click ends in error 200340";

/// One whole push.
struct Push {
    unanswered: Unanswered,
    message_id: Option<ByteString>,
    trace_id: Option<ByteString>,
    payload: Bytes,
}

impl<A> Feishu<A> {
    /// One message of the platform.
    pub(super) fn take_message(&mut self, content: Content, around: Surroundings) {
        match content {
            Content::Binary(bytes) => self.take_frame(bytes, around),
            Content::Text(text) => self.transport.malformed("text_message", text.len()),
        }
    }

    fn take_frame(&mut self, bytes: Bytes, around: Surroundings) {
        let size_bytes = bytes.len();
        let view = match FrameView::parse(bytes) {
            Ok(view) => view,
            Err(error) => return self.transport.malformed(error.kind(), size_bytes),
        };
        match view.kind() {
            FrameKind::Event => self.take_push(&view, around),
            FrameKind::Pong => self.take_pong(&view),
            // No official client answers it; one third-party client does, and it does no harm.
            FrameKind::Ping => {
                let pong = Frame::pong(self.service, None);
                self.transport.outbox.frame(&pong);
            }
            // The platform sends such frames while the app's callback subscription is not set to long connection; users
            // then see error 200340. No official client answers them. It is a click all the same: it is recorded, and the
            // application is asked where it can be read.
            FrameKind::Card => {
                self.transport.act(Action::Malformed {
                    kind: "card_frame_not_an_event",
                    size_bytes,
                    next_step: Some(CARD_ADVICE),
                });
                self.take_push(&view, around);
            }
            FrameKind::OtherControl => self
                .transport
                .malformed("unknown_control_frame", size_bytes),
            FrameKind::OtherData => self.transport.malformed("unknown_data_frame", size_bytes),
            FrameKind::UnknownMethod(_) => self.transport.malformed("unknown_method", size_bytes),
        }
    }

    fn take_push(&mut self, view: &FrameView, around: Surroundings) {
        let payload = view.payload().unwrap_or_default();
        let message_id = view.message_id().map(|text| slice(view.bytes(), text));
        match view.part() {
            Ok(Part::Whole) => {
                let unanswered = Unanswered {
                    echo: Echo::of(view),
                    split: None,
                    card: None,
                };
                if !self.recording.has_room() {
                    return self.shed(unanswered, around.now);
                }
                let push = Push {
                    unanswered,
                    message_id,
                    trace_id: view.trace_id().map(|text| slice(view.bytes(), text)),
                    payload,
                };
                self.take_event(push, around);
            }
            Ok(Part::Fragment { sum, seq }) => {
                let Some(message_id) = message_id else {
                    let kind = "fragment_without_message_id";
                    return self.transport.malformed(kind, payload.len());
                };
                let trace_id = view.trace_id();
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
            Err(error) => self.transport.malformed(error.kind(), payload.len()),
        }
    }

    /// A split push is whole.
    pub(super) fn take_whole(&mut self, whole: Whole, around: Surroundings) {
        let Whole {
            echo,
            message_id,
            trace_id,
            payload,
        } = whole;
        let unanswered = Unanswered {
            echo,
            split: Some(message_id.clone()),
            card: None,
        };
        // Above its own window's edge by as many as were open is in order; above what all may have in hand is not.
        let is_refused = self.backlog.is_shedding() && !self.recording.has_room();
        if is_refused || !around.writer_has_room {
            return self.shed(unanswered, around.now);
        }
        let push = Push {
            unanswered,
            message_id: Some(message_id),
            trace_id,
            payload,
        };
        self.take_event(push, around);
    }

    /// One more than there is room for, of a connection that has been behind for too long: refused at once, without a
    /// look at what it is. The platform pushes it again.
    fn shed(&mut self, unanswered: Unanswered, now: Instant) {
        self.backlog.handle_refused(now);
        self.transport.counts.received += 1;
        self.transport.counts.shed += 1;
        self.refuse(unanswered, now, now);
    }

    /// One whole push gets a place in the window and joins the group.
    fn take_event(&mut self, push: Push, around: Surroundings) {
        let Push {
            mut unanswered,
            message_id,
            trace_id,
            payload,
        } = push;
        let Surroundings { now, unix_ms, .. } = around;
        let event = match Envelope::parse(&payload) {
            Ok(envelope) => NewEvent {
                ticket: 0,
                identity: Identity::of(&envelope),
                event_id: Some(envelope.event_id),
                event_type: Some(envelope.event_type),
                chat: envelope.chat,
                source: Source::LongConnection,
                received_ms: unix_ms,
                created_ms: envelope.created_ms,
                trace_id,
                payload,
            },
            Err(error) => {
                self.transport.counts.unparsed += 1;
                self.transport.malformed(error.kind(), payload.len());
                NewEvent {
                    ticket: 0,
                    identity: Identity::unparsed(message_id.as_deref(), &payload),
                    event_id: None,
                    event_type: None,
                    chat: None,
                    source: Source::LongConnection,
                    received_ms: unix_ms,
                    created_ms: None,
                    trace_id,
                    payload,
                }
            }
        };
        if let Some(happened_ms) = event.created_ms {
            self.backlog.handle_event(happened_ms, unix_ms, now);
        }
        let unread_for: Duration = self.backlog.unread_for(now);
        self.transport.counts.received += 1;
        unanswered.card = self.card_event(&event, unread_for, now);
        self.recording.admit(unanswered, event, unread_for, now);
    }

    /// Gives a fragment to the assembler, and calls for one where there is none.
    pub(super) fn join(&mut self, fragment: Fragment) {
        let action = match self.fragments.route(fragment) {
            Route::ToAssembler(fragment) => Action::Join(fragment),
            Route::Held => Action::AssemblerWanted,
        };
        self.transport.act(action);
    }

    fn take_pong(&mut self, view: &FrameView) {
        let payload = view.payload().unwrap_or_default();
        let config = ClientConfig::parse(&payload);
        if config.is_none() && !payload.is_empty() {
            self.transport.malformed("pong_config", payload.len());
        }
        self.transport.act(Action::Pong(config));
    }
}

/// A piece of the frame, without a copy.
fn slice(frame: &Bytes, text: &str) -> ByteString {
    ByteString::try_from(frame.slice_ref(text.as_bytes())).unwrap_or_default()
}
