//! A simulated platform of the demo, and the bots that live on it. What tells the platforms apart on the stage is here:
//! what is hurried of each, and how its verbs are spelt.

use std::time::Duration;

use longwire_sim::{ConnectionFault, Sim, SimSettings, Target, Traffic, wecom};
use longwire_wire::endpoint::ClientConfig;

use super::shown::ShownGateway;
use crate::cli::Played;
use crate::error::BenchError;
use crate::stand::PlatformCounts;

/// Between pings: Feishu asks for it, for WeCom the gateway has to be configured so.
pub const PING_INTERVAL: Duration = Duration::from_secs(4);

/// Feishu's repeats come ten times as fast: the first after 1.5 s.
const TIME_FACTOR: f64 = 10.0;
/// How long a half-open connection counts as live: longer than it takes the gateway to notice, so that it is the
/// gateway who ends it.
const HALF_OPEN_KEPT: Duration = Duration::from_secs(9);
/// WeCom's command that replies to a message.
const RESPOND: &str = "aibot_respond_msg";
/// Records a simulator keeps for the verdict; beyond it the oldest events are counted, but no longer compared.
const KEPT_RECORDS: usize = 500_000;

/// One of them.
#[derive(Debug)]
pub(super) struct DemoPlatform {
    pub(super) played: Played,
    /// Names of its bots, each also its app's or bot's id.
    pub(super) bots: Vec<String>,
    double: Double,
}

#[derive(Debug)]
enum Double {
    Feishu(Sim),
    Wecom(wecom::Sim),
}

/// The trouble that a connection of the show is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Drop,
    HalfOpen,
}

impl DemoPlatform {
    /// Starts one with so many bots.
    pub(super) fn start(played: Played, bots: u32) -> Result<Self, BenchError> {
        let seed = crate::seed::fresh();
        let double = match played {
            Played::Feishu => Double::Feishu(Sim::start(feishu(seed))?),
            Played::Wecom => Double::Wecom(wecom::Sim::start(wecom::SimSettings {
                seed,
                half_open_kept: HALF_OPEN_KEPT,
                keep_records: KEPT_RECORDS,
                ..wecom::SimSettings::default()
            })?),
        };
        let digits = bots.to_string().len();
        let word = played.word();
        Ok(Self {
            played,
            bots: (1..=bots)
                .map(|number| format!("{word}-{number:0digits$}"))
                .collect(),
            double,
        })
    }

    pub(super) fn base_url(&self) -> String {
        match &self.double {
            Double::Feishu(sim) => sim.base_url(),
            Double::Wecom(sim) => sim.base_url(),
        }
    }

    pub(super) fn push_at_rate(&self, per_second: f64) {
        let traffic = Traffic {
            per_second,
            ..Traffic::default()
        };
        match &self.double {
            Double::Feishu(sim) => sim.control().push_at_rate(traffic),
            Double::Wecom(sim) => sim.control().push_at_rate(traffic),
        }
    }

    pub(super) fn stop_traffic(&self) {
        match &self.double {
            Double::Feishu(sim) => sim.control().stop_traffic(),
            Double::Wecom(sim) => sim.control().stop_traffic(),
        }
    }

    /// Puts it on the bot's connection; `false` if it has none.
    pub(super) fn play(&self, act: Act, bot: &str) -> bool {
        let bot = bot.to_owned();
        let struck = match &self.double {
            Double::Feishu(sim) => {
                let fault = match act {
                    Act::Drop => ConnectionFault::Drop,
                    Act::HalfOpen => ConnectionFault::HalfOpen,
                };
                sim.control().fault(Target::App(bot), fault)
            }
            Double::Wecom(sim) => {
                let fault = match act {
                    Act::Drop => wecom::ConnectionFault::Drop,
                    Act::HalfOpen => wecom::ConnectionFault::HalfOpen,
                };
                sim.control().fault(wecom::Target::Bot(bot), fault)
            }
        };
        struck > 0
    }

    pub(super) fn ledger(&self) -> PlatformCounts {
        match &self.double {
            Double::Feishu(sim) => sim.control().ledger().into(),
            Double::Wecom(sim) => sim.control().ledger().into(),
        }
    }

    /// Messages that bots said in its chats.
    pub(super) fn said(&self) -> u64 {
        match &self.double {
            Double::Feishu(sim) => sim.control().ledger().messages_sent,
            Double::Wecom(sim) => {
                let ledger = sim.control().ledger();
                let answered = ledger.commands.get(RESPOND);
                answered
                    .and_then(|codes| codes.get(&0))
                    .copied()
                    .unwrap_or(0)
            }
        }
    }

    /// The ids of the events that [`PlatformCounts::owed`] counts, as many as it keeps.
    pub(super) fn owed(&self) -> Vec<String> {
        match &self.double {
            Double::Feishu(sim) => sim.control().acked_event_ids(),
            Double::Wecom(sim) => sim.control().delivered_msgids(),
        }
    }

    /// Whole events that the gateway has read of its bots' connections, repeats included.
    pub(super) fn read(&self, gateway: &impl ShownGateway) -> u64 {
        let bots = self.bots.iter().filter_map(|bot| gateway.bot(bot));
        bots.map(|bot| bot.events).sum()
    }

    /// Of these, repeats.
    pub(super) fn repeats(&self, gateway: &impl ShownGateway) -> u64 {
        let bots = self.bots.iter().filter_map(|bot| gateway.bot(bot));
        bots.map(|bot| bot.repeats).sum()
    }

    pub(super) fn stop(self) {
        match self.double {
            Double::Feishu(sim) => sim.stop(),
            Double::Wecom(sim) => sim.stop(),
        }
    }
}

fn feishu(seed: u64) -> SimSettings {
    SimSettings {
        seed,
        time_factor: TIME_FACTOR,
        // A short ladder again and again, so that the verdict does not wait for the platform's six hours.
        ladder: vec![Duration::from_secs(15); 12],
        // The deadline for an ACK stays the real one: 3 s after the factor.
        ack_deadline: Duration::from_secs_f64(3.0 * TIME_FACTOR),
        client_config: ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(2),
            reconnect_nonce: Some(1),
            ping_interval: i64::try_from(PING_INTERVAL.as_secs()).ok(),
        },
        half_open_kept: HALF_OPEN_KEPT.mul_f64(TIME_FACTOR),
        keep_records: KEPT_RECORDS,
        ..SimSettings::default()
    }
}
