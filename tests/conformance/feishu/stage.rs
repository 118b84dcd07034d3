//! One simulator and one official client that talks to it.

use std::time::Duration;

use longwire_sim::{
    Apps, Control, Ledger, Push, PushId, PushRecord, RecordState, Sim, SimSettings,
};
use longwire_wire::endpoint::ClientConfig;

use super::news::News;
use super::tap::Tap;
use crate::client::{Client, STEP};
use crate::sdk::{Platform, Sdk};

/// The Node client connects with no id but `cli_` and 16 hex digits.
pub(crate) const APP: &str = "cli_a1b2c3d4e5f60718";
pub(crate) const SECRET: &str = "conformance-secret";
/// Above the second below which the simulator calls pings hasty.
const PING_INTERVAL_S: i64 = 2;

/// Torn down from top to bottom: the client first.
pub(crate) struct Stage {
    pub(crate) client: Client<News>,
    pub(crate) sim: Control,
    _platform: Sim,
}

impl Stage {
    /// A client with the right secret that is connected. `None`: the client is not installed.
    pub(crate) fn set(sdk: Sdk) -> Option<Self> {
        let stage = Self::with(sdk, SECRET, |sim| sim.base_url())?;
        stage.connected();
        Some(stage)
    }

    /// The same, connected through a recorder.
    pub(crate) fn tapped(sdk: Sdk) -> Option<(Self, Tap)> {
        let mut tap = None;
        let stage = Self::with(sdk, SECRET, |sim| {
            tap.insert(Tap::before(sim.address())).base_url()
        })?;
        stage.connected();
        tap.map(|tap| (stage, tap))
    }

    /// A client that was given this secret and is about to connect.
    pub(crate) fn with_secret(sdk: Sdk, secret: &str) -> Option<Self> {
        Self::with(sdk, secret, |sim| sim.base_url())
    }

    fn with(sdk: Sdk, secret: &str, base_url: impl FnOnce(&Sim) -> String) -> Option<Self> {
        let mut command = sdk.command(Platform::Feishu)?;
        let platform = Sim::start(settings()).expect("a loopback port is free");
        command.args([&base_url(&platform), APP, secret]);
        let sim = platform.control();
        Some(Self {
            client: Client::start(command, sdk.version(Platform::Feishu)),
            sim,
            _platform: platform,
        })
    }

    fn connected(&self) {
        self.client.until("the connection", || {
            // Pinged: before it is done with its start the Node client loses an event that comes right behind
            // the upgrade's answer.
            let pinged = self.sim.ledger().pings > 0;
            (pinged && self.sim.connections(Some(APP)).len() == 1).then_some(())
        });
    }

    pub(crate) fn push(&self, push: impl Into<Push>) -> PushId {
        self.sim.push(APP, push)
    }

    /// Waits until the event is ACKed.
    pub(crate) fn acked(&self, push: PushId) -> PushRecord {
        self.client.until("the ACK", || {
            self.sim
                .record(push)
                .filter(|record| record.state == RecordState::Acked)
        })
    }

    /// Waits for the ledger.
    pub(crate) fn ledger(&self, wanted: impl FnMut(&Ledger) -> bool) -> Ledger {
        match self.sim.wait_until(STEP, wanted) {
            Ok(ledger) => ledger,
            Err(ledger) => panic!("the ledger stays at {ledger:#?}"),
        }
    }

    /// Everything pushed was ACKed at the first attempt, and nothing else was said.
    pub(crate) fn is_spotless(&self) {
        let ledger = self.sim.ledger();
        assert_eq!(ledger.acked, ledger.pushed, "{ledger:#?}");
        assert_eq!(ledger.attempts, ledger.pushed, "{ledger:#?}");
        let refused = ledger.nacked + ledger.timed_out + ledger.late_acks + ledger.extra_acks;
        assert_eq!(refused + ledger.bad_acks.total(), 0, "{ledger:#?}");
        self.is_well_spoken();
    }

    /// The simulator has nothing to hold against the client.
    pub(crate) fn is_well_spoken(&self) {
        let ledger = self.sim.ledger();
        let errors = ledger.protocol_errors + ledger.wrong_service_pings + ledger.hasty_pings;
        assert_eq!(errors, 0, "{ledger:#?}");
    }
}

fn settings() -> SimSettings {
    SimSettings {
        apps: Apps::Known(vec![(APP.to_owned(), SECRET.to_owned())]),
        // A refused event comes again at once, instead of after 15 s.
        ladder: vec![Duration::ZERO],
        // Whether an answer is accepted is shown here, not how fast an interpreter is on a busy machine: the
        // platform's 3 s would now and then make a repeat of what was only late.
        ack_deadline: Duration::from_secs(60),
        client_config: ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(1),
            reconnect_nonce: Some(0),
            ping_interval: Some(PING_INTERVAL_S),
        },
        ..SimSettings::default()
    }
}
