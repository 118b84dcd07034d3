//! The facts of an event: id, type, app, tenant, chat, message, time.
//!
//! They are read in one pass over the payload, in any order of members; unknown members are skipped. Texts are slices of
//! the payload if its JSON has no escapes. The whole document must be JSON. The event itself is read only as far as
//! recording and routing need.

mod fields;

use bytes::Bytes;
use bytestring::ByteString;

pub(crate) use self::fields::{Document, EventHeader};

use crate::members::{Text, read_object};
use crate::repair;

/// The schema of an event. An event with `header` is of schema 2.0, as in the Go SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schema {
    /// `uuid`, `event.type`.
    V1,
    /// `header.event_id`, `header.event_type`.
    V2,
}

/// The facts of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The schema of the event.
    pub schema: Schema,
    /// The platform's id, the same in every repeat.
    pub event_id: ByteString,
    /// For example `im.message.receive_v1`, in schema 1.0 `message`.
    pub event_type: ByteString,
    /// The app the event was pushed to.
    pub app_id: Option<ByteString>,
    /// The tenant it happened in.
    pub tenant_key: Option<ByteString>,
    /// The chat it happened in, for the types that have one: `oc_...`.
    pub chat: Option<ByteString>,
    /// The chat message it is about, for the types with one event per message and revision.
    pub message: Option<MessageFacts>,
    /// When it happened, in milliseconds since 1970. Platforms write milliseconds, microseconds
    /// (16 digits, card callbacks) or seconds with a fraction (schema 1.0).
    pub created_ms: Option<i64>,
}

/// A chat message at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFacts {
    /// `om_...`
    pub message_id: ByteString,
    /// The time of the change that the event reports, as the platform writes it.
    pub revision: ByteString,
}

/// Why a payload is not an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not UTF-8, and not JSON even with the invalid bytes replaced.
    #[error("the payload is not valid utf-8")]
    NotUtf8,
    /// Not one JSON document, even after repair.
    #[error("the payload is not json")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but no object.
    #[error("the payload is not a json object")]
    NotAnObject,
    /// Only `encrypt`. Events of long connections are never encrypted: the app is set up for webhooks, or the event was
    /// meant for a webhook.
    #[error("the payload is encrypted, which a long connection never is")]
    Encrypted,
    /// Neither `header.event_id` nor `uuid`.
    #[error("the event has no id")]
    NoEventId,
    /// Neither `header.event_type` nor `event.type`.
    #[error("the event has no type")]
    NoEventType,
}

impl EnvelopeError {
    /// A stable label for counters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::Encrypted => "encrypted",
            Self::NoEventId => "no_event_id",
            Self::NoEventType => "no_event_type",
        }
    }
}

impl Envelope {
    /// Reads a whole payload, fragments joined. The returned slices keep its buffer alive.
    ///
    /// A payload that is nearly JSON is repaired before it is read, so that its repeat is recognised by its ids. The
    /// payload itself is not changed.
    pub fn parse(payload: &Bytes) -> Result<Envelope, EnvelopeError> {
        let read = ByteString::try_from(payload.clone())
            .map_err(|_| EnvelopeError::NotUtf8)
            .and_then(|text| Self::read(&text));
        match read {
            Err(error @ (EnvelopeError::NotUtf8 | EnvelopeError::NotJson(_))) => {
                match repair::repaired(payload).map(Self::read_repaired) {
                    None | Some(Err(EnvelopeError::NotJson(_))) => Err(error),
                    Some(read) => read,
                }
            }
            read => read,
        }
    }

    /// Reads a repaired payload. An id with a replaced character counts as absent, because two such ids may look alike.
    fn read_repaired(text: String) -> Result<Envelope, EnvelopeError> {
        let is_whole = |id: &ByteString| !id.contains(repair::REPLACEMENT);
        // Slices would keep the repaired text alive. It can be six times as long as the payload, and no limit counts it.
        let envelope = Self::read(&text.into())?.detached();
        if !is_whole(&envelope.event_id) {
            return Err(EnvelopeError::NoEventId);
        }
        let message = envelope
            .message
            .filter(|message| is_whole(&message.message_id) && is_whole(&message.revision));
        Ok(Envelope {
            message,
            ..envelope
        })
    }

    /// Copies all texts, so that no buffer is kept alive.
    fn detached(self) -> Self {
        let own = |text: ByteString| ByteString::from(&*text);
        Self {
            schema: self.schema,
            event_id: own(self.event_id),
            event_type: own(self.event_type),
            app_id: self.app_id.map(own),
            tenant_key: self.tenant_key.map(own),
            chat: self.chat.map(own),
            message: self.message.map(|message| MessageFacts {
                message_id: own(message.message_id),
                revision: own(message.revision),
            }),
            created_ms: self.created_ms,
        }
    }

    fn read(payload: &ByteString) -> Result<Envelope, EnvelopeError> {
        let document = read_object(payload).map_err(EnvelopeError::NotJson)?;
        Self::of_document(payload, document.ok_or(EnvelopeError::NotAnObject)?)
    }

    /// The envelope of a document that was read from `payload`.
    pub(crate) fn of_document(
        payload: &ByteString,
        document: Document<'_>,
    ) -> Result<Envelope, EnvelopeError> {
        let keep = |text: &Text<'_>| text.keep(payload);

        let encrypted = document.encrypted;
        let absent = |error| {
            if encrypted {
                EnvelopeError::Encrypted
            } else {
                error
            }
        };
        let event = document.event;
        let (schema, about) = match document.header {
            Some(header) => (Schema::V2, header),
            None => (Schema::V1, event.about_v1(document.uuid, document.ts)),
        };
        let event_id = keep(&about.event_id).ok_or(absent(EnvelopeError::NoEventId))?;
        let event_type = keep(&about.event_type).ok_or(absent(EnvelopeError::NoEventType))?;
        let message = match schema {
            Schema::V1 => None,
            Schema::V2 => event.message_facts(&event_type).and_then(|(id, revision)| {
                Some(MessageFacts {
                    message_id: keep(id)?,
                    revision: keep(revision)?,
                })
            }),
        };
        Ok(Envelope {
            schema,
            event_id,
            event_type,
            app_id: keep(&about.app_id),
            tenant_key: keep(&about.tenant_key),
            chat: event.chats().into_iter().find_map(keep),
            message,
            created_ms: about.created.as_str().and_then(milliseconds),
        })
    }
}

/// Milliseconds since 1970 from a time in any of the platform's three forms. The number of digits tells the unit until
/// the year 2286.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole
        .bytes()
        .chain(fraction.bytes())
        .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => {
            let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
            let thousandths = digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            Some(number * 1000 + thousandths)
        }
        13 => Some(number),
        16 => Some(number / 1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
