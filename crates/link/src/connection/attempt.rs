//! One attempt to connect: its permit, the bootstrap, the dial, the open connection.

use std::time::Instant;

use longwire_wire::endpoint::ClientConfig;

use super::{Action, CloseReason, Link, RenewalEnd};
use crate::connection_settings::IgnoredSetting;
use crate::generation::Generation;
use crate::state::State;

impl Link {
    /// The connect scheduler lets this generation start.
    pub fn handle_permitted(&mut self, generation: Generation, now: Instant) {
        if self.is_renewing(generation) {
            self.renewal_permitted(generation, now);
        } else if self.is_current(generation) && self.state == State::Queued {
            let limit = self.timing.bootstrap + self.timing.slack;
            self.enter(State::Bootstrapping, Some(now + limit));
            self.actions.push_back(Action::Bootstrap(generation));
        }
    }

    /// The platform gave a connection URL and perhaps its settings. Returns the settings that were ignored.
    pub fn handle_bootstrapped(
        &mut self,
        generation: Generation,
        config: Option<&ClientConfig>,
        now: Instant,
    ) -> Vec<IgnoredSetting> {
        if self.renewal_bootstrapped(generation, now) {
            return self.apply(config);
        }
        if !self.is_current(generation) || self.state != State::Bootstrapping {
            return Vec::new();
        }
        let limit = self.timing.handshake + self.timing.slack;
        self.enter(State::Dialing, Some(now + limit));
        self.actions.push_back(Action::Dial(generation));
        self.apply(config)
    }

    /// The connection is open.
    pub fn handle_opened(&mut self, generation: Generation, now: Instant) {
        if self.is_renewing(generation) {
            return self.renewal_opened(generation, now);
        }
        match self.state {
            State::Dialing if self.is_current(generation) => {
                self.enter_live(now);
                if self.displaced_by_us.take().is_some() {
                    self.end_renewal(generation, RenewalEnd::Proved);
                }
            }
            // The live connection is reported twice, which changes nothing.
            State::Live { .. } if self.is_current(generation) => {}
            State::Stopped
            | State::Webhook
            | State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::Live { .. }
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => self
                .actions
                .push_back(Action::Close(generation, CloseReason::Stale)),
        }
    }

    /// The connection of the current generation serves, and has been open since then.
    pub(super) fn enter_live(&mut self, since: Instant) {
        self.answered_ping = false;
        self.enter(State::Live { since }, None);
        self.reconnects += u64::from(self.opened_before);
        self.opened_before = true;
    }

    /// How often a connection opened after an earlier one had ended.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Starts the next generation.
    pub(super) fn attempt(&mut self, now: Instant) {
        self.newest = self.newest.next();
        self.generation = self.newest;
        self.answered_ping = false;
        self.enter(State::Queued, None);
        self.request_permit(now);
    }

    /// Asks for a permit, the first time or once more.
    pub(super) fn request_permit(&mut self, now: Instant) {
        self.deadline = Some(now + self.timing.permit);
        self.actions
            .push_back(Action::RequestPermit(self.generation));
    }

    /// Closes the call, the dial or the connection of the current generation.
    pub(super) fn close(&mut self, reason: CloseReason) {
        if matches!(
            self.state,
            State::Bootstrapping | State::Dialing | State::Live { .. }
        ) {
            self.actions
                .push_back(Action::Close(self.generation, reason));
        }
    }

    /// Whether the news is about the current generation.
    pub(super) fn is_current(&self, generation: Generation) -> bool {
        generation == self.generation
    }

    /// Applies the platform's settings and returns those that were ignored.
    pub(super) fn apply(&mut self, config: Option<&ClientConfig>) -> Vec<IgnoredSetting> {
        config.map_or_else(Vec::new, |config| self.settings.apply(config))
    }
}
