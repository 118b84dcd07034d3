//! A bot that another connection displaced, and how it is taken back.
//!
//! The other connection keeps the bot, or the two would displace each other for ever. An operator takes the bot back by
//! hand (start, change of settings) or in advance, by a [`TakeBack`] policy. A displacement and each take-back are recorded
//! on disk, so that a new process knows them. A take-back is done after it is recorded.

use std::time::Instant;

use longwire_installation::TakeBack;

use super::{Action, Link};
use crate::generation::Generation;
use crate::state::State;

impl Link {
    /// The same with the policy for displacements.
    #[must_use]
    pub fn with_take_back(mut self, policy: Option<TakeBack>) -> Self {
        self.take_backs.set_policy(policy);
        self
    }

    /// The same, displaced at `since` while an earlier link served this installation. The first `Desired::Run` then leads to
    /// [`State::Displaced`], because nobody has decided to take the bot back.
    #[must_use]
    pub fn displaced(mut self, since: Option<Instant>) -> Self {
        self.displaced = since;
        self
    }

    /// The same with the take-backs of an earlier link of this installation, oldest first. They count among those of the
    /// day.
    #[must_use]
    pub fn taken_back_at(mut self, times: impl IntoIterator<Item = Instant>) -> Self {
        for time in times {
            self.take_backs.done(time);
        }
        self
    }

    /// The times of its take-backs, oldest first, for [`taken_back_at`](Self::taken_back_at).
    pub fn taken_back(&self) -> impl ExactSizeIterator<Item = Instant> + '_ {
        self.take_backs.history()
    }

    /// An operator started the installation although it is to run already: a displaced bot is taken back.
    pub fn handle_claimed(&mut self, now: Instant) {
        if matches!(self.state, State::Displaced { .. }) {
            self.backoff.start_over();
            self.attempt(now);
        }
    }

    /// The take-back is recorded on disk.
    pub fn handle_take_back_recorded(&mut self, generation: Generation, now: Instant) {
        if self.is_current(generation) && self.take_backs.is_recording() {
            self.attempt(now);
        }
    }

    /// The policy changed. It also applies to a displacement that has happened already.
    pub fn handle_take_back(&mut self, policy: Option<TakeBack>) {
        self.take_backs.set_policy(policy);
        if let State::Displaced { since, .. } = self.state
            // A take-back that is being recorded was due already.
            && !self.take_backs.is_recording()
        {
            let until = self.take_backs.due(since);
            self.state = State::Displaced { since, until };
        }
    }

    /// Another connection has the bot since then.
    pub(super) fn enter_displaced(&mut self, since: Instant) {
        let until = self.take_backs.due(since);
        self.enter(State::Displaced { since, until }, None);
    }

    /// The take-back is due: has it recorded, or asks once more for the record.
    pub(super) fn record_take_back(&mut self, now: Instant) {
        if !self.take_backs.is_recording() {
            self.take_backs.begin(now);
        }
        self.deadline = Some(now + self.timing.permit);
        self.actions
            .push_back(Action::RecordTakeBack(self.generation));
    }
}
