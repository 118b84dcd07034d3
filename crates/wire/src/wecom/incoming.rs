//! Tells callbacks, acks and the rest apart, in one pass over a frame.

use bytes::Bytes;
use bytestring::ByteString;

use super::callback::{Callback, CallbackKind};
use super::document::Document;
use super::{Ack, FrameError, repair};

/// What the platform sent in one text frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message or an event. Its command decides, even if its id is one that an answer is awaited
    /// under.
    Callback(Callback),
    /// No command: the answer to a frame of ours.
    Ack(Ack),
    /// Another command than those documented. To be ignored.
    Unknown,
}

impl Incoming {
    /// Reads a whole message, fragments joined, whether it came as text or as binary. What is handed
    /// out are slices of it, unless it had to be repaired, see [`Callback::payload`].
    pub fn parse(text: Bytes) -> Result<Incoming, FrameError> {
        let text = ByteString::try_from(text).map_err(|_| FrameError::NotUtf8)?;
        if repair::may_hold_surrogates(&text) {
            let repaired = repair::repaired(&text).map(ByteString::from);
            return Self::read(&repaired.unwrap_or(text));
        }
        match Self::read(&text) {
            Err(FrameError::NotJson(error)) => match repair::repaired(&text) {
                Some(repaired) => Self::read(&repaired.into()),
                None => Err(FrameError::NotJson(error)),
            },
            read => read,
        }
    }

    fn read(text: &ByteString) -> Result<Incoming, FrameError> {
        let document = Document::read(text).map_err(FrameError::NotJson)?;
        let document = document.ok_or(FrameError::NotAnObject)?;
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
