//! What a socket still has to write: one buffer of finished WebSocket messages, written in as few calls as the kernel
//! takes, and given back when it is empty.

use crate::answer::Answer;
use longwire_egress::BoxedSocket;
use longwire_egress::ws::{self, MaskKeys, Opcode};
use longwire_wire::frame::Frame;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;

/// Above this a socket stops reading: the other side does not take what we answer.
const FULL_BYTES: usize = 256 * 1024;

/// Finished messages that wait for the kernel.
pub(super) struct Outbound {
    buffer: Vec<u8>,
    written: usize,
    masks: MaskKeys,
    limit: Duration,
    stuck_since: Option<Instant>,
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
            masks: MaskKeys::new(),
            limit,
            stuck_since: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.written
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() > FULL_BYTES
    }

    pub(super) fn answer(&mut self, answer: &Answer, waited: Duration) {
        answer.write(waited, &mut self.masks, &mut self.buffer);
    }

    pub(super) fn frame(&mut self, frame: &Frame) {
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

    pub(super) fn pong(&mut self, data: &[u8]) {
        ws::write_pong(&mut self.buffer, self.masks.next_key(), data);
    }

    pub(super) fn close(&mut self, code: u16) {
        ws::write_close(&mut self.buffer, self.masks.next_key(), code, "");
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
                    let since = *self.stuck_since.get_or_insert(now);
                    if now.saturating_duration_since(since) >= self.limit {
                        return Poll::Ready(Err(WriteFailure::Stuck));
                    }
                    return Poll::Pending;
                }
            }
        }
        if !self.buffer.is_empty() {
            // TLS keeps a buffer of its own.
            match ready!(Pin::new(io).poll_flush(cx)) {
                Ok(()) => {}
                Err(error) => return Poll::Ready(Err(WriteFailure::Io(error))),
            }
            self.written = 0;
            // An idle connection holds no buffer.
            self.buffer = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// When a write that does not proceed has had its time.
    pub(super) fn due(&self) -> Option<Instant> {
        self.stuck_since.map(|since| since + self.limit)
    }
}
