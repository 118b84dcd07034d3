//! All HTTP pushes of a simulator: those that wait, those under way, those that are over.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use super::console::Console;
use super::load::RunningHttpLoad;
use super::tracked::TrackedHttpPush;
use crate::http_ledger::HttpLedger;
use crate::latencies::Latencies;
use crate::timer_queue::TimerQueue;

/// What wakes the sender.
#[derive(Debug, Default)]
pub(crate) struct HttpSignals {
    /// Something is due earlier than the clock would look, or more lanes are wanted.
    pub(crate) clock: Notify,
    /// There is an errand.
    pub(crate) errand: Notify,
    /// The number of lanes that may work has changed.
    pub(crate) lanes: Notify,
}

/// All HTTP pushes of the simulator.
#[derive(Debug, Default)]
pub(crate) struct HttpPushes {
    pub(crate) signals: Arc<HttpSignals>,
    pub(crate) consoles: HashMap<usize, Arc<Console>>,
    pub(crate) unfinished: HashMap<u64, TrackedHttpPush>,
    pub(crate) finished: VecDeque<TrackedHttpPush>,
    pub(crate) ready: VecDeque<Waiting>,
    pub(crate) repeats: TimerQueue<u64>,
    pub(crate) load: Option<RunningHttpLoad>,
    pub(crate) made: u64,
    pub(crate) ledger: HttpLedger,
    pub(crate) latency: Latencies,
}

/// Something that a lane has to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    Try(u64),
    Duplicate(u64),
}

impl HttpPushes {
    /// The console of an app, if its URLs were saved.
    pub(crate) fn console(&self, app: usize) -> Option<&Arc<Console>> {
        self.consoles.get(&app)
    }

    /// How many lanes may work at one time.
    pub(crate) fn lanes(&self, usual: usize) -> usize {
        self.load
            .as_ref()
            .map_or(usual, |load| load.settings.connections as usize)
    }

    /// Gives a lane something to send.
    pub(crate) fn offer(&mut self, waiting: Waiting) {
        self.ready.push_back(waiting);
        self.signals.errand.notify_one();
    }
}
