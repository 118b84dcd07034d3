//! The answer of an endpoint, as it is given to whoever posted.

use std::fmt;
use std::time::{Duration, SystemTime};

use time::PrimitiveDateTime;
use time::macros::format_description;

/// The most headers of a head that is understood.
pub(super) const MAX_HEADERS: usize = 64;

/// An answer of any status. A redirect is an answer like any other.
#[derive(Clone)]
pub struct PostAnswer {
    /// HTTP status, from 200 on, or the odd one below 100 that a server made up.
    pub status: u16,
    /// Whether [`body`](Self::body) is the whole body, and not only its beginning.
    pub body_is_whole: bool,
    /// Over which connection it came.
    pub connection: ConnectionUse,
    /// The head, then the kept part of the body.
    pub(super) received: Vec<u8>,
    pub(super) head_bytes: usize,
}

/// Over which connection an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionUse {
    /// A connection opened for it.
    Opened,
    /// A connection kept from an earlier request.
    Kept,
    /// A connection opened for it, after a kept one was closed without an answer. The application may have the request
    /// twice.
    Resent,
}

impl PostAnswer {
    /// The body, at most [`PostLimits::keep_bytes`](super::PostLimits::keep_bytes) of it. Transfer coding is
    /// taken off; a content coding would not be, and none is asked for.
    pub fn body(&self) -> &[u8] {
        &self.received[self.head_bytes..]
    }

    /// Whether the status is 2xx: the application has taken what was sent.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first value of the header `name`, ignoring case. `None` also if the value is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(&self.received[..self.head_bytes]).ok()?;
        let mut headers = response.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    }

    /// The time that `Retry-After` asks to wait from `now` on, in seconds or as a date. Zero for a date in the past,
    /// `None` for no or no readable header.
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number beyond 64 bits is as good as never.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let date = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let at = PrimitiveDateTime::parse(value, date).ok()?.assume_utc();
        let at = SystemTime::from(at);
        Some(at.duration_since(now).unwrap_or_default())
    }
}

impl fmt::Debug for PostAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Head and body are left out, because both may hold what people wrote or credentials.
        f.debug_struct("PostAnswer")
            .field("status", &self.status)
            .field("body_bytes", &self.body().len())
            .field("body_is_whole", &self.body_is_whole)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_come_again() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let received = format!("HTTP/1.1 503 x\r\nRetry-After: {value}\r\n\r\nbody");
            let answer = PostAnswer {
                status: 503,
                body_is_whole: true,
                connection: ConnectionUse::Opened,
                head_bytes: received.len() - 4,
                received: received.into_bytes(),
            };
            let wait = answer.retry_after(now);
            assert_eq!(wait, expected.map(Duration::from_secs), "{value}");
            assert_eq!(answer.body(), b"body");
            assert_eq!(answer.header("x-missing"), None);
        }
    }
}
