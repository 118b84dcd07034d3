//! Messages over the connection of a takeover, on an arbiter.

use std::io;

use bytes::BytesMut;
use longwire_takeover::TakeoverMessage;
use longwire_takeover::frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// The first byte of the answer to `Hello`: the takeover begins, and files come with this byte.
pub(super) const WELCOME: u8 = b'W';
/// The same: it does not begin.
pub(super) const REFUSED: u8 = b'R';

/// Reads messages.
pub(super) struct MessageReader<R = OwnedReadHalf> {
    stream: R,
    came: BytesMut,
}

/// Both halves of a connection.
pub(super) fn split(stream: UnixStream) -> (MessageReader, OwnedWriteHalf) {
    let (stream, writer) = stream.into_split();
    (MessageReader::of(stream), writer)
}

impl<R: tokio::io::AsyncRead + Unpin> MessageReader<R> {
    pub(super) fn of(stream: R) -> Self {
        Self {
            stream,
            came: BytesMut::new(),
        }
    }

    /// What was read of the connection before comes first.
    pub(super) fn put_back(&mut self, came: BytesMut) {
        self.came = came;
    }

    /// The next message; `None` when the other side has closed the connection. Can be dropped and called again.
    pub(super) async fn next(&mut self) -> io::Result<Option<TakeoverMessage>> {
        loop {
            if let Some(message) = frame::take(&mut self.came).map_err(io::Error::other)? {
                return Ok(Some(message));
            }
            if self.stream.read_buf(&mut self.came).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Sends a message.
pub(super) async fn send(
    stream: &mut (impl tokio::io::AsyncWrite + Unpin),
    message: &TakeoverMessage,
) -> io::Result<()> {
    stream.write_all(&frame::encode(message)).await
}
