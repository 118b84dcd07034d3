//! Generates traffic. The clock calls [`PlatformState::pace`] for paced streams, and connections call
//! [`PlatformState::fill_window`] for closed loops.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::fault::ConnectionId;
use crate::message::{INVENTED_TOKEN, Template};
use crate::state::PlatformState;
use crate::tracked::{PayloadSource, TrackedPush};
use crate::traffic::{ClosedLoop, Loop, Pacing, Traffic, TrafficProgress};

/// The running streams and their state.
#[derive(Debug, Default)]
pub(crate) struct Generator {
    pacing: Option<Pacing>,
    closed: Option<Loop>,
    made: u64,
    /// As the latest stream has it, also after its end.
    chats: u32,
    templates: HashMap<(usize, usize, u32), Arc<Template>>,
    slots: Vec<Slot>,
    slots_of: Option<u64>,
}

/// The destination of a paced event.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Connection(ConnectionId, usize),
    /// The app has no connection.
    Waiting(usize),
}

impl Generator {
    pub(crate) fn loop_covers(&self, app: &str) -> bool {
        self.closed
            .as_ref()
            .is_some_and(|closed| closed.covers(app))
    }

    /// In how many chats the events are.
    pub(crate) fn chats(&self) -> u32 {
        self.chats.max(1)
    }
}

impl PlatformState {
    pub(crate) fn start_pacing(&mut self, traffic: Traffic, now: Instant) {
        for app in &traffic.apps {
            self.app(app);
        }
        self.generator.slots_of = None;
        self.generator.made = 0;
        self.generator.chats = traffic.chats;
        self.generator.pacing = (traffic.per_second > 0.0).then(|| Pacing::new(traffic, now));
    }

    pub(crate) fn start_loop(&mut self, settings: ClosedLoop, now: Instant) {
        self.generator.chats = settings.chats.unwrap_or(self.generator.chats);
        let closed = Loop::new(settings, now);
        self.generator.made = 0;
        let mut ids = Vec::new();
        for live in self.connections.values_mut() {
            live.in_loop = closed.covers(&self.apps[live.app].id);
            live.loop_open = 0;
            ids.push(live.id);
        }
        // Unanswered events of an earlier loop do not count in this one.
        for tracked in self.pushes.iter_mut() {
            tracked.looped = false;
        }
        self.generator.closed = Some(closed);
        ids.sort();
        for id in ids {
            self.fill_window(id, now);
        }
        self.wake_clock();
    }

    pub(crate) fn stop_traffic(&mut self) {
        self.generator.pacing = None;
        self.generator.closed = None;
    }

    pub(crate) fn traffic(&self, now: Instant) -> TrafficProgress {
        let paced = self
            .generator
            .pacing
            .as_ref()
            .is_some_and(|pacing| !pacing.finished(now));
        let closed = self
            .generator
            .closed
            .as_ref()
            .is_some_and(|closed| closed.budget.left(now) > 0);
        TrafficProgress {
            running: paced || closed,
            made: self.generator.made,
        }
    }

    /// Makes the paced events that are due, and returns the time of the next one.
    pub(crate) fn pace(&mut self, now: Instant) -> Option<Instant> {
        let mut pacing = self.generator.pacing.take()?;
        if self.generator.slots_of != Some(self.topology) {
            self.fill_slots(&pacing.traffic.apps);
        }
        let due = if self.generator.slots.is_empty() {
            0
        } else {
            pacing.due(now)
        };
        for _ in 0..due {
            let slot = self.generator.slots[pacing.turn % self.generator.slots.len()];
            pacing.turn = pacing.turn.wrapping_add(1);
            match slot {
                Slot::Connection(id, app) => {
                    let number = self.make(app, pacing.traffic.payload_bytes, false, now);
                    self.deliver(number, id, now);
                }
                Slot::Waiting(app) => {
                    let number = self.make(app, pacing.traffic.payload_bytes, false, now);
                    self.apps[app].waiting.push_back(number);
                }
            }
        }
        pacing.budget.made += due;
        if pacing.finished(now) {
            return None;
        }
        let next = pacing.next(now);
        self.generator.pacing = Some(pacing);
        Some(next)
    }

    fn fill_slots(&mut self, apps: &[String]) {
        let wanted: Vec<usize> = if apps.is_empty() {
            (0..self.apps.len()).collect()
        } else {
            apps.iter().filter_map(|app| self.known_app(app)).collect()
        };
        self.generator.slots.clear();
        for app in wanted {
            let live = &self.apps[app].live;
            if live.is_empty() {
                self.generator.slots.push(Slot::Waiting(app));
            }
            let slots = live.iter().map(|id| Slot::Connection(*id, app));
            self.generator.slots.extend(slots);
        }
        self.generator.slots_of = Some(self.topology);
    }

    /// Fills the connection's closed-loop window.
    pub(crate) fn fill_window(&mut self, id: ConnectionId, now: Instant) {
        loop {
            let (Some(live), Some(closed)) =
                (self.connections.get_mut(&id), &mut self.generator.closed)
            else {
                return;
            };
            let open = !live.in_loop
                || live.quiet
                || live.ending.is_some()
                || live.loop_open >= closed.settings.window;
            if open || closed.budget.left(now) == 0 {
                return;
            }
            live.loop_open += 1;
            closed.budget.made += 1;
            let (app, bytes) = (live.app, closed.settings.payload_bytes);
            let number = self.make(app, bytes, true, now);
            self.deliver(number, id, now);
        }
    }

    fn make(&mut self, app: usize, bytes: usize, looped: bool, now: Instant) -> u64 {
        let number = self.next_number();
        let body = self.made_up(app, bytes, now);
        let mut tracked = TrackedPush::new(number, app, body, None, now);
        tracked.looped = looped;
        self.generator.made += 1;
        self.track(tracked);
        number
    }

    /// Builds the JSON of generated events anew, because an app has another token.
    pub(crate) fn forget_templates(&mut self) {
        self.generator.templates.clear();
    }

    pub(crate) fn made_up(&mut self, app: usize, bytes: usize, now: Instant) -> PayloadSource {
        let (apps, http, chats) = (&self.apps, &self.http, self.generator.chats());
        let template = self
            .generator
            .templates
            .entry((app, bytes, chats))
            .or_insert_with(|| {
                let console = http.console(app);
                let token = console.map_or(INVENTED_TOKEN, |console| console.verification_token());
                Arc::new(Template::new(&apps[app].id, bytes, chats, token))
            });
        PayloadSource::MadeUp {
            template: Arc::clone(template),
            created_us: self.wall_clock.unix_us(now),
        }
    }
}
