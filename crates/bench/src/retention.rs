//! `longwire bench retention`: the latency of ACKs while old events go, beside the same load while everything is kept.
//!
//! ```text
//! record a history ─▶ round: keep everything, measure ─▶ let a part of the history go, measure ─▶ next round ─▶ verdict
//! ```
//! Both halves of a round run on the same store, at the same rate, for the same time. The events of the run are so new that
//! their repeats may still come: a row that goes keeps its keys, which is more work than to delete it.

use std::time::Duration;

use longwire_terminal::grouped;
use serde::Serialize;

use super::bar::{Bar, BarBound};
use super::load::{Load, LoadPace};
use super::peers::median;
use super::report::{HostFacts, Report, ReportFigures, ReportRow};
use super::sample::{Done, LatencyQuantiles, MeasuredWindow};
use crate::cli::BenchRetention;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{GatewayProcess, MeasuredClient, PlatformSettings, ProgressLine, TestStand};

/// Caches and the processor's clock come to rest.
const WARM_UP: Duration = Duration::from_secs(2);
/// Unanswered events on each connection while the history is recorded.
const WINDOW: u32 = 64;
/// How often it is looked whether the history is recorded.
const LOOK: Duration = Duration::from_millis(100);

/// What the ratio of the 99th percentiles is held to.
const BAR: Bar = Bar {
    bar: BarBound::AtMost(1.2),
    stretch: None,
};

/// What a run found.
#[derive(Debug, Serialize)]
struct BesideRetention {
    history: u64,
    rounds: Vec<Round>,
    p99_ratio: f64,
    p50_ratio: f64,
    bar: Bar,
    /// Events that went.
    gone: u64,
    /// The bytes of their payloads.
    gone_bytes: u64,
    /// Of the database, at the end.
    free_bytes: u64,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Round {
    keeping: Half,
    letting_go: Half,
    /// Events that went during the second half.
    gone: u64,
}

/// One half of a round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Half {
    per_second: f64,
    ack: LatencyQuantiles,
}

impl Half {
    fn of(window: &MeasuredWindow) -> Self {
        let ack = match window.done {
            Done::Acked { ack, .. } => ack,
            // Feishu is played.
            Done::Recorded { .. } => LatencyQuantiles::default(),
        };
        Self {
            per_second: window.per_second(),
            ack,
        }
    }
}

impl Round {
    fn ratio(&self, of: impl Fn(&LatencyQuantiles) -> u64) -> f64 {
        let keeping = of(&self.keeping.ack).max(1) as f64;
        of(&self.letting_go.ack) as f64 / keeping
    }
}

pub(super) async fn run(
    command: &BenchRetention,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let settings = PlatformSettings::default();
    let directory = command.ground.directory.as_deref();
    let connections = command.connections;
    let mut stand =
        TestStand::build(program, u64::from(connections), directory, 0, &settings).await?;
    progress.say(&format!("recording {} events", grouped(command.history)));
    record_history(&stand, command).await?;
    let share = command.history / 2 / u64::from(command.rounds);
    let mut rounds = Vec::new();
    for number in 1..=command.rounds {
        progress.say(&format!("round {number}: everything is kept"));
        stand.keep_events(u64::from(u32::MAX));
        let keeping = measure(&stand, command, &progress).await?;
        let before = stand.reader()?.retention()?;
        let kept = (before.newest - before.gone_through).unsigned_abs();
        progress.say(&format!("round {number}: {} events go", grouped(share)));
        stand.keep_events(kept.saturating_sub(share).max(1));
        let letting_go = measure(&stand, command, &progress).await?;
        let after = stand.reader()?.retention()?;
        rounds.push(Round {
            keeping,
            letting_go,
            gone: after.events - before.events,
        });
    }
    progress.say("comparing the ledger with the store");
    let mut gateway = stand.spawn(connections)?;
    stand.all_live(&mut gateway, connections).await?;
    stand.settle().await?;
    // A row that went keeps its id as long as its repeats may come, so the ledger is held against all of them.
    let verdict = stand.verdict(gateway).await?;
    let state = stand.reader()?.retention()?;
    drop(progress);
    Report {
        command: "bench retention",
        asked: format!(
            "{connections} connections, {} events/s, {} bytes, {} events before, {} rounds of 2 × {} s",
            command.rate,
            command.payload_bytes,
            grouped(command.history),
            command.rounds,
            command.seconds
        ),
        ground: HostFacts::of(program, stand.directory()),
        figures: BesideRetention {
            history: command.history,
            p99_ratio: median(rounds.iter().map(|round| round.ratio(|ack| ack.p99_us))),
            p50_ratio: median(rounds.iter().map(|round| round.ratio(|ack| ack.p50_us))),
            rounds,
            bar: BAR,
            gone: state.events,
            gone_bytes: state.bytes,
            free_bytes: state.free_bytes,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// Records events at full speed, as many as are asked for.
async fn record_history(stand: &TestStand, command: &BenchRetention) -> Result<(), BenchError> {
    let mut gateway: GatewayProcess = stand.spawn(command.connections)?;
    stand.all_live(&mut gateway, command.connections).await?;
    let load = Load {
        pace: LoadPace::Window(WINDOW),
        payload_bytes: command.payload_bytes,
        warm_up: Duration::ZERO,
        seconds: 1,
    };
    load.start(&stand.platform).await?;
    while gateway.view().await?.events.recorded < command.history {
        gateway.process.check()?;
        tokio::time::sleep(LOOK).await;
    }
    stand.platform.stop_traffic().await?;
    stand.settle().await?;
    gateway.end().await?;
    Ok(())
}

/// One half of a round, on a gateway of its own.
async fn measure(
    stand: &TestStand,
    command: &BenchRetention,
    progress: &ProgressLine,
) -> Result<Half, BenchError> {
    let mut gateway = stand.spawn(command.connections)?;
    stand.all_live(&mut gateway, command.connections).await?;
    let load = Load {
        pace: LoadPace::Rate(command.rate),
        payload_bytes: command.payload_bytes,
        warm_up: WARM_UP,
        seconds: command.seconds,
    };
    let mut client = MeasuredClient::Gateway(Box::new(gateway));
    let stretch = load.carry(&stand.platform, &mut client, progress).await?;
    stand.platform.stop_traffic().await?;
    stand.settle().await?;
    let half = Half::of(&stretch.all());
    if let MeasuredClient::Gateway(gateway) = client {
        gateway.end().await?;
    }
    Ok(half)
}

impl ReportFigures for BesideRetention {
    fn rows(&self) -> Vec<ReportRow> {
        let each = self.rounds.iter().map(|round| {
            ReportRow::new(
                "round",
                format!(
                    "p99 {} → {} µs",
                    grouped(round.keeping.ack.p99_us),
                    grouped(round.letting_go.ack.p99_us)
                ),
                format!(
                    "p50 {} → {} µs; {:.0} and {:.0} events/s; {} events went",
                    grouped(round.keeping.ack.p50_us),
                    grouped(round.letting_go.ack.p50_us),
                    round.keeping.per_second,
                    round.letting_go.per_second,
                    grouped(round.gone)
                ),
            )
        });
        let mut rows: Vec<ReportRow> = each.collect();
        rows.push(ReportRow::new(
            "p99 ratio",
            format!("{:.2}", self.p99_ratio),
            format!(
                "the median; bar {}: {}",
                self.bar.bar.tell(),
                self.bar.judge(self.p99_ratio).tell()
            ),
        ));
        rows.push(ReportRow::new(
            "p50 ratio",
            format!("{:.2}", self.p50_ratio),
            "the median",
        ));
        rows.push(ReportRow::new(
            "gone",
            grouped(self.gone),
            format!(
                "events, {} MiB of payloads; {} MiB of the database are free for what comes",
                self.gone_bytes >> 20,
                self.free_bytes >> 20
            ),
        ));
        rows
    }
}
