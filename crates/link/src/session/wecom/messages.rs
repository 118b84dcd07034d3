//! Messages of WeCom to events.

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::event::{NewEvent, Source};
use longwire_wire::identity::Identity;
use longwire_wire::wecom::{Callback, Incoming};

use super::Wecom;
use crate::session::action::{Action, ConnectionLoss};
use crate::session::input::Surroundings;
use crate::session::transport::Content;
use crate::setback::Setback;
use crate::unparsed::Unparsed;

impl<A> Wecom<A> {
    /// One message of the platform. It sends text; its official clients read a binary message as the same JSON.
    ///
    /// # Errors
    /// When it ends the connection: the subscription is refused or gone.
    pub(super) fn take_message(
        &mut self,
        content: Content,
        around: Surroundings,
    ) -> Result<(), ConnectionLoss> {
        let (Content::Text(bytes) | Content::Binary(bytes)) = content;
        let size_bytes = bytes.len();
        match Incoming::parse(bytes.clone()) {
            Ok(Incoming::Callback(callback)) => self.take_callback(callback, around),
            Ok(Incoming::Ack(ack)) => self.take_ack(ack, around.now),
            Ok(Incoming::Unknown) => {
                self.transport.malformed("unknown_command", size_bytes);
                self.take_unparsed(bytes);
                Ok(())
            }
            Err(error) => {
                self.transport.malformed(error.kind(), size_bytes);
                if error.is_callback() {
                    self.keep_unparsed(bytes, around);
                } else {
                    self.take_unparsed(bytes);
                }
                Ok(())
            }
        }
    }

    fn take_callback(
        &mut self,
        callback: Callback,
        around: Surroundings,
    ) -> Result<(), ConnectionLoss> {
        let is_displacement = callback.is_displacement();
        let identity = callback.identity();
        let Callback {
            req_id,
            facts,
            payload,
            ..
        } = callback;
        let event = NewEvent {
            ticket: 0,
            identity,
            event_id: facts.msgid,
            event_type: Some(facts.type_name),
            chat: facts.chat_id,
            source: Source::LongConnection,
            received_ms: around.unix_ms,
            created_ms: facts.created_ms,
            trace_id: req_id,
            payload,
        };
        self.keep(event, around);
        if is_displacement {
            return Err(Setback::Displaced.into());
        }
        Ok(())
    }

    /// Neither a callback nor an answer. It may be somebody's message in a shape that nobody has described, and it comes
    /// once; but a platform that sends nothing else must not fill the disk.
    fn take_unparsed(&mut self, payload: Bytes) {
        if !payload.trim_ascii().is_empty() {
            self.transport.act(Action::UnparsedFrame(payload.len()));
            self.unparsed = Some(payload);
        }
    }

    /// Whether the frame that nobody can read is kept.
    pub(super) fn unparsed_decided(&mut self, unparsed: Unparsed, around: Surroundings) {
        let Some(payload) = self.unparsed.take() else {
            return;
        };
        match unparsed {
            Unparsed::Keep => self.keep_unparsed(payload, around),
            Unparsed::Drop { is_first } => {
                self.transport.counts.unparsed_dropped += 1;
                if is_first {
                    self.transport.act(Action::UnparsedDropped);
                }
            }
        }
        self.decode_input(around);
    }

    /// What nobody could read is recorded with its bytes. It comes once. A callback among it always is: it is an event,
    /// though it lacks what every event has.
    fn keep_unparsed(&mut self, payload: Bytes, around: Surroundings) {
        self.transport.counts.unparsed += 1;
        let event = NewEvent {
            ticket: 0,
            identity: Identity::unparsed(None, &payload),
            event_id: None,
            event_type: None,
            chat: None,
            source: Source::LongConnection,
            received_ms: around.unix_ms,
            created_ms: None,
            trace_id: None,
            payload,
        };
        self.keep(event, around);
    }

    /// Nobody is answered, and nobody else has it.
    fn keep(&mut self, event: NewEvent, around: Surroundings) {
        self.transport.counts.received += 1;
        let kept = Box::new(event.clone());
        self.recording
            .admit(kept, event, Duration::ZERO, around.now);
    }
}
