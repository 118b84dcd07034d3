//! Generated HTTP traffic, and the clock of repeats.

use std::time::Instant;

use crate::http_ledger::HttpPushKind;
use crate::http_push::{HttpLoad, NoRequestUrl, RunningHttpLoad, TrackedHttpPush, Waiting};
use crate::state::PlatformState;
use crate::traffic::TrafficProgress;

impl PlatformState {
    /// Moves what is due to the lanes, and returns when to look again.
    pub(super) fn http_tick(&mut self, now: Instant) -> Option<Instant> {
        while let Some(number) = self.http.repeats.pop(now) {
            self.http.offer(Waiting::Try(number));
        }
        let paced = self.pace_http(now);
        self.http.repeats.next().into_iter().chain(paced).min()
    }

    /// Starts generated traffic in place of the one that runs.
    pub(super) fn start_http_load(
        &mut self,
        load: HttpLoad,
        now: Instant,
    ) -> Result<(), NoRequestUrl> {
        let mut apps = Vec::new();
        if load.apps.is_empty() {
            apps.extend(self.http.consoles.keys());
            apps.sort_unstable();
        }
        for app in &load.apps {
            apps.push(self.app(app));
        }
        let has_url = |app: &usize| {
            let console = self.http.consoles.get(app);
            console.is_some_and(|console| console.events.is_some())
        };
        if let Some(without) = apps.iter().find(|app| !has_url(app)) {
            let app = self.apps[*without].id.clone();
            return Err(NoRequestUrl { app });
        }
        if apps.is_empty() {
            return Err(NoRequestUrl {
                app: "no app".to_owned(),
            });
        }
        self.http.made = 0;
        self.http.load = Some(RunningHttpLoad::new(load, apps, now));
        self.wake_sender();
        Ok(())
    }

    pub(super) fn stop_http_load(&mut self) {
        self.http.load = None;
        self.wake_sender();
    }

    pub(super) fn wake_sender(&self) {
        self.http.signals.clock.notify_one();
        self.http.signals.lanes.notify_waiters();
        self.http.signals.errand.notify_waiters();
    }

    pub(super) fn http_load(&self, now: Instant) -> TrafficProgress {
        let load = self.http.load.as_ref();
        TrafficProgress {
            running: load.is_some_and(|load| load.is_running(now)),
            made: self.http.made,
        }
    }

    /// The next event of a closed loop.
    pub(super) fn make_looped(&mut self, now: Instant) -> Option<u64> {
        let load = self.http.load.as_mut()?;
        let app = load.take_looped(now)?;
        let bytes = load.settings.payload_bytes;
        Some(self.make_http(app, bytes, now))
    }

    /// Makes the paced events that are due, and returns the time of the next one.
    fn pace_http(&mut self, now: Instant) -> Option<Instant> {
        let due = self.http.load.as_mut()?.take_paced(now);
        let bytes = self.http.load.as_ref()?.settings.payload_bytes;
        for app in due {
            let number = self.make_http(app, bytes, now);
            self.http.offer(Waiting::Try(number));
        }
        self.http.load.as_ref()?.next(now)
    }

    fn make_http(&mut self, app: usize, bytes: usize, now: Instant) -> u64 {
        let number = self.next_number();
        let body = self.made_up(app, bytes, now);
        let tracked = TrackedHttpPush::new(number, app, HttpPushKind::Event, body, None);
        self.http.made += 1;
        self.http.ledger.pushed += 1;
        self.http.unfinished.insert(number, tracked);
        number
    }
}
