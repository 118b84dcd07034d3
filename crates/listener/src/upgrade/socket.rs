//! The socket of a connection that was handed over.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::Transport;

/// Between two probes of a silent peer. The kernel's own 75 s would be most of any deadline.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// The socket of a client that asked for a WebSocket: TCP, in the clear or under TLS. It gives the bytes first that came behind
/// the request.
///
/// It has no buffer of its own, no deadline and no bound; dropping it closes the connection. Under TLS, what was written may
/// stay in the session until it is flushed, so flush before you wait for an answer.
pub struct UpgradedSocket {
    transport: Transport,
    /// What came behind the request and was not read yet.
    early: Bytes,
}

impl UpgradedSocket {
    pub(crate) fn new(transport: Transport, early: &[u8]) -> Self {
        Self {
            transport,
            early: Bytes::copy_from_slice(early),
        }
    }

    /// Waits until there may be something to read, so that an idle connection needs no buffer. Ready although a read would have
    /// to wait is possible: then the read says so, and this waits again.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.transport.poll_read_ready(cx)
    }

    /// The same, as a future.
    ///
    /// # Errors
    /// The socket is broken.
    pub async fn read_ready(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_read_ready(cx)).await
    }

    /// From now on the kernel ends the connection once its peer has not answered for about this long, be it to bytes of ours or,
    /// on a silent connection, to probes. A program that is alive and does nothing is answered for by its kernel.
    ///
    /// # Errors
    /// The kernel does not take it.
    pub fn end_without_peer(&self, after: Duration) -> io::Result<()> {
        let socket = SockRef::from(self.transport.tcp());
        let probes = TcpKeepalive::new()
            .with_time(after.min(PROBE_INTERVAL))
            .with_interval(PROBE_INTERVAL);
        socket.set_tcp_keepalive(&probes)?;
        // With it the number of probes says nothing any more: the time alone decides.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        socket.set_tcp_user_timeout(Some(after))?;
        Ok(())
    }
}

impl fmt::Debug for UpgradedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradedSocket")
            .field("peer", &self.transport.peer())
            .field("is_tls", &self.transport.is_tls())
            .finish_non_exhaustive()
    }
}

impl AsyncRead for UpgradedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let bytes = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..bytes]);
            self.early.advance(bytes);
            if self.early.is_empty() {
                // An empty rest would keep the whole allocation.
                self.early = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.transport).poll_read(cx, buf)
    }
}

impl AsyncWrite for UpgradedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
