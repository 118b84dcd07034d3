//! Whether a connection still lives.
//!
//! Every ping is a question with a deadline: any inbound frame answers it, and only an unanswered one is death.
//! An idle bot is therefore legal for ever, and a half-open connection is found within ping interval + grace,
//! which no official SDK does by default (oapi-sdk-go#224, openclaw-lark#543).
//!
//! - The first ping is due at once, the second after a part of the interval, so that bots that connected together do
//!   not ask together for ever; the next ones an interval apart. A ping sent while an earlier one is still
//!   unanswered keeps the earlier deadline: asking again must not put off the answer.
//! - While we ourselves do not read, an answer cannot be heard: the deadline is suspended and begins anew when
//!   reading resumes. Pings go on, since the other side watches too.
//! - After a sleep of the host ([`SleepWatch`](crate::SleepWatch)) the next ping comes at once.
//! - A timer handled later than interval + 30 s means that the host slept. The platform has long missed our
//!   pings by then, so the connection is given up at once. A smaller delay only makes a late ping.

use std::time::{Duration, Instant};

/// How much later than one interval a timer may be handled before the host is taken to have slept; the
/// official channel SDK draws the line at the same 30 s.
const SUSPENDED_AFTER: Duration = Duration::from_secs(30);
/// Who looks for an answer so much later than its deadline was held up, and may not have read yet what came in time. The
/// connection is asked again.
const HELD_UP: Duration = Duration::from_secs(10);
/// Whatever is configured, pings are never closer than this.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What is to be done for the connection.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum HeartbeatAction {
    /// Send a ping now.
    SendPing,
    /// The connection is dead: close it. Comes once, and nothing after it.
    Silent,
}

/// The heartbeat of one connection; it ends with it.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    interval: Duration,
    grace: Duration,
    life: Life,
    action: Option<HeartbeatAction>,
    /// The latest ping, until a pong measured it.
    pinged_at: Option<Instant>,
    round_trip: Option<Duration>,
    reading: bool,
    /// The part of an interval between the first ping and the second.
    spread: f32,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Life {
    /// `question` is the deadline of the oldest unanswered ping.
    Alive {
        last_ping: Option<Instant>,
        next_ping: Instant,
        question: Option<Instant>,
    },
    Dead,
}

impl Heartbeat {
    /// Starts with the connection's opening; the first ping is due at once.
    #[must_use]
    pub fn new(ping_interval: Duration, grace: Duration, now: Instant) -> Self {
        Self {
            interval: ping_interval.max(SHORTEST_INTERVAL),
            grace,
            life: Life::Alive {
                last_ping: None,
                next_ping: now,
                question: None,
            },
            action: None,
            pinged_at: None,
            round_trip: None,
            reading: true,
            spread: 1.0,
        }
    }

    /// Puts the second ping after `part` of an interval, from 0 to 1; each connection wants its own. No distance falls
    /// below the shortest one.
    #[must_use]
    pub fn spread(mut self, part: f32) -> Self {
        self.spread = part.clamp(0.0, 1.0);
        self
    }

    /// A frame of any kind came in: whatever we asked is answered.
    pub fn handle_heard(&mut self, _now: Instant) {
        if let Life::Alive { question, .. } = &mut self.life {
            *question = None;
        }
    }

    /// A pong came in, which also tells how long the latest ping took.
    pub fn handle_pong(&mut self, now: Instant) {
        self.handle_heard(now);
        if let Some(pinged_at) = self.pinged_at.take() {
            self.round_trip = Some(now.saturating_duration_since(pinged_at));
        }
    }

    /// The platform named another distance; it counts from the last ping.
    pub fn set_interval(&mut self, interval: Duration, now: Instant) {
        self.interval = interval.max(SHORTEST_INTERVAL);
        if let Life::Alive {
            last_ping: Some(last_ping),
            next_ping,
            ..
        } = &mut self.life
        {
            *next_ping = (*last_ping + self.interval).max(now);
        }
    }

    /// The host slept, and the connection may have died meanwhile: it is asked after `pause`, unless it is asked sooner
    /// anyway. An open question gets its whole grace, because nobody could hear the answer.
    pub fn handle_slept(&mut self, pause: Duration, now: Instant) {
        if let Life::Alive {
            last_ping,
            next_ping,
            question,
        } = &mut self.life
        {
            let soonest = last_ping.map_or(now, |last_ping| last_ping + SHORTEST_INTERVAL);
            *next_ping = (*next_ping).min(soonest.max(now + pause));
            *question = question.map(|deadline| deadline.max(now + self.grace));
        }
    }

    /// We stopped reading, because too much awaits its answer.
    pub fn handle_reading_paused(&mut self, _now: Instant) {
        self.reading = false;
    }

    /// We read again. An answer may lie in the kernel's buffer, so an open question gets its whole grace.
    pub fn handle_reading_resumed(&mut self, now: Instant) {
        if self.reading {
            return;
        }
        self.reading = true;
        if let Life::Alive {
            question: Some(deadline),
            ..
        } = &mut self.life
        {
            *deadline = now + self.grace;
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(due) = self.poll_timeout() else {
            return;
        };
        let Life::Alive {
            last_ping,
            next_ping,
            question,
        } = &mut self.life
        else {
            return;
        };
        if let Some(deadline) = question
            && now.saturating_duration_since(*deadline) > HELD_UP
        {
            *deadline = now + self.grace;
            *next_ping = now;
        }
        let unanswered = self.reading && question.is_some_and(|deadline| deadline <= now);
        let slept = now.saturating_duration_since(due) > self.interval + SUSPENDED_AFTER;
        if unanswered || slept {
            self.life = Life::Dead;
            self.action = Some(HeartbeatAction::Silent);
        } else if *next_ping <= now {
            question.get_or_insert(now + self.grace);
            let distance = match last_ping {
                None => self.interval.mul_f32(self.spread).max(SHORTEST_INTERVAL),
                Some(_) => self.interval,
            };
            *last_ping = Some(now);
            // From now and not from when it was due: what was missed is not made up for in a burst.
            *next_ping = now + distance;
            self.pinged_at = Some(now);
            self.action = Some(HeartbeatAction::SendPing);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` once the connection is dead.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.life {
            Life::Alive {
                next_ping,
                question: Some(deadline),
                ..
            } if self.reading => Some(next_ping.min(deadline)),
            Life::Alive { next_ping, .. } => Some(next_ping),
            Life::Dead => None,
        }
    }

    /// What is to be done, if anything.
    pub fn poll_action(&mut self) -> Option<HeartbeatAction> {
        self.action.take()
    }

    /// How long the last answered ping took.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

#[cfg(test)]
mod tests;
