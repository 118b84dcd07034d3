//! How a bot is, for those who are told of its troubles by operational events.

use super::Bot;
use longwire_installation::Platform;
use longwire_link::{BotCondition, BotTrouble, State};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// So long after it connected, a new bot should have heard an event: whoever adds one writes to it to try it.
const SHOULD_HAVE_HEARD: Duration = Duration::from_secs(10 * 60);
/// A bot is new if it was added while this process runs, because the count of its events is this process's. Declared bots
/// are added a little before the fleet starts.
const ADDED_AT_START_MS: i64 = 60_000;

impl Bot {
    /// How it is, and since when, in milliseconds since 1970. `started_ms` is when the fleet started.
    pub(crate) fn condition(&self, now: Instant, started_ms: i64) -> (BotCondition, i64) {
        let (state, failures, absence, since_ms) = {
            let status = self.status();
            let (failures, since_ms) = (status.failures, status.since_ms);
            (status.state, failures, status.absence, since_ms)
        };
        let condition = BotCondition::of(&state, failures, absence.label());
        let heard_nothing = || {
            self.tally.events.load(Relaxed) == 0
                && self.record().created_ms >= started_ms - ADDED_AT_START_MS
        };
        let condition = match state {
            State::Live { since } if now.saturating_duration_since(since) >= SHOULD_HAVE_HEARD => {
                condition.or_never_heard(heard_nothing())
            }
            State::Live { .. }
            | State::Stopped
            | State::Webhook
            | State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => condition,
        };
        (condition, since_ms)
    }

    /// The same in words, with what comes next.
    pub(crate) fn condition_text(&self, condition: BotCondition) -> String {
        let what = match condition {
            BotCondition::InTrouble(BotTrouble::Displaced, _) => "Displaced",
            BotCondition::InTrouble(BotTrouble::Refused, _) => "Refused",
            BotCondition::InTrouble(BotTrouble::Deaf, _) if self.is_live() => {
                let next_step = match self.platform() {
                    Platform::Feishu | Platform::Lark => NOTHING_SUBSCRIBED,
                    Platform::Wecom => NOBODY_WROTE,
                };
                return format!(
                    "Connected, but no event has come since the bot was added. {next_step}"
                );
            }
            BotCondition::InTrouble(BotTrouble::Deaf, _) => "No connection",
            BotCondition::Live | BotCondition::Connecting | BotCondition::Stopped => {
                return "The bot is connected, and its trouble is over.".to_owned();
            }
        };
        let view = self.view();
        let reason = view.reason_text.unwrap_or_default();
        let next_step = view.next_step.unwrap_or_default();
        format!("{what}: {reason}. Next step: {next_step}")
    }

    fn is_live(&self) -> bool {
        matches!(self.state(), State::Live { .. })
    }
}

const NOTHING_SUBSCRIBED: &str = "Next step: in the developer console let the app receive events through a long connection, add \
     the events it wants, publish the version, and write to the bot.";
const NOBODY_WROTE: &str =
    "Next step: write to the bot, and see that it is the bot whose id is stored here.";
