//! Writes each change of the link's state into the log and the timeline.

use super::Installation;
use crate::clock::unix_ms;
use longwire_link::{Setback, State};
use longwire_store::TimelineKind;

/// What was logged of a series of failures, so that it is not logged with every attempt.
#[derive(Default)]
pub(super) struct Logged {
    /// Whether the alarm was logged.
    alarm: bool,
    /// The reason in the last warning.
    warned_of: Option<&'static str>,
}

/// A state in words, as the admin view has them.
struct StateText {
    reason: String,
    next_step: String,
    /// How long until the installation goes on by itself.
    wait_ms: Option<i64>,
}

impl Installation {
    /// Logs the link's new state.
    pub(super) fn log_state(&mut self, state: &State) {
        let text = self.state_text();
        self.note_state(state, &text);
        match *state {
            State::BackingOff {
                attempt, reason, ..
            } => self.log_backing_off(attempt, reason, &text),
            State::Refused { .. } => self.log_refused(&text),
            State::Displaced { .. } => {
                self.log_left_alone("another program has taken the bot", &text)
            }
            State::Restarting { .. } => {
                self.log_left_alone("its actors fail too often; left alone for a while", &text);
            }
            State::Live { .. } => self.log_live(),
            State::Queued | State::Bootstrapping | State::Dialing => {
                let (app_id, installation, generation) = self.log_fields();
                let state = state.label();
                tracing::debug!(app_id, installation, generation, state, "connecting");
            }
            State::Stopped => {}
        }
    }

    fn state_text(&self) -> StateText {
        let view = self.bot.view();
        StateText {
            reason: view.reason_text.unwrap_or_default(),
            next_step: view.next_step.unwrap_or_default(),
            wait_ms: view.until_ms.map(|until| until - unix_ms()),
        }
    }

    /// App id, public id and generation, which every line has.
    fn log_fields(&self) -> (&str, &str, u64) {
        (
            &self.record.app_id,
            &self.bot.public_id,
            self.link.generation().0,
        )
    }

    /// Writes the timeline's line about a state, if there is one for it.
    fn note_state(&self, state: &State, text: &StateText) {
        let StateText {
            reason,
            next_step,
            wait_ms,
        } = text;
        let (kind, line) = match state {
            State::BackingOff { attempt, .. } => {
                let wait_ms = wait_ms.unwrap_or(0);
                let line = format!("{reason}; attempt {attempt} in {wait_ms} ms");
                (TimelineKind::BackingOff, line)
            }
            State::Refused { .. } => (TimelineKind::Refused, format!("{reason}. {next_step}")),
            State::Displaced { .. } => {
                let line = match wait_ms {
                    Some(wait_ms) => format!("{reason}; taken back in {wait_ms} ms"),
                    None => format!("{reason}. {next_step}"),
                };
                (TimelineKind::Displaced, line)
            }
            State::Restarting { .. } => (TimelineKind::BackingOff, reason.clone()),
            // It never tried to connect.
            State::Stopped if self.link.generation().0 == 0 => return,
            State::Stopped => (TimelineKind::Stopped, String::new()),
            State::Live { .. } | State::Queued | State::Bootstrapping | State::Dialing => return,
        };
        self.note(self.link.generation(), kind, line);
    }

    fn log_backing_off(&mut self, attempt: u32, setback: Setback, text: &StateText) {
        let is_worth_a_warning = self.is_worth_a_warning(setback);
        let (app_id, installation, generation) = self.log_fields();
        let StateText {
            reason,
            next_step,
            wait_ms,
        } = text;
        if setback == Setback::TooManyOpenFiles {
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

    fn log_refused(&self, text: &StateText) {
        let (app_id, installation, generation) = self.log_fields();
        let StateText {
            reason, next_step, ..
        } = text;
        tracing::error!(
            app_id,
            installation,
            generation,
            reason,
            next_step,
            "refused by the platform or by our own rules"
        );
    }

    /// Logs a state that ends by itself late or never.
    fn log_left_alone(&self, what: &'static str, text: &StateText) {
        let (app_id, installation, generation) = self.log_fields();
        let StateText {
            reason,
            next_step,
            wait_ms,
        } = text;
        tracing::error!(
            app_id,
            installation,
            generation,
            wait_ms,
            reason,
            next_step,
            "{what}"
        );
    }

    fn log_live(&self) {
        let (app_id, installation, generation) = self.log_fields();
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

    /// Logs once that the last attempts failed, and once that this is over.
    pub(super) fn log_alarm(&mut self, state: &State) {
        let failures = self.link.failures();
        if failures == 0 {
            self.logged.warned_of = None;
        }
        // An alarm begins with a failure that has a reason. Attempts without an open file are logged for all bots together,
        // so a bot that connects after many of them raises no alarm.
        let may_begin = self.logged.alarm || state.reason().is_some();
        let has_alarm = self.link.has_alarm() && may_begin;
        if has_alarm == std::mem::replace(&mut self.logged.alarm, has_alarm) {
            return;
        }
        let StateText {
            reason, next_step, ..
        } = self.state_text();
        let (app_id, installation, generation) = self.log_fields();
        if has_alarm {
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

    /// Whether a setback that may pass by itself is logged at level `warn`: the first time in a series of failures.
    fn is_worth_a_warning(&mut self, setback: Setback) -> bool {
        setback.needs_attention()
            && self.logged.warned_of.replace(setback.label()) != Some(setback.label())
    }
}
