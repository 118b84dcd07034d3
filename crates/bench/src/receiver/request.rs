//! The part of HTTP/1.1 that webhooks need: one request after the other on a connection, each body with its length.

use std::io;
use std::ops::Range;

use bytes::{Buf as _, BytesMut};
use longwire_wire::webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of one read: several requests, or one with its body.
const READ_BYTES: usize = 16 << 10;
/// The longest head.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// The longest body: the largest event in a batch of many.
const MAX_BODY_BYTES: usize = 64 << 20;
const MAX_HEADERS: usize = 64;

/// A connection that requests come over.
pub(super) struct RequestConnection {
    stream: TcpStream,
    buffer: BytesMut,
    /// Bytes of the buffer that belong to the request that was returned last.
    used: usize,
}

/// A request, as it lies in the connection's buffer.
pub(super) struct ReceivedRequest<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    /// The headers of Standard Webhooks; empty where they are absent.
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) signature: &'a str,
    pub(super) body: &'a [u8],
}

/// Where the parts of a request are.
#[derive(Default)]
struct Parts {
    method: Range<usize>,
    target: Range<usize>,
    id: Range<usize>,
    timestamp: Range<usize>,
    signature: Range<usize>,
    head: usize,
    body: usize,
}

impl RequestConnection {
    pub(super) fn new(stream: TcpStream) -> Self {
        // It fails only where TCP has no such option; answers are merely later then.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: BytesMut::with_capacity(READ_BYTES),
            used: 0,
        }
    }

    /// The next request; `None` when the client has closed the connection.
    pub(super) async fn next(&mut self) -> io::Result<Option<ReceivedRequest<'_>>> {
        self.buffer.advance(self.used);
        self.used = 0;
        let parts = loop {
            if let Some(parts) = parts(&self.buffer)? {
                if parts.head + parts.body > MAX_HEAD_BYTES + MAX_BODY_BYTES {
                    return Err(invalid("the body is too large"));
                }
                if self.buffer.len() >= parts.head + parts.body {
                    break parts;
                }
                self.buffer
                    .reserve(parts.head + parts.body - self.buffer.len());
            } else if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(invalid("the head is too long"));
            }
            self.buffer.reserve(READ_BYTES.min(MAX_HEAD_BYTES));
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        };
        self.used = parts.head + parts.body;
        let bytes = &self.buffer[..];
        let text = |range: Range<usize>| std::str::from_utf8(&bytes[range]).unwrap_or_default();
        Ok(Some(ReceivedRequest {
            method: text(parts.method),
            target: text(parts.target),
            id: text(parts.id),
            timestamp: text(parts.timestamp),
            signature: text(parts.signature),
            body: &bytes[parts.head..parts.head + parts.body],
        }))
    }

    /// Writes an answer, whose connection goes on.
    pub(super) async fn answer(&mut self, status: u16, json: &[u8]) -> io::Result<()> {
        if (status, json) == (200, b"") {
            // The one that is measured.
            const DONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            return self.stream.write_all(DONE).await;
        }
        let head = format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            json.len()
        );
        self.stream
            .write_all(&[head.as_bytes(), json].concat())
            .await
    }
}

/// Finds the parts; `None` while the head is not whole.
fn parts(bytes: &[u8]) -> io::Result<Option<Parts>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let status = request.parse(bytes).map_err(invalid)?;
    let httparse::Status::Complete(head) = status else {
        return Ok(None);
    };
    let place = |part: &[u8]| {
        // It is borrowed, so it lies within the buffer.
        let start = part.as_ptr().addr() - bytes.as_ptr().addr();
        start..start + part.len()
    };
    let mut parts = Parts {
        method: place(request.method.unwrap_or_default().as_bytes()),
        target: place(request.path.unwrap_or_default().as_bytes()),
        head,
        ..Parts::default()
    };
    for header in request.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let length = std::str::from_utf8(header.value).ok();
            let length = length.and_then(|text| text.trim().parse().ok());
            parts.body = length.ok_or_else(|| invalid("the length is no number"))?;
        } else if is("transfer-encoding") {
            return Err(invalid("a body without a length"));
        } else if is(ID_HEADER) {
            parts.id = place(header.value);
        } else if is(TIMESTAMP_HEADER) {
            parts.timestamp = place(header.value);
        } else if is(SIGNATURE_HEADER) {
            parts.signature = place(header.value);
        }
    }
    Ok(Some(parts))
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_once_the_head_is_whole() {
        let text =
            b"POST /events HTTP/1.1\r\nHost: a\r\nWebhook-Id: evt_1\r\ncontent-length: 2\r\n\r\n{}";
        for end in 0..text.len() - 2 {
            assert!(parts(&text[..end]).expect("so far").is_none(), "{end}");
        }
        let found = parts(text).expect("a request").expect("it is whole");
        assert_eq!(&text[found.id], b"evt_1");
        assert_eq!((&text[found.target], found.body), (&b"/events"[..], 2));
        assert_eq!(&text[found.head..], b"{}");
    }

    #[test]
    fn a_body_needs_its_length() {
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(parts(chunked).is_err());
        assert!(parts(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n").is_err());
    }
}
