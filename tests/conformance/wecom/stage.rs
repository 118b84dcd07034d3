//! One simulator and clients of one bot that talk to it, or to longwire before it.

use std::process::Command;

use longwire_sim::PushId;
use longwire_sim::wecom::{Bots, CallbackRecord, Control, Ledger, Push, Shown, Sim, SimSettings};
use longwire_tests::{Gateway, Setup};
use serde_json::Value;

use super::news::News;
use super::order::Order;
use crate::client::{Client, STEP};
use crate::scene::{Between, Scene};
use crate::sdk::Platform;

pub(crate) const BOT: &str = "aib_conformance";
pub(crate) const SECRET: &str = longwire_tests::SECRET;
/// What longwire calls the bot.
pub(crate) const NAME: &str = "helper";

/// Torn down from top to bottom: the client first.
pub(crate) struct Stage {
    pub(crate) client: Client<News>,
    /// What the clients talk to, if not the simulator itself.
    pub(crate) gateway: Option<Gateway>,
    pub(crate) sim: Control,
    scene: Scene,
    /// URL and secret that the client was given.
    given: [String; 2],
    platform: Sim,
}

impl Stage {
    /// A client that holds its bot. `None`: it is not installed.
    pub(crate) fn set(scene: Scene) -> Option<Self> {
        let stage = Self::open(scene, None)?;
        assert_eq!(stage.next("the subscription"), News::Subscribed);
        Some(stage)
    }

    /// A client that was given this secret and is about to connect.
    pub(crate) fn with_secret(scene: Scene, secret: &str) -> Option<Self> {
        Self::open(scene, Some(secret))
    }

    fn open(scene: Scene, secret: Option<&str>) -> Option<Self> {
        let command = scene.sdk.command(Platform::Wecom)?;
        let platform = Sim::start(settings()).expect("a loopback port is free");
        let gateway = match scene.between {
            Between::Nothing => None,
            Between::Longwire => Some(gateway(&platform)),
        };
        let [url, right_secret] = place(&platform, gateway.as_ref(), "program");
        let given = [url, secret.map_or(right_secret, str::to_owned)];
        Some(Self {
            client: client(scene, command, &given),
            gateway,
            sim: platform.control(),
            scene,
            given,
            platform,
        })
    }

    /// One more client of the bot, which is about to connect; through longwire with a token of its own, of this name.
    pub(crate) fn another(&self, token: &str) -> Client<News> {
        self.another_with(&place(&self.platform, self.gateway.as_ref(), token))
    }

    /// One more client that is given the same.
    pub(crate) fn another_instance(&self) -> Client<News> {
        self.another_with(&self.given)
    }

    fn another_with(&self, given: &[String; 2]) -> Client<News> {
        let command = self.scene.sdk.command(Platform::Wecom);
        client(
            self.scene,
            command.expect("the first one was installed"),
            given,
        )
    }

    /// The client's next news.
    pub(crate) fn next(&self, awaited: &str) -> News {
        self.client.next(awaited)
    }

    pub(crate) fn push(&self, push: impl Into<Push>) -> PushId {
        self.sim.push(BOT, push)
    }

    pub(crate) fn record(&self, push: PushId) -> CallbackRecord {
        self.sim.record(push).expect("records are kept")
    }

    /// Pushes and waits until it was handled as one of `message` or `event` and, if the client knows it, as
    /// this `kind`. Its frame.
    pub(crate) fn heard(&self, push: impl Into<Push>, kind: Option<&str>) -> (PushId, Value) {
        let push = self.push(push);
        let News::Handled { event, frame } = self.next("the callback") else {
            self.client.complain("it told of something else");
        };
        assert!(["message", "event"].contains(&event.as_str()), "{event}");
        if let Some(kind) = kind {
            let event = format!("{event}.{kind}");
            let frame = frame.clone();
            assert_eq!(self.next("its kind"), News::Handled { event, frame });
        }
        (push, frame)
    }

    /// The `req_id` under which the push is answered, once it was handled.
    pub(crate) fn heard_as(&self, push: impl Into<Push>, kind: &str) -> String {
        let (push, _) = self.heard(push, Some(kind));
        self.record(push).deliveries[0].req_id.clone()
    }

    /// What the client's method returns.
    pub(crate) fn ask(&self, order: &Order) -> Value {
        self.client.order(order);
        match self.next("the answer") {
            News::Answered { answer } => answer,
            other => self.client.complain(&format!("{order:?}: {other:?}")),
        }
    }

    /// Why the client's method fails.
    pub(crate) fn refusal(&self, order: &Order) -> String {
        self.client.order(order);
        match self.next("the refusal") {
            News::Refused { error } => error,
            other => self.client.complain(&format!("{order:?}: {other:?}")),
        }
    }

    /// What users see of the bot.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.sim.shown(Some(BOT))
    }

    /// The one thing more that users see than before.
    pub(crate) fn newly_shown(&self, before: usize) -> Shown {
        let mut shown = self.shown();
        assert_eq!(shown.len(), before + 1, "{shown:#?}");
        shown.remove(before)
    }

    /// Waits for the ledger.
    pub(crate) fn ledger(&self, wanted: impl FnMut(&Ledger) -> bool) -> Ledger {
        match self.sim.wait_until(STEP, wanted) {
            Ok(ledger) => ledger,
            Err(ledger) => self.client.complain(&format!("it stays at {ledger:#?}")),
        }
    }

    /// Nothing was refused.
    pub(crate) fn is_spotless(&self) {
        let ledger = self.sim.ledger();
        let codes = ledger.commands.values().flat_map(|codes| codes.keys());
        assert!(codes.into_iter().all(|code| *code == 0), "{ledger:#?}");
        assert_eq!((ledger.waiting, ledger.lost), (0, 0), "{ledger:#?}");
        self.is_well_spoken();
    }

    /// The simulator has nothing to hold against the client.
    pub(crate) fn is_well_spoken(&self) {
        let ledger = self.sim.ledger();
        let pings = ledger.pings_with_body + ledger.protocol_pings;
        let errors = ledger.malformed + ledger.protocol_errors + ledger.upgrades_refused;
        assert_eq!((pings, errors), (0, 0), "{ledger:#?}");
    }
}

/// URL and secret that a client is given; the secret is through longwire a new token of this name.
fn place(platform: &Sim, gateway: Option<&Gateway>, token: &str) -> [String; 2] {
    match gateway {
        None => [platform.base_url(), SECRET.to_owned()],
        Some(gateway) => [
            format!("ws://{}/relay/wecom", gateway.public().address()),
            gateway.relay_token(token, NAME),
        ],
    }
}

fn client(scene: Scene, mut command: Command, [url, secret]: &[String; 2]) -> Client<News> {
    command.args([url, BOT, secret]);
    Client::start(command, scene.sdk.version(Platform::Wecom))
}

/// longwire, which holds the platform's bot.
fn gateway(platform: &Sim) -> Gateway {
    let gateway = Setup::without_platform()
        .wecom_bot(NAME, platform)
        .with("bot_id", BOT)
        .start();
    gateway.wait_live(NAME);
    gateway
}

fn settings() -> SimSettings {
    SimSettings {
        bots: Bots::Known(vec![(BOT.to_owned(), SECRET.to_owned())]),
        // What a welcome is and who may be welcomed is shown here, not whether an interpreter on a busy machine
        // keeps to the platform's 5 s.
        time_factor: 0.1,
        ..SimSettings::default()
    }
}
