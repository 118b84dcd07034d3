//! The server's reader of WebSocket messages, which anybody may send bytes to.

use longwire_platform_server::websocket::{ClientMessage, ClientViolation, MessageReader};

const MAX_MESSAGE_BYTES: usize = 1024;
/// Two bytes, a 64-bit length, a mask.
const MAX_HEADER_BYTES: usize = 14;

/// The first byte says how the rest is cut into reads. However that is, the same messages come out, none is longer than
/// allowed, and between two reads the reader holds no more than a message and a frame of it.
pub fn client_messages(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    let in_parts = read(bytes, usize::from(cut).max(1));
    assert_eq!(whole, in_parts);
}

/// What comes out of `bytes`, fed `length` at a time, and what ended it.
fn read(bytes: &[u8], length: usize) -> (Vec<ClientMessage>, Option<ClientViolation>) {
    let mut reader = MessageReader::new(MAX_MESSAGE_BYTES);
    let mut messages = Vec::new();
    for burst in bytes.chunks(length) {
        let fed = reader.feed(burst, &mut messages);
        messages.iter().for_each(check);
        if let Err(violation) = fed {
            return (messages, Some(violation));
        }
        assert!(reader.buffered_bytes() < 2 * MAX_MESSAGE_BYTES + MAX_HEADER_BYTES);
    }
    (messages, None)
}

fn check(message: &ClientMessage) {
    match message {
        ClientMessage::Binary(payload) | ClientMessage::Text(payload) => {
            assert!(payload.len() <= MAX_MESSAGE_BYTES);
        }
        ClientMessage::Ping(payload) | ClientMessage::Pong(payload) => {
            assert!(payload.len() <= 125);
        }
        ClientMessage::Close(_) => {}
    }
}
