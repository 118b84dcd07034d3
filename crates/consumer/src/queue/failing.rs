//! Whether an endpoint fails, and when it is probed.

use std::time::{Duration, Instant};

use crate::delivery::{Blame, DeliveryFailure, DeliveryId};
use crate::moment::Moment;
use crate::news::QueueState;
use crate::order_key::OrderKey;
use crate::retry::{MAX_RETRY_AFTER, is_restarting, probe_delay, restarting_delay};

/// Failures of so many lanes, without a success between them, are the endpoint's.
const LANES_FAILED: usize = 3;
/// So many failures without a success are the endpoint's, if they are spread over [`FAILING_FOR`].
const TIMES_FAILED: u32 = 5;
/// See [`TIMES_FAILED`].
const FAILING_FOR: Duration = Duration::from_secs(60);
/// While an endpoint answers with errors, an event that came since is tried at most so often.
const FRESH_PROBE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct EndpointHealth {
    state: Health,
    /// The number of the last row of failures without a success, so that lanes know in which they failed.
    row: u32,
}

#[derive(Debug)]
enum Health {
    /// With what failed since the last success.
    Well(Streak),
    Failing(Failing),
    Stopped,
}

impl Default for Health {
    fn default() -> Self {
        Self::Well(Streak::default())
    }
}

#[derive(Debug, Default)]
struct Streak {
    lanes: Vec<OrderKey>,
    times: u32,
    first: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Failing {
    pub(super) since: Moment,
    cause: DeliveryFailure,
    /// Whether it answers, if only with errors.
    answers: bool,
    probes: u32,
    /// Those of them that were made while it was not probably restarting.
    patient_probes: u32,
    probe: Option<DeliveryId>,
    next_probe: Instant,
    fresh_probe: Instant,
    /// Events behind this one came since.
    pub(super) read: i64,
    /// The oldest event of the last probe: the next one begins behind it.
    pub(super) last_tried: i64,
}

/// What a failure leads to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The event is tried again later; others go on.
    EventFails,
    /// The endpoint fails, and the event is not to blame. `began` is true for the failure that led to it.
    EndpointFails { began: bool },
    /// Nothing is sent any more.
    Stopped,
}

/// Which lanes may be probed now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum ProbeScope {
    /// Any.
    All,
    /// Those whose event came since the endpoint fails, and was not tried.
    Fresh,
}

impl EndpointHealth {
    pub(super) fn state(&self) -> QueueState {
        match &self.state {
            Health::Well(_) => QueueState::Active,
            Health::Failing(failing) => QueueState::Failing {
                cause: failing.cause,
                probes: failing.probes,
            },
            Health::Stopped => QueueState::Stopped,
        }
    }

    /// How the endpoint fails, if it does.
    pub(super) fn failing(&self) -> Option<&Failing> {
        match &self.state {
            Health::Failing(failing) => Some(failing),
            Health::Well(_) | Health::Stopped => None,
        }
    }

    /// The number of this row of failures without a success, or of the last one.
    pub(super) fn row(&self) -> u32 {
        self.row
    }

    /// Which lanes may be probed now, if any.
    pub(super) fn may_probe(&self, now: Instant) -> Option<ProbeScope> {
        let failing = self.failing().filter(|failing| failing.probe.is_none())?;
        if now >= failing.next_probe {
            return Some(ProbeScope::All);
        }
        (failing.answers && now >= failing.fresh_probe).then_some(ProbeScope::Fresh)
    }

    /// When to look at the probes again. `fresh` says whether an event came since.
    pub(super) fn due(&self, fresh: bool) -> Option<Instant> {
        let failing = self.failing().filter(|failing| failing.probe.is_none())?;
        let soon = failing.answers && fresh;
        Some(if soon {
            failing.next_probe.min(failing.fresh_probe)
        } else {
            failing.next_probe
        })
    }

    /// A probe leaves, with the event `oldest`.
    pub(super) fn handle_probe(&mut self, probe: DeliveryId, oldest: i64, now: Instant) {
        if let Health::Failing(failing) = &mut self.state {
            failing.probe = Some(probe);
            failing.last_tried = oldest;
            failing.fresh_probe = now + FRESH_PROBE;
        }
    }

    /// The application took something. Returns how long the endpoint failed, if it did.
    pub(super) fn handle_success(&mut self, now: Moment) -> Option<Duration> {
        let failed_for = self
            .failing()
            .map(|failing| now.instant.saturating_duration_since(failing.since.instant));
        match &mut self.state {
            Health::Well(streak) if streak.times == 0 => {}
            Health::Well(_) | Health::Failing(_) => self.state = Health::default(),
            // It answered 410, then something that was under way arrived: an operator decides.
            Health::Stopped => {}
        }
        failed_for
    }

    /// A delivery of the lane `key` failed. `read` is the newest event that was looked at.
    pub(super) fn handle_failure(
        &mut self,
        failure: DeliveryFailure,
        delivery: DeliveryId,
        key: OrderKey,
        read: i64,
        chance: u64,
        now: Moment,
    ) -> Verdict {
        let blame = failure.blame();
        if blame == Blame::Gone {
            self.state = Health::Stopped;
            return Verdict::Stopped;
        }
        match &mut self.state {
            Health::Stopped => Verdict::Stopped,
            Health::Failing(failing) => {
                failing.handle_failure(failure, delivery, chance, now);
                Verdict::EndpointFails { began: false }
            }
            Health::Well(streak) => {
                if streak.times == 0 {
                    self.row += 1;
                }
                let at_once = blame != Blame::Event;
                if !at_once && !streak.handle_failure(key, now.instant) {
                    return Verdict::EventFails;
                }
                let mut failing = Failing::new(failure, delivery, read, now);
                failing.handle_failure(failure, delivery, chance, now);
                self.state = Health::Failing(failing);
                Verdict::EndpointFails { began: true }
            }
        }
    }

    /// The delivery did not take place.
    pub(super) fn handle_released(&mut self, delivery: DeliveryId) {
        if let Health::Failing(failing) = &mut self.state
            && failing.probe == Some(delivery)
        {
            failing.probe = None;
        }
    }

    /// All deliveries were given up.
    pub(super) fn forget_probe(&mut self) {
        if let Health::Failing(failing) = &mut self.state {
            failing.probe = None;
        }
    }
}

impl Streak {
    /// Whether the failures are the endpoint's.
    fn handle_failure(&mut self, key: OrderKey, now: Instant) -> bool {
        self.times += 1;
        let first = *self.first.get_or_insert(now);
        if !self.lanes.contains(&key) {
            self.lanes.push(key);
        }
        self.lanes.len() >= LANES_FAILED
            || (self.times >= TIMES_FAILED && now >= first + FAILING_FOR)
    }
}

impl Failing {
    /// The failure of `delivery` is the first.
    fn new(cause: DeliveryFailure, delivery: DeliveryId, read: i64, now: Moment) -> Self {
        Self {
            since: now,
            cause,
            answers: false,
            probes: 0,
            patient_probes: 0,
            probe: Some(delivery),
            next_probe: now.instant,
            fresh_probe: now.instant + FRESH_PROBE,
            read,
            last_tried: i64::MIN,
        }
    }

    fn handle_failure(
        &mut self,
        failure: DeliveryFailure,
        delivery: DeliveryId,
        chance: u64,
        now: Moment,
    ) {
        if self.probe != Some(delivery) {
            // It was under way when the endpoint began to fail.
            return;
        }
        self.probe = None;
        self.probes += 1;
        self.cause = failure;
        self.answers = failure.blame() == Blame::Event;
        let failing_for = now.instant.saturating_duration_since(self.since.instant);
        let usual = if failure == DeliveryFailure::Refused && is_restarting(failing_for) {
            restarting_delay(chance)
        } else {
            self.patient_probes += 1;
            probe_delay(self.patient_probes, chance)
        };
        let asked = failure.asked_delay().unwrap_or_default();
        self.next_probe = now.instant + usual.max(asked.min(MAX_RETRY_AFTER));
    }
}
