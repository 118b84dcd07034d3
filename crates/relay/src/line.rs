//! The bytes of one connection of an application, whichever platform it speaks.
//!
//! ```text
//!  kernel ──bytes──▶ MessageReader ──ClientMessage──▶ LineOwner::heard
//!  kernel ◀──bytes── outbox ◀──write_…── LineOwner::tend, heard, its handlers
//! ```
//! The actor of a connection owns its [`Line`] and spawns a [`Pump`] on its context, which moves the bytes. actix handles the
//! mailbox first and polls the pump after, so all that came at once leaves in one write. An idle connection has no buffer: it
//! is read through a scratch buffer of the thread, and what was written is let go as soon as the kernel has it.
//!
//! A peer that takes nothing of what it is sent for [`BLOCKED_MOST`] is let go. How much may be on its way is the owner's
//! business: it stops where [`Line::has_room`] says no.

mod pump;

use std::time::{Duration, Instant};

use longwire_listener::UpgradedSocket;
use longwire_platform_server::websocket::{
    ClientViolation, MessageReader, opcode, write_close, write_message,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

pub(crate) use pump::{LineOwner, Pump};

/// Unwritten bytes above which nothing more is to be written: what one write of a busy connection takes.
const ROOM_BYTES: usize = 64 * 1024;
/// How long a peer may take nothing of what it is sent.
const BLOCKED_MOST: Duration = Duration::from_secs(120);
/// How long the peer's answer to our close frame is waited for. SDKs answer at once.
const CLOSE_MOST: Duration = Duration::from_secs(2);

/// What a line reads and writes. Boxed, so that tests bring pipes.
pub(crate) trait RelaySocket: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> RelaySocket for T {}

/// How long a refusal may take to be sent.
const REFUSAL_MOST: Duration = Duration::from_secs(5);

/// Sends a refusal of an upgrade over a socket that becomes no line, and hangs up.
pub(crate) fn hang_up(mut socket: UpgradedSocket, head: Vec<u8>) {
    actix_rt::spawn(async move {
        let sent = async {
            socket.write_all(&head).await?;
            socket.shutdown().await
        };
        // Whoever does not take it needs it no more.
        let _ = timeout(REFUSAL_MOST, sent).await;
    });
}

/// How a line ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// The peer sent a close frame, with this code if it gave one.
    Closed(Option<u16>),
    /// The peer answered our close frame, or did not in time.
    ClosedByUs,
    /// The peer hung up without a word.
    HungUp,
    /// The network failed.
    Failed(String),
    /// The peer broke RFC 6455.
    Violated(ClientViolation),
    /// The peer took nothing of what it was sent.
    NotReading,
    /// Its owner cut it.
    Cut,
}

impl LineEnd {
    /// A stable label, for the log and for counters.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Closed(_) => "closed",
            Self::ClosedByUs => "closed_by_us",
            Self::HungUp => "hung_up",
            Self::Failed(_) => "failed",
            Self::Violated(_) => "violated",
            Self::NotReading => "not_reading",
            Self::Cut => "cut",
        }
    }
}

/// Where a line is.
#[derive(Debug)]
enum Phase {
    /// Messages go both ways.
    Open,
    /// We sent a close frame, and wait for the peer's until then.
    Closing(Instant),
    /// What is left is written as far as the kernel takes it, and the line is over.
    Ending(LineEnd),
}

/// The bytes of one connection.
pub(crate) struct Line {
    socket: Box<dyn RelaySocket>,
    reader: MessageReader,
    outbox: Outbox,
    phase: Phase,
    is_reading_paused: bool,
    /// Somebody has more to write as soon as there is room.
    is_room_wanted: bool,
}

/// What was not written yet.
#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    needs_flush: bool,
    blocked_since: Option<Instant>,
}

impl Line {
    /// A line over this socket, whose first bytes out are these: the answer to the upgrade. Messages of the peer are this long
    /// at most.
    pub(crate) fn new(
        socket: Box<dyn RelaySocket>,
        first: Vec<u8>,
        max_message_bytes: usize,
    ) -> Self {
        Self {
            socket,
            reader: MessageReader::new(max_message_bytes),
            outbox: Outbox {
                bytes: first,
                ..Outbox::default()
            },
            phase: Phase::Open,
            is_reading_paused: false,
            is_room_wanted: false,
        }
    }

    /// Appends to what is sent; `fill` writes whole messages with their WebSocket headers. After a close frame nothing is sent.
    pub(crate) fn write(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        if matches!(self.phase, Phase::Open) {
            fill(&mut self.outbox.bytes);
        }
    }

    /// A text message in one frame.
    pub(crate) fn write_text(&mut self, text: &[u8]) {
        self.write(|out| write_message(out, opcode::TEXT, text));
    }

    /// A ping, whose payload (125 bytes at most) comes back in the pong.
    pub(crate) fn write_ping(&mut self, payload: &[u8]) {
        self.write(|out| write_message(out, opcode::PING, payload));
    }

    /// The answer to a ping of the peer.
    pub(crate) fn write_pong(&mut self, payload: &[u8]) {
        self.write(|out| write_message(out, opcode::PONG, payload));
    }

    /// Closes in order: what was written goes out, then a close frame, and the line is over when the peer has answered it or a
    /// little later. What the peer says meanwhile is still heard.
    pub(crate) fn close(&mut self, code: u16, reason: &str, now: Instant) {
        self.write(|out| write_close(out, Some(code), reason));
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Closing(now + CLOSE_MOST);
        }
    }

    /// Hangs up without a close frame. What was written before goes out as far as the kernel takes it.
    pub(crate) fn cut(&mut self) {
        self.end(LineEnd::Cut);
    }

    /// Whether the peer is read from. While it is not, TCP holds it back.
    pub(crate) fn pause_reading(&mut self, is_paused: bool) {
        self.is_reading_paused = is_paused;
    }

    /// Whether it was closed, by whichever side. Nothing more is sent then.
    pub(crate) fn is_closing(&self) -> bool {
        !matches!(self.phase, Phase::Open)
    }

    /// Whether more should be written. After a no the owner is asked to tend again as soon as there is room.
    pub(crate) fn has_room(&mut self) -> bool {
        let has_room = matches!(self.phase, Phase::Open) && self.unwritten() < ROOM_BYTES;
        self.is_room_wanted |= !has_room;
        has_room
    }

    /// Bytes that the kernel has not taken yet.
    pub(crate) fn unwritten(&self) -> usize {
        self.outbox.unwritten().len()
    }

    /// When the line has to be looked at, whatever happens.
    fn due(&self) -> Option<Instant> {
        let blocked = self.outbox.blocked_since.map(|since| since + BLOCKED_MOST);
        let closing = match self.phase {
            Phase::Closing(until) => Some(until),
            Phase::Open | Phase::Ending(_) => None,
        };
        blocked.into_iter().chain(closing).min()
    }

    fn check_due(&mut self, now: Instant) {
        if self
            .outbox
            .blocked_since
            .is_some_and(|since| now >= since + BLOCKED_MOST)
        {
            self.end(LineEnd::NotReading);
        } else if let Phase::Closing(until) = self.phase
            && now >= until
        {
            self.end(LineEnd::ClosedByUs);
        }
    }

    /// The peer's close frame came.
    fn peer_closed(&mut self, code: Option<u16>) {
        match self.phase {
            Phase::Open => {
                self.write(|out| write_close(out, code, ""));
                self.end(LineEnd::Closed(code));
            }
            Phase::Closing(_) => self.end(LineEnd::ClosedByUs),
            Phase::Ending(_) => {}
        }
    }

    fn violated(&mut self, violation: ClientViolation) {
        self.write(|out| write_close(out, Some(violation.close_code()), ""));
        self.end(LineEnd::Violated(violation));
    }

    /// The first end counts.
    fn end(&mut self, end: LineEnd) {
        if !matches!(self.phase, Phase::Ending(_)) {
            self.phase = Phase::Ending(end);
        }
    }
}

impl Outbox {
    fn unwritten(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    fn handle_written(&mut self, bytes: usize) {
        self.written += bytes;
        self.needs_flush = true;
        self.blocked_since = None;
        if self.written == self.bytes.len() {
            // An idle connection keeps no buffer.
            self.bytes = Vec::new();
            self.written = 0;
        }
    }

    fn handle_blocked(&mut self, now: Instant) {
        self.blocked_since.get_or_insert(now);
    }
}
