//! Reads a received frame in one pass and classifies it: callback, ack or unknown command.

use bytes::Bytes;
use bytestring::ByteString;

use super::callback::{Callback, CallbackKind};
use super::document::Document;
use super::{Ack, FrameError};
use crate::members::read_object;
use crate::repair;

/// A frame that the platform sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message or an event. The command decides, even if the id is that of a request in flight.
    Callback(Callback),
    /// A frame without a command: the answer to a frame that we sent.
    Ack(Ack),
    /// A frame with an undocumented command. It is ignored.
    Unknown,
}

impl Incoming {
    /// Reads a whole WebSocket message, text or binary, fragments joined. The result refers to slices of `bytes`, unless
    /// they had to be repaired, see [`Callback::payload`].
    pub fn parse(bytes: Bytes) -> Result<Incoming, FrameError> {
        let error = match ByteString::try_from(bytes.clone()) {
            Err(_) => FrameError::NotUtf8,
            Ok(text) if repair::may_hold_surrogates(&text) => match repair::repaired(&bytes) {
                Some(repaired) => return Self::read_repaired(repaired),
                None => return Self::read(&text),
            },
            Ok(text) => match Self::read(&text) {
                Err(error @ FrameError::NotJson(_)) => error,
                read => return read,
            },
        };
        match repair::repaired(&bytes).map(Self::read_repaired) {
            None | Some(Err(FrameError::NotJson(_))) => Err(error),
            Some(read) => read,
        }
    }

    /// Reads a repaired frame. An id with a replaced character counts as absent, because two such ids may look alike.
    fn read_repaired(text: String) -> Result<Incoming, FrameError> {
        let mut read = Self::read(&text.into())?;
        if let Incoming::Callback(callback) = &mut read {
            let is_whole = |id: &ByteString| !id.contains(repair::REPLACEMENT);
            callback.req_id = callback.req_id.take().filter(is_whole);
            callback.facts.msgid = callback.facts.msgid.take().filter(is_whole);
        }
        Ok(read)
    }

    fn read(text: &ByteString) -> Result<Incoming, FrameError> {
        let document = read_object(text).map_err(FrameError::NotJson)?;
        let document: Document<'_> = document.ok_or(FrameError::NotAnObject)?;
        let kind = match &document.cmd {
            None => return Ack::of(document, text).map(Incoming::Ack),
            Some(cmd) => match cmd.0.as_str() {
                Some("aibot_msg_callback") => CallbackKind::Message,
                Some("aibot_event_callback") => CallbackKind::Event,
                _ => return Ok(Incoming::Unknown),
            },
        };
        Callback::of(kind, document, text).map(Incoming::Callback)
    }
}
