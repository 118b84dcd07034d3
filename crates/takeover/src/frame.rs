//! Frames: how messages and batches are told apart on a stream of bytes.
//!
//! A frame is its length, as four bytes with the lowest first, and its content.

use bytes::{Buf as _, BytesMut};

use crate::message::TakeoverMessage;

/// Bytes of the length.
pub const HEADER_BYTES: usize = 4;
/// The longest message: a welcome that names 50,000 bots has less than 0.6 MB.
pub const MOST_MESSAGE_BYTES: usize = 4 << 20;
/// The longest batch. The writer gathers up to some MiB, and one event more.
pub const MOST_BATCH_BYTES: usize = 256 << 20;

/// Bytes that are no frame of this version.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverFrameError {
    /// The length is more than may be.
    #[error("a frame of {bytes} bytes, where {most} may be")]
    TooLong {
        /// What the header says.
        bytes: usize,
        /// What may be.
        most: usize,
    },
    /// The content cannot be read.
    #[error("the message cannot be read")]
    Broken(#[source] prost::DecodeError),
    /// A message that this version does not know.
    #[error("a message that this version does not know")]
    Unknown,
}

/// The header of a frame with so many bytes of content.
///
/// # Errors
/// If that is more than `most`.
pub fn header(bytes: usize, most: usize) -> Result<[u8; HEADER_BYTES], TakeoverFrameError> {
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= most);
    length
        .map(u32::to_le_bytes)
        .ok_or(TakeoverFrameError::TooLong { bytes, most })
}

/// How many bytes of content follow this header.
///
/// # Errors
/// If that is more than `most`.
pub fn content_bytes(header: [u8; HEADER_BYTES], most: usize) -> Result<usize, TakeoverFrameError> {
    let bytes = u32::from_le_bytes(header) as usize;
    match bytes <= most {
        true => Ok(bytes),
        false => Err(TakeoverFrameError::TooLong { bytes, most }),
    }
}

/// The frame of a message.
#[must_use]
pub fn encode(message: &TakeoverMessage) -> Vec<u8> {
    let content = message.to_bytes();
    let header = header(content.len(), MOST_MESSAGE_BYTES);
    let header = header.expect("bots are fewer than fill the longest message");
    [&header[..], &content].concat()
}

/// Takes the next message out of what came; `None` while it is not whole.
///
/// # Errors
/// If the bytes are no message. The stream cannot be read any further then.
pub fn take(came: &mut BytesMut) -> Result<Option<TakeoverMessage>, TakeoverFrameError> {
    let Some(header) = came.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let length = content_bytes(*header, MOST_MESSAGE_BYTES)?;
    if came.len() < HEADER_BYTES + length {
        return Ok(None);
    }
    came.advance(HEADER_BYTES);
    let content = came.split_to(length);
    let message = TakeoverMessage::from_bytes(&content).map_err(TakeoverFrameError::Broken)?;
    message.map(Some).ok_or(TakeoverFrameError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Given, Hello, LetGo, Live, Refused, Take, Welcome, Yours};
    use proptest::prelude::*;

    fn all() -> Vec<TakeoverMessage> {
        vec![
            TakeoverMessage::Hello(Hello {
                protocol: 1,
                version: "0.1.0".to_owned(),
                pid: 7,
            }),
            TakeoverMessage::Welcome(Welcome {
                version: "0.1.0".to_owned(),
                pid: 8,
                live: vec![1, 2, 1 << 40],
            }),
            TakeoverMessage::Refused(Refused { code: 2 }),
            TakeoverMessage::Take(Take { bot: 3 }),
            TakeoverMessage::Yours(Yours { bot: 3 }),
            TakeoverMessage::Live(Live { bot: 3 }),
            TakeoverMessage::Given(Given {
                bot: 3,
                ended_ms: Some(1_700_000_000_000),
            }),
            TakeoverMessage::Given(Given {
                bot: 3,
                ended_ms: None,
            }),
            TakeoverMessage::LetGo(LetGo {}),
        ]
    }

    #[test]
    fn each_message_comes_back_however_it_is_cut() {
        let bytes: Vec<u8> = all().iter().flat_map(encode).collect();
        for step in [1, 2, 3, 5, 7, bytes.len()] {
            let (mut came, mut back) = (BytesMut::new(), Vec::new());
            for piece in bytes.chunks(step) {
                came.extend_from_slice(piece);
                while let Some(message) = take(&mut came).expect("they are ours") {
                    back.push(message);
                }
            }
            assert_eq!(back, all(), "in pieces of {step}");
            assert!(came.is_empty());
        }
    }

    #[test]
    fn a_long_frame_and_an_unknown_message_are_refused() {
        let mut long = BytesMut::from(&u32::MAX.to_le_bytes()[..]);
        assert!(matches!(
            take(&mut long),
            Err(TakeoverFrameError::TooLong { .. })
        ));
        // Field 99, as a later version may have it.
        let mut unknown = BytesMut::from(&[3, 0, 0, 0, 0x9a, 0x06, 0x00][..]);
        assert!(matches!(
            take(&mut unknown),
            Err(TakeoverFrameError::Unknown)
        ));
        assert!(header(MOST_BATCH_BYTES + 1, MOST_BATCH_BYTES).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut came = BytesMut::from(&bytes[..]);
            while let Ok(Some(message)) = take(&mut came) {
                let mut again = BytesMut::from(&encode(&message)[..]);
                prop_assert_eq!(take(&mut again).expect("it is ours"), Some(message));
            }
        }
    }
}
