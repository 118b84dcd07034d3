//! The state of a simulated Feishu platform: apps, live connections, unfinished pushes, scripts and the ledger.
//!
//! One mutex guards it. A connection's task locks it once per read burst, the control handle once per call, and it is
//! never held across I/O. Other files add to [`PlatformState`]: [`crate::delivery`] delivers, [`generator`]
//! generates traffic, [`crate::pings`] answers pings, [`crate::fault_work`] applies faults, [`crate::http_sender`] posts to request URLs.

mod generator;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use longwire_wire::endpoint::ClientConfig;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;

use crate::behaviour::Behaviour;
use crate::deadlines::{Deadlines, Due};
use crate::fault::ConnectionId;
use crate::http_push::{HttpPushes, SenderTls};
use crate::ids::scramble;
use crate::latencies::Latencies;
use crate::ledger::{ConnectionView, Ledger};
use crate::live::{LiveConnection, OutputSignal};
use crate::numbers::NumberMap;
use crate::open_api::OpenApi;
use crate::pushes::Pushes;
use crate::script::Scripts;
use crate::settings::{SimSettings, StartError};
use crate::tickets::Tickets;
use crate::tracked::{FrameStyle, TrackedPush};
use crate::wall_clock::WallClock;
use generator::Generator;

/// Number of empty output buffers that are kept for reuse.
const SPARE_BUFFERS: usize = 64;
/// Buffers larger than this are freed instead of kept.
const SPARE_BUFFER_BYTES: usize = 1024 * 1024;

/// The part of a simulator that its tasks and handles share.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) settings: SimSettings,
    pub(crate) scheme: Scheme,
    pub(crate) alarm: Arc<Notify>,
    pub(crate) sender_tls: SenderTls,
    state: Mutex<PlatformState>,
}

/// Plain or TLS, for the scheme of URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Plain,
    Tls,
}

impl SharedState {
    pub(crate) fn new(settings: SimSettings) -> Result<Self, StartError> {
        let alarm = Arc::new(Notify::new());
        let scheme = if settings.tls.is_some() {
            Scheme::Tls
        } else {
            Scheme::Plain
        };
        let sender_tls = match settings.trust_pem.as_deref() {
            None => SenderTls::default(),
            Some(pem) => SenderTls::trusting(pem).map_err(StartError::Trust)?,
        };
        let state = Mutex::new(PlatformState::new(settings.clone(), Arc::clone(&alarm)));
        Ok(Self {
            settings,
            scheme,
            alarm,
            sender_tls,
            state,
        })
    }

    /// Locks the state. After a panic elsewhere the state is still used, because at worst a counter is one too low.
    pub(crate) fn state(&self) -> MutexGuard<'_, PlatformState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An app that connected or was pushed to.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) service: i32,
    /// The connections that pushes may go to.
    pub(crate) live: Vec<ConnectionId>,
    /// Number of connections that nothing is pushed over yet.
    pub(crate) quiet: usize,
    /// Pushes that wait for a connection.
    pub(crate) waiting: VecDeque<u64>,
}

impl App {
    /// Number of connections, which is limited.
    pub(crate) fn connections(&self) -> usize {
        self.live.len() + self.quiet
    }
}

/// Everything behind the mutex.
#[derive(Debug)]
pub(crate) struct PlatformState {
    pub(crate) settings: SimSettings,
    pub(crate) wall_clock: WallClock,
    pub(crate) rng: StdRng,
    pub(crate) apps: Vec<App>,
    app_index: HashMap<String, usize>,
    pub(crate) connections: NumberMap<ConnectionId, LiveConnection>,
    last_connection: u64,
    /// Changes whenever a connection is opened or ends.
    pub(crate) topology: u64,
    pub(crate) pushes: Pushes,
    pub(crate) finished: VecDeque<TrackedPush>,
    pub(crate) last_push: u64,
    /// Pushes up to this number were removed by a reset.
    pub(crate) forgotten: u64,
    pub(crate) deadlines: Deadlines,
    pub(crate) generator: Generator,
    pub(crate) scripts: Scripts<Behaviour>,
    pub(crate) tickets: Tickets,
    pub(crate) open_api: OpenApi,
    pub(crate) http: HttpPushes,
    pub(crate) ledger: Ledger,
    pub(crate) latency: Latencies,
    pub(crate) nominal_config: Bytes,
    spare: Vec<Vec<u8>>,
    alarm: Arc<Notify>,
    /// The time at which the clock wakes up next.
    armed: Option<Instant>,
}

impl PlatformState {
    fn new(settings: SimSettings, alarm: Arc<Notify>) -> Self {
        let config = settings.client_config;
        let nominal = ClientConfig {
            reconnect_count: config.reconnect_count.or(Some(-1)),
            reconnect_interval: config.reconnect_interval.or(Some(120)),
            reconnect_nonce: config.reconnect_nonce.or(Some(30)),
            ping_interval: config.ping_interval.or(Some(120)),
        };
        Self {
            wall_clock: WallClock::now(),
            rng: StdRng::seed_from_u64(settings.seed),
            settings,
            apps: Vec::new(),
            app_index: HashMap::new(),
            connections: NumberMap::default(),
            last_connection: 0,
            topology: 0,
            pushes: Pushes::default(),
            finished: VecDeque::new(),
            last_push: 0,
            forgotten: 0,
            deadlines: Deadlines::default(),
            generator: Generator::default(),
            scripts: Scripts::default(),
            tickets: Tickets::default(),
            open_api: OpenApi::default(),
            http: HttpPushes::default(),
            ledger: Ledger::default(),
            latency: Latencies::default(),
            nominal_config: nominal.to_json().into(),
            spare: Vec::new(),
            alarm,
            armed: None,
        }
    }

    /// The index of an app, which is added if it is new.
    pub(crate) fn app(&mut self, id: &str) -> usize {
        if let Some(index) = self.app_index.get(id) {
            return *index;
        }
        let hash = id.bytes().fold(self.settings.seed, |hash, byte| {
            scramble(hash ^ u64::from(byte))
        });
        let index = self.apps.len();
        self.apps.push(App {
            id: id.to_owned(),
            // The size of service ids seen in the field.
            service: 33_000_000 + (hash % 1_000_000) as i32,
            live: Vec::new(),
            quiet: 0,
            waiting: VecDeque::new(),
        });
        self.app_index.insert(id.to_owned(), index);
        self.topology += 1;
        index
    }

    pub(crate) fn known_app(&self, id: &str) -> Option<usize> {
        self.app_index.get(id).copied()
    }

    /// Adds a connection, over which pushes begin now or after its first ping.
    pub(crate) fn connect(
        &mut self,
        app: usize,
        device_id: String,
        output_signal: Arc<OutputSignal>,
        now: Instant,
    ) -> ConnectionId {
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        let mut live = LiveConnection::new(id, app, device_id, output_signal, now);
        live.in_loop = self.generator.loop_covers(&self.apps[app].id);
        live.quiet = true;
        self.connections.insert(id, live);
        self.apps[app].quiet += 1;
        self.ledger.connections_opened += 1;
        if let Some(periods) = self.settings.kick_after_periods {
            self.kick_after(id, periods, now);
        }
        if self.settings.quiet_until_ping.is_zero() {
            self.end_quiet(id, now);
        } else {
            let at = now + self.settings.quiet_until_ping;
            self.deadlines.add(at, Due::EndQuiet(id));
        }
        self.wake_clock();
        id
    }

    /// Begins to push over a new connection, if this has not begun before: the app's waiting pushes, and the events of a
    /// closed loop.
    pub(crate) fn end_quiet(&mut self, id: ConnectionId, now: Instant) {
        let live = self.connections.get_mut(&id);
        let Some(live) = live.filter(|live| live.quiet && live.ending.is_none()) else {
            return;
        };
        live.quiet = false;
        let app = &mut self.apps[live.app];
        app.quiet -= 1;
        app.live.push(id);
        self.topology += 1;
        for number in std::mem::take(&mut app.waiting) {
            self.deliver(number, id, now);
        }
        self.fill_window(id, now);
    }

    /// Stops sending pushes over this connection.
    pub(crate) fn withdraw(&mut self, id: ConnectionId) {
        if let Some(live) = self.connections.get_mut(&id) {
            if std::mem::take(&mut live.quiet) {
                self.apps[live.app].quiet -= 1;
            }
            let of_app = &mut self.apps[live.app].live;
            let before = of_app.len();
            of_app.retain(|other| *other != id);
            if before > 0 && of_app.is_empty() {
                self.ledger.left_alone += 1;
            }
            self.topology += 1;
        }
    }

    /// Removes a connection that has ended. Its unanswered pushes time out at their deadlines.
    pub(crate) fn disconnect(&mut self, id: ConnectionId) {
        self.withdraw(id);
        if self.connections.remove(&id).is_some() {
            self.ledger.connections_ended += 1;
        }
    }

    /// Adds bytes to a connection's output.
    pub(crate) fn send(&mut self, id: ConnectionId, write: impl FnOnce(&mut Vec<u8>)) {
        let limit = self.settings.unsent_bytes;
        if let Some(live) = self
            .connections
            .get_mut(&id)
            .filter(|live| live.takes_frames(limit))
        {
            write(&mut live.outbox);
            live.output_signal.notify();
        }
    }

    pub(crate) fn service_of(&self, id: ConnectionId) -> Option<i32> {
        Some(self.apps[self.connections.get(&id)?.app].service)
    }

    /// The style of frames to this connection.
    pub(crate) fn frame_style(
        settings: &SimSettings,
        apps: &[App],
        live: &LiveConnection,
    ) -> FrameStyle {
        FrameStyle {
            seed: settings.seed,
            service: apps[live.app].service,
            fragment_bytes: settings.fragment_bytes,
            pieces: live.pieces,
        }
    }

    /// Exchanges the empty buffer of a connection's task for the connection's output.
    pub(crate) fn swap_output(&mut self, id: ConnectionId, own: &mut Vec<u8>) {
        let Some(live) = self.connections.get_mut(&id) else {
            return;
        };
        if live.outbox.is_empty() {
            live.unsent = 0;
            if own.capacity() > 0 {
                self.put_spare(std::mem::take(own));
            }
            return;
        }
        std::mem::swap(&mut live.outbox, own);
        live.unsent = own.len();
        if live.outbox.capacity() == 0 {
            live.outbox = self.spare.pop().unwrap_or_default();
        }
    }

    fn put_spare(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_BUFFER_BYTES {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Wakes the clock if something is due before it would wake up.
    pub(crate) fn wake_clock(&mut self) {
        let Some(next) = self.deadlines.next() else {
            return;
        };
        if self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            self.alarm.notify_one();
        }
    }

    /// Does everything that is due, and returns the time of the next call.
    pub(crate) fn tick(&mut self, now: Instant) -> Option<Instant> {
        while let Some(due) = self.deadlines.pop(now) {
            match due {
                Due::Answer(delivery) => self.time_out(delivery, now),
                Due::Repush(number) => self.push_out(number, now),
                Due::Pong(id, payload) => self.pong(id, Some(&payload)),
                Due::EndQuiet(id) => self.end_quiet(id, now),
                Due::PingCheck(id) => self.check_ping(id, now),
                Due::Abort(id) => self.abort_if_overdue(id, now),
            }
        }
        let traffic = self.pace(now);
        self.armed = self.deadlines.next().into_iter().chain(traffic).min();
        self.armed
    }

    pub(crate) fn views(&self, app: Option<&str>) -> Vec<ConnectionView> {
        let mut views: Vec<_> = self
            .connections
            .values()
            .filter(|live| live.ending.is_none())
            .map(|live| live.view(&self.apps[live.app].id, self.wall_clock))
            .filter(|view| app.is_none_or(|app| view.app == app))
            .collect();
        views.sort_by_key(|view| view.id);
        views
    }

    pub(crate) fn ledger(&self) -> Ledger {
        let mut ledger = self.ledger.clone();
        ledger.pending = self.pushes.len() as u64;
        ledger.waiting_for_connection = self.apps.iter().map(|app| app.waiting.len() as u64).sum();
        ledger.ack_latency = self.latency.summary();
        ledger.http = self.http_ledger();
        ledger
    }

    /// Removes pushes, messages, scripts, traffic and counters. Connections stay, with their faults, tokens and request
    /// URLs.
    pub(crate) fn reset(&mut self) {
        self.forgotten = self.last_push;
        self.pushes.clear();
        self.finished.clear();
        self.deadlines.forget_pushes();
        self.generator = Generator::default();
        self.scripts.clear();
        self.open_api.forget_messages();
        self.reset_http();
        self.ledger = Ledger::default();
        self.latency = Latencies::default();
        for app in &mut self.apps {
            app.waiting.clear();
        }
        for live in self.connections.values_mut() {
            live.loop_open = 0;
            live.in_loop = false;
            live.unanswered = 0;
        }
    }
}
