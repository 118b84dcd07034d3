//! The link of one installation: decides when to connect, and what follows from each end.
//!
//! ```text
//! stopped ─▶ queued ─▶ bootstrapping ─▶ dialing ─▶ live
//!              ▲              │            │        │
//!              └── backing_off, refused ◀──┴────────┤      restarting: its actors ended too often
//!                                       displaced ◀──┘      webhook: it runs, and its events come by another road
//! ```
//!
//! - Every attempt has a [`Generation`]. News of another one changes nothing. A connection that opens for an older one is
//!   closed, because the platform grants an app only a few.
//! - At most one generation has a call, a dial or a connection. It is closed before the next one begins. Only a renewal has
//!   one beside it; see the `renewal` module.
//! - In every state but `stopped`, `webhook` and `displaced` either a timer runs or a connection lives, which its heartbeat ends.
//!   Bootstrap and dial have deadlines here too, in case the owner never reports.
//! - A displaced bot stays with the other program; see the `displacement` module.
//! - The backoff starts over after a stable connection: one that answered a ping and lived for [`Timing::stable_after`].
//! - A refusal is checked soon at first, and hourly once it has repeated.
//! - [`ALARM_AFTER`] failures in a row are an [alarm](Link::has_alarm), until a connection is stable.
//! - The link never gives up. The platform's attempt count only makes [`Link::attempts_exceeded`] true.
//!
//! Each file below holds the inputs and decisions of one part of this life. They share the state here, which only `enter`
//! and a changed take-back policy replace.

mod action;
mod attempt;
mod close_reason;
mod displacement;
mod failure;
mod live;
mod priority;
mod renewal;
mod renewal_end;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use longwire_installation::{Desired, Mode};

use crate::backoff::Backoff;
use crate::connection_settings::ConnectionSettings;
use crate::generation::Generation;
use crate::setback::Setback;
use crate::state::State;
use crate::take_back::TakeBacks;
use crate::timing::Timing;

pub use action::Action;
pub use close_reason::CloseReason;
pub use failure::ALARM_AFTER;
use live::StableConnection;
use renewal::Renewing;
pub use renewal_end::{Renewal, RenewalEnd};

/// Keeps one installation connected.
#[derive(Debug)]
pub struct Link {
    timing: Arc<Timing>,
    backoff: Backoff,
    settings: ConnectionSettings,
    mode: Mode,
    state: State,
    generation: Generation,
    /// The highest generation that was given to an attempt, that of a renewal included.
    newest: Generation,
    /// When the link stops waiting for news, in the states that have no end of their own.
    deadline: Option<Instant>,
    /// Whether the live connection has answered a ping.
    answered_ping: bool,
    opened_before: bool,
    reconnects: u64,
    /// The latest connection that was stable.
    last_stable: Option<StableConnection>,
    take_backs: TakeBacks,
    /// Since when another connection has had the bot, until the operator first says what is desired.
    displaced: Option<Instant>,
    /// A second connection that is being made beside the live one.
    renewing: Option<Box<Renewing>>,
    /// Since when the live connection has been displaced, as it seems by the attempt under way.
    displaced_by_us: Option<Box<Instant>>,
    actions: VecDeque<Action>,
}

impl Link {
    /// A stopped installation. Equal seeds give equal delays, so every installation needs its own.
    #[must_use]
    pub fn new(timing: impl Into<Arc<Timing>>, seed: u64) -> Self {
        let timing = timing.into();
        Self {
            backoff: Backoff::new(Arc::clone(&timing), seed),
            settings: ConnectionSettings {
                ping_interval: timing.ping_interval,
                ..ConnectionSettings::default()
            },
            mode: Mode::default(),
            state: State::Stopped,
            generation: Generation::default(),
            newest: Generation::default(),
            deadline: None,
            answered_ping: false,
            opened_before: false,
            reconnects: 0,
            last_stable: None,
            take_backs: TakeBacks::default(),
            displaced: None,
            renewing: None,
            displaced_by_us: None,
            actions: VecDeque::new(),
            timing,
        }
    }

    /// The same with generations above this one, which an earlier link of this installation has used.
    #[must_use]
    pub fn after(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self.newest = generation;
        self
    }

    /// The same with the mode of the installation.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The operator wants it to run or to stop. A repetition changes nothing.
    pub fn handle_desired(&mut self, desired: Desired, now: Instant) {
        let displaced = self.displaced.take();
        match (desired, self.state) {
            (Desired::Run, State::Stopped) if !self.mode.connects() => {
                self.enter(State::Webhook, None);
            }
            (Desired::Run, State::Stopped) => match displaced {
                Some(since) => self.enter_displaced(since),
                None => {
                    self.backoff.start_over();
                    self.attempt(now);
                }
            },
            (Desired::Run, _) | (Desired::Stop, State::Stopped) => {}
            (Desired::Stop, _) => {
                self.give_up_renewal(CloseReason::Stopped);
                self.close(CloseReason::Stopped);
                self.backoff.start_over();
                self.enter(State::Stopped, None);
            }
        }
    }

    /// The operator wants its events to come by these roads. A bot that is not to connect any more finishes what it has in
    /// hand; one that is to connect again does so at once.
    pub fn handle_mode(&mut self, mode: Mode, now: Instant) {
        self.mode = mode;
        match (mode.connects(), self.state) {
            (_, State::Stopped) | (false, State::Webhook) => {}
            (true, State::Webhook) => {
                self.backoff.start_over();
                self.attempt(now);
            }
            (
                true,
                State::Queued
                | State::Bootstrapping
                | State::Dialing
                | State::Live { .. }
                | State::BackingOff { .. }
                | State::Refused { .. }
                | State::Displaced { .. }
                | State::Restarting { .. },
            ) => {}
            (false, _) => {
                self.give_up_renewal(CloseReason::Webhook);
                self.close(CloseReason::Webhook);
                self.backoff.start_over();
                self.enter(State::Webhook, None);
            }
        }
    }

    /// Credentials or settings changed. The earlier failures are forgotten, and it connects with the new ones at once.
    pub fn handle_configured(&mut self, now: Instant) {
        match self.state {
            // The attempt has not begun and will use the new ones.
            State::Queued => {
                self.give_up_renewal(CloseReason::Reconfigured);
                self.backoff.start_over();
            }
            State::Bootstrapping
            | State::Dialing
            | State::Live { .. }
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. } => {
                self.give_up_renewal(CloseReason::Reconfigured);
                self.close(CloseReason::Reconfigured);
                self.backoff.start_over();
                self.attempt(now);
            }
            // New settings do not repair code that keeps ending.
            State::Stopped | State::Webhook | State::Restarting { .. } => {}
        }
    }

    /// The operator wants it tried now, whatever it waits for. The earlier failures are forgotten. A displaced bot stays with
    /// the other program: [`handle_claimed`](Self::handle_claimed) takes it back.
    pub fn handle_retry(&mut self, now: Instant) {
        match self.state {
            State::BackingOff { .. } | State::Refused { .. } | State::Restarting { .. } => {
                self.backoff.start_over();
                self.attempt(now);
            }
            // It is under way, serves, or is not to connect.
            State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::Live { .. }
            | State::Displaced { .. }
            | State::Stopped
            | State::Webhook => {}
        }
    }

    /// The actors of the connection ended too often. Nothing is tried before `until`.
    pub fn handle_restarts_exhausted(&mut self, until: Instant, _now: Instant) {
        // These connect to nothing already. They must not come back when `until` is over.
        if !matches!(
            self.state,
            State::Stopped | State::Webhook | State::Displaced { .. }
        ) {
            self.give_up_renewal(CloseReason::Restarting);
            self.close(CloseReason::Restarting);
            self.enter(State::Restarting { until }, None);
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. An early call changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.own_timeout()) {
            self.time_out(now);
        }
        if is_due(self.renewal_timeout()) {
            self.renewal_timed_out(now);
        }
    }

    fn time_out(&mut self, now: Instant) {
        match self.state {
            State::Queued => self.request_permit(now),
            State::Bootstrapping => {
                self.close(CloseReason::TimedOut);
                self.fail(Setback::TimedOut, now);
            }
            State::Dialing => {
                self.close(CloseReason::TimedOut);
                self.fail(Setback::HandshakeTimedOut, now);
            }
            State::BackingOff { .. } | State::Refused { .. } | State::Restarting { .. } => {
                self.attempt(now);
            }
            State::Displaced { .. } => self.record_take_back(now),
            State::Live { .. } => self.check_stability(now),
            State::Stopped | State::Webhook => {}
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = [self.own_timeout(), self.renewal_timeout()];
        timeouts.into_iter().flatten().min()
    }

    /// The same without a renewal.
    fn own_timeout(&self) -> Option<Instant> {
        if self.take_backs.is_recording() {
            return self.deadline;
        }
        self.state.until().or(self.deadline)
    }

    /// The next action, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // A connection lives for hours without an action, so the queue's memory is freed.
            self.actions = VecDeque::new();
        }
        action
    }

    /// The current state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The generation of the latest attempt; 0 before the first.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The platform's settings in force. For the distance of pings see [`ping_interval`](Self::ping_interval).
    #[must_use]
    pub fn settings(&self) -> &ConnectionSettings {
        &self.settings
    }

    fn enter(&mut self, state: State, deadline: Option<Instant>) {
        self.state = state;
        self.deadline = deadline;
        self.take_backs.end();
        // Actions of the previous state that nobody has taken are obsolete; what is open must be closed all the same, and
        // the end of a renewal is told.
        self.actions
            .retain(|action| matches!(action, Action::Close(..) | Action::RenewalEnded(..)));
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
