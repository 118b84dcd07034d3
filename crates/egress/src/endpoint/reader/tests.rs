//! Answers of every framing, whole and broken, in any pieces.

use proptest::prelude::*;

use super::*;

const KEEP_BYTES: usize = 10;

/// What came of some bytes and the end of the connection.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: u16,
    body: Vec<u8>,
    body_is_whole: bool,
}

/// Reads the answer to its end, in the pieces that begin at `cuts`, and closes the connection.
fn read(
    bytes: &[u8],
    cuts: &[usize],
) -> Result<Result<(Outcome, AnswerReader), AtClose>, MalformedAnswer> {
    let mut reader = AnswerReader::new(KEEP_BYTES);
    let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    edges.extend([0, bytes.len()]);
    edges.sort_unstable();
    let mut progress = Progress::Incomplete;
    for piece in edges.windows(2) {
        if progress == Progress::Over {
            break;
        }
        progress = reader.read(&bytes[piece[0]..piece[1]])?;
    }
    if progress != Progress::Over {
        match reader.at_close() {
            AtClose::Whole => {}
            other => return Ok(Err(other)),
        }
    }
    let outcome = Outcome {
        status: reader.status,
        body: reader.received[reader.head_bytes..].to_vec(),
        body_is_whole: reader.whole && matches!(reader.state, State::Over),
    };
    Ok(Ok((outcome, reader)))
}

#[track_caller]
fn check(text: &str, status: u16, body: &str, persistent: bool) {
    let (outcome, reader) = read(text.as_bytes(), &[])
        .expect("an answer")
        .expect("a whole one");
    let expected = Outcome {
        status,
        body: body.as_bytes().to_vec(),
        body_is_whole: true,
    };
    assert_eq!(outcome, expected, "{text:?}");
    assert_eq!(reader.is_persistent(), persistent, "{text:?}");
}

#[track_caller]
fn check_malformed(text: &str, expected: MalformedAnswer) {
    assert_eq!(
        read(text.as_bytes(), &[]).err(),
        Some(expected),
        "{text:.80}"
    );
}

#[track_caller]
fn check_cut(text: &str, expected: AtClose) {
    let read = read(text.as_bytes(), &[]).expect("what there is fits");
    assert_eq!(read.err(), Some(expected), "{text:?}");
}

#[test]
fn each_way_to_tell_the_end() {
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        200,
        "{}",
        true,
    );
    check("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, "", true);
    check("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true);
    check("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", 304, "", true);
    check("HTTP/1.1 200\r\n\r\nuntil", 200, "until", false);
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        "{}",
        true,
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        200,
        "x",
        true,
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nz",
        200,
        "z",
        false,
    );
    check(
        "HTTP/1.1 500 x\r\nContent-Length: 1, 1\r\n\r\nx",
        500,
        "x",
        true,
    );
}

#[test]
fn whether_the_connection_can_be_used_again() {
    for (head, persistent) in [
        ("HTTP/1.1 200 OK\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: foo, CLOSE\r\n", false),
        ("HTTP/1.0 200 OK\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", true),
    ] {
        check(
            &format!("{head}Content-Length: 1\r\n\r\nx"),
            200,
            "x",
            persistent,
        );
    }
    // Two lengths, a coding of HTTP/1.0, more than was asked for.
    check(
        "HTTP/1.1 200 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        200,
        "",
        false,
    );
    check(
        "HTTP/1.0 200 x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        200,
        "",
        false,
    );
    check(
        "HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\nxy",
        200,
        "x",
        false,
    );
}

#[test]
fn how_long_it_is_kept() {
    for (value, expected) in [
        ("timeout=5, max=100", Some(5)),
        ("max=3,Timeout = 72", Some(72)),
        ("timeout=x", None),
        ("5", None),
    ] {
        let text = format!("HTTP/1.1 204 x\r\nKeep-Alive: {value}\r\n\r\n");
        let read = read(text.as_bytes(), &[]).expect("an answer");
        let (_, reader) = read.expect("a whole one");
        assert_eq!(reader.keep_alive(), expected.map(Duration::from_secs));
    }
}

#[test]
fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n";
    check(
        &format!("{interim}HTTP/1.1 201 x\r\nContent-Length: 1\r\n\r\nx"),
        201,
        "x",
        true,
    );
    check_malformed(
        &"HTTP/1.1 102 x\r\n\r\n".repeat(17),
        MalformedAnswer::TooManyInterim,
    );
    check_malformed("HTTP/1.1 101 x\r\n\r\n", MalformedAnswer::Upgrade);
    check_cut(interim, AtClose::Cut);
}

#[test]
fn what_is_no_answer() {
    for text in [
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
    ] {
        check_malformed(text, MalformedAnswer::Head);
    }
    for length in ["-1", "x", "1 1", "1, 2", "", "99999999999999999999999"] {
        let text = format!("HTTP/1.1 200 x\r\nContent-Length: {length}\r\n\r\n");
        check_malformed(&text, MalformedAnswer::ContentLength);
    }
    check_malformed(
        "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n",
        MalformedAnswer::Chunk,
    );
    let header = format!("X: {}\r\n", "x".repeat(1000));
    check_malformed(
        &format!("HTTP/1.1 200 x\r\n{}\r\n", header.repeat(20)),
        MalformedAnswer::HeadTooLong,
    );
    check_malformed(
        &format!("HTTP/1.1 200 x\r\n{}\r\n", "X: y\r\n".repeat(65)),
        MalformedAnswer::HeadTooLong,
    );
}

#[test]
fn connections_that_end_early() {
    check_cut("", AtClose::NothingCame);
    check_cut("HTTP/1.1 200 OK\r\n", AtClose::Cut);
    check_cut(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
        AtClose::Cut,
    );
    check_cut(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        AtClose::Cut,
    );
}

#[test]
fn a_long_body_is_kept_in_part() {
    for (head, over) in [
        ("Content-Length: 20", true),
        ("Transfer-Encoding: chunked", true),
        ("X: until-close", false),
    ] {
        let body = match head.contains("chunked") {
            true => "8\r\n01234567\r\nC\r\n890123456789\r\n0\r\n\r\n",
            false => "01234567890123456789",
        };
        let text = format!("HTTP/1.1 200 x\r\n{head}\r\n\r\n{body}");
        let whole = read(text.as_bytes(), &[])
            .expect("an answer")
            .expect("a whole one");
        assert_eq!(whole.0.body, b"0123456789");
        assert!(!whole.0.body_is_whole);
        assert_eq!(whole.1.is_persistent(), over, "{head}");
        // The kept part is an answer, whatever becomes of the rest.
        let part = read(&text.as_bytes()[..text.len() - 7], &[]).expect("an answer");
        let (outcome, reader) = part.expect("what is kept is there");
        assert_eq!(outcome, whole.0);
        assert!(!reader.is_persistent());
    }
}

#[test]
fn an_endless_body_is_given_up() {
    let head = format!("HTTP/1.1 200 x\r\nContent-Length: {}\r\n\r\n", u64::MAX);
    let mut reader = AnswerReader::new(KEEP_BYTES);
    let progress = reader.read(format!("{head}0123456789").as_bytes());
    assert_eq!(progress, Ok(Progress::Over));
    // A chunk of one byte, with so much around it that the kept part is never full.
    let mut reader = AnswerReader::new(MAX_BODY_BYTES);
    reader
        .read(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("a head");
    let mut reads = 0;
    while reader.read(b"1;aaaaaaaaaaaaaaaa\r\nx\r\n") == Ok(Progress::Incomplete) {
        reads += 1;
        assert!(reads < MAX_BODY_BYTES);
    }
    assert_eq!(reader.at_close(), AtClose::Whole);
    assert!(!reader.into_answer(ConnectionUse::Opened).body_is_whole);
}

fn answers() -> impl Strategy<Value = Vec<u8>> {
    let interim = prop::sample::select(vec!["", "HTTP/1.1 100 Continue\r\n\r\n"]);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    (interim, body, 0..5_u8, 1..9_usize, any::<bool>()).prop_map(
        |(interim, body, framing, chunk, cut)| {
            let mut bytes = interim.as_bytes().to_vec();
            bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\nX-A: b\r\n");
            match framing {
                0 => bytes.extend_from_slice(b"\r\n"),
                1 => bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes()),
                _ => bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
            }
            if framing < 2 {
                bytes.extend_from_slice(&body);
            } else {
                for chunk in body.chunks(chunk) {
                    bytes.extend(format!("{:x};e=1\r\n", chunk.len()).bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\nT: r\r\n\r\n");
            }
            if cut {
                bytes.truncate(bytes.len() * chunk / 9);
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_answer(
        bytes in answers(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let plain = |read: Result<Result<(Outcome, AnswerReader), AtClose>, MalformedAnswer>| {
            read.map(|read| read.map(|(outcome, _)| outcome))
        };
        prop_assert_eq!(plain(read(&bytes, &cuts)), plain(read(&bytes, &[])));
    }

    #[test]
    fn no_bytes_are_too_odd(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(any::<usize>(), 0..5),
    ) {
        // An answer or none. That it is none may be seen at once or when the connection ends, because a piece without the end
        // of a line is not looked at.
        let (whole, pieces) = (read(&bytes, &[]), read(&bytes, &cuts));
        prop_assert_eq!(matches!(whole, Ok(Ok(_))), matches!(pieces, Ok(Ok(_))));
    }
}
