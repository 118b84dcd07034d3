//! `longwire bench idle`: what an installation costs that has nothing to do.
//!
//! Memory is told per installation as the growth from a tenth of them to all, in two runs of the gateway, so that
//! what every process needs anyway does not count. Each run is measured idle, and again after every installation
//! has had one large event, which shows what buffers keep.

use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use serde::Serialize;

use super::report::{Figures, Host, Report, Row, mib, seconds};
use crate::cli::BenchIdle;
use crate::exit::{Exit, Failure};
use crate::stand::{Gateway, PlatformSettings, Progress, Stand};
use crate::terminal::grouped;

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
    all_live_seconds: f64,
    tenth: Footprint,
    all: Footprint,
    /// Growth per installation.
    idle_bytes_each: f64,
    /// Growth per installation once each has had its traffic.
    after_traffic_bytes_each: f64,
    /// Of one core, with all live and nothing to do.
    cpu_share: f64,
    watched_seconds: f64,
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

pub(super) async fn run(command: &BenchIdle) -> Result<Exit, Failure> {
    let progress = Progress::new();
    let count = command.installations;
    let settings = PlatformSettings {
        tls: command.tls,
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    let budget = command.per_second;
    let stand = Stand::build(u64::from(count), directory, budget, &settings).await?;

    let mut gateway = stand.spawn(count / 10)?;
    progress.say(&format!("a tenth: {} installations", count / 10));
    stand.all_live(&mut gateway, count / 10).await?;
    tokio::time::sleep(REST).await;
    let idle_bytes = gateway.process.resident()?.now;
    let tenth = burden(&stand, &gateway, count / 10, idle_bytes).await?;
    gateway.end().await?;

    let mut gateway = stand.spawn(count)?;
    // Until it can be asked it has not begun to connect.
    gateway.view().await?;
    let began = Instant::now();
    progress.say(&format!("connecting {count} installations"));
    stand.all_live(&mut gateway, count).await?;
    let all_live_seconds = began.elapsed().as_secs_f64();
    tokio::time::sleep(REST).await;
    let idle_bytes = gateway.process.resident()?.now;
    progress.say("watching them do nothing");
    let (began, spent) = (Instant::now(), gateway.process.processor_time()?);
    tokio::time::sleep(Duration::from_secs(command.seconds.into())).await;
    let spent = gateway.process.processor_time()? - spent;
    let watched_seconds = began.elapsed().as_secs_f64();
    progress.say("40 KiB for each");
    let all = burden(&stand, &gateway, count, idle_bytes).await?;
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict(gateway).await?;
    drop(progress);
    Report {
        command: "bench idle",
        asked: asked(command),
        ground: Host::of(stand.directory()),
        figures: Idle {
            installations: count,
            all_live_seconds,
            tenth,
            all,
            idle_bytes_each: all.growth(&tenth, |of| of.idle_bytes),
            after_traffic_bytes_each: all.growth(&tenth, |of| of.after_traffic_bytes),
            cpu_share: spent.as_secs_f64() / watched_seconds,
            watched_seconds,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// Gives every installation its traffic, and measures again.
async fn burden(
    stand: &Stand,
    gateway: &Gateway,
    installations: u32,
    idle_bytes: u64,
) -> Result<Footprint, Failure> {
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
    let budget = match command.per_second {
        0 => "no budget of attempts".to_owned(),
        per_second => format!("{per_second} attempts/s"),
    };
    format!("{} installations, {tls}, {budget}", command.installations)
}

impl Figures for Idle {
    fn rows(&self) -> Vec<Row> {
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
        vec![
            Row::new(
                "all live",
                seconds(self.all_live_seconds),
                "from the gateway's first answer to the last first pong",
            ),
            Row::new(
                "memory each",
                format!("{} idle", kib(self.idle_bytes_each)),
                memory(|of| of.idle_bytes),
            ),
            Row::new(
                "",
                format!("{} after traffic", kib(self.after_traffic_bytes_each)),
                memory(|of| of.after_traffic_bytes),
            ),
            Row::new(
                "doing nothing",
                format!("{:.2} % of a core", self.cpu_share * 100.0),
                format!(
                    "over {:.0} s, a ping per installation every 120 s",
                    self.watched_seconds
                ),
            ),
        ]
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
