//! The state of one live connection: its output and the callbacks in it, its subscription and its faults.
//!
//! The connection's task owns the socket and takes the output from here. Code that adds output notifies the task through
//! the [`OutputSignal`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_platform_server::websocket::{self, opcode};

use crate::connection::ConnectionMode;
use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::live::{Ending, OutputSignal};
use crate::wall_clock::WallClock;
use crate::wecom::ledger::{ConnectionView, SubscriptionState};

/// How the platform answers heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PongMode {
    pub(crate) silent: bool,
    pub(crate) delay: Option<Duration>,
    pub(crate) code: Option<i64>,
}

/// A live connection.
#[derive(Debug)]
pub(crate) struct LiveConnection {
    pub(crate) id: ConnectionId,
    pub(crate) output_signal: Arc<OutputSignal>,
    pub(crate) outbox: Vec<u8>,
    /// Bytes given to the task since the connection opened.
    handed: u64,
    /// Of these, written to the socket.
    written: u64,
    /// Callbacks not written yet, each with the offset of its end.
    marks: VecDeque<(u64, AttemptId)>,
    pub(crate) bot: Option<u32>,
    pub(crate) state: SubscriptionState,
    pub(crate) subscribed: Option<Instant>,
    pub(crate) ending: Option<Ending>,
    pub(crate) reading: bool,
    pub(crate) half_open: bool,
    pub(crate) pong: PongMode,
    /// WebSocket frames of each message.
    pub(crate) pieces: usize,
    opened: Instant,
    pub(crate) last_heard: Instant,
    pub(crate) last_ping: Option<Instant>,
    pub(crate) pings: u64,
    pub(crate) protocol_pongs: u64,
    callbacks: u64,
}

impl LiveConnection {
    pub(crate) fn new(id: ConnectionId, output_signal: Arc<OutputSignal>, now: Instant) -> Self {
        Self {
            id,
            output_signal,
            outbox: Vec::new(),
            handed: 0,
            written: 0,
            marks: VecDeque::new(),
            bot: None,
            state: SubscriptionState::None,
            subscribed: None,
            ending: None,
            reading: true,
            half_open: false,
            pong: PongMode::default(),
            pieces: 1,
            opened: now,
            last_heard: now,
            last_ping: None,
            pings: 0,
            protocol_pongs: 0,
            callbacks: 0,
        }
    }

    pub(crate) fn mode(&self) -> ConnectionMode {
        ConnectionMode {
            ending: self.ending,
            reading: self.reading,
            half_open: self.half_open,
        }
    }

    pub(crate) fn subscribed(&self) -> bool {
        self.state == SubscriptionState::Subscribed
    }

    /// Bytes that are not on the socket yet.
    fn unsent(&self) -> usize {
        let handed = usize::try_from(self.handed - self.written).unwrap_or(usize::MAX);
        handed.saturating_add(self.outbox.len())
    }

    /// Whether another frame fits the output.
    pub(crate) fn has_room(&self, limit: usize) -> bool {
        self.ending.is_none() && self.unsent() < limit
    }

    /// Appends a text message and notifies the task.
    pub(crate) fn send_text(&mut self, text: &[u8]) {
        if self.ending.is_some() {
            return;
        }
        self.write_text(text);
        self.output_signal.notify();
    }

    fn write_text(&mut self, text: &[u8]) {
        if self.pieces > 1 {
            websocket::write_in_pieces(&mut self.outbox, opcode::TEXT, text, self.pieces);
        } else {
            websocket::write_message(&mut self.outbox, opcode::TEXT, text);
        }
    }

    /// Appends a callback. `write` appends its text, which has `len` bytes.
    pub(crate) fn send_callback(
        &mut self,
        of: AttemptId,
        len: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.pieces > 1 {
            let mut text = Vec::with_capacity(len);
            write(&mut text);
            self.write_text(&text);
        } else {
            websocket::write_header(&mut self.outbox, true, opcode::TEXT, len as u64);
            write(&mut self.outbox);
        }
        let end = self.handed + self.outbox.len() as u64;
        self.marks.push_back((end, of));
        self.callbacks += 1;
        self.output_signal.notify();
    }

    /// Counts bytes that are on the socket now, and calls `whole` for each callback that is complete.
    pub(crate) fn wrote(&mut self, bytes: usize, mut whole: impl FnMut(AttemptId)) {
        self.written += bytes as u64;
        while let Some((end, of)) = self.marks.front().copied() {
            if end > self.written {
                break;
            }
            self.marks.pop_front();
            whole(of);
        }
    }

    /// Exchanges the task's empty buffer for the output.
    pub(crate) fn hand_over(&mut self, own: &mut Vec<u8>) {
        self.handed += self.outbox.len() as u64;
        std::mem::swap(&mut self.outbox, own);
        if own.is_empty() {
            // An idle connection holds no buffer.
            *own = Vec::new();
            self.outbox = Vec::new();
        }
    }

    /// Removes and returns the callbacks that were not written.
    pub(crate) fn take_marks(&mut self) -> VecDeque<(u64, AttemptId)> {
        std::mem::take(&mut self.marks)
    }

    pub(crate) fn view(&self, bot: Option<&str>, wall_clock: WallClock) -> ConnectionView {
        ConnectionView {
            id: self.id,
            bot: bot.map(str::to_owned),
            state: self.state,
            opened_at_ms: wall_clock.unix_ms(self.opened),
            subscribed_at_ms: self.subscribed.map(|at| wall_clock.unix_ms(at)),
            callbacks: self.callbacks,
            unwritten: self.marks.len() as u64,
            pings: self.pings,
            last_ping_at_ms: self.last_ping.map(|at| wall_clock.unix_ms(at)),
            protocol_pongs: self.protocol_pongs,
            reading: self.reading && !self.half_open,
            half_open: self.half_open,
        }
    }
}
