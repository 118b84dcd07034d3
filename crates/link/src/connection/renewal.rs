//! A second connection, made with changed access while the first one serves.
//!
//! A changed secret may be wrong, so the connection that was made with the old one is not closed before the new one has
//! proved itself. How it does, depends on the platform ([`Renewal`]). Until then the two are independent: the first one may
//! be lost and come back, and the second one takes over whenever it is proved. It is given up when the installation is
//! stopped, when its access changes once more, and when the first one is lost before the second one has begun.
//!
//! On a platform that displaces the first connection, its displacement may be told before the second one's answer. The
//! second one is then waited for, and the bot is not left to another program: there is none.

use std::sync::Arc;
use std::time::Instant;

use super::{Action, CloseReason, Link, Renewal, RenewalEnd};
use crate::backoff::Backoff;
use crate::generation::Generation;
use crate::setback::{Disposition, RetryPace, Setback};
use crate::state::State;

/// A renewal under way.
#[derive(Debug)]
pub(super) struct Renewing {
    renewal: Renewal,
    /// Of its latest attempt.
    generation: Generation,
    phase: Phase,
    /// When the phase ends by itself.
    deadline: Instant,
    backoff: Backoff,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Phase {
    /// For the next attempt.
    Waiting,
    Queued,
    Bootstrapping,
    Dialing,
    /// It is open and has not answered a ping.
    Proving {
        since: Instant,
    },
}

impl Renewing {
    fn is(&self, generation: Generation, phase: Phase) -> bool {
        self.generation == generation && self.phase == phase
    }

    /// Whether it has a call, a dial or a connection.
    fn has_begun(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Queued => false,
            Phase::Bootstrapping | Phase::Dialing | Phase::Proving { .. } => true,
        }
    }

    fn enter(&mut self, phase: Phase, deadline: Instant) {
        self.phase = phase;
        self.deadline = deadline;
    }
}

impl Link {
    /// Credentials or settings changed, and the live connection is to serve until one with the new ones is proved. Without
    /// a live connection this is [`handle_configured`](Self::handle_configured). A renewal under way is given up first.
    pub fn handle_renewal(&mut self, renewal: Renewal, now: Instant) {
        if !matches!(self.state, State::Live { .. }) {
            return self.handle_configured(now);
        }
        self.give_up_renewal(CloseReason::Reconfigured);
        let seed = self.backoff.draw();
        self.renewing = Some(Box::new(Renewing {
            renewal,
            generation: self.newest,
            phase: Phase::Waiting,
            deadline: now,
            backoff: Backoff::new(Arc::clone(&self.timing), seed),
        }));
        self.begin_renewal(now);
    }

    /// The changed access is not wanted any more: a renewal under way is given up.
    pub fn handle_renewal_withdrawn(&mut self) {
        self.give_up_renewal(CloseReason::Reconfigured);
    }

    /// The generation of the latest attempt of a renewal under way.
    #[must_use]
    pub fn renewing(&self) -> Option<Generation> {
        self.renewing.as_ref().map(|renewing| renewing.generation)
    }

    /// The highest generation that was given to an attempt.
    #[must_use]
    pub fn newest_generation(&self) -> Generation {
        self.newest
    }

    /// Whether this is the attempt of the renewal.
    pub(super) fn is_renewing(&self, generation: Generation) -> bool {
        self.renewing() == Some(generation)
    }

    pub(super) fn renewal_timeout(&self) -> Option<Instant> {
        self.renewing.as_ref().map(|renewing| renewing.deadline)
    }

    pub(super) fn renewal_permitted(&mut self, generation: Generation, now: Instant) {
        let limit = self.timing.bootstrap + self.timing.slack;
        if let Some(renewing) = &mut self.renewing
            && renewing.is(generation, Phase::Queued)
        {
            renewing.enter(Phase::Bootstrapping, now + limit);
            self.actions.push_back(Action::Bootstrap(generation));
        }
    }

    /// Whether its connection URL was awaited.
    pub(super) fn renewal_bootstrapped(&mut self, generation: Generation, now: Instant) -> bool {
        let limit = self.timing.handshake + self.timing.slack;
        if let Some(renewing) = &mut self.renewing
            && renewing.is(generation, Phase::Bootstrapping)
        {
            renewing.enter(Phase::Dialing, now + limit);
            self.actions.push_back(Action::Dial(generation));
            return true;
        }
        false
    }

    pub(super) fn renewal_opened(&mut self, generation: Generation, now: Instant) {
        let limit = self.timing.pong_grace + self.timing.slack;
        let Some(renewing) = &mut self.renewing else {
            return;
        };
        match (renewing.renewal, renewing.phase) {
            (Renewal::Beside, Phase::Dialing) => {
                renewing.enter(Phase::Proving { since: now }, now + limit);
            }
            (Renewal::Displacing, Phase::Dialing) => self.take_over(now, now),
            // It is reported twice, which changes nothing.
            (_, Phase::Proving { .. }) => {}
            (_, Phase::Waiting | Phase::Queued | Phase::Bootstrapping) => self
                .actions
                .push_back(Action::Close(generation, CloseReason::Stale)),
        }
    }

    /// It answered a ping.
    pub(super) fn renewal_answered(&mut self, now: Instant) {
        if let Some(renewing) = &self.renewing
            && let Phase::Proving { since } = renewing.phase
        {
            self.take_over(since, now);
        }
    }

    /// The new connection serves from now on.
    fn take_over(&mut self, since: Instant, now: Instant) {
        let Some(renewing) = self.renewing.take() else {
            return;
        };
        self.end_live(now);
        self.close(CloseReason::Renewed);
        self.generation = renewing.generation;
        self.enter_live(since);
        self.end_renewal(renewing.generation, RenewalEnd::Proved);
    }

    /// Its bootstrap or its dial failed, or its connection is lost.
    pub(super) fn renewal_failed(&mut self, setback: Setback, now: Instant) {
        let Some(mut renewing) = self.renewing.take_if(|renewing| match renewing.phase {
            // The same end is reported twice.
            Phase::Waiting => false,
            Phase::Queued | Phase::Bootstrapping | Phase::Dialing | Phase::Proving { .. } => true,
        }) else {
            return;
        };
        let generation = renewing.generation;
        if matches!(renewing.phase, Phase::Proving { .. }) {
            self.actions
                .push_back(Action::Close(generation, CloseReason::Lost(setback)));
        }
        let end = match (setback.disposition(), renewing.renewal) {
            (Disposition::Refuse, _) => RenewalEnd::Refused(setback),
            (Disposition::Retry(pace), Renewal::Beside) if self.is_live() => {
                // An orderly close of what has not been proved is a failure too.
                let pace = match pace {
                    RetryPace::Clean => RetryPace::Normal,
                    RetryPace::Normal | RetryPace::Busy | RetryPace::Limited => pace,
                };
                let delay = renewing.backoff.delay(pace, &self.settings, now);
                renewing.enter(Phase::Waiting, now + delay);
                self.renewing = Some(renewing);
                return;
            }
            (Disposition::Retry(_), Renewal::Beside) => RenewalEnd::GivenUp,
            (Disposition::Retry(_), Renewal::Displacing) | (Disposition::Yield, _) => {
                RenewalEnd::Failed(setback)
            }
        };
        self.end_renewal(generation, end);
    }

    pub(super) fn renewal_timed_out(&mut self, now: Instant) {
        let Some(renewing) = &mut self.renewing else {
            return;
        };
        let generation = renewing.generation;
        match renewing.phase {
            Phase::Waiting => self.begin_renewal(now),
            Phase::Queued => {
                renewing.deadline = now + self.timing.permit;
                self.actions.push_back(Action::RequestPermit(generation));
            }
            Phase::Bootstrapping => self.renewal_overdue(generation, Setback::TimedOut, now),
            Phase::Dialing => self.renewal_overdue(generation, Setback::HandshakeTimedOut, now),
            Phase::Proving { .. } => self.renewal_failed(Setback::Silent, now),
        }
    }

    fn renewal_overdue(&mut self, generation: Generation, setback: Setback, now: Instant) {
        self.actions
            .push_back(Action::Close(generation, CloseReason::TimedOut));
        self.renewal_failed(setback, now);
    }

    /// Starts the next attempt.
    fn begin_renewal(&mut self, now: Instant) {
        let generation = self.newest.next();
        let deadline = now + self.timing.permit;
        if let Some(renewing) = &mut self.renewing {
            self.newest = generation;
            renewing.generation = generation;
            renewing.enter(Phase::Queued, deadline);
            self.actions.push_back(Action::RequestPermit(generation));
        }
    }

    /// Ends a renewal under way because nobody wants it any more.
    pub(super) fn give_up_renewal(&mut self, reason: CloseReason) {
        if let Some(renewing) = self.renewing.take() {
            if renewing.has_begun() {
                self.actions
                    .push_back(Action::Close(renewing.generation, reason));
            }
            self.end_renewal(renewing.generation, RenewalEnd::GivenUp);
        }
        if self.displaced_by_us.take().is_some() {
            self.end_renewal(self.generation, RenewalEnd::GivenUp);
        }
    }

    /// The connection is lost, and attempts follow: a renewal that has not begun is not needed for them.
    pub(super) fn give_up_idle_renewal(&mut self) {
        let idle = self.renewing.take_if(|renewing| !renewing.has_begun());
        if let Some(renewing) = idle {
            self.end_renewal(renewing.generation, RenewalEnd::GivenUp);
        }
    }

    /// Another connection has the bot. If a new one of ours is subscribing, it is the one, unless it says otherwise: it is
    /// the link's attempt from now on. Answers whether it is.
    pub(super) fn yield_to_renewal(&mut self, now: Instant) -> bool {
        let subscribing = self.renewing.take_if(|renewing| {
            renewing.renewal == Renewal::Displacing && renewing.phase == Phase::Dialing
        });
        let Some(renewing) = subscribing else {
            return false;
        };
        self.generation = renewing.generation;
        self.answered_ping = false;
        self.enter(State::Dialing, Some(renewing.deadline));
        self.displaced_by_us = Some(Box::new(now));
        true
    }

    /// The attempt failed that an earlier connection was thought to be displaced by. Answers whether another program
    /// displaced it, and when: one that was refused displaces nobody.
    pub(super) fn displaced_by_another(&mut self, setback: Setback) -> Option<Instant> {
        let since = *self.displaced_by_us.take()?;
        let is_refused = setback.disposition() == Disposition::Refuse;
        let end = if is_refused {
            RenewalEnd::Refused(setback)
        } else {
            RenewalEnd::Failed(setback)
        };
        self.end_renewal(self.generation, end);
        is_refused.then_some(since)
    }

    pub(super) fn end_renewal(&mut self, generation: Generation, end: RenewalEnd) {
        self.actions
            .push_back(Action::RenewalEnded(generation, end));
    }

    fn is_live(&self) -> bool {
        matches!(self.state, State::Live { .. })
    }
}
