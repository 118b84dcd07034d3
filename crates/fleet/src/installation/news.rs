//! What an installation tells people: its status, its timeline, its log. Each change once.

use super::Installation;
use crate::clock::unix_ms;
use longwire_link::{Rejected, Setback, State};
use longwire_store::TimelineKind;
use std::sync::atomic::Ordering::Relaxed;

/// What the log holds already of a series of failures, so that it is not said with every attempt.
#[derive(Default)]
pub(super) struct Told {
    /// That there is an alarm.
    alarm: bool,
    /// The reason that the last warning named.
    warned_of: Option<&'static str>,
}

impl Installation {
    /// Tells the world where the link stands: the status, the timeline, the log, each change once.
    pub(super) fn show(&mut self) {
        let state = *self.link.state();
        let generation = self.link.generation();
        if state.reason().is_none() && !matches!(state, State::Restarting { .. }) {
            self.detail = None;
        }
        self.bot.shows(&self.link, self.detail.as_deref());
        let waited_before = self.waits_for_file.is_some();
        self.count_waiting(&state);
        if waited_before && self.waits_for_file.is_some() {
            // It waits as before. Thousands may, and the fleet's log has a line about all of them.
            self.shown = Some((state, generation));
            return;
        }
        self.show_alarm(&state);
        if self.shown == Some((state, generation)) {
            return;
        }
        self.shown = Some((state, generation));
        self.bot.was_taken_back(self.link.taken_back());
        let view = self.bot.view();
        let wait_ms = view.until_ms.map(|until| until - unix_ms());
        let reason = view.reason_text.unwrap_or_default();
        let next_step = view.next_step.unwrap_or_default();
        let is_worth_a_warning = match state {
            State::BackingOff { reason, .. } => self.is_worth_a_warning(reason),
            _ => false,
        };
        let (app_id, installation, generation) =
            (&self.record.app_id, &self.bot.public_id, generation.0);
        match state {
            State::BackingOff { attempt, .. } => {
                let text = format!("{reason}; attempt {attempt} in {} ms", wait_ms.unwrap_or(0));
                self.shared
                    .note(&self.bot, generation, TimelineKind::BackingOff, text);
                if matches!(
                    state,
                    State::BackingOff {
                        reason: Setback::TooManyOpenFiles,
                        ..
                    }
                ) {
                    tracing::debug!(app_id, installation, generation, "waits for open files");
                } else if is_worth_a_warning {
                    tracing::warn!(
                        app_id,
                        installation,
                        generation,
                        attempt,
                        wait_ms,
                        reason,
                        next_step,
                        "not connected; trying again, though it may take somebody's help"
                    );
                } else {
                    tracing::info!(
                        app_id,
                        installation,
                        generation,
                        attempt,
                        wait_ms,
                        reason,
                        "not connected; trying again"
                    );
                }
            }
            State::Refused { .. } => {
                let text = format!("{reason}. {next_step}");
                self.shared
                    .note(&self.bot, generation, TimelineKind::Refused, text);
                tracing::error!(
                    app_id,
                    installation,
                    generation,
                    reason,
                    next_step,
                    "refused by the platform or by our own rules"
                );
            }
            State::Displaced { .. } => {
                let text = match wait_ms {
                    Some(wait_ms) => format!("{reason}; taken back in {wait_ms} ms"),
                    None => format!("{reason}. {next_step}"),
                };
                self.shared
                    .note(&self.bot, generation, TimelineKind::Displaced, text);
                tracing::error!(
                    app_id,
                    installation,
                    generation,
                    wait_ms,
                    reason,
                    next_step,
                    "another program has taken the bot"
                );
            }
            State::Restarting { .. } => {
                self.shared.note(
                    &self.bot,
                    generation,
                    TimelineKind::BackingOff,
                    reason.clone(),
                );
                tracing::error!(
                    app_id,
                    installation,
                    generation,
                    wait_ms,
                    reason,
                    next_step,
                    "its actors fail too often; left alone for a while"
                );
            }
            State::Stopped => {
                if generation > 0 {
                    self.shared
                        .note(&self.bot, generation, TimelineKind::Stopped, "");
                }
            }
            State::Live { .. } => {
                let service_id = self.service.map(|service| service.0);
                let ping_interval = self.link.ping_interval();
                tracing::info!(
                    app_id,
                    installation,
                    generation,
                    service_id,
                    ?ping_interval,
                    "connected"
                );
            }
            State::Queued | State::Bootstrapping | State::Dialing => {
                tracing::debug!(
                    app_id,
                    installation,
                    generation,
                    state = state.label(),
                    "connecting"
                );
            }
        }
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
                    .get_or_insert_with(|| self.shared.open_files.wait());
            }
            State::Queued | State::Bootstrapping | State::Dialing => {}
            State::Stopped
            | State::Live { .. }
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => self.waits_for_file = None,
        }
    }

    /// Says once that the last attempts failed, and once that this is over.
    fn show_alarm(&mut self, state: &State) {
        let failures = self.link.failures();
        if failures == 0 {
            self.told.warned_of = None;
        }
        // It begins with a failure and its reason. Attempts without an open file are told for all bots together: whoever
        // is connected after many of them has nothing to raise an alarm about.
        let may_begin = self.told.alarm || state.reason().is_some();
        let has_alarm = self.link.has_alarm() && may_begin;
        if has_alarm == std::mem::replace(&mut self.told.alarm, has_alarm) {
            return;
        }
        let view = self.bot.view();
        let (app_id, installation) = (&self.record.app_id, &self.bot.public_id);
        let generation = self.link.generation().0;
        if has_alarm {
            let reason = view.reason_text.unwrap_or_default();
            let next_step = view.next_step.unwrap_or_default();
            tracing::warn!(
                app_id,
                installation,
                generation,
                failures,
                reason,
                next_step,
                "alarm: max reconnect attempts reached; longwire goes on trying"
            );
        } else if matches!(state, State::Live { .. }) {
            tracing::info!(
                app_id,
                installation,
                generation,
                "connected for long enough: the alarm is over"
            );
        }
    }

    /// Whether a setback that may pass by itself is told at level `warn`: the first time in a series of failures.
    fn is_worth_a_warning(&mut self, setback: Setback) -> bool {
        setback.alarms() && self.told.warned_of.replace(setback.label()) != Some(setback.label())
    }

    pub(super) fn note_rejected(&self, rejected: Vec<Rejected>) {
        for rejected in rejected {
            self.bot.tally.malformed.fetch_add(1, Relaxed);
            self.shared
                .malformed
                .count("config_value", &self.bot.public_id, 0);
            let generation = self.link.generation().0;
            self.shared.note(
                &self.bot,
                generation,
                TimelineKind::ConfigRejected,
                rejected.to_string(),
            );
        }
    }
}
