//! One simulator and one official client that talks to it, or to longwire before it.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use longwire_sim::{
    Apps, Control, Ledger, Push, PushId, PushRecord, RecordState, Sim, SimSettings,
};
use longwire_tests::{Gateway, Setup, Tap, free_address};
use longwire_wire::endpoint::ClientConfig;

use super::news::News;
use crate::client::{Client, STEP};
use crate::scene::{Between, Scene};
use crate::sdk::Platform;

/// The Node client connects with no id but `cli_` and 16 hex digits.
pub(crate) const APP: &str = "cli_a1b2c3d4e5f60718";
pub(crate) const SECRET: &str = longwire_tests::SECRET;
/// What longwire calls the bot of the app.
pub(crate) const BOT: &str = "helper";
/// Above the second below which the simulator calls pings hasty.
const PING_INTERVAL_S: i64 = 2;

/// Torn down from top to bottom: the client first.
pub(crate) struct Stage {
    pub(crate) client: Client<News>,
    /// What the client talks to, if not the simulator itself.
    pub(crate) gateway: Option<Gateway>,
    pub(crate) sim: Control,
    scene: Scene,
    /// Base URL and secret that the client was given.
    given: [String; 2],
    _platform: Sim,
}

impl Stage {
    /// A client with the right secret that is connected. `None`: the client is not installed.
    pub(crate) fn set(scene: Scene) -> Option<Self> {
        Self::set_with(scene, settings())
    }

    /// The same, with a platform of these settings.
    pub(crate) fn set_with(scene: Scene, settings: SimSettings) -> Option<Self> {
        let stage = Self::with(scene, settings, None, plain)?;
        stage.connected();
        Some(stage)
    }

    /// The same, connected through a recorder.
    pub(crate) fn tapped(scene: Scene) -> Option<(Self, Tap)> {
        let mut tap = None;
        let stage = Self::with(scene, settings(), None, |near| {
            tap.insert(Tap::before(near)).base_url()
        })?;
        stage.connected();
        tap.map(|tap| (stage, tap))
    }

    /// A client that was given this secret and is about to connect.
    pub(crate) fn with_secret(scene: Scene, secret: &str) -> Option<Self> {
        Self::with(scene, settings(), Some(secret), plain)
    }

    /// A client that is connected to longwire through a recorder, and longwire to the simulator through another one.
    pub(crate) fn tapped_on_both_sides(scene: Scene) -> Option<(Self, [Tap; 2])> {
        let command = scene.sdk.command(Platform::Feishu)?;
        let platform = Sim::start(settings()).expect("a loopback port is free");
        let far = Tap::before(platform.address());
        let gateway = gateway(&platform, &far.base_url());
        let near = Tap::before(gateway.public().address());
        let given = [near.base_url(), gateway.relay_token("program", BOT)];
        let stage = Self::play(scene, command, platform, Some(gateway), given);
        stage.connected();
        Some((stage, [near, far]))
    }

    /// A client that is given what `base_url` makes of the address before it, and this secret or the right one.
    fn with(
        scene: Scene,
        settings: SimSettings,
        secret: Option<&str>,
        base_url: impl FnOnce(SocketAddr) -> String,
    ) -> Option<Self> {
        let command = scene.sdk.command(Platform::Feishu)?;
        let platform = Sim::start(settings).expect("a loopback port is free");
        let gateway = match scene.between {
            Between::Nothing => None,
            Between::Longwire => Some(gateway(&platform, &platform.base_url())),
        };
        let (near, right_secret) = match &gateway {
            None => (platform.address(), SECRET.to_owned()),
            Some(gateway) => (
                gateway.public().address(),
                gateway.relay_token("program", BOT),
            ),
        };
        let secret = secret.map_or(right_secret, str::to_owned);
        let given = [base_url(near), secret];
        Some(Self::play(scene, command, platform, gateway, given))
    }

    fn play(
        scene: Scene,
        command: Command,
        platform: Sim,
        gateway: Option<Gateway>,
        given: [String; 2],
    ) -> Self {
        Self {
            client: client(scene, command, &given),
            gateway,
            sim: platform.control(),
            scene,
            given,
            _platform: platform,
        }
    }

    /// One more client that is given the same.
    pub(crate) fn another_instance(&self) -> Client<News> {
        let command = self.scene.sdk.command(Platform::Feishu);
        let command = command.expect("the first one was installed");
        client(self.scene, command, &self.given)
    }

    fn connected(&self) {
        self.client.until("the connection", || match &self.gateway {
            None => {
                // Pinged: before it is done with its start the Node client loses an event that comes right behind
                // the upgrade's answer.
                let pinged = self.sim.ledger().pings > 0;
                (pinged && self.sim.connections(Some(APP)).len() == 1).then_some(())
            }
            Some(gateway) => gateway.relay_connections_are(1).then_some(()),
        });
    }

    /// Waits until so many instances of the client are connected to longwire.
    pub(crate) fn instances_are(&self, wanted: usize) {
        let gateway = self.gateway.as_ref().expect("it is between");
        self.client.until("the instances' connections", || {
            gateway.relay_connections_are(wanted).then_some(())
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

fn plain(near: SocketAddr) -> String {
    format!("http://{near}")
}

fn client(scene: Scene, mut command: Command, [base_url, secret]: &[String; 2]) -> Client<News> {
    command.args([base_url, APP, secret]);
    Client::start(command, scene.sdk.version(Platform::Feishu))
}

/// longwire, which holds the platform's bot, at an address that it has again after a restart.
fn gateway(platform: &Sim, base_url: &str) -> Gateway {
    let gateway = Setup::new(platform)
        .bot_at(BOT, base_url)
        .with("app_id", APP)
        .set("server.listen", free_address().to_string())
        // A busy machine has as long as there may be.
        .set("cards.deadline", "2800ms")
        .set("timing.ping_interval", format!("{PING_INTERVAL_S}s"))
        .set("relay.ping_interval", format!("{PING_INTERVAL_S}s"))
        .start();
    gateway.wait_live(BOT);
    gateway
}

/// A platform that knows the app.
pub(crate) fn settings() -> SimSettings {
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
