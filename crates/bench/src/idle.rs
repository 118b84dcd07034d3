//! `longwire bench idle`: what an installation costs that has nothing to do.
//!
//! Memory is told per installation as the growth from a tenth of them to all, in two runs of the gateway, so that
//! what every process needs anyway does not count. Each run is measured idle, and again after every installation
//! has had one large event, which shows what buffers keep. In these two everybody connects as fast as they can; a
//! third run has a budget of attempts, as in service, and only tells how long it then takes. While they do nothing,
//! heartbeats go on and no connection is to be lost: both are counted, the first by the platform, which answers them.

use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use longwire_terminal::grouped;
use serde::Serialize;

use super::report::{HostFacts, Report, ReportFigures, ReportRow, mib, seconds};
use crate::cli::BenchIdle;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{GatewayProcess, PlatformSettings, ProgressLine, TestStand};

/// After it, first pings are answered and the allocator has given back what it can do without.
const REST: Duration = Duration::from_secs(2);
/// What every installation gets.
const TRAFFIC_BYTES: usize = 40_960;
/// Large events per second, over all.
const TRAFFIC_PER_SECOND: f64 = 1_000.0;

/// What a run found.
#[derive(Debug, Serialize)]
struct Idle {
    installations: u32,
    /// Without a budget of attempts.
    all_live_seconds: f64,
    budgeted: Option<Budgeted>,
    tenth: Footprint,
    all: Footprint,
    /// Growth per installation.
    idle_bytes_each: f64,
    /// Growth per installation once each has had its traffic.
    after_traffic_bytes_each: f64,
    /// Of one core, with all live and nothing to do.
    cpu_share: f64,
    platform_cpu_share: f64,
    watched_seconds: f64,
    /// Within these seconds.
    quiet: Quiet,
}

/// What goes on where nothing happens.
#[derive(Debug, Clone, Copy, Serialize)]
struct Quiet {
    /// Heartbeats the platform got, each of which it answers.
    heartbeats: u64,
    /// Connections given up because a heartbeat had no answer.
    unanswered: u64,
    connections_lost: u64,
}

/// Everybody connects at a pace.
#[derive(Debug, Clone, Copy, Serialize)]
struct Budgeted {
    per_second: u32,
    all_live_seconds: f64,
}

/// A gateway with some installations.
#[derive(Debug, Clone, Copy, Serialize)]
struct Footprint {
    installations: u32,
    idle_bytes: u64,
    after_traffic_bytes: u64,
}

impl Footprint {
    /// Bytes per installation between a smaller fleet and this one.
    fn growth(&self, smaller: &Self, bytes: fn(&Self) -> u64) -> f64 {
        let grown = bytes(self) as f64 - bytes(smaller) as f64;
        grown / f64::from(self.installations - smaller.installations)
    }
}

pub(super) async fn run(command: &BenchIdle, program: &Program) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let count = command.installations;
    let settings = PlatformSettings {
        played: command.platform,
        tls: command.tls,
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    let mut stand = TestStand::build(program, u64::from(count), directory, 0, &settings).await?;

    progress.say(&format!("a tenth: {} installations", count / 10));
    let tenth = tenth(&stand, count / 10).await?;

    progress.say(&format!("connecting {count} installations"));
    let (mut gateway, all_live_seconds) = connect(&stand, count).await?;
    tokio::time::sleep(REST).await;
    let idle_bytes = gateway.process.resident()?.now;
    progress.say("watching them do nothing");
    let watched = watch(&stand, &mut gateway, command.seconds).await?;
    progress.say("40 KiB for each");
    let all = burden(&stand, &gateway, count, idle_bytes).await?;
    let (gateway, budgeted) = match command.budget.per_second() {
        None => (gateway, None),
        Some(per_second) => {
            gateway.end().await?;
            stand.budget(per_second);
            progress.say(&format!(
                "connecting {count} installations, {per_second} a second"
            ));
            let (gateway, all_live_seconds) = connect(&stand, count).await?;
            let budgeted = Budgeted {
                per_second,
                all_live_seconds,
            };
            (gateway, Some(budgeted))
        }
    };
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict(gateway).await?;
    drop(progress);
    Report {
        command: "bench idle",
        asked: asked(command),
        ground: HostFacts::of(program, stand.directory()),
        figures: Idle {
            installations: count,
            all_live_seconds,
            budgeted,
            tenth,
            all,
            idle_bytes_each: all.growth(&tenth, |of| of.idle_bytes),
            after_traffic_bytes_each: all.growth(&tenth, |of| of.after_traffic_bytes),
            cpu_share: watched.cpu_share,
            platform_cpu_share: watched.platform_cpu_share,
            watched_seconds: watched.seconds,
            quiet: watched.quiet,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// What a gateway with so many installations takes.
async fn tenth(stand: &TestStand, count: u32) -> Result<Footprint, BenchError> {
    let mut gateway = stand.spawn(count)?;
    stand.all_live(&mut gateway, count).await?;
    tokio::time::sleep(REST).await;
    let idle_bytes = gateway.process.resident()?.now;
    let tenth = burden(stand, &gateway, count, idle_bytes).await?;
    gateway.end().await?;
    Ok(tenth)
}

/// A while in which nothing happens.
struct Watched {
    seconds: f64,
    /// Of one core.
    cpu_share: f64,
    /// Of one core.
    platform_cpu_share: f64,
    quiet: Quiet,
}

async fn watch(
    stand: &TestStand,
    gateway: &mut GatewayProcess,
    seconds: u32,
) -> Result<Watched, BenchError> {
    let calm = signs(stand, gateway).await?;
    let (began, spent) = (Instant::now(), processor_time(stand, gateway)?);
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    let after = processor_time(stand, gateway)?;
    let seconds = began.elapsed().as_secs_f64();
    let share = |of: usize| (after[of] - spent[of]).as_secs_f64() / seconds;
    Ok(Watched {
        seconds,
        cpu_share: share(0),
        platform_cpu_share: share(1),
        quiet: signs(stand, gateway).await?.since(calm),
    })
}

/// Starts a gateway, and waits until all are live: seconds from when it could be asked, before which it has not begun
/// to connect.
async fn connect(stand: &TestStand, count: u32) -> Result<(GatewayProcess, f64), BenchError> {
    let mut gateway = stand.spawn(count)?;
    gateway.view().await?;
    let began = Instant::now();
    stand.all_live(&mut gateway, count).await?;
    Ok((gateway, began.elapsed().as_secs_f64()))
}

/// Signs of life and of trouble, since the start.
async fn signs(stand: &TestStand, gateway: &mut GatewayProcess) -> Result<Quiet, BenchError> {
    let connections = gateway.view().await?.connections;
    Ok(Quiet {
        heartbeats: stand.platform.ledger().await?.pings,
        unanswered: connections.silent,
        connections_lost: connections.lost,
    })
}

impl Quiet {
    fn since(self, earlier: Self) -> Self {
        Self {
            heartbeats: self.heartbeats - earlier.heartbeats,
            unanswered: self.unanswered - earlier.unanswered,
            connections_lost: self.connections_lost - earlier.connections_lost,
        }
    }
}

/// Of the gateway and of the platform, since they began.
fn processor_time(
    stand: &TestStand,
    gateway: &GatewayProcess,
) -> Result<[Duration; 2], BenchError> {
    Ok([
        gateway.process.processor_time()?,
        stand.platform.process.processor_time()?,
    ])
}

/// Gives every installation its traffic, and measures again.
async fn burden(
    stand: &TestStand,
    gateway: &GatewayProcess,
    installations: u32,
    idle_bytes: u64,
) -> Result<Footprint, BenchError> {
    let before = stand.platform.ledger().await?.pushed;
    let traffic = Traffic {
        per_second: TRAFFIC_PER_SECOND,
        payload_bytes: TRAFFIC_BYTES,
        // One each: a paced stream goes round.
        total: Some(installations.into()),
        ..Traffic::default()
    };
    stand.platform.pace(&traffic).await?;
    while stand.platform.ledger().await?.pushed < before + u64::from(installations) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stand.settle().await?;
    tokio::time::sleep(REST).await;
    Ok(Footprint {
        installations,
        idle_bytes,
        after_traffic_bytes: gateway.process.resident()?.now,
    })
}

fn asked(command: &BenchIdle) -> String {
    let tls = if command.tls { "over TLS" } else { "plain" };
    format!(
        "{}{} installations, {tls}",
        command.platform.title(),
        grouped(command.installations.into())
    )
}

impl ReportFigures for Idle {
    fn rows(&self) -> Vec<ReportRow> {
        let kib = |bytes: f64| format!("{:.1} KiB", bytes / 1024.0);
        let memory = |bytes: fn(&Footprint) -> u64| {
            format!(
                "growth from {} ({}) to {} ({})",
                grouped(self.tenth.installations.into()),
                mib(bytes(&self.tenth)),
                grouped(self.all.installations.into()),
                mib(bytes(&self.all)),
            )
        };
        let mut rows = vec![ReportRow::new(
            "all live",
            seconds(self.all_live_seconds),
            "from the gateway's first answer to the last first pong, without a budget of attempts",
        )];
        rows.extend(self.budgeted.map(|budgeted| {
            let note = format!("with a budget of {} attempts/s", budgeted.per_second);
            ReportRow::new("", seconds(budgeted.all_live_seconds), note)
        }));
        rows.extend([
            ReportRow::new(
                "memory each",
                format!("{} idle", kib(self.idle_bytes_each)),
                memory(|of| of.idle_bytes),
            ),
            ReportRow::new(
                "",
                format!("{} after traffic", kib(self.after_traffic_bytes_each)),
                memory(|of| of.after_traffic_bytes),
            ),
            ReportRow::new(
                "doing nothing",
                format!("{:.2} % of a core", self.cpu_share * 100.0),
                format!(
                    "over {:.0} s; the platform {:.2} %",
                    self.watched_seconds,
                    self.platform_cpu_share * 100.0,
                ),
            ),
            ReportRow::new(
                "heartbeats",
                grouped(self.quiet.heartbeats),
                format!(
                    "that the platform answered meanwhile; {} without an answer, {} connections lost",
                    self.quiet.unanswered, self.quiet.connections_lost,
                ),
            ),
        ]);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_does_not_count_what_every_process_needs() {
        let base = 20 << 20;
        let footprint = |installations: u32| Footprint {
            installations,
            idle_bytes: base + u64::from(installations) * 5_000,
            after_traffic_bytes: base + u64::from(installations) * 6_000,
        };
        let (tenth, all) = (footprint(100), footprint(1_000));
        assert_eq!(all.growth(&tenth, |of| of.idle_bytes), 5_000.0);
        assert_eq!(all.growth(&tenth, |of| of.after_traffic_bytes), 6_000.0);
        assert_eq!(
            tenth.growth(&footprint(10), |of| of.idle_bytes + 9),
            5_000.0
        );
    }
}
