//! Decides which connection holds a bot: `aibot_subscribe` and displacement.

use std::time::{Duration, Instant};

use longwire_platform_server::wecom::{CommandResult, code};
use serde_json::{Map, Value};

use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::wecom::behaviour::ScriptedAnswer;
use crate::wecom::callback;
use crate::wecom::ledger::SubscriptionState;
use crate::wecom::req_id::req_id;
use crate::wecom::settings::DisplacedOrder;
use crate::wecom::state::{Due, PlatformState};

/// The window of the limit of subscribes.
const RATE_WINDOW: Duration = Duration::from_secs(60);
/// Time from the event of a displacement to the answer under [`DisplacedOrder::BeforeAck`]. They go over two sockets, so
/// only time can order them.
const EVENT_LEAD: Duration = Duration::from_millis(20);

impl PlatformState {
    /// The result of a subscribe; `None` if it comes later.
    pub(crate) fn subscribe(
        &mut self,
        id: ConnectionId,
        body: &Map<String, Value>,
        answered_to: &str,
        how: &Option<ScriptedAnswer>,
        now: Instant,
    ) -> Option<CommandResult> {
        self.ledger.subscribes += 1;
        let text = |key| body.get(key).and_then(Value::as_str);
        let (Some(bot), Some(secret)) = (text("bot_id"), text("secret")) else {
            return Some(CommandResult::invalid("bot_id and secret must be strings"));
        };
        if !self.settings.bots.accepts(bot, secret) {
            // The socket stays open, as on the platform; the client has to close it.
            return Some(CommandResult::refused(code::BAD_CREDENTIALS));
        }
        let index = self.bot(bot);
        let window = self.settings.scaled(RATE_WINDOW);
        let known = &mut self.bots[index as usize];
        known.subscribes += 1;
        if !known.may_subscribe(self.settings.subscribes_per_minute, window, now) {
            return Some(CommandResult::refused(code::TOO_OFTEN));
        }
        if let Some(old) = known.holder.filter(|old| *old != id) {
            self.displace(old, now);
            if self.settings.displaced_order == DisplacedOrder::BeforeAck {
                let due = Due::Hold(id, index, answered_to.to_owned(), how.clone());
                self.timer_queue.add(now + EVENT_LEAD, due);
                return None;
            }
        }
        self.hold(id, index, now);
        Some(CommandResult::ok())
    }

    /// Makes the connection the bot's holder, after its predecessor got the event.
    pub(crate) fn hold_late(
        &mut self,
        id: ConnectionId,
        bot: u32,
        answered_to: &str,
        how: Option<ScriptedAnswer>,
        now: Instant,
    ) {
        // Another connection may have become the holder meanwhile.
        if let Some(old) = self.bots[bot as usize].holder.filter(|old| *old != id) {
            self.displace(old, now);
        }
        self.hold(id, bot, now);
        self.answer_command(
            "aibot_subscribe",
            id,
            answered_to,
            CommandResult::ok(),
            how,
            now,
        );
    }

    fn hold(&mut self, id: ConnectionId, bot: u32, now: Instant) {
        let live = self.connections.get(&id);
        if live.is_none_or(|live| live.ending.is_some()) {
            return;
        }
        self.withdraw(id);
        self.bots[bot as usize].holder = Some(id);
        self.ledger.subscribed += 1;
        self.change(id, |live| {
            live.bot = Some(bot);
            live.state = SubscriptionState::Subscribed;
            live.subscribed = Some(now);
        });
    }

    /// Sends a holder the event of its displacement, and ends its TCP connection later. Its heartbeats are answered until
    /// then.
    pub(crate) fn displace(&mut self, id: ConnectionId, now: Instant) {
        let Some(bot) = self.connections.get(&id).and_then(|live| live.bot) else {
            return;
        };
        self.withdraw(id);
        self.ledger.displacements += 1;
        self.bots[bot as usize].displacements += 1;
        let event = AttemptId {
            push: 0,
            attempt: self.bots[bot as usize].displacements as u16,
        };
        let text = callback::disconnected(
            &self.bots[bot as usize].id,
            &req_id(event, self.settings.seed ^ u64::from(bot)),
            self.wall_clock.unix_ms(now) / 1_000,
        );
        self.change(id, |live| {
            live.state = SubscriptionState::Displaced;
            live.send_text(text.as_bytes());
        });
        let at = now + self.settings.scaled(self.settings.displaced_kept);
        self.timer_queue.add(at, Due::Cut(id));
        self.wake_clock();
    }
}
