//! The client's reader of WebSocket frames.

use bytes::Bytes;
use longwire_wire::websocket::{FrameLimits, FrameReader, ReceivedMessage, Violation};

const LIMITS: FrameLimits = FrameLimits {
    max_message_bytes: 1024,
};

/// The first byte says how the rest is cut into reads. However that is, the same messages come out, no message is longer than
/// allowed, and the reader holds no more than a message and a frame of it.
pub fn websocket(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    let in_parts = read(bytes, usize::from(cut).max(1));
    assert_eq!(whole, in_parts);
}

/// What comes out of `bytes`, fed `length` at a time, and what ended it.
fn read(bytes: &[u8], length: usize) -> (Vec<ReceivedMessage>, Option<Violation>) {
    let mut reader = FrameReader::new(LIMITS);
    let mut messages = Vec::new();
    for chunk in bytes.chunks(length) {
        reader.feed(Bytes::copy_from_slice(chunk));
        loop {
            match reader.next() {
                Ok(Some(message)) => {
                    let is_over = matches!(message, ReceivedMessage::Close(_));
                    check(&message);
                    messages.push(message);
                    if is_over {
                        return (messages, None);
                    }
                }
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        // A buffer that grows may have twice what it needs.
        assert!(reader.held_bytes() <= 4 * LIMITS.max_message_bytes);
    }
    (messages, None)
}

fn check(message: &ReceivedMessage) {
    match message {
        ReceivedMessage::Binary(payload) | ReceivedMessage::Text(payload) => {
            assert!(payload.len() <= LIMITS.max_message_bytes);
        }
        ReceivedMessage::Ping(payload) | ReceivedMessage::Pong(payload) => {
            assert!(payload.len() <= 125)
        }
        ReceivedMessage::Close(Some(close)) => {
            assert!(close.code >= 1000 && close.reason.len() <= 123)
        }
        ReceivedMessage::Close(None) => {}
    }
}
