//! The handle with which tests, benches and the control API control a simulated platform.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::behaviour::Behaviour;
use crate::fault::{ConnectionFault, Target};
use crate::ledger::{ConnectionView, Ledger, PushRecord};
use crate::open_api::BotMessage;
use crate::push::{Push, PushId};
use crate::script::Script;
use crate::state::SharedState;
use crate::traffic::{ClosedLoop, Traffic, TrafficProgress};

/// How often [`Control::wait_until`] checks its condition.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Controls a simulated platform. It can be used from any thread, and no method waits for the network.
#[derive(Clone, Debug)]
pub struct Control {
    pub(crate) shared: Arc<SharedState>,
}

impl Control {
    /// Pushes an event to a random live connection of the app. Without one the event waits for a connection.
    pub fn push(&self, app: &str, push: impl Into<Push>) -> PushId {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.push(app, push.into(), now)
    }

    /// Pushes several events over one connection, with their fragments interleaved.
    pub fn push_interleaved(&self, app: &str, pushes: Vec<Push>) -> Vec<PushId> {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.push_interleaved(app, pushes, now)
    }

    /// Starts a paced stream in place of the one that runs.
    pub fn push_at_rate(&self, traffic: Traffic) {
        self.shared.state().start_pacing(traffic, Instant::now());
        self.shared.alarm.notify_one();
    }

    /// Starts a closed loop in place of the one that runs.
    pub fn push_closed_loop(&self, closed: ClosedLoop) {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.start_loop(closed, now);
    }

    /// Stops generating events. Events already made are still delivered.
    pub fn stop_traffic(&self) {
        self.shared.state().stop_traffic();
    }

    /// The progress of generated traffic.
    pub fn traffic(&self) -> TrafficProgress {
        self.shared.state().traffic(Instant::now())
    }

    /// The live connections, of one app or all, in the order they came.
    pub fn connections(&self, app: Option<&str>) -> Vec<ConnectionView> {
        self.shared.state().views(app)
    }

    /// Puts a fault on live connections; returns on how many.
    pub fn fault(&self, target: Target, fault: ConnectionFault) -> usize {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.fault(&target, &fault, now)
    }

    /// Scripts an answer for one app, or with `None` for all.
    pub fn behaviour(&self, app: Option<&str>, script: impl Into<Script<Behaviour>>) {
        self.shared.state().scripts.add(app, script.into());
    }

    /// The counters now.
    pub fn ledger(&self) -> Ledger {
        self.shared.state().ledger()
    }

    /// What happened to one event; `None` if unknown or no longer kept.
    pub fn record(&self, push: PushId) -> Option<PushRecord> {
        self.shared.state().record(push)
    }

    /// What happened to the events of one app, or with `None` of all, in the order of the pushes. Old records are dropped.
    pub fn records(&self, app: Option<&str>) -> Vec<PushRecord> {
        self.shared.state().records(app)
    }

    /// The ids of ACKed events in the order of their ACKs. Old records are dropped.
    pub fn acked_event_ids(&self) -> Vec<String> {
        self.shared.state().acked_event_ids()
    }

    /// The messages that bots sent, of one app or all, in their order. Old ones are dropped.
    pub fn bot_messages(&self, app: Option<&str>) -> Vec<BotMessage> {
        self.shared.state().open_api.messages.of_bots(app)
    }

    /// Ends all tenant tokens of one app, or of all. Returns how many.
    pub fn expire_tokens(&self, app: Option<&str>) -> usize {
        self.shared.state().open_api.expire_tokens(app)
    }

    /// A person recalls a message: replies to it are refused with code 230011.
    pub fn recall(&self, message_id: &str) {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.person_recalls(message_id, now);
    }

    /// Forgets pushes, records, messages, counters, scripts and traffic. Connections and tokens stay.
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
