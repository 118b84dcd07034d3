//! What the head of an answer says of its body and its connection. No I/O here.

use std::time::Duration;

use super::answer::MAX_HEADERS;
use super::malformed::MalformedAnswer;

/// What a head says of what follows.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// Whether another request can follow over the connection.
    pub(super) persistent: bool,
    /// How long the server keeps it.
    pub(super) keep_alive: Option<Duration>,
}

/// How the end of a body is told (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// The head and its length in bytes; `None` if it has not ended yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, MalformedAnswer> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let head_bytes = match response.parse(bytes) {
            Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(MalformedAnswer::HeadTooLong),
            Err(_) => return Err(MalformedAnswer::Head),
        };
        let status = response.code.ok_or(MalformedAnswer::Head)?;
        let mut head = Self {
            status,
            framing: Framing::UntilClose,
            persistent: response.version == Some(1),
            keep_alive: None,
        };
        let (mut length, mut coding) = (None, None);
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                length = Some(content_length(header.value, length)?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                coding = elements(header.value).last().or(coding);
            } else if header.name.eq_ignore_ascii_case("connection") {
                head.connection(header.value);
            } else if header.name.eq_ignore_ascii_case("keep-alive") {
                head.keep_alive = elements(header.value).find_map(timeout);
            }
        }
        head.framing = match (status, coding, length) {
            (100..=199 | 204 | 304, _, _) => Framing::None,
            (_, Some(coding), _) => {
                // Two answers to one question are how answers are smuggled in; and HTTP/1.0 has no codings.
                head.persistent &= length.is_none() && response.version == Some(1);
                match coding.eq_ignore_ascii_case(b"chunked") {
                    true => Framing::Chunked,
                    false => Framing::UntilClose,
                }
            }
            (_, None, Some(length)) => Framing::Length(length),
            (_, None, None) => Framing::UntilClose,
        };
        head.persistent &= !matches!(head.framing, Framing::UntilClose);
        Ok(Some((head, head_bytes)))
    }

    fn connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.persistent = false;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.persistent = true;
            }
        }
    }
}

/// The elements of a list with commas, without the blanks around them.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let elements = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    elements.filter(|element| !element.is_empty())
}

/// The length of a header, which may be told several times if it is the same each time.
fn content_length(value: &[u8], before: Option<u64>) -> Result<u64, MalformedAnswer> {
    let mut known = before;
    for element in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        let digits = std::str::from_utf8(element).ok();
        let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        let length = digits.and_then(|digits| digits.parse().ok());
        let length = length.ok_or(MalformedAnswer::ContentLength)?;
        if known.is_some_and(|known| known != length) {
            return Err(MalformedAnswer::ContentLength);
        }
        known = Some(length);
    }
    known.ok_or(MalformedAnswer::ContentLength)
}

/// The value of `timeout=5`, an element of `Keep-Alive`.
fn timeout(element: &[u8]) -> Option<Duration> {
    let (name, seconds) = std::str::from_utf8(element).ok()?.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("timeout") {
        return None;
    }
    seconds.trim().parse().ok().map(Duration::from_secs)
}
