//! What a socket still has to write: one buffer of finished WebSocket messages, written in as few calls as the kernel
//! takes, and given back when it is empty.

use crate::answer::Answer;
use longwire_egress::BoxedSocket;
use longwire_wire::frame::Frame;
use longwire_wire::websocket::{self as ws, MaskKeys, Opcode};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;

/// Above this a socket stops reading: the other side does not take what we answer.
const FULL_BYTES: usize = 256 * 1024;

/// So much that is written is cut off at once: often enough to bound the buffer, seldom enough to move little.
const FORGET_BYTES: usize = 64 * 1024;

/// Finished messages that wait for the kernel.
pub(super) struct Outbound {
    buffer: Vec<u8>,
    written: usize,
    masks: MaskKeys,
    limit: Duration,
    stuck_since: Option<Instant>,
    is_closed: bool,
}

/// Why writing failed.
pub(super) enum WriteFailure {
    /// The kernel says so.
    Io(std::io::Error),
    /// The other side took nothing for the whole write deadline.
    Stuck,
}

impl Outbound {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            buffer: Vec::new(),
            written: 0,
            masks: MaskKeys::new(rand::random()),
            limit,
            stuck_since: None,
            is_closed: false,
        }
    }

    /// Whether the close frame is written: nothing may follow it (RFC 6455, section 5.5.1), so nothing is taken any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.written
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() > FULL_BYTES
    }

    pub(super) fn answer(&mut self, answer: &Answer, waited: Duration) {
        if self.is_closed {
            return;
        }
        answer.write(waited, &mut self.masks, &mut self.buffer);
    }

    pub(super) fn frame(&mut self, frame: &Frame) {
        if self.is_closed {
            return;
        }
        let bytes = frame.to_bytes();
        ws::frame_in_place(
            &mut self.buffer,
            Opcode::Binary,
            self.masks.next_key(),
            bytes.len(),
            |out| {
                out.extend_from_slice(&bytes);
            },
        );
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        if self.is_closed {
            return;
        }
        ws::frame_in_place(
            &mut self.buffer,
            Opcode::Text,
            self.masks.next_key(),
            text.len(),
            |out| {
                out.extend_from_slice(text);
            },
        );
    }

    pub(super) fn pong(&mut self, data: &[u8]) {
        if self.is_closed {
            return;
        }
        ws::write_pong(&mut self.buffer, self.masks.next_key(), data);
    }

    /// Says goodbye, once.
    pub(super) fn close(&mut self, code: u16) {
        if !std::mem::replace(&mut self.is_closed, true) {
            ws::write_close(&mut self.buffer, self.masks.next_key(), code, "");
        }
    }

    /// Nobody takes anything any more.
    pub(super) fn give_up(&mut self) {
        self.buffer = Vec::new();
        self.written = 0;
        self.stuck_since = None;
        self.is_closed = true;
    }

    /// Writes what the kernel takes; ready when nothing is left.
    pub(super) fn poll_flush(
        &mut self,
        io: &mut BoxedSocket,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<(), WriteFailure>> {
        while self.written < self.buffer.len() {
            match Pin::new(&mut *io).poll_write(cx, &self.buffer[self.written..]) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(WriteFailure::Io(
                        std::io::ErrorKind::WriteZero.into(),
                    )));
                }
                Poll::Ready(Ok(n)) => {
                    self.written += n;
                    self.stuck_since = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(WriteFailure::Io(error))),
                Poll::Pending => {
                    self.forget_written();
                    return self.stuck(now);
                }
            }
        }
        if !self.buffer.is_empty() {
            // TLS keeps a buffer of its own, which may be stuck as well.
            match Pin::new(io).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.stuck_since = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(WriteFailure::Io(error))),
                Poll::Pending => return self.stuck(now),
            }
            self.written = 0;
            // An idle connection holds no buffer.
            self.buffer = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// The other side takes nothing right now; it may do so for as long as the write deadline.
    fn stuck(&mut self, now: Instant) -> Poll<Result<(), WriteFailure>> {
        let since = *self.stuck_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= self.limit {
            return Poll::Ready(Err(WriteFailure::Stuck));
        }
        Poll::Pending
    }

    /// Gives back what the kernel has. Under a steady load a slow other side never lets the buffer run empty, and it
    /// would keep every answer ever given.
    fn forget_written(&mut self) {
        if self.written >= FORGET_BYTES {
            self.buffer.drain(..self.written);
            self.written = 0;
        }
    }

    /// When a write that does not proceed has had its time.
    pub(super) fn due(&self) -> Option<Instant> {
        self.stuck_since.map(|since| since + self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io;
    use std::rc::Rc;
    use std::task::Waker;
    use tokio::io::{AsyncRead, ReadBuf};

    const LIMIT: Duration = Duration::from_secs(10);

    /// Another side that takes what it has room for; its TLS hands nothing on while it is `stuck`.
    #[derive(Clone, Default)]
    struct Peer {
        room: Rc<Cell<usize>>,
        stuck: Rc<Cell<bool>>,
    }

    impl AsyncRead for Peer {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.room.get());
            self.room.set(self.room.get() - taken);
            if taken == 0 {
                return Poll::Pending;
            }
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.stuck.get() {
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn flush(outbound: &mut Outbound, peer: &Peer, now: Instant) -> Poll<Result<(), WriteFailure>> {
        let mut io: BoxedSocket = Box::new(peer.clone());
        outbound.poll_flush(&mut io, &mut Context::from_waker(Waker::noop()), now)
    }

    #[test]
    fn a_slow_other_side_bounds_the_buffer() {
        let (mut outbound, peer) = (Outbound::new(LIMIT), Peer::default());
        let now = Instant::now();
        outbound.pong(&[0; 100]);
        for _ in 0..10_000 {
            outbound.pong(&[0; 100]);
            // As much as came in, so that something always remains.
            peer.room.set(106);
            assert!(flush(&mut outbound, &peer, now).is_pending());
        }
        assert_eq!(outbound.len(), 106);
        assert!(outbound.buffer.len() < 2 * FORGET_BYTES);
        peer.room.set(usize::MAX);
        assert!(flush(&mut outbound, &peer, now).is_ready());
        assert_eq!(outbound.buffer.capacity(), 0);
    }

    #[test]
    fn nothing_follows_the_close_frame() {
        let mut outbound = Outbound::new(LIMIT);
        outbound.close(1000);
        let closed = outbound.len();
        outbound.pong(b"late");
        outbound.text(b"late");
        outbound.frame(&Frame::ping(longwire_wire::frame::ServiceId(1)));
        outbound.close(1009);
        assert_eq!(outbound.len(), closed);
    }

    #[test]
    fn what_is_stuck_behind_tls_has_the_same_deadline() {
        let (mut outbound, peer) = (Outbound::new(LIMIT), Peer::default());
        let now = Instant::now();
        peer.room.set(usize::MAX);
        peer.stuck.set(true);
        outbound.pong(b"");
        assert!(flush(&mut outbound, &peer, now).is_pending());
        assert_eq!(outbound.due(), Some(now + LIMIT));
        assert!(matches!(
            flush(&mut outbound, &peer, now + LIMIT),
            Poll::Ready(Err(WriteFailure::Stuck))
        ));
    }

    #[test]
    fn a_flush_that_comes_through_ends_the_deadline() {
        let (mut outbound, peer) = (Outbound::new(LIMIT), Peer::default());
        let now = Instant::now();
        peer.room.set(usize::MAX);
        peer.stuck.set(true);
        outbound.pong(b"");
        assert!(flush(&mut outbound, &peer, now).is_pending());
        peer.stuck.set(false);
        assert!(flush(&mut outbound, &peer, now).is_ready());
        assert_eq!(outbound.due(), None);
    }
}
