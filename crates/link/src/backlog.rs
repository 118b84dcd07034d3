//! What a connection may have left unread, and when it is time to refuse rather than to wait.
//!
//! A connection without room is not read, and TCP holds the platform back: the right thing in a burst, since what
//! waits is read later in large, cheap pieces. What waits longer than the platform's patience is pushed again though,
//! and then load makes more load. So a connection that stays behind is read all the same, and what finds no room is
//! refused at once, until it is up to date:
//!
//! ```text
//! Clear ──no room──▶ Behind ──patience is over, and its events are late──▶ Shedding ──found empty──▶ Clear
//!   ▲───found empty────┘ └──────▶ Behind, when they are not
//! ```
//! Nobody can ask how long an event has waited in somebody's buffer, but two things are known. A connection that was
//! found empty has nothing older, so the time since then bounds the age of everything unread. And the platform writes
//! into an event when it happened: what that lies back, beyond the least it lay back on this connection within the last
//! minutes, is delay. Clocks need not agree, only run alike for so long; one that is set, or an event from the future,
//! makes a connection that is behind refuse too early, never everything. Of the events since it fell behind the one
//! that is least late counts, because repeats are late by nature. Where no event says its time, the bound alone decides.
//!
//! A connection that had to refuse has less patience until it has kept up for a while: a burst may use much of the
//! platform's three seconds, but under a load that stays, whoever is acknowledged at all is acknowledged soon.

use std::time::{Duration, Instant};

/// How long a connection may stay behind in a burst. With what the store then takes it is within the 3 s that the
/// platform waits.
const BURST: Duration = Duration::from_millis(1000);

/// How long while it is overloaded. Long enough that what is refused is read in large pieces.
const STANDING: Duration = Duration::from_millis(200);

/// What the other side holds back in its own buffers comes when ours are empty: a connection is up to date when it is
/// found empty this long after it was found empty first.
const AFTERFLOW: Duration = Duration::from_millis(50);

/// What lies back longer than two of these does not tell what is usual. Clocks that run apart by 50 ppm differ by 30 ms
/// more then, which is far below what is tolerated.
const USUAL: Duration = Duration::from_secs(5 * 60);

/// An overload is over when nothing was refused for so long.
const RECOVERY: Duration = Duration::from_secs(5);

/// How far a connection is behind.
#[derive(Debug, Default)]
pub struct Backlog {
    phase: Phase,
    refused_at: Option<Instant>,
    delay: Delay,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
enum Phase {
    /// Found empty, and read ever since.
    #[default]
    Clear,
    /// Something may wait unread, and was not found late before then.
    Behind(Instant),
    /// Everything is read; what finds no room is refused.
    Shedding {
        /// How long the first of it may have waited.
        waited: Duration,
        empty: Empty,
    },
}

/// Whether a connection that sheds is found empty.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Empty {
    No,
    /// For the first time then.
    Since(Instant),
    /// First so long ago that it is up to date when it is found empty once more.
    CheckAgain,
}

impl Backlog {
    /// The connection is not read on, because there is no room for more.
    pub fn handle_held_back(&mut self, now: Instant) {
        if self.phase == Phase::Clear {
            self.phase = Phase::Behind(now);
            self.delay.begin();
        }
        self.handle_unread();
        self.handle_timeout(now);
    }

    /// The connection is not read on, whatever the reason: nobody knows whether it is empty.
    pub fn handle_unread(&mut self) {
        if let Phase::Shedding { empty, .. } = &mut self.phase {
            *empty = Empty::No;
        }
    }

    /// Everything that had come was read.
    pub fn handle_empty(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Clear => {}
            Phase::Behind(_) => self.phase = Phase::Clear,
            Phase::Shedding { empty, .. } => match *empty {
                Empty::No => *empty = Empty::Since(now),
                Empty::Since(first) if now < first + AFTERFLOW => {}
                Empty::Since(_) | Empty::CheckAgain => self.phase = Phase::Clear,
            },
        }
    }

    /// An event was read: when it happened by the platform's clock and when it was read by ours, in milliseconds.
    pub fn handle_event(&mut self, happened_ms: i64, read_ms: i64, now: Instant) {
        // What is behind tells nothing about what is usual: a delay that lasts must not become it.
        if self.phase == Phase::Clear {
            self.delay.age(now);
        }
        self.delay.count(read_ms.saturating_sub(happened_ms));
    }

    /// An event found no room and was refused.
    pub fn handle_refused(&mut self, now: Instant) {
        self.refused_at = Some(now);
    }

    /// Patience may be over.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Phase::Shedding { empty, .. } = &mut self.phase
            && let Empty::Since(first) = *empty
            && now >= first + AFTERFLOW
        {
            *empty = Empty::CheckAgain;
        }
        let Phase::Behind(since) = self.phase else {
            return;
        };
        let patience = self.patience(now);
        if now < since + patience {
            return;
        }
        self.phase = match self.delay.least() {
            // It is never empty because new ones come as fast as they are answered, and none waits long.
            Some(delay) if delay < self.tolerance(now) => Phase::Behind(now),
            late => Phase::Shedding {
                waited: late.unwrap_or(patience).min(BURST),
                empty: Empty::No,
            },
        };
        self.delay.begin();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and to look whether the connection is empty. After that call it
    /// is later than now.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        match self.phase {
            Phase::Clear
            | Phase::Shedding {
                empty: Empty::No | Empty::CheckAgain,
                ..
            } => None,
            Phase::Behind(since) => Some(since + self.patience(now)),
            Phase::Shedding {
                empty: Empty::Since(first),
                ..
            } => Some(first + AFTERFLOW),
        }
    }

    /// Whether to read on without room, and to refuse what finds none.
    #[must_use]
    pub fn is_shedding(&self) -> bool {
        matches!(self.phase, Phase::Shedding { .. })
    }

    /// How long an event that is read now may have waited unread; at most a burst's patience, so that whatever the clocks
    /// say there is time left to record it.
    #[must_use]
    pub fn unread_for(&self, now: Instant) -> Duration {
        let bound = match self.phase {
            Phase::Clear => Duration::ZERO,
            Phase::Behind(since) => now.saturating_duration_since(since),
            Phase::Shedding { waited, .. } => waited,
        };
        bound.min(self.delay.least().unwrap_or(BURST)).min(BURST)
    }

    /// Whether something was refused lately.
    #[must_use]
    pub fn is_overloaded(&self, now: Instant) -> bool {
        self.refused_at
            .is_some_and(|at| now.saturating_duration_since(at) < RECOVERY)
    }

    /// How late events may be at the end of that patience.
    fn tolerance(&self, now: Instant) -> Duration {
        if self.is_overloaded(now) {
            STANDING
        } else {
            BURST / 2
        }
    }

    fn patience(&self, now: Instant) -> Duration {
        if self.is_overloaded(now) {
            STANDING
        } else {
            BURST
        }
    }
}

/// How much later than usual events come.
#[derive(Debug)]
struct Delay {
    /// The least that an event lay back since then. What both clocks differ by is in it.
    usual_ms: i64,
    usual_since: Option<Instant>,
    /// The same of the time before.
    usual_before_ms: i64,
    /// The least since the connection fell behind, or was judged last.
    least_ms: i64,
}

impl Default for Delay {
    fn default() -> Self {
        Self {
            usual_ms: i64::MAX,
            usual_since: None,
            usual_before_ms: i64::MAX,
            least_ms: i64::MAX,
        }
    }
}

impl Delay {
    fn begin(&mut self) {
        self.least_ms = i64::MAX;
    }

    /// Forgets what was usual long ago: clocks run apart, or are set.
    fn age(&mut self, now: Instant) {
        let since = *self.usual_since.get_or_insert(now);
        let age = now.saturating_duration_since(since);
        if age < USUAL {
            return;
        }
        self.usual_before_ms = if age < 2 * USUAL {
            self.usual_ms
        } else {
            i64::MAX
        };
        self.usual_ms = i64::MAX;
        self.usual_since = Some(now);
    }

    fn count(&mut self, ms: i64) {
        self.usual_ms = self.usual_ms.min(ms);
        self.least_ms = self.least_ms.min(ms);
    }

    /// Of the events since it began, that of the one that is least late; none where none said its time.
    fn least(&self) -> Option<Duration> {
        if self.least_ms == i64::MAX {
            return None;
        }
        let usual_ms = self.usual_ms.min(self.usual_before_ms);
        let late_ms = self.least_ms.saturating_sub(usual_ms);
        Some(Duration::from_millis(u64::try_from(late_ms).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests;
