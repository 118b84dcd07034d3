//! The client's end of a socket of the relay.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use longwire_wire::websocket::{
    FrameLimits, FrameReader, ReceivedMessage, write_binary, write_pong,
};

use crate::LIMIT;

/// Any mask will do: nothing here is a proxy that could be fooled.
const MASK: [u8; 4] = [1, 2, 3, 4];

/// An open connection.
pub struct RelaySocket {
    stream: TcpStream,
    reader: FrameReader,
    service_id: i32,
    writer: RelayWriter,
}

/// Writes frames from any thread.
#[derive(Clone)]
pub struct RelayWriter(Arc<Mutex<TcpStream>>);

impl RelaySocket {
    /// Asks for the socket of this URL.
    ///
    /// # Errors
    /// The network failed, or the upgrade is refused: then the error's text is the head of the answer.
    pub fn open(url: &str) -> io::Result<Self> {
        let rest = url.strip_prefix("ws://").unwrap_or(url);
        let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        write!(
            stream,
            "GET /{target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             User-Agent: oapi-sdk-rust/0\r\n\r\n"
        )?;
        let (head, behind) = read_head(&mut stream)?;
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(io::Error::other(head));
        }
        let mut reader = FrameReader::new(FrameLimits::default());
        reader.feed(behind.into());
        let service_id = query(url, "service_id").and_then(|id| id.parse().ok());
        Ok(Self {
            writer: RelayWriter(Arc::new(Mutex::new(stream.try_clone()?))),
            stream,
            reader,
            service_id: service_id.unwrap_or(0),
        })
    }

    /// The number that its frames carry.
    #[must_use]
    pub fn service_id(&self) -> i32 {
        self.service_id
    }

    /// The socket.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes from any thread.
    #[must_use]
    pub fn writer(&self) -> RelayWriter {
        self.writer.clone()
    }

    /// The next message but pings, which are answered; `None` once the connection has ended, or nothing came for very long.
    #[expect(
        clippy::should_implement_trait,
        reason = "it would end the iterator although it waits for a message"
    )]
    pub fn next(&mut self) -> Option<ReceivedMessage> {
        self.stream.set_read_timeout(Some(4 * LIMIT)).ok()?;
        loop {
            match self.reader.next().expect("longwire keeps to RFC 6455") {
                Some(ReceivedMessage::Ping(payload)) => {
                    self.writer.with(|out| write_pong(out, MASK, &payload));
                }
                Some(ReceivedMessage::Close(_)) => return None,
                Some(message) => return Some(message),
                None => {
                    let mut burst = vec![0; 65_536];
                    let bytes = self.stream.read(&mut burst).ok().filter(|read| *read > 0)?;
                    burst.truncate(bytes);
                    self.reader.feed(Bytes::from(burst));
                }
            }
        }
    }
}

impl RelayWriter {
    /// Sends a frame of the platform's. A connection that is gone takes it, and nobody hears of it.
    pub fn send(&self, frame: &[u8]) {
        self.with(|out| write_binary(out, MASK, frame));
    }

    fn with(&self, fill: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        fill(&mut bytes);
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = stream.write_all(&bytes);
    }
}

/// The head of the answer, and what came behind it.
fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    stream.set_read_timeout(Some(LIMIT))?;
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let behind = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), behind));
        }
        let mut some = [0; 4096];
        match stream.read(&mut some)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => read.extend_from_slice(&some[..bytes]),
        }
    }
}

/// The value of a key of a URL's query.
fn query<'a>(url: &'a str, key: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}
