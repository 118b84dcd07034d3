//! One simulator and clients of one bot that talk to it.

use longwire_sim::PushId;
use longwire_sim::wecom::{Bots, CallbackRecord, Control, Ledger, Push, Shown, Sim, SimSettings};
use serde_json::Value;

use super::news::News;
use super::order::Order;
use crate::client::{Client, STEP};
use crate::sdk::{Platform, Sdk};

pub(crate) const BOT: &str = "aib_conformance";
pub(crate) const SECRET: &str = "conformance-secret";

/// Torn down from top to bottom: the client first.
pub(crate) struct Stage {
    pub(crate) client: Client<News>,
    pub(crate) sim: Control,
    sdk: Sdk,
    platform: Sim,
}

impl Stage {
    /// A client that holds its bot. `None`: it is not installed.
    pub(crate) fn set(sdk: Sdk) -> Option<Self> {
        let stage = Self::with_secret(sdk, SECRET)?;
        assert_eq!(stage.next("the subscription"), News::Subscribed);
        Some(stage)
    }

    /// A client that was given this secret and is about to connect.
    pub(crate) fn with_secret(sdk: Sdk, secret: &str) -> Option<Self> {
        let platform = Sim::start(settings()).expect("a loopback port is free");
        Some(Self {
            client: client(sdk, &platform, secret)?,
            sim: platform.control(),
            sdk,
            platform,
        })
    }

    /// One more client of the bot, which is about to connect.
    pub(crate) fn another(&self) -> Client<News> {
        client(self.sdk, &self.platform, SECRET).expect("the first one was installed")
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

fn client(sdk: Sdk, platform: &Sim, secret: &str) -> Option<Client<News>> {
    let mut command = sdk.command(Platform::Wecom)?;
    command.args([&platform.base_url(), BOT, secret]);
    Some(Client::start(command, sdk.version(Platform::Wecom)))
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
