//! What an installation shows of itself: its status for the admin view, and whether it waits for an open file.

use super::Installation;
use crate::kind::ConnectionActor;
use longwire_link::{Generation, IgnoredSetting, Setback, State};
use longwire_store::TimelineKind;

impl Installation {
    /// Writes the link's state into the status, and each change once into the timeline and the log.
    pub(super) fn show(&mut self) {
        let state = *self.link.state();
        if state.reason().is_none() && !matches!(state, State::Restarting { .. }) {
            self.detail = None;
        }
        let differs = self.bot.shows(&self.link, self.detail.as_deref());
        let is_news = differs || !std::mem::replace(&mut self.was_shown, true);
        let waited_before = self.waits_for_file.is_some();
        self.count_waiting(&state);
        if waited_before && self.waits_for_file.is_some() {
            // It waits as before. Thousands of bots may wait, so the log has one line about all of them.
            return;
        }
        self.log_alarm(&state);
        if !is_news {
            return;
        }
        self.bot.was_taken_back(self.link.taken_back());
        self.log_state(&state);
    }

    /// Counts this bot among those that wait for open files, from the first attempt that found none until one is
    /// connected, or fails for another reason.
    fn count_waiting(&mut self, state: &State) {
        match state {
            State::BackingOff {
                reason: Setback::TooManyOpenFiles,
                ..
            } => {
                self.waits_for_file
                    .get_or_insert_with(|| self.fleet.open_files.wait());
            }
            State::Queued | State::Bootstrapping | State::Dialing => {}
            State::Stopped
            | State::Webhook
            | State::Live { .. }
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => self.waits_for_file = None,
        }
    }

    /// The actor of another connection ended that was started after the one of this kind that still lives: the card shows that
    /// one again.
    pub(super) fn show_again(&self, actor: ConnectionActor) {
        let connection = self.connection.as_ref();
        let lives = connection.filter(|connection| connection.instance(actor).is_some());
        if let Some(connection) = lives {
            (self.bot.card(actor)).outlived(self.place_in_tree(connection.generation));
        }
    }

    /// Counts and notes settings of the platform that the link ignored.
    pub(super) fn note_ignored_settings(&self, ignored: Vec<IgnoredSetting>) {
        for setting in ignored {
            (self.fleet.malformed).count(&self.bot, "config_value", 0, None);
            self.note(
                self.link.generation(),
                TimelineKind::ConfigRejected,
                setting.to_string(),
            );
        }
    }

    /// Writes a line of the bot's timeline about a connection.
    pub(super) fn note(
        &self,
        generation: Generation,
        kind: TimelineKind,
        detail: impl Into<String>,
    ) {
        (self.fleet).note(self.bot.id, generation.0, kind, detail);
    }
}
