//! The state of one live connection: its output and its faults.
//!
//! The connection's task owns the socket and takes the output from here. Code that adds output notifies the task through
//! the [`OutputSignal`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use futures_util::task::AtomicWaker;

use crate::fault::ConnectionId;
use crate::ledger::ConnectionView;
use crate::wall_clock::WallClock;

/// Wakes a connection's task when it has output to write.
#[derive(Debug, Default)]
pub(crate) struct OutputSignal {
    notified: AtomicBool,
    waker: AtomicWaker,
}

impl OutputSignal {
    pub(crate) fn notify(&self) {
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Called at the start of a poll. A later notification wakes the task again.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
        self.notified.store(false, Ordering::Release);
    }
}

/// How the simulator ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// RST, now.
    Reset,
    /// FIN once everything is written.
    Hangup,
    /// The close frame is in the output; wait for the peer's end.
    Close,
}

/// How pings are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PongMode {
    pub(crate) silent: bool,
    pub(crate) delay: Option<std::time::Duration>,
    pub(crate) config: Option<Bytes>,
}

/// A live connection.
#[derive(Debug)]
pub(crate) struct LiveConnection {
    pub(crate) id: ConnectionId,
    pub(crate) app: usize,
    pub(crate) device_id: String,
    pub(crate) output_signal: Arc<OutputSignal>,
    pub(crate) outbox: Vec<u8>,
    /// Bytes that the task has taken and not written yet.
    pub(crate) unsent: usize,
    pub(crate) ending: Option<Ending>,
    pub(crate) reading: bool,
    pub(crate) half_open: bool,
    /// Nothing is pushed yet: the client has not pinged.
    pub(crate) quiet: bool,
    pub(crate) pong: PongMode,
    pub(crate) pieces: usize,
    pub(crate) kick_after_periods: Option<u32>,
    pub(crate) in_loop: bool,
    /// Unanswered events of the closed loop.
    pub(crate) loop_open: u32,
    pub(crate) opened: Instant,
    pub(crate) last_ping: Option<Instant>,
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    pub(crate) protocol_pings: u64,
    pub(crate) protocol_pongs: u64,
    pub(crate) attempts: u64,
    pub(crate) unanswered: u32,
}

impl LiveConnection {
    pub(crate) fn new(
        id: ConnectionId,
        app: usize,
        device_id: String,
        output_signal: Arc<OutputSignal>,
        now: Instant,
    ) -> Self {
        Self {
            id,
            app,
            device_id,
            output_signal,
            outbox: Vec::new(),
            unsent: 0,
            ending: None,
            reading: true,
            half_open: false,
            quiet: false,
            pong: PongMode::default(),
            pieces: 1,
            kick_after_periods: None,
            in_loop: false,
            loop_open: 0,
            opened: now,
            last_ping: None,
            pings: 0,
            pongs: 0,
            protocol_pings: 0,
            protocol_pongs: 0,
            attempts: 0,
            unanswered: 0,
        }
    }

    /// Whether a frame may still be added.
    pub(crate) fn takes_frames(&self, limit: usize) -> bool {
        !self.half_open && self.ending.is_none() && self.outbox.len() + self.unsent < limit
    }

    pub(crate) fn view(&self, app: &str, wall_clock: WallClock) -> ConnectionView {
        ConnectionView {
            id: self.id,
            app: app.to_owned(),
            device_id: self.device_id.clone(),
            opened_at_ms: wall_clock.unix_ms(self.opened),
            attempts: self.attempts,
            unanswered: self.unanswered,
            pings: self.pings,
            last_ping_at_ms: self.last_ping.map(|at| wall_clock.unix_ms(at)),
            protocol_pings: self.protocol_pings,
            protocol_pongs: self.protocol_pongs,
            pongs: self.pongs,
            reading: self.reading && !self.half_open,
            half_open: self.half_open,
        }
    }
}
