//! The heartbeat of a connection: when to ping, and when the connection is dead.
//!
//! Every ping has a deadline. Any inbound frame before it is an answer; a connection without an answer is dead. So a bot may
//! be idle for ever, and a half-open connection is found within ping interval + grace, which no official SDK does by default
//! (oapi-sdk-go#224, openclaw-lark#543).
//!
//! - The first ping is due at once, the second after a part of the interval, and all others an interval apart. Bots that
//!   connect together therefore do not ping together. A ping that follows an unanswered one keeps the earlier deadline.
//! - While we do not read, the deadline is suspended. It starts again when reading resumes. Pings go on, because the
//!   platform watches them too.
//! - After a sleep of the host ([`SleepWatch`](crate::SleepWatch)) the next ping comes at once.
//! - A timer that is later than interval + 30 s means that the host slept. The platform has missed our pings by then, so the
//!   connection is dead. After a smaller delay the ping is only late.

use std::time::{Duration, Instant};

/// A timer that is later than one interval plus this means that the host slept. The official channel SDK uses 30 s too.
const SLEEP_AFTER: Duration = Duration::from_secs(30);
/// If the deadline is handled later than this, the process was held up and may not have read an answer that came in time.
/// The connection is pinged again.
const HELD_UP: Duration = Duration::from_secs(10);
/// The shortest distance of pings, whatever is configured.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What is to be done for the connection.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum HeartbeatAction {
    /// Send a ping now.
    SendPing,
    /// The connection is dead: close it. This is the last action.
    Silent,
}

/// The heartbeat of one connection.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    interval: Duration,
    grace: Duration,
    liveness: Liveness,
    action: Option<HeartbeatAction>,
    /// When the latest ping was sent, until its pong has come.
    pinged_at: Option<Instant>,
    round_trip: Option<Duration>,
    reading: bool,
    /// The distance of the first and the second ping, as a part of the interval.
    spread: f32,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Liveness {
    Alive {
        last_ping: Option<Instant>,
        next_ping: Instant,
        /// The deadline of the oldest unanswered ping.
        answer_due: Option<Instant>,
    },
    Dead,
}

impl Heartbeat {
    /// The heartbeat of a connection that opens now. The first ping is due at once.
    #[must_use]
    pub fn new(ping_interval: Duration, grace: Duration, now: Instant) -> Self {
        Self {
            interval: ping_interval.max(SHORTEST_INTERVAL),
            grace,
            liveness: Liveness::Alive {
                last_ping: None,
                next_ping: now,
                answer_due: None,
            },
            action: None,
            pinged_at: None,
            round_trip: None,
            reading: true,
            spread: 1.0,
        }
    }

    /// The same with the second ping after this part of an interval, from 0 to 1. Every connection needs its own. No
    /// distance is below the shortest one.
    #[must_use]
    pub fn spread(mut self, part: f32) -> Self {
        self.spread = part.clamp(0.0, 1.0);
        self
    }

    /// A frame of any kind came, which answers all pings.
    pub fn handle_heard(&mut self, _now: Instant) {
        if let Liveness::Alive { answer_due, .. } = &mut self.liveness {
            *answer_due = None;
        }
    }

    /// A pong came. It also measures the round trip of the latest ping.
    pub fn handle_pong(&mut self, now: Instant) {
        self.handle_heard(now);
        if let Some(pinged_at) = self.pinged_at.take() {
            self.round_trip = Some(now.saturating_duration_since(pinged_at));
        }
    }

    /// The interval changed. It counts from the last ping.
    pub fn set_interval(&mut self, interval: Duration, now: Instant) {
        self.interval = interval.max(SHORTEST_INTERVAL);
        if let Liveness::Alive {
            last_ping: Some(last_ping),
            next_ping,
            ..
        } = &mut self.liveness
        {
            *next_ping = (*last_ping + self.interval).max(now);
        }
    }

    /// The host slept, and the connection may have died. It is pinged after `pause`, or sooner if a ping is due sooner. An
    /// unanswered ping gets its whole grace again, because no answer could be read.
    pub fn handle_slept(&mut self, pause: Duration, now: Instant) {
        if let Liveness::Alive {
            last_ping,
            next_ping,
            answer_due,
        } = &mut self.liveness
        {
            let soonest = last_ping.map_or(now, |last_ping| last_ping + SHORTEST_INTERVAL);
            *next_ping = (*next_ping).min(soonest.max(now + pause));
            *answer_due = answer_due.map(|deadline| deadline.max(now + self.grace));
        }
    }

    /// The socket is not read for now, because too many events await their answer.
    pub fn handle_reading_paused(&mut self, _now: Instant) {
        self.reading = false;
    }

    /// The socket is read again. The answer may be in the kernel's buffer, so an unanswered ping gets its whole grace again.
    pub fn handle_reading_resumed(&mut self, now: Instant) {
        if self.reading {
            return;
        }
        self.reading = true;
        if let Liveness::Alive {
            answer_due: Some(deadline),
            ..
        } = &mut self.liveness
        {
            *deadline = now + self.grace;
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. An early call changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(due) = self.poll_timeout() else {
            return;
        };
        let Liveness::Alive {
            last_ping,
            next_ping,
            answer_due,
        } = &mut self.liveness
        else {
            return;
        };
        if let Some(deadline) = answer_due
            && now.saturating_duration_since(*deadline) > HELD_UP
        {
            *deadline = now + self.grace;
            let soonest = last_ping.map_or(now, |last_ping| last_ping + SHORTEST_INTERVAL);
            *next_ping = (*next_ping).min(soonest.max(now));
        }
        let unanswered = self.reading && answer_due.is_some_and(|deadline| deadline <= now);
        let slept = now.saturating_duration_since(due) > self.interval + SLEEP_AFTER;
        if unanswered || slept {
            self.liveness = Liveness::Dead;
            self.action = Some(HeartbeatAction::Silent);
        } else if *next_ping <= now {
            answer_due.get_or_insert(now + self.grace);
            let distance = match last_ping {
                None => self.interval.mul_f32(self.spread).max(SHORTEST_INTERVAL),
                Some(_) => self.interval,
            };
            *last_ping = Some(now);
            // From now and not from when it was due, so that missed pings do not come in a burst.
            *next_ping = now + distance;
            self.pinged_at = Some(now);
            self.action = Some(HeartbeatAction::SendPing);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). `None` once the connection is dead.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.liveness {
            Liveness::Alive {
                next_ping,
                answer_due: Some(deadline),
                ..
            } if self.reading => Some(next_ping.min(deadline)),
            Liveness::Alive { next_ping, .. } => Some(next_ping),
            Liveness::Dead => None,
        }
    }

    /// The next action, if any.
    pub fn poll_action(&mut self) -> Option<HeartbeatAction> {
        self.action.take()
    }

    /// The round trip of the last ping that a pong answered.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

#[cfg(test)]
mod tests;
