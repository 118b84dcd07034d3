//! The reader against frames as a server writes them.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const MAX: usize = 1000;

/// A frame as a server sends it. `first` is its first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(short as u8),
        middle @ 126..=0xFFFF => {
            bytes.push(126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

fn reader() -> FrameReader {
    FrameReader::new(FrameLimits {
        max_message_bytes: MAX,
    })
}

/// All that `bytes`, fed in chunks of `size`, amount to.
fn read(
    reader: &mut FrameReader,
    bytes: &[u8],
    size: usize,
) -> Result<Vec<ReceivedMessage>, Violation> {
    let mut messages = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        reader.feed(Bytes::copy_from_slice(chunk));
        while let Some(message) = reader.next()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

fn binary(payload: &'static [u8]) -> ReceivedMessage {
    ReceivedMessage::Binary(Bytes::from_static(payload))
}

#[test]
fn a_whole_message_is_a_slice_of_its_chunk() {
    let chunk = Bytes::from(frame(0x82, b"payload"));
    let place = chunk[2..].as_ptr();
    let mut reader = reader();
    reader.feed(chunk);
    let Ok(Some(ReceivedMessage::Binary(payload))) = reader.next() else {
        panic!("no message")
    };
    assert_eq!(payload.as_ptr(), place);
    assert_eq!(reader.next(), Ok(None));
    assert_eq!(reader.held_bytes(), 0);
}

#[test]
fn fragments_are_joined_around_control_frames() {
    let stream = [
        frame(0x02, b"one "),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x00, b"two "),
        frame(0x8A, b"pong"),
        frame(0x80, b"three"),
        frame(0x81, b"text"),
    ]
    .concat();
    let expected = [
        ReceivedMessage::Ping(Bytes::from_static(b"ping")),
        ReceivedMessage::Pong(Bytes::from_static(b"pong")),
        binary(b"one two three"),
        ReceivedMessage::Text(Bytes::from_static(b"text")),
    ];
    for size in 1..=stream.len() {
        let mut reader = reader();
        assert_eq!(
            read(&mut reader, &stream, size).as_deref(),
            Ok(&expected[..])
        );
        assert_eq!(reader.held_bytes(), 0, "chunks of {size}");
    }
}

#[test]
fn feeding_before_all_is_read_loses_nothing() {
    let stream = [frame(0x82, b"one"), frame(0x82, b"two")].concat();
    let mut reader = reader();
    for byte in stream {
        reader.feed(Bytes::copy_from_slice(&[byte]));
    }
    assert_eq!(reader.next(), Ok(Some(binary(b"one"))));
    assert_eq!(reader.next(), Ok(Some(binary(b"two"))));
    assert_eq!(reader.next(), Ok(None));
}

#[test]
fn violations_and_their_close_codes() {
    use Violation as V;
    let check = |stream: &[u8], expected: Violation, code: u16| {
        for size in 1..=stream.len() {
            let mut reader = reader();
            assert_eq!(
                read(&mut reader, stream, size),
                Err(expected),
                "chunks of {size}"
            );
            assert_eq!(reader.held_bytes(), 0);
            reader.feed(Bytes::from(frame(0x82, b"later")));
            assert_eq!(reader.next(), Err(expected), "it stays");
        }
        assert_eq!(expected.close_code(), code);
    };
    for reserved in [0xC2, 0xA2, 0x92, 0xC9] {
        check(&[reserved, 0], V::ReservedBits, 1002);
    }
    for opcode in [0x3, 0x7, 0xB, 0xF] {
        check(&[0x80 | opcode, 0], V::UnknownOpcode { opcode }, 1002);
    }
    check(&[0x82, 0x80], V::MaskedByServer, 1002);
    check(&[0x80, 0], V::BadContinuation, 1002);
    check(&[0x02, 0, 0x82, 0], V::Interleaved, 1002);
    check(&[0x02, 0, 0x01, 0], V::Interleaved, 1002);
    check(&[0x09, 0], V::ControlFragmented, 1002);
    check(&[0x89, 126], V::ControlTooLong, 1002);
    check(&[0x88, 127], V::ControlTooLong, 1002);
    check(&[0x88, 1, 3], V::CloseTruncated, 1002);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        let stream = frame(0x88, &u16::to_be_bytes(code));
        check(&stream, V::CloseCode { code }, 1002);
    }
    check(&frame(0x88, b"\x03\xE8\xFF"), V::CloseReason, 1007);
    check(
        &[0x82, 126, 0x03, 0xE9],
        V::TooLarge { declared: 1001 },
        1009,
    );
    check(
        &[0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        V::TooLarge { declared: u64::MAX },
        1009,
    );
    let joined = [frame(0x02, &[0; 600]), vec![0x80, 126, 0x02, 0x58]].concat();
    check(&joined, V::TooLarge { declared: 1200 }, 1009);
}

#[test]
fn closes() {
    let check = |payload: &[u8], expected: Option<(u16, &str)>| {
        let expected = expected.map(|(code, reason)| CloseFrame {
            code,
            reason: reason.to_owned(),
        });
        let messages = read(&mut reader(), &frame(0x88, payload), 1);
        assert_eq!(messages, Ok(vec![ReceivedMessage::Close(expected)]));
    };
    check(b"", None);
    check(b"\x03\xE8", Some((1000, "")));
    check(b"\x03\xF0bye", Some((1008, "bye")));
    check(
        &[&[0x0F, 0xA0], "再见".as_bytes()].concat(),
        Some((4000, "再见")),
    );
}

#[test]
fn the_limit_itself_is_allowed() {
    for size in [1, 7, 2000] {
        let stream = frame(0x82, &[1; MAX]);
        let messages = read(&mut reader(), &stream, size);
        assert_eq!(
            messages,
            Ok(vec![ReceivedMessage::Binary(Bytes::from(vec![1; MAX]))])
        );
    }
}

#[test]
fn memory_follows_what_arrived_not_what_was_announced() {
    let mut reader = FrameReader::new(FrameLimits::default());
    let announced = 4 * 1024 * 1024;
    let mut stream = frame(0x82, &[]);
    stream[1] = 127;
    stream.extend((announced as u64).to_be_bytes());
    reader.feed(stream.into());
    assert_eq!(reader.next(), Ok(None));
    assert_eq!(reader.held_bytes(), 0);
    let read = Bytes::from(vec![7; 64 * 1024]);
    for arrived in (0..announced).step_by(read.len()).skip(1) {
        reader.feed(read.clone());
        assert_eq!(reader.next(), Ok(None));
        assert!(
            (arrived..=2 * arrived).contains(&reader.held_bytes()),
            "{arrived}"
        );
    }
    reader.feed(read);
    let Ok(Some(ReceivedMessage::Binary(payload))) = reader.next() else {
        panic!("no message")
    };
    assert_eq!(payload.len(), announced);
    assert_eq!(reader.held_bytes(), 0);
}

/// A message and how a server might send it: sizes of its fragments, pings between them.
#[derive(Debug, Clone)]
struct Sent {
    text: bool,
    payload: Vec<u8>,
    cuts: Vec<usize>,
    pings: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(any::<u8>(), MAX - 3..=MAX),
    ];
    let cuts = prop::collection::vec(0..300usize, 0..5);
    (any::<bool>(), payload, cuts, any::<bool>()).prop_map(|(text, payload, cuts, pings)| Sent {
        text,
        payload,
        cuts,
        pings,
    })
}

impl Sent {
    fn write(&self, stream: &mut Vec<u8>, expected: &mut Vec<ReceivedMessage>) {
        let mut opcode = if self.text { 0x1 } else { 0x2 };
        let mut rest = &self.payload[..];
        for cut in &self.cuts {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            stream.extend(frame(opcode, piece));
            (rest, opcode) = (after, 0);
            if self.pings {
                stream.extend(frame(0x89, b"?"));
                expected.push(ReceivedMessage::Ping(Bytes::from_static(b"?")));
            }
        }
        stream.extend(frame(0x80 | opcode, rest));
        let payload = Bytes::copy_from_slice(&self.payload);
        expected.push(if self.text {
            ReceivedMessage::Text(payload)
        } else {
            ReceivedMessage::Binary(payload)
        });
    }
}

proptest! {
    #[test]
    fn any_messages_in_any_pieces_come_out_the_same(
        messages in prop::collection::vec(sent(), 0..6),
        chunks in prop::collection::vec(1..400usize, 1..40),
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for message in &messages {
            message.write(&mut stream, &mut expected);
        }
        let (mut reader, mut received) = (reader(), Vec::new());
        let (mut rest, mut sizes) = (&stream[..], chunks.iter().cycle());
        while !rest.is_empty() {
            let size = *sizes.next().expect("a cycle has no end");
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            reader.feed(Bytes::copy_from_slice(chunk));
            while let Some(message) = reader.next().expect("a correct stream") {
                received.push(message);
            }
            prop_assert!(reader.held_bytes() <= MAX);
        }
        prop_assert_eq!(received, expected);
        prop_assert_eq!(reader.held_bytes(), 0);
    }

    #[test]
    fn garbage_neither_panics_nor_piles_up(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
    ) {
        let mut reader = reader();
        'stream: for chunk in chunks {
            reader.feed(chunk.into());
            loop {
                match reader.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
            prop_assert!(reader.held_bytes() <= MAX + 125);
        }
    }

    #[test]
    fn what_a_client_writes_a_server_reads(payload in prop::collection::vec(any::<u8>(), 0..MAX)) {
        let key = MaskKeys::new(7).next_key();
        let mut out = Vec::new();
        write_binary(&mut out, key, &payload);
        // Unmasked by hand, it is a frame as a server would send it.
        let header = out.len() - payload.len();
        mask::apply(&mut out[header..], key);
        out.drain(header - 4..header);
        out[1] &= 0x7F;
        let received = read(&mut reader(), &out, out.len());
        prop_assert_eq!(received, Ok(vec![ReceivedMessage::Binary(payload.into())]));
    }
}
