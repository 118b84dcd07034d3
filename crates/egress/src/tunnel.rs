//! Opens a `CONNECT` tunnel through a proxy (RFC 9110, section 9.3.6).

use std::io;

use actix_rt::net::TcpStream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::error::{EgressError, NoRoute};
use crate::proxy::ProxyUrl;

/// The longest accepted head of a proxy's answer, which usually is a status line and a few headers.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Asks the proxy at the other end of `stream` for a tunnel to `authority` (`host:port`).
///
/// It reads exactly the head of the answer, because the bytes after it come from the target.
pub(crate) async fn open(
    stream: &mut TcpStream,
    proxy: &ProxyUrl,
    authority: &str,
) -> Result<(), EgressError> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let unreachable = |error| EgressError::Unreachable {
        peer: proxy.to_string(),
        source: NoRoute::of_io(error),
    };
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(unreachable)?;
    let head = read_head(stream).await.map_err(unreachable)?;
    match head.as_deref().and_then(status) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(EgressError::ProxyUnauthorized),
        Some(status) => Err(EgressError::ProxyRefused { status }),
        None => Err(EgressError::Protocol {
            detail: format!("{proxy} does not answer like a proxy"),
        }),
    }
}

/// The head up to its empty line; `None` if it is longer than [`MAX_HEAD_BYTES`].
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    let mut peeked = [0; 1024];
    while head.len() < MAX_HEAD_BYTES {
        let count = stream.peek(&mut peeked).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let before = head.len();
        head.extend_from_slice(&peeked[..count]);
        // The empty line may have begun in an earlier read.
        let from = before.saturating_sub(3);
        let end = head[from..]
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .map(|at| from + at + 4);
        head.truncate(end.unwrap_or(head.len()));
        let fresh = head.len() - before;
        stream.read_exact(&mut peeked[..fresh]).await?;
        if end.is_some() {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// The status of `HTTP/1.x NNN …`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.strip_prefix("HTTP/1.")?.split(' ');
    let (_minor, status) = (words.next()?, words.next()?);
    (status.len() == 3).then(|| status.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407\r\n\r\n", Some(407)),
            ("HTTP/2 200\r\n\r\n", None),
            ("SSH-2.0-OpenSSH\r\n\r\n", None),
            ("HTTP/1.1 20 x\r\n\r\n", None),
            ("HTTP/1.1 +20 x\r\n\r\n", Some(20)),
            ("", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head}");
        }
    }
}
