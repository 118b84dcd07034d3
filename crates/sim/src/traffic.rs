//! Settings and progress of generated traffic.
//!
//! One paced stream and one closed loop can run at a time. Both generate `im.message.receive_v1` events with unique ids.
//! Nothing here has a timer: the clock asks how many events are due.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Events at a fixed rate, evenly over all connections of the apps (open loop).
///
/// The events of an app without a connection wait for its next connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// The apps, or bots; empty means all that ever connected.
    #[serde(alias = "bots")]
    pub apps: Vec<String>,
    /// Events per second over all connections.
    pub per_second: f64,
    /// Size of an event's JSON.
    pub payload_bytes: usize,
    /// In so many chats, which take turns; each is that of one person with the bot. Feishu only.
    pub chats: u32,
    /// Stop after this many events.
    pub total: Option<u64>,
    /// Stop after this many seconds.
    pub seconds: Option<f64>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            per_second: 100.0,
            payload_bytes: 1024,
            chats: 1,
            total: None,
            seconds: None,
        }
    }
}

/// Every connection of the apps always has `window` unanswered events (closed loop).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClosedLoop {
    /// The apps; empty means all.
    pub apps: Vec<String>,
    /// Unanswered events per connection.
    pub window: u32,
    /// Size of an event's JSON.
    pub payload_bytes: usize,
    /// In so many chats, which take turns. Without it as many as the latest stream had, or one.
    pub chats: Option<u32>,
    /// Stop after this many events.
    pub total: Option<u64>,
    /// Stop after this many seconds.
    pub seconds: Option<f64>,
}

impl Default for ClosedLoop {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            window: 64,
            payload_bytes: 1024,
            chats: None,
            total: None,
            seconds: None,
        }
    }
}

/// The progress of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficProgress {
    /// Whether a paced stream or closed loop still makes events.
    pub running: bool,
    /// Events made since it was started.
    pub made: u64,
}

/// The shortest pause between two batches of paced events: the resolution of the runtime's timer.
const TICK: Duration = Duration::from_millis(1);
/// Most events made at once, so that a simulator that fell behind catches up without blocking the rest.
const BATCH_EVENTS: u64 = 4_096;

/// Limits and progress of a stream; both kinds share it.
#[derive(Debug)]
pub(crate) struct StreamLimits {
    total: Option<u64>,
    until: Option<Instant>,
    pub(crate) made: u64,
}

impl StreamLimits {
    pub(crate) fn new(total: Option<u64>, seconds: Option<f64>, now: Instant) -> Self {
        let until = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        Self {
            total,
            until: until.map(|length| now + length),
            made: 0,
        }
    }

    pub(crate) fn left(&self, now: Instant) -> u64 {
        if self.until.is_some_and(|until| now >= until) {
            return 0;
        }
        self.total
            .map_or(u64::MAX, |total| total - self.made.min(total))
    }
}

/// A running paced stream.
#[derive(Debug)]
pub(crate) struct Pacing {
    pub(crate) traffic: Traffic,
    pub(crate) budget: StreamLimits,
    /// Next connection, or next app where there is none.
    pub(crate) turn: usize,
    started: Instant,
}

impl Pacing {
    pub(crate) fn new(traffic: Traffic, now: Instant) -> Self {
        Self {
            budget: StreamLimits::new(traffic.total, traffic.seconds, now),
            turn: 0,
            started: now,
            traffic,
        }
    }

    /// How many events to make now.
    pub(crate) fn due(&self, now: Instant) -> u64 {
        let end = self.budget.until.map_or(now, |until| until.min(now));
        let elapsed = end.saturating_duration_since(self.started).as_secs_f64();
        // Truncation is right: an event is due once its whole interval has passed.
        let owed = (elapsed * self.traffic.per_second) as u64;
        let left = self
            .budget
            .total
            .map_or(u64::MAX, |total| total - self.budget.made.min(total));
        owed.saturating_sub(self.budget.made)
            .min(left)
            .min(BATCH_EVENTS)
    }

    /// Whether all events are made and none follow.
    pub(crate) fn finished(&self, now: Instant) -> bool {
        self.budget.left(now) == 0 && self.due(now) == 0
    }

    /// When to ask again.
    pub(crate) fn next(&self, now: Instant) -> Instant {
        let interval = ((self.budget.made + 1) as f64) / self.traffic.per_second;
        let due = Duration::try_from_secs_f64(interval)
            .ok()
            .and_then(|wait| self.started.checked_add(wait))
            .unwrap_or(now + Duration::from_secs(3_600));
        due.max(now + TICK)
    }
}

/// A running closed loop.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) settings: ClosedLoop,
    pub(crate) budget: StreamLimits,
}

impl Loop {
    pub(crate) fn new(settings: ClosedLoop, now: Instant) -> Self {
        Self {
            budget: StreamLimits::new(settings.total, settings.seconds, now),
            settings,
        }
    }

    pub(crate) fn covers(&self, app: &str) -> bool {
        self.settings.apps.is_empty() || self.settings.apps.iter().any(|of| of == app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pacing_owes_the_rate_and_stops_at_its_limits() {
        let start = Instant::now();
        let traffic = Traffic {
            per_second: 1_000.0,
            seconds: Some(2.0),
            total: Some(1_500),
            ..Traffic::default()
        };
        let mut pacing = Pacing::new(traffic, start);
        assert_eq!(pacing.due(start), 0);
        assert_eq!(pacing.due(start + Duration::from_millis(100)), 100);
        pacing.budget.made = 100;
        assert_eq!(pacing.due(start + Duration::from_millis(100)), 0);
        assert!(!pacing.finished(start + Duration::from_millis(100)));
        let late = start + Duration::from_secs(9);
        assert_eq!(pacing.due(late), 1_400);
        pacing.budget.made = 1_500;
        assert!(pacing.finished(late));
    }

    #[test]
    fn a_slow_rate_sleeps_until_its_next_event() {
        let start = Instant::now();
        let pacing = Pacing::new(
            Traffic {
                per_second: 2.0,
                ..Traffic::default()
            },
            start,
        );
        assert_eq!(pacing.next(start), start + Duration::from_millis(500));
    }
}
