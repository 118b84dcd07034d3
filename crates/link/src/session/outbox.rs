//! What a connection still has to write: one buffer of finished WebSocket messages, written in as few calls as the
//! kernel takes, and given back when it is empty.

use std::fmt;
use std::time::{Duration, Instant};

use longwire_wire::frame::Frame;
use longwire_wire::websocket::{MaskKeys, Opcode, frame_in_place, write_close, write_pong};

use super::answer::Answer;

/// Above this nothing is read: the other side does not take what it is answered.
const FULL_BYTES: usize = 256 * 1024;

/// So much that is written is cut off at once: often enough to bound the buffer, seldom enough to move little.
const FORGET_BYTES: usize = 64 * 1024;

/// Finished messages that wait for the kernel. Its owner writes [`unwritten`](Self::unwritten) until it is empty, flushes
/// the stream if [`needs_flush`](Self::needs_flush), and tells what came of each call.
pub struct Outbox {
    buffer: Vec<u8>,
    written: usize,
    masks: MaskKeys,
    /// How long a write may take. Four bytes, since every connection has one.
    limit_ms: u32,
    stuck_since: Option<Instant>,
    is_closed: bool,
}

impl Outbox {
    /// A write may take `limit`.
    pub(super) fn new(limit: Duration, seed: u64) -> Self {
        Self {
            buffer: Vec::new(),
            written: 0,
            masks: MaskKeys::new(seed),
            limit_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
            stuck_since: None,
            is_closed: false,
        }
    }

    /// What is to be written next.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Whether everything is written, and the stream's own buffer is to be flushed.
    #[must_use]
    pub fn needs_flush(&self) -> bool {
        !self.buffer.is_empty() && self.written == self.buffer.len()
    }

    /// The kernel took so many bytes.
    pub fn handle_written(&mut self, bytes: usize) {
        self.written += bytes;
        self.stuck_since = None;
    }

    /// The stream is flushed. TLS keeps a buffer of its own, which may be stuck as well.
    pub fn handle_flushed(&mut self) {
        self.stuck_since = None;
        self.written = 0;
        // An idle connection holds no buffer.
        self.buffer = Vec::new();
    }

    /// The other side takes nothing right now; it may do so for as long as the write deadline.
    pub fn handle_blocked(&mut self, now: Instant) {
        self.stuck_since.get_or_insert(now);
        // Under a steady load a slow other side never lets the buffer run empty, and it would keep every answer ever given.
        if self.written >= FORGET_BYTES {
            self.buffer.drain(..self.written);
            self.written = 0;
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

    /// Whether everything is written and flushed.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    pub(super) fn answer(&mut self, answer: &Answer, waited: Duration) {
        if !self.is_closed {
            answer.write(waited, &mut self.masks, &mut self.buffer);
        }
    }

    pub(super) fn frame(&mut self, frame: &Frame) {
        self.message(Opcode::Binary, &frame.to_bytes());
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.message(Opcode::Text, text);
    }

    fn message(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.is_closed {
            return;
        }
        let key = self.masks.next_key();
        frame_in_place(&mut self.buffer, opcode, key, payload.len(), |out| {
            out.extend_from_slice(payload);
        });
    }

    pub(super) fn pong(&mut self, data: &[u8]) {
        if !self.is_closed {
            write_pong(&mut self.buffer, self.masks.next_key(), data);
        }
    }

    /// Writes the close frame, once.
    pub(super) fn close(&mut self, code: u16) {
        if !std::mem::replace(&mut self.is_closed, true) {
            write_close(&mut self.buffer, self.masks.next_key(), code, "");
        }
    }

    /// The other side takes nothing any more.
    pub(super) fn give_up(&mut self) {
        self.buffer = Vec::new();
        self.written = 0;
        self.stuck_since = None;
        self.is_closed = true;
    }

    /// When a write that does not proceed has had its time.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let limit = Duration::from_millis(self.limit_ms.into());
        self.stuck_since.map(|since| since + limit)
    }

    /// Whether the other side took nothing for the whole write deadline.
    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|due| due <= now)
    }
}

/// Lengths only: the buffer may hold the bot's secret, masked with a key that stands beside it.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("unwritten_bytes", &self.len())
            .field("is_closed", &self.is_closed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_wire::frame::ServiceId;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_slow_other_side_bounds_the_buffer() {
        let mut outbox = Outbox::new(LIMIT, 1);
        let now = Instant::now();
        outbox.pong(&[0; 100]);
        for _ in 0..10_000 {
            outbox.pong(&[0; 100]);
            // As much as came in, so that something always remains.
            outbox.handle_written(106);
            outbox.handle_blocked(now);
        }
        assert_eq!(outbox.len(), 106);
        assert!(outbox.buffer.len() < 2 * FORGET_BYTES);
        outbox.handle_written(106);
        assert!(outbox.needs_flush());
        outbox.handle_flushed();
        assert_eq!(outbox.buffer.capacity(), 0);
    }

    #[test]
    fn nothing_follows_the_close_frame() {
        let mut outbox = Outbox::new(LIMIT, 1);
        outbox.close(1000);
        let closed = outbox.len();
        outbox.pong(b"late");
        outbox.text(b"late");
        outbox.frame(&Frame::ping(ServiceId(1)));
        outbox.close(1009);
        assert_eq!(outbox.len(), closed);
    }

    #[test]
    fn what_is_stuck_behind_tls_has_the_same_deadline() {
        let mut outbox = Outbox::new(LIMIT, 1);
        let now = Instant::now();
        outbox.pong(b"");
        outbox.handle_written(outbox.len());
        assert!(outbox.needs_flush());
        outbox.handle_blocked(now);
        outbox.handle_blocked(now + LIMIT / 2);
        assert_eq!(outbox.poll_timeout(), Some(now + LIMIT));
        assert!(!outbox.is_stuck(now + LIMIT / 2));
        assert!(outbox.is_stuck(now + LIMIT));
    }

    #[test]
    fn nothing_of_what_is_written_is_printed() {
        let mut outbox = Outbox::new(LIMIT, 1);
        outbox.text(b"s3cr3t");
        let printed = format!("{outbox:?}");
        assert_eq!(
            printed,
            "Outbox { unwritten_bytes: 12, is_closed: false, .. }"
        );
    }

    #[test]
    fn a_flush_that_comes_through_ends_the_deadline() {
        let mut outbox = Outbox::new(LIMIT, 1);
        outbox.pong(b"");
        outbox.handle_written(outbox.len());
        outbox.handle_blocked(Instant::now());
        outbox.handle_flushed();
        assert_eq!(outbox.poll_timeout(), None);
    }
}
