//! `longwire bench events`: events per second, their latency and their cost.

use std::time::Duration;

use serde::Serialize;

use super::chart::{Axis, Chart, Line, Panel, SvgFile, latency_panel};
use super::load::{Load, Pace, Stretch};
use super::report::{Figures, Host, Report, Row, mib};
use super::sample::{Quantiles, Window, extremes};
use crate::cli::BenchEvents;
use crate::exit::{Exit, Failure};
use crate::stand::{AckLatency, Client, PlatformSettings, Progress, Resident, Stand};
use crate::terminal::{grouped, ms};

/// Caches, pages of the store and the processor's clock come to rest.
const WARM_UP: Duration = Duration::from_secs(2);
/// Events under way, and those of one second, are to fit into memory several times.
const MAX_BYTES: f64 = (512 << 20) as f64;

/// Refuses what is in range by itself and too much together.
pub(super) fn check(command: &BenchEvents) -> Result<(), Failure> {
    let (load, words) = match command.rate {
        Some(rate) => (rate, "--rate × --payload-bytes"),
        None => (
            f64::from(command.connections) * f64::from(command.window),
            "--connections × --window × --payload-bytes",
        ),
    };
    if load * f64::from(command.payload_bytes) > MAX_BYTES {
        return Err(Failure::Usage(format!("{words} is 512 MiB at most")));
    }
    Ok(())
}

/// What a run found.
#[derive(Debug, Serialize)]
struct Throughput {
    /// The whole measured time.
    all: Window,
    lowest_per_second: f64,
    highest_per_second: f64,
    windows: usize,
    /// Asked for, in an open loop.
    offered_per_second: Option<f64>,
    /// As the gateway saw it, since its start.
    gateway_ack: AckLatency,
    /// Pushed again by the platform until the last answer.
    pushed_again: u64,
    /// Recognized by the gateway since its start.
    repeats_recognized: u64,
    /// Answered 500 by the gateway since its start: not recorded, not in time, or too many.
    refused: u64,
    resident_before_bytes: u64,
    resident_after_bytes: u64,
    resident_most_bytes: u64,
}

pub(super) async fn run(command: &BenchEvents) -> Result<Exit, Failure> {
    let progress = Progress::new();
    progress.say("starting");
    let drawing = SvgFile::reserve(&command.plot)?;
    let settings = PlatformSettings::default();
    let directory = command.ground.directory.as_deref();
    let connections = command.connections;
    let stand = Stand::build(u64::from(connections), directory, 0, &settings).await?;
    let mut gateway = stand.spawn(connections)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, connections).await?;
    let before = gateway.process.resident()?;

    progress.say("under load");
    let load = load(command);
    let mut client = Client::Gateway(Box::new(gateway));
    let stretch = load.carry(&stand.platform, &mut client, &progress).await?;
    stand.platform.stop_traffic().await?;
    progress.say("waiting for the last answers");
    let pushed_again = stand.settle().await?.re_pushed;
    let view = client.view().await?;
    let Resident { now, most } = client.process().resident()?;
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict_of(client).await?.unwrap_or_default();
    let (lowest_per_second, highest_per_second) = extremes(&stretch.windows);
    drop(progress);
    drawing.write(|| chart(command, &stretch))?;
    Report {
        command: "bench events",
        asked: asked(command),
        ground: Host::of(stand.directory()),
        figures: Throughput {
            all: stretch.all(),
            lowest_per_second,
            highest_per_second,
            windows: stretch.windows.len(),
            offered_per_second: command.rate,
            gateway_ack: view.ack_latency_us,
            pushed_again,
            repeats_recognized: view.repeats(),
            refused: view.refusals(),
            resident_before_bytes: before.now,
            resident_after_bytes: now,
            resident_most_bytes: most,
        },
        verdict,
    }
    .print(command.ground.json)
}

fn load(command: &BenchEvents) -> Load {
    Load {
        pace: match command.rate {
            Some(per_second) => Pace::Rate(per_second),
            None => Pace::Window(command.window),
        },
        payload_bytes: command.payload_bytes,
        warm_up: WARM_UP.min(Duration::from_secs(command.seconds.into())),
        seconds: command.seconds,
    }
}

fn chart(command: &BenchEvents, stretch: &Stretch) -> Chart {
    let acked = Line {
        name: "acknowledged".to_owned(),
        points: stretch.course(),
    };
    let offered = command.rate.map(|rate| Line {
        name: "offered".to_owned(),
        points: acked.points.iter().map(|point| (point.0, rate)).collect(),
    });
    Chart {
        title: "Events recorded and acknowledged".to_owned(),
        subtitle: asked(command),
        panels: vec![
            latency_panel(
                "ACK latency, as the platform saw it",
                &[("from push to ACK", stretch.latencies())],
            ),
            Panel {
                title: "Throughput".to_owned(),
                x: Axis::linear("seconds", |value| format!("{value}")),
                y: Axis::linear("ACKs/s", |value| grouped(value as u64)),
                lines: [acked].into_iter().chain(offered).collect(),
                marks: Vec::new(),
            },
        ],
    }
}

fn asked(command: &BenchEvents) -> String {
    let load = match command.rate {
        Some(rate) => format!("{rate} events/s offered"),
        None => format!("{} unanswered on each", command.window),
    };
    format!(
        "{} connections, {load}, {} bytes, {} s",
        command.connections, command.payload_bytes, command.seconds
    )
}

fn quantiles(of: Quantiles) -> String {
    format!(
        "p50 {}, p99 {}, max {}",
        ms(of.p50_us),
        ms(of.p99_us),
        ms(of.max_us)
    )
}

impl Figures for Throughput {
    fn rows(&self) -> Vec<Row> {
        let all = &self.all;
        let gateway = Quantiles {
            p50_us: self.gateway_ack.p50,
            p99_us: self.gateway_ack.p99,
            max_us: self.gateway_ack.max,
        };
        let queueing = match self.offered_per_second {
            Some(_) => "from push to ACK, as the platform saw it",
            None => "as the platform saw it; in a closed loop mostly waiting in line",
        };
        let [gateway_share, platform_share] = all.processor_rows();
        vec![
            Row::new(
                "acknowledged",
                format!("{} /s", grouped(all.acked_per_second as u64)),
                format!(
                    "{:.0} s in all; in windows of {:.0} s lowest {}, highest {}",
                    all.seconds,
                    all.seconds / self.windows as f64,
                    grouped(self.lowest_per_second as u64),
                    grouped(self.highest_per_second as u64),
                ),
            ),
            Row::new("ack", quantiles(all.ack), queueing),
            Row::new(
                "",
                quantiles(gateway),
                "from read to ACK, as the gateway saw it since its start",
            ),
            gateway_share,
            platform_share,
            Row::new(
                "commits",
                grouped(all.batches),
                format!("{:.1} events in each", all.events_per_batch),
            ),
            Row::new(
                "repeats",
                format!("{} pushed again", grouped(self.pushed_again)),
                format!(
                    "{} recognized as recorded already; {} events refused",
                    grouped(self.repeats_recognized),
                    grouped(self.refused),
                ),
            ),
            Row::new(
                "memory",
                format!(
                    "{} before, {} after",
                    mib(self.resident_before_bytes),
                    mib(self.resident_after_bytes)
                ),
                format!(
                    "resident in the gateway, {} at most",
                    mib(self.resident_most_bytes)
                ),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Bench, Cli, Command};

    fn checked(arguments: &str) -> Result<(), Failure> {
        let arguments = format!("longwire bench events {arguments}");
        match Cli::parse_from(arguments.split_whitespace()).command {
            Command::Bench(Bench::Events(command)) => check(&command),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_too_much_together_is_refused() {
        assert!(checked("").is_ok());
        assert!(checked("--connections 10000 --window 1 --payload-bytes 40960").is_ok());
        for too_much in [
            "--connections 10000 --window 4096",
            "--rate 600000",
            "--rate 1000 --payload-bytes 1048576",
        ] {
            let error = checked(too_much).expect_err(too_much);
            assert_eq!(error.exit(), Exit::Usage);
            assert!(error.to_string().contains("512 MiB"), "{error}");
        }
    }
}
