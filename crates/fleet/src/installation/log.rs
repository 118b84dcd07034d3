//! Writes each change of the link's state into the log and the timeline.

use super::Installation;
use crate::clock::unix_ms;
use crate::connection_log::{ConnectionNews, NewsFacts};
use longwire_link::{NewsPlace, Setback, State};
use longwire_store::TimelineKind;
use std::time::Duration;
use tracing::Level;

/// What was logged of a series of failures, so that it is not logged with every attempt.
#[derive(Default)]
pub(super) struct Logged {
    /// Whether the alarm was logged.
    alarm: bool,
    /// The reason in the last line that asks for somebody.
    told_of: Option<&'static str>,
    /// How that line asked.
    told: Told,
}

/// How somebody was asked to look.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// By a warning: it may pass by itself.
    #[default]
    Warning,
    /// By an error: it does not.
    Error,
}

impl Logged {
    /// The bot has other access: what was said of the former says nothing of it.
    pub(super) fn forget_reason(&mut self) {
        self.told_of = None;
    }
}

/// A state in words, as the admin view has them.
struct StateText {
    reason: String,
    next_step: String,
    /// How long until the installation goes on by itself.
    wait_ms: Option<i64>,
}

/// Logs a line about an installation, with the fields that every such line has.
macro_rules! log {
    ($level:ident, $installation:expr, $($fields_and_text:tt)+) => {
        tracing::$level!(
            name = %$installation.record.name,
            app_id = $installation.record.app_id,
            installation = $installation.bot.public_id,
            generation = $installation.link.generation().0,
            $($fields_and_text)+
        )
    };
}

impl Installation {
    /// Logs the link's new state, and notes it in the timeline.
    pub(super) fn log_state(&mut self, state: &State) {
        let text = self.state_text();
        self.note_state(state, &text);
        let StateText {
            reason,
            next_step,
            wait_ms,
        } = text;
        match *state {
            State::BackingOff {
                attempt,
                reason: setback,
                ..
            } => {
                let is_worth_a_warning = self.is_worth_a_warning(setback);
                let (alone, summed) = match is_worth_a_warning {
                    true => (Level::WARN, ConnectionNews::NeedsSomebody),
                    false => (Level::INFO, ConnectionNews::Retried),
                };
                if setback == Setback::TooManyOpenFiles {
                    log!(debug, self, "waits for open files");
                    return;
                }
                match self.level(alone, summed, setback.label(), &reason, &next_step) {
                    Level::WARN => {
                        let text =
                            "not connected; trying again, though it may take somebody's help";
                        log!(warn, self, attempt, wait_ms, reason, next_step, "{text}");
                    }
                    Level::INFO => {
                        let text = "not connected; trying again";
                        log!(info, self, attempt, wait_ms, reason, "{text}");
                    }
                    _ => {
                        let text = "not connected; trying again";
                        log!(debug, self, attempt, wait_ms, reason, "{text}");
                    }
                }
            }
            State::Refused { .. } => {
                let text = "refused by the platform or by our own rules";
                if self.is_new_error(state) {
                    log!(error, self, reason, next_step, "{text}");
                } else {
                    log!(debug, self, reason, next_step, "{text}");
                }
            }
            State::Displaced { .. } => {
                let text = "another program has taken the bot";
                log!(error, self, wait_ms, reason, next_step, "{text}");
            }
            State::Restarting { .. } => {
                let text = "its actors fail too often; left alone for a while";
                log!(error, self, wait_ms, reason, next_step, "{text}");
            }
            State::Live { .. } => {
                let service_id = self.service.map(|service| service.0);
                let ping_interval = self.link.ping_interval();
                let news = ConnectionNews::Connected;
                match self.level(Level::INFO, news, "connected", "", "") {
                    Level::INFO => log!(info, self, service_id, ?ping_interval, "connected"),
                    _ => log!(debug, self, service_id, ?ping_interval, "connected"),
                }
            }
            State::Queued | State::Bootstrapping | State::Dialing => {
                log!(debug, self, state = state.label(), "connecting");
            }
            State::Webhook => {
                log!(info, self, "not connected; its events come over http");
            }
            State::Stopped => {}
        }
    }

    fn state_text(&self) -> StateText {
        let view = self.bot.view();
        StateText {
            reason: view.reason_text.unwrap_or_default(),
            next_step: view.next_step.unwrap_or_default(),
            wait_ms: view.until_ms.map(|until| (until - unix_ms()).max(0)),
        }
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
                let wait = span(wait_ms.unwrap_or(0));
                let line = format!("{reason}; attempt {attempt} in {wait:?}");
                (TimelineKind::BackingOff, line)
            }
            State::Refused { .. } => (TimelineKind::Refused, format!("{reason}. {next_step}")),
            State::Displaced { .. } => {
                let line = match wait_ms {
                    Some(wait_ms) => format!("{reason}; taken back in {:?}", span(*wait_ms)),
                    None => format!("{reason}. {next_step}"),
                };
                (TimelineKind::Displaced, line)
            }
            State::Restarting { .. } => (TimelineKind::BackingOff, reason.clone()),
            // It never tried to connect.
            State::Stopped if self.link.generation().0 == 0 => return,
            // Why, where the configuration file has a part in it.
            State::Stopped if reason.is_empty() => (TimelineKind::Stopped, String::new()),
            State::Stopped => (TimelineKind::Stopped, format!("{reason}. {next_step}")),
            State::Webhook => (TimelineKind::Webhook, String::new()),
            State::Live { .. } | State::Queued | State::Bootstrapping | State::Dialing => return,
        };
        self.note(self.link.generation(), kind, line);
    }

    /// Logs once that the last attempts failed, and once that this is over.
    pub(super) fn log_alarm(&mut self, state: &State) {
        let failures = self.link.failures();
        if failures == 0 {
            self.logged.forget_reason();
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
        if has_alarm {
            let text = "alarm: max reconnect attempts reached; longwire goes on trying";
            let label = state.reason().as_ref().map_or("unknown", Setback::label);
            let news = ConnectionNews::Alarm;
            match self.level(Level::WARN, news, label, &reason, &next_step) {
                Level::WARN => log!(warn, self, failures, reason, next_step, "{text}"),
                _ => log!(debug, self, failures, reason, next_step, "{text}"),
            }
        } else if matches!(state, State::Live { .. }) {
            let text = "connected for long enough: the alarm is over";
            match self.level(Level::INFO, ConnectionNews::AlarmOver, "alarm_over", "", "") {
                Level::INFO => log!(info, self, "{text}"),
                _ => log!(debug, self, "{text}"),
            }
        }
    }

    /// The level of a line about this bot: `alone`, or `debug` where so many bots have such news that they are summed up.
    fn level(
        &self,
        alone: Level,
        news: ConnectionNews,
        label: &'static str,
        reason: &str,
        next_step: &str,
    ) -> Level {
        let name = self.record.name.as_str();
        let facts = || NewsFacts {
            reason: reason.to_owned(),
            next_step: next_step.to_owned(),
        };
        match (self.fleet.connection_log).place(news, label, name, facts) {
            NewsPlace::Alone => alone,
            NewsPlace::InSum => Level::DEBUG,
        }
    }

    /// Whether a setback that may pass by itself is logged at level `warn`: the first time in a series of failures.
    fn is_worth_a_warning(&mut self, setback: Setback) -> bool {
        let is_new = setback.needs_attention()
            && self.logged.told_of.replace(setback.label()) != Some(setback.label());
        if is_new {
            self.logged.told = Told::Warning;
        }
        is_new
    }

    /// Whether a refusal was not told yet. It is probed again and again, and says the same each time.
    fn is_new_error(&mut self, state: &State) -> bool {
        let label = state.reason().as_ref().map(Setback::label);
        let (before, how) = (self.logged.told_of, self.logged.told);
        (self.logged.told_of, self.logged.told) = (label, Told::Error);
        before != label || how != Told::Error
    }
}

/// To a tenth of a second, as people read it.
fn span(ms: i64) -> Duration {
    let ms = u64::try_from(ms).unwrap_or_default();
    Duration::from_millis(ms.next_multiple_of(100))
}
