//! The handle with which tests, benches and the control API control a simulated WeCom platform.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::push::PushId;
use crate::script::Script;
use crate::traffic::{Traffic, TrafficProgress};
use crate::transcript::Transcript;
use crate::wecom::behaviour::Behaviour;
use crate::wecom::fault::{ConnectionFault, Target};
use crate::wecom::ledger::{BotView, ConnectionView, Ledger};
use crate::wecom::push::Push;
use crate::wecom::record::{CallbackRecord, WrittenCallbacks};
use crate::wecom::shown::Shown;
use crate::wecom::state::{SharedState, UploadedFile};
use crate::wecom::traffic::Flood;

/// How often [`Control::wait_until`] checks its condition.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Controls a simulated platform. It can be used from any thread, and no method waits for the network.
#[derive(Clone, Debug)]
pub struct Control {
    pub(crate) shared: Arc<SharedState>,
}

impl Control {
    /// Pushes a callback to the connection that holds the bot. Without one the callback waits for a holder.
    pub fn push(&self, bot: &str, push: impl Into<Push>) -> PushId {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.push(bot, push.into(), now)
    }

    /// Pushes several callbacks back to back, so that they arrive in one burst.
    pub fn push_burst(&self, bot: &str, pushes: Vec<Push>) -> Vec<PushId> {
        let mut state = self.shared.state();
        let now = Instant::now();
        let pushes = pushes.into_iter();
        pushes.map(|push| state.push(bot, push, now)).collect()
    }

    /// Delivers a callback once more, with the same `msgid` and a new `req_id`, as the platform does after a network
    /// failure. `false` if its record is no longer kept.
    pub fn push_again(&self, push: PushId) -> bool {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.push_again(push, now)
    }

    /// Starts a paced stream in place of the one that runs, evenly over the bots.
    pub fn push_at_rate(&self, traffic: Traffic) {
        self.shared.state().start_pacing(traffic, Instant::now());
        self.shared.alarm.notify_one();
    }

    /// Starts a flood in place of the one that runs: messages as fast as the sockets take them.
    pub fn push_flood(&self, flood: Flood) {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.start_flood(flood, now);
    }

    /// Stops generating messages. Messages already made are still delivered.
    pub fn stop_traffic(&self) {
        self.shared.state().stop_traffic();
    }

    /// The progress of generated traffic.
    pub fn traffic(&self) -> TrafficProgress {
        self.shared.state().traffic(Instant::now())
    }

    /// The live connections that subscribed a bot, or with `None` all, in the order they came.
    pub fn connections(&self, bot: Option<&str>) -> Vec<ConnectionView> {
        self.shared.state().views(bot)
    }

    /// The bots that were subscribed or pushed to, in the order they came.
    pub fn bots(&self) -> Vec<BotView> {
        self.shared.state().bot_views()
    }

    /// Puts a fault on live connections; returns on how many.
    pub fn fault(&self, target: Target, fault: ConnectionFault) -> usize {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.fault(&target, &fault, now)
    }

    /// Scripts an answer for one bot, or with `None` for all.
    pub fn behaviour(&self, bot: Option<&str>, script: impl Into<Script<Behaviour>>) {
        self.shared.state().scripts.add(bot, script.into());
    }

    /// The counters now.
    pub fn ledger(&self) -> Ledger {
        self.shared.state().ledger()
    }

    /// What happened to one callback; `None` if unknown or no longer kept.
    pub fn record(&self, push: PushId) -> Option<CallbackRecord> {
        self.shared.state().record(push.0)
    }

    /// What happened to the callbacks of one bot, or with `None` of all, in the order of the pushes. Old records are
    /// dropped.
    pub fn records(&self, bot: Option<&str>) -> Vec<CallbackRecord> {
        self.shared.state().all_records(bot)
    }

    /// The `msgid`s of delivered callbacks, in the order of the pushes. Old records are dropped.
    pub fn delivered_msgids(&self) -> Vec<String> {
        self.shared.state().delivered_msgids()
    }

    /// What was written to each connection of one bot, or with `None` of all, in the order of the connections. Old records
    /// are dropped.
    pub fn written(&self, bot: Option<&str>) -> Vec<WrittenCallbacks> {
        self.shared.state().written(bot)
    }

    /// The messages that users see from a bot, or with `None` from all, in the order in which they appeared.
    pub fn shown(&self, bot: Option<&str>) -> Vec<Shown> {
        let state = self.shared.state();
        let of_bot = |shown: &&Shown| bot.is_none_or(|bot| shown.bot == bot);
        state.chats.all().filter(of_bot).cloned().collect()
    }

    /// What a person sees in a chat, which `chatid` or the user of a single chat names. Made-up traffic is not in it.
    pub fn transcript(&self, chat: &str) -> Transcript {
        self.shared.state().transcript(chat)
    }

    /// The files that bots uploaded, in the order in which they were finished.
    pub fn uploaded(&self) -> Vec<UploadedFile> {
        self.shared.state().uploads.files()
    }

    /// Forgets pushes, records, messages, counters, scripts and traffic. Uploads and connections stay.
    pub fn reset(&self) {
        self.shared.state().reset();
    }

    /// Blocks the calling thread until `wanted` is true of the ledger. After `limit` it returns the last ledger as error.
    pub fn wait_until(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&Ledger) -> bool,
    ) -> Result<Ledger, Box<Ledger>> {
        let end = Instant::now() + limit;
        loop {
            let ledger = self.ledger();
            if wanted(&ledger) {
                return Ok(ledger);
            }
            if Instant::now() >= end {
                return Err(Box::new(ledger));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
