//! The state of a simulated WeCom platform: bots, live connections, callbacks, scripts and the ledger.
//!
//! One mutex guards it. A connection's task locks it once per read burst and once per buffer it writes, the control handle
//! once per call, and it is never held across I/O. Other files add to [`PlatformState`]: [`crate::wecom::delivery`]
//! delivers, [`generator`] generates traffic, [`crate::wecom::subscription`] decides who holds a bot,
//! [`crate::wecom::fault_work`] applies faults.

mod generator;
mod media;
mod upload;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use longwire_platform_server::websocket::{self, opcode};
use tokio::sync::Notify;

use crate::fault::ConnectionId;
use crate::ids;
use crate::live::{Ending, OutputSignal};
use crate::numbers::NumberMap;
use crate::script::Scripts;
use crate::timer_queue::TimerQueue;
use crate::wall_clock::WallClock;
use crate::wecom::behaviour::{Behaviour, ScriptedAnswer};
use crate::wecom::bot::Bot;
use crate::wecom::ledger::Ledger;
use crate::wecom::live::LiveConnection;
use crate::wecom::rate::Rate;
use crate::wecom::record::Records;
use crate::wecom::settings::SimSettings;
use crate::wecom::shown::Chats;
use generator::Generator;
use media::MediaStore;
use upload::Uploads;

pub(crate) use media::{Download, disposition};
pub use upload::UploadedFile;

/// The part of a simulator that its tasks and handles share.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) alarm: Arc<Notify>,
    state: Mutex<PlatformState>,
}

impl SharedState {
    /// `origin` is the scheme and host of URLs in callbacks, such as `http://127.0.0.1:40123`.
    pub(crate) fn new(settings: SimSettings, origin: String) -> Self {
        let alarm = Arc::new(Notify::new());
        let state = Mutex::new(PlatformState::new(settings, origin, Arc::clone(&alarm)));
        Self { alarm, state }
    }

    /// Locks the state. After a panic elsewhere the state is still used, because at worst a counter is one too low.
    pub(crate) fn state(&self) -> MutexGuard<'_, PlatformState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has to be done at a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A text message to send late.
    Text(ConnectionId, String),
    /// Make the connection the bot's holder, and answer the subscribe with this `req_id`. Its predecessor got the event
    /// before.
    Hold(ConnectionId, u32, String, Option<ScriptedAnswer>),
    /// End the TCP connection of a displaced connection.
    Cut(ConnectionId),
    /// End the connection without a close frame.
    Abort(ConnectionId),
    /// Check whether the connection still sends something.
    IdleCheck(ConnectionId),
    /// An RFC 6455 ping.
    ProtocolPing(ConnectionId),
}

/// Everything behind the mutex.
#[derive(Debug)]
pub(crate) struct PlatformState {
    pub(crate) settings: SimSettings,
    pub(crate) origin: String,
    pub(crate) wall_clock: WallClock,
    pub(crate) bots: Vec<Bot>,
    bot_index: HashMap<String, u32>,
    pub(crate) connections: NumberMap<ConnectionId, LiveConnection>,
    last_connection: u64,
    pub(crate) last_push: u64,
    /// Callbacks written so far.
    pub(crate) last_place: u64,
    pub(crate) records: Records,
    /// Deliveries whose `req_id` was given with the push.
    pub(crate) given_req_ids: HashMap<String, ids::AttemptId>,
    /// Chats of bots in which a user wrote, and whether they are groups; without the chats of generated messages.
    pub(crate) known_chats: HashMap<(u32, String), bool>,
    pub(crate) chats: Chats,
    pub(crate) rates: HashMap<(u32, String), Rate>,
    pub(crate) used_response_codes: HashSet<u64>,
    pub(crate) uploads: Uploads,
    pub(crate) media_store: MediaStore,
    pub(crate) timer_queue: TimerQueue<Due>,
    pub(crate) generator: Generator,
    pub(crate) scripts: Scripts<Behaviour>,
    pub(crate) ledger: Ledger,
    alarm: Arc<Notify>,
    /// The time at which the clock wakes up next.
    armed: Option<Instant>,
}

impl PlatformState {
    fn new(settings: SimSettings, origin: String, alarm: Arc<Notify>) -> Self {
        Self {
            wall_clock: WallClock::now(),
            settings,
            origin,
            bots: Vec::new(),
            bot_index: HashMap::new(),
            connections: NumberMap::default(),
            last_connection: 0,
            last_push: 0,
            last_place: 0,
            records: Records::default(),
            given_req_ids: HashMap::new(),
            known_chats: HashMap::new(),
            chats: Chats::default(),
            rates: HashMap::new(),
            used_response_codes: HashSet::new(),
            uploads: Uploads::default(),
            media_store: MediaStore::default(),
            timer_queue: TimerQueue::default(),
            generator: Generator::default(),
            scripts: Scripts::default(),
            ledger: Ledger::default(),
            alarm,
            armed: None,
        }
    }

    /// The index of a bot, which is added if it is new.
    pub(crate) fn bot(&mut self, id: &str) -> u32 {
        if let Some(index) = self.bot_index.get(id) {
            return *index;
        }
        let index = u32::try_from(self.bots.len()).expect("fewer bots than memory has bytes");
        self.bots.push(Bot::new(id));
        self.bot_index.insert(id.to_owned(), index);
        self.generator.forget_slots();
        index
    }

    pub(crate) fn known_bot(&self, id: &str) -> Option<u32> {
        self.bot_index.get(id).copied()
    }

    /// The id of the bot that a connection subscribed; empty before.
    pub(crate) fn bot_id_of(&self, id: ConnectionId) -> String {
        let bot = self.connections.get(&id).and_then(|live| live.bot);
        bot.map_or_else(String::new, |bot| self.bots[bot as usize].id.clone())
    }

    /// Adds a connection. It holds no bot until it subscribes.
    pub(crate) fn connect(
        &mut self,
        output_signal: Arc<OutputSignal>,
        now: Instant,
    ) -> ConnectionId {
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        self.connections
            .insert(id, LiveConnection::new(id, output_signal, now));
        self.ledger.connections_opened += 1;
        if let Some(idle) = self.settings.idle_close {
            let at = now + self.settings.scaled(idle);
            self.timer_queue.add(at, Due::IdleCheck(id));
        }
        if let Some(every) = self.settings.protocol_pings {
            let at = now + self.settings.scaled(every);
            self.timer_queue.add(at, Due::ProtocolPing(id));
        }
        self.wake_clock();
        id
    }

    /// Removes a connection that has ended. Its unwritten callbacks are lost.
    pub(crate) fn disconnect(&mut self, id: ConnectionId) {
        self.withdraw(id);
        if let Some(mut live) = self.connections.remove(&id) {
            self.ledger.connections_ended += 1;
            self.lose(live.take_marks());
        }
    }

    /// Stops sending callbacks over this connection.
    pub(crate) fn withdraw(&mut self, id: ConnectionId) {
        let bot = self.connections.get(&id).and_then(|live| live.bot);
        if let Some(bot) = bot.map(|bot| &mut self.bots[bot as usize])
            && bot.holder == Some(id)
        {
            bot.holder = None;
        }
    }

    pub(crate) fn change(&mut self, id: ConnectionId, change: impl FnOnce(&mut LiveConnection)) {
        if let Some(live) = self.connections.get_mut(&id) {
            change(live);
            live.output_signal.notify();
        }
    }

    /// Appends to a connection's output, unless it is ending.
    pub(crate) fn send(&mut self, id: ConnectionId, write: impl FnOnce(&mut Vec<u8>)) {
        self.change(id, |live| {
            if live.ending.is_none() {
                write(&mut live.outbox);
            }
        });
    }

    /// Ends a connection from the platform's side.
    pub(crate) fn end(&mut self, id: ConnectionId, ending: Ending, now: Instant) {
        self.withdraw(id);
        if ending != Ending::Reset {
            let until = now + self.settings.scaled(self.settings.close_patience);
            self.timer_queue.add(until, Due::Abort(id));
        }
        self.change(id, |live| live.ending = Some(ending));
    }

    pub(crate) fn close(&mut self, id: ConnectionId, code: Option<u16>, now: Instant) {
        self.send(id, |out| websocket::write_close(out, code, ""));
        self.end(id, Ending::Close, now);
    }

    /// Wakes the clock if something is due before it would wake up.
    pub(crate) fn wake_clock(&mut self) {
        let Some(next) = self.timer_queue.next() else {
            return;
        };
        if self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            self.alarm.notify_one();
        }
    }

    /// Does everything that is due, and returns the time of the next call.
    pub(crate) fn tick(&mut self, now: Instant) -> Option<Instant> {
        while let Some(due) = self.timer_queue.pop(now) {
            match due {
                Due::Text(id, text) => self.change(id, |live| live.send_text(text.as_bytes())),
                Due::Hold(id, bot, req_id, how) => self.hold_late(id, bot, &req_id, how, now),
                Due::Cut(id) => self.end(id, Ending::Hangup, now),
                Due::Abort(id) => self.abort_if_overdue(id, now),
                Due::IdleCheck(id) => self.check_idle(id, now),
                Due::ProtocolPing(id) => self.protocol_ping(id, now),
            }
        }
        let traffic = self.pace(now);
        self.armed = self.timer_queue.next().into_iter().chain(traffic).min();
        self.armed
    }

    /// Resets a connection that was not closed by its peer in time, or was half-open for long enough.
    fn abort_if_overdue(&mut self, id: ConnectionId, now: Instant) {
        let live = self.connections.get(&id);
        if live.is_some_and(|live| live.half_open || live.ending.is_some()) {
            self.end(id, Ending::Reset, now);
        }
    }

    fn check_idle(&mut self, id: ConnectionId, now: Instant) {
        let (Some(live), Some(idle)) = (self.connections.get(&id), self.settings.idle_close) else {
            return;
        };
        let due = live.last_heard + self.settings.scaled(idle);
        if live.ending.is_some() {
            return;
        }
        if due <= now {
            self.ledger.idle_closed += 1;
            self.end(id, Ending::Hangup, now);
        } else {
            self.timer_queue.add(due, Due::IdleCheck(id));
        }
    }

    fn protocol_ping(&mut self, id: ConnectionId, now: Instant) {
        let Some(every) = self.settings.protocol_pings else {
            return;
        };
        if self.connections.contains_key(&id) {
            self.send(id, |out| {
                websocket::write_message(out, opcode::PING, b"longwire")
            });
            let at = now + self.settings.scaled(every);
            self.timer_queue.add(at, Due::ProtocolPing(id));
        }
    }

    /// Removes pushes, messages, scripts, traffic and counters. Uploads, media and connections stay, with their faults.
    pub(crate) fn reset(&mut self) {
        self.records.clear();
        self.given_req_ids.clear();
        self.known_chats.clear();
        self.chats = Chats::default();
        self.rates.clear();
        self.generator = Generator::default();
        self.scripts.clear();
        self.ledger = Ledger::default();
        for bot in &mut self.bots {
            bot.waiting.clear();
        }
        for live in self.connections.values_mut() {
            live.take_marks();
        }
    }
}
