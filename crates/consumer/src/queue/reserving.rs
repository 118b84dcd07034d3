//! Which events may be sent for the first time.

/// The most numbers that are reserved ahead, for a consumer that wants few events of a busy log.
const MOST_AHEAD: i64 = 65_536;

/// The reservations of a queue: what is on disk, and what was asked for.
#[derive(Debug)]
pub(super) struct Reservations {
    durable: i64,
    asked: i64,
    /// So many numbers are reserved beyond what is needed.
    ahead: i64,
    /// About so many events shall lie in one reservation.
    window: i64,
    /// The events that were read since the last reservation.
    events: i64,
}

impl Reservations {
    pub(super) fn new(durable: i64, window: usize) -> Self {
        let window = i64::try_from(window).expect("a window has few thousand events");
        Self {
            durable,
            asked: durable,
            ahead: window,
            window,
            events: 0,
        }
    }

    /// Events up to here may be sent.
    pub(super) fn durable(&self) -> i64 {
        self.durable
    }

    /// What the newest position reserves.
    pub(super) fn asked(&self) -> i64 {
        self.asked
    }

    /// An event was read.
    pub(super) fn handle_event(&mut self) {
        self.events += 1;
    }

    /// Whether the event `newest` has to wait for a reservation that nobody asked for.
    pub(super) fn is_missing(&self, newest: i64) -> bool {
        newest > self.asked
    }

    /// Whether half of the reservation is used up.
    pub(super) fn is_short(&self, newest: i64) -> bool {
        newest.saturating_add(self.ahead / 2) > self.asked
    }

    /// Reserves beyond `newest`, for a position that is about to be saved. A consumer that wants one event in a hundred gets
    /// more numbers, so that it does not wait for a commit at each event.
    pub(super) fn extend(&mut self, newest: i64) {
        if !self.is_short(newest) {
            return;
        }
        if self.asked > 0 && self.events < self.window / 4 {
            self.ahead = (self.ahead * 2).min(MOST_AHEAD.max(self.window));
        } else if self.events > self.window {
            self.ahead = (self.ahead / 2).max(self.window);
        }
        self.events = 0;
        self.asked = self.asked.max(newest.saturating_add(self.ahead));
    }

    /// A position that reserves up to `reserved` is on disk.
    pub(super) fn handle_durable(&mut self, reserved: i64) {
        self.durable = self.durable.max(reserved);
    }

    /// A position that reserved up to `reserved` will not be on disk.
    pub(super) fn handle_lost(&mut self) {
        self.asked = self.durable;
    }
}
