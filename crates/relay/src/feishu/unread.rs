//! How much of what a client was sent it may not have read yet.
//!
//! A client whose handler blocks its loop reads nothing meanwhile. If more were sent than its kernel holds for it, its kernel
//! would take nothing more, and ours could not tell that from a host that is gone: it would end the connection after the user
//! time-out. So little is sent ahead. A WebSocket ping behind what was sent tells how far the client has read, because its
//! library answers pings in order; so does the ACK of an event.
//!
//! A machine: positions are counts of bytes since the connection began.

/// What may be sent ahead of what the client has read: less than the smallest receive buffer that kernels give a connection
/// (64 KiB on Linux), and enough for some dozens of messages.
const AHEAD_BYTES: u64 = 48 * 1024;
/// Sent since the last ping before the next one: a busy client gets one ping for many events.
const PING_EVERY_BYTES: u64 = 16 * 1024;

/// What was sent, and what of it was read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    sent: u64,
    read: u64,
    /// The position of the ping that was not answered yet.
    pinged: Option<u64>,
    /// Something waits until more was read.
    is_waiting: bool,
}

impl Unread {
    /// Whether so many bytes may be sent. What is longer than all that may be ahead is sent alone.
    pub(super) fn admits(&mut self, bytes: u64) -> bool {
        let ahead = self.sent - self.read;
        let admits = ahead == 0 || ahead + bytes <= AHEAD_BYTES;
        self.is_waiting = !admits;
        admits
    }

    /// So many bytes were sent. Returns the position behind them.
    pub(super) fn handle_sent(&mut self, bytes: u64) -> u64 {
        self.sent += bytes;
        self.sent
    }

    /// The client has read everything up to there, as the ACK of what ended there shows.
    pub(super) fn handle_read(&mut self, position: u64) {
        self.read = self.read.max(position);
        if self.pinged.is_some_and(|pinged| pinged <= self.read) {
            self.pinged = None;
        }
    }

    /// A pong came. One that answers no ping of ours says nothing.
    pub(super) fn handle_pong(&mut self, payload: &[u8]) {
        let position = payload.try_into().map(u64::from_be_bytes);
        if let (Ok(position), Some(pinged)) = (position, self.pinged)
            && position == pinged
        {
            self.handle_read(position);
        }
    }

    /// The payload of a ping that is to be sent now.
    pub(super) fn poll_ping(&mut self) -> Option<[u8; 8]> {
        let ahead = self.sent - self.read;
        let is_due = self.is_waiting && ahead > 0 || ahead >= PING_EVERY_BYTES;
        if !is_due || self.pinged.is_some() {
            return None;
        }
        self.pinged = Some(self.sent);
        Some(self.sent.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_sent_ahead_of_a_client_that_reads_nothing() {
        let mut unread = Unread::default();
        let mut sent = 0;
        while unread.admits(1024) {
            unread.handle_sent(1024);
            sent += 1;
            assert!(sent < 100, "it is bounded");
        }
        assert_eq!(sent, 48);
        let ping = unread.poll_ping().expect("one is due");
        assert_eq!(unread.poll_ping(), None);
        // Not ours.
        unread.handle_pong(b"hello");
        unread.handle_pong(&7_u64.to_be_bytes());
        assert!(!unread.admits(1024));
        unread.handle_pong(&ping);
        assert!(unread.admits(1024));
    }

    #[test]
    fn what_is_long_is_sent_alone() {
        let mut unread = Unread::default();
        assert!(unread.admits(1 << 20));
        let end = unread.handle_sent(1 << 20);
        assert!(!unread.admits(1));
        // The ping behind it is sent, and its answer or the ACK proves that all was read.
        assert!(unread.poll_ping().is_some());
        unread.handle_read(end);
        assert!(unread.admits(1 << 20));
        let end = unread.handle_sent(100);
        assert!(!unread.admits(1 << 20));
        assert!(unread.poll_ping().is_some());
        unread.handle_read(end);
        assert!(unread.admits(1 << 20));
    }

    #[test]
    fn a_busy_client_gets_a_ping_for_many_events() {
        let mut unread = Unread::default();
        for _ in 0..15 {
            unread.handle_sent(1024);
            assert_eq!(unread.poll_ping(), None);
        }
        unread.handle_sent(1024);
        assert!(unread.poll_ping().is_some());
    }
}
