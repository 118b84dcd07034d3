//! What is recorded of a callback.

use bytes::Bytes;
use bytestring::ByteString;

use super::old_card::{self, OLD_CARD_TYPE};
use super::{CallbackHeaders, Clear};
use crate::envelope::Envelope;
use crate::event::{NewEvent, Source};
use crate::identity::Identity;

/// An accepted event or card callback, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackEvent {
    /// The event in clear: what was received, or what it decrypts to, byte for byte.
    pub payload: Bytes,
    /// Whether it came encrypted.
    pub is_encrypted: bool,
    /// The keys by which a repeat is recognised. An event that comes over a long connection too has the same ones.
    pub identity: Identity,
    /// The platform's id. Old cards have none.
    pub event_id: Option<ByteString>,
    /// For example `im.message.receive_v1`; of an old card [`OLD_CARD_TYPE`]. `None` marks an event without id or type, which
    /// is recorded as one that could not be read.
    pub event_type: Option<ByteString>,
    /// The app that the platform means, to be compared with the bot's. Old cards do not say.
    pub app_id: Option<ByteString>,
    /// The tenant it happened in.
    pub tenant_key: Option<ByteString>,
    /// The chat it happened in, for the types that have one.
    pub chat: Option<ByteString>,
    /// When it happened, in milliseconds since 1970. Old cards do not say.
    pub created_ms: Option<i64>,
}

impl CallbackEvent {
    /// An event of schema 1.0 or 2.0. The nonce tells two requests apart whose event has no id.
    pub(super) fn of_envelope(
        clear: Clear<'_>,
        is_encrypted: bool,
        nonce: Option<&[u8]>,
    ) -> CallbackEvent {
        let payload = clear.payload.clone();
        let envelope = match clear.text {
            Some(text) => Envelope::of_document(text, clear.body.envelope),
            None => Envelope::parse(&payload),
        };
        match envelope {
            Ok(envelope) => CallbackEvent {
                payload,
                is_encrypted,
                identity: Identity::of(&envelope),
                event_id: Some(envelope.event_id),
                event_type: Some(envelope.event_type),
                app_id: envelope.app_id,
                tenant_key: envelope.tenant_key,
                chat: envelope.chat,
                created_ms: envelope.created_ms,
            },
            Err(_) => CallbackEvent {
                identity: Identity::unparsed_callback(nonce, &payload),
                payload,
                is_encrypted,
                event_id: None,
                event_type: None,
                app_id: None,
                tenant_key: None,
                chat: None,
                created_ms: None,
            },
        }
    }

    /// A card callback of the old generation.
    pub(super) fn of_old_card(clear: &Clear<'_>, headers: &CallbackHeaders<'_>) -> CallbackEvent {
        let keep = |text: &crate::members::Text<'_>| match clear.text {
            Some(payload) => text.keep(payload),
            None => text.as_str().map(ByteString::from),
        };
        CallbackEvent {
            payload: clear.payload.clone(),
            is_encrypted: false,
            identity: old_card::identity(clear, headers.nonce),
            event_id: None,
            event_type: Some(ByteString::from_static(OLD_CARD_TYPE)),
            app_id: None,
            tenant_key: keep(&clear.body.tenant_key),
            chat: keep(&clear.body.open_chat_id),
            created_ms: None,
        }
    }

    /// The event for the log. `received_ms` is when the whole body had come, in milliseconds since 1970; `trace_id` is the
    /// header `X-Request-Id`.
    pub fn into_new_event(
        self,
        ticket: u32,
        received_ms: i64,
        trace_id: Option<ByteString>,
    ) -> NewEvent {
        NewEvent {
            ticket,
            identity: self.identity,
            event_id: self.event_id,
            event_type: self.event_type,
            chat: self.chat,
            source: Source::Webhook,
            received_ms,
            created_ms: self.created_ms,
            trace_id,
            payload: self.payload,
        }
    }
}
