//! One run: a fresh platform, one client, one scenario.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::load::{Load, LoadPace};
use super::super::window;
use crate::cli::{BenchPeers, PeerClient};
use crate::error::{BenchError, StandError};
use crate::program::Program;
use crate::stand::{
    Breakage, MeasuredClient, PlatformSettings, ProgressLine, RunVerdict, Sdks, TestStand,
};

/// Connections of the paced scenario.
const PACED_CONNECTIONS: u32 = 20;
const PAYLOAD_BYTES: u32 = 1_024;
const WARM_UP: Duration = Duration::from_secs(2);
/// How often returning connections are counted.
const LOOK: Duration = Duration::from_millis(5);
/// How long the return may take.
const RETURN: Duration = Duration::from_secs(60);

/// What happens to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scenario {
    /// So many connections that always have unanswered events, [`window::at`] each.
    Saturation(u32),
    /// Few events at an even pace.
    Paced,
    /// So many connections dropped at once, without traffic.
    Storm(u32),
}

impl Scenario {
    pub(super) fn connections(self) -> u32 {
        match self {
            Self::Saturation(connections) | Self::Storm(connections) => connections,
            Self::Paced => PACED_CONNECTIONS,
        }
    }

    /// How many are open at a time: some of a storm's replace one that is still being closed.
    pub(super) fn at_a_time(self) -> u64 {
        match self {
            Self::Saturation(_) | Self::Paced => self.connections().into(),
            Self::Storm(connections) => u64::from(connections) * 2,
        }
    }

    /// The SDKs' return is no measure for anybody, and the durable floor's is the floor's.
    pub(super) fn takes(self, client: PeerClient) -> bool {
        !matches!(self, Self::Storm(_)) || matches!(client, PeerClient::Longwire | PeerClient::Bare)
    }

    pub(super) fn tell(self) -> String {
        match self {
            Self::Saturation(1) => "1 connection".to_owned(),
            Self::Saturation(connections) => format!("{connections} connections"),
            Self::Paced => "paced".to_owned(),
            Self::Storm(connections) => format!("{connections} dropped"),
        }
    }
}

/// A run and what it found.
#[derive(Debug, Serialize)]
pub(super) struct PeerRun {
    pub(super) round: u32,
    pub(super) scenario: Scenario,
    pub(super) client: PeerClient,
    pub(super) figures: Measured,
}

/// As the platform and the operating system saw it; 0 where the scenario does not ask.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Measured {
    pub(super) acked_per_second: f64,
    /// From push to ACK.
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// Processor time of the client per event.
    pub(super) client_us_per_event: f64,
    /// Processor time of the simulated platform per event.
    pub(super) platform_us_per_event: f64,
    /// Of one core.
    pub(super) platform_cpu_share: f64,
    /// From the drop until the platform had every connection and its first ping.
    pub(super) all_back_seconds: f64,
}

/// Carries it out; the verdict is of those who keep a record.
pub(super) async fn carry(
    command: &BenchPeers,
    program: &Program,
    scenario: Scenario,
    which: PeerClient,
    sdks: &Sdks,
    progress: &ProgressLine,
) -> Result<(Measured, Option<RunVerdict>), BenchError> {
    let connections = scenario.connections();
    let directory = command.ground.directory.as_deref();
    let settings = PlatformSettings::default();
    let stand = TestStand::build(program, scenario.at_a_time(), directory, 0, &settings).await?;
    let mut client = stand.spawn_client(which, connections, sdks)?;
    stand.all_connected(&mut client, connections).await?;
    let measured = match scenario {
        Scenario::Saturation(_) => {
            load(
                command,
                LoadPace::Window(window::at(connections)),
                &stand,
                &mut client,
                progress,
            )
            .await?
        }
        Scenario::Paced => {
            let pace = LoadPace::Rate(command.rate);
            load(command, pace, &stand, &mut client, progress).await?
        }
        Scenario::Storm(_) => storm(&stand).await?,
    };
    let verdict = stand.verdict_of(client).await?;
    Ok((measured, verdict))
}

async fn load(
    command: &BenchPeers,
    pace: LoadPace,
    stand: &TestStand,
    client: &mut MeasuredClient,
    progress: &ProgressLine,
) -> Result<Measured, BenchError> {
    let load = Load {
        pace,
        payload_bytes: PAYLOAD_BYTES,
        warm_up: WARM_UP.min(Duration::from_secs(command.seconds.into())),
        seconds: command.seconds,
    };
    let all = load.carry(&stand.platform, client, progress).await?.all();
    stand.platform.stop_traffic().await?;
    stand.settle().await?;
    Ok(Measured {
        acked_per_second: all.per_second(),
        p50_us: all.ack().p50_us as f64,
        p99_us: all.ack().p99_us as f64,
        client_us_per_event: all.gateway_us_per_event,
        platform_us_per_event: all.platform_us_per_event,
        platform_cpu_share: all.platform_cpu_share,
        all_back_seconds: 0.0,
    })
}

async fn storm(stand: &TestStand) -> Result<Measured, BenchError> {
    let platform = &stand.platform;
    let calm = platform.ledger().await?;
    let began = Instant::now();
    let broken = platform.break_all(Breakage::Drop).await?;
    loop {
        let ledger = platform.ledger().await?;
        let opened = ledger.connections_opened - calm.connections_opened;
        let pinged = ledger.pings - calm.pings;
        let live = opened.min(pinged);
        if live >= broken {
            return Ok(Measured {
                all_back_seconds: began.elapsed().as_secs_f64(),
                ..Measured::default()
            });
        }
        if began.elapsed() > RETURN {
            return Err(StandError::NotLive {
                live,
                wanted: broken,
                limit: RETURN,
            }
            .into());
        }
        tokio::time::sleep(LOOK).await;
    }
}
