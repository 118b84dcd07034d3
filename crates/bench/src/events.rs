//! `longwire bench events`: events per second, their latency and their cost.
//!
//! Feishu says when it has an ACK, so its counters are the figure. WeCom asks for none: it writes as fast as it is read,
//! and the figure is what the gateway has recorded, by the gateway's own counter. The verdict holds both to account.

mod fed;
mod throughput;

use std::time::Duration;

use super::chart::{Axis, Chart, Panel, Series, SvgFile, latency_panel};
use super::load::{Load, LoadPace, Stretch};
use super::report::{HostFacts, Report};
use super::sample::extremes;
use crate::cli::{BenchEvents, Played};
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{MeasuredClient, PlatformSettings, ProgressLine, Resident, TestStand};
use longwire_terminal::grouped;
use throughput::{GatewayLatency, Throughput};

/// Caches, pages of the store and the processor's clock come to rest.
const WARM_UP: Duration = Duration::from_secs(2);
/// Events under way, and those of one second, are to fit into memory several times.
const MAX_BYTES: f64 = (512 << 20) as f64;

/// Unanswered events on each connection of a closed loop, unless given.
const WINDOW: u32 = 64;
/// What the simulator has ready for each connection it floods, or one event that is larger.
const FLOOD_BYTES: u32 = 128 << 10;

/// Refuses what the platform does not have, and what is in range by itself and too much together.
fn check(command: &BenchEvents) -> Result<(), BenchError> {
    let (connections, payload) = (
        f64::from(command.connections),
        f64::from(command.payload_bytes),
    );
    let (bytes, words) = match pace(command)? {
        LoadPace::Rate(rate) => (rate * payload, "--rate × --payload-bytes"),
        LoadPace::Callbacks(connections) => (
            f64::from(connections) * payload,
            "--connections × --payload-bytes",
        ),
        LoadPace::Window(window) => (
            connections * f64::from(window) * payload,
            "--connections × --window × --payload-bytes",
        ),
        LoadPace::Flood => (
            connections * payload.max(f64::from(FLOOD_BYTES)),
            "--connections × what a flood has ready for each (128 KiB, or --payload-bytes)",
        ),
    };
    if bytes > MAX_BYTES {
        return Err(BenchError::Usage(format!("{words} is 512 MiB at most")));
    }
    Ok(())
}

fn pace(command: &BenchEvents) -> Result<LoadPace, BenchError> {
    match (command.rate, command.platform, command.window) {
        (Some(per_second), ..) => Ok(LoadPace::Rate(per_second)),
        (None, Played::Feishu, window) => Ok(LoadPace::Window(window.unwrap_or(WINDOW))),
        (None, Played::Wecom, None) => Ok(LoadPace::Flood),
        (None, Played::Wecom, Some(_)) => Err(BenchError::Usage(
            "--window counts events without an ACK, and WeCom asks for none: leave it out to be sent as much as is \
             read, or give --rate"
                .to_owned(),
        )),
    }
}

pub(super) async fn run(
    command: &BenchEvents,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    check(command)?;
    if let Some(consumers) = command.consumers {
        return fed::run(command, consumers, program).await;
    }
    let progress = ProgressLine::new();
    progress.say("starting");
    let drawing = SvgFile::reserve(&command.plot)?;
    let settings = PlatformSettings {
        played: command.platform,
        ..PlatformSettings::default()
    };
    let load = load(command)?;
    let directory = command.ground.directory.as_deref();
    let connections = command.connections;
    let stand = TestStand::build(program, u64::from(connections), directory, 0, &settings).await?;
    let mut gateway = stand.spawn(connections)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, connections).await?;
    let before = gateway.process.resident()?;

    progress.say("under load");
    let mut client = MeasuredClient::Gateway(Box::new(gateway));
    let stretch = load.carry(&stand.platform, &mut client, &progress).await?;
    stand.platform.stop_traffic().await?;
    progress.say("waiting for the last of them");
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
        ground: HostFacts::of(program, stand.directory()),
        figures: Throughput {
            all: stretch.all(),
            lowest_per_second,
            highest_per_second,
            windows: stretch.windows.len(),
            offered_per_second: command.rate,
            gateway: match command.platform {
                Played::Feishu => GatewayLatency::GatewayAck(view.ack_latency_us),
                Played::Wecom => GatewayLatency::GatewayRecord(view.record_latency_us),
            },
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

fn load(command: &BenchEvents) -> Result<Load, BenchError> {
    Ok(Load {
        pace: pace(command)?,
        payload_bytes: command.payload_bytes,
        warm_up: WARM_UP.min(Duration::from_secs(command.seconds.into())),
        seconds: command.seconds,
    })
}

fn chart(command: &BenchEvents, stretch: &Stretch) -> Chart {
    let (title, word, unit) = match command.platform {
        Played::Feishu => ("Events recorded and acknowledged", "acknowledged", "ACKs/s"),
        Played::Wecom => ("Events recorded", "recorded", "recorded/s"),
    };
    let done = Series {
        name: word.to_owned(),
        points: stretch.course(),
    };
    let offered = command.rate.map(|rate| Series {
        name: "offered".to_owned(),
        points: done.points.iter().map(|point| (point.0, rate)).collect(),
    });
    let latency = (command.platform == Played::Feishu).then(|| {
        latency_panel(
            "ACK latency, as the platform saw it",
            &[("from push to ACK", stretch.latencies())],
        )
    });
    let throughput = Panel {
        title: "Throughput".to_owned(),
        x: Axis::linear("seconds", |value| format!("{value}")),
        y: Axis::linear(unit, |value| grouped(value as u64)),
        lines: [done].into_iter().chain(offered).collect(),
        marks: Vec::new(),
    };
    Chart {
        title: title.to_owned(),
        subtitle: asked(command),
        panels: latency.into_iter().chain([throughput]).collect(),
    }
}

fn asked(command: &BenchEvents) -> String {
    let load = match (command.rate, command.platform) {
        (Some(rate), _) => format!("{rate} events/s offered"),
        (None, Played::Feishu) => {
            let window = command.window.unwrap_or(WINDOW);
            format!("{window} unanswered on each")
        }
        (None, Played::Wecom) => "as much as is read".to_owned(),
    };
    format!(
        "{}{} connections, {load}, {} bytes, {} s",
        command.platform.title(),
        command.connections,
        command.payload_bytes,
        command.seconds
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        command: BenchEvents,
    }

    fn checked(arguments: &str) -> Result<(), BenchError> {
        let arguments = format!("events {arguments}");
        check(&Typed::parse_from(arguments.split_whitespace()).command)
    }

    #[test]
    fn what_is_too_much_together_is_refused() {
        assert!(checked("").is_ok());
        assert!(checked("--connections 10000 --window 1 --payload-bytes 40960").is_ok());
        assert!(checked("--platform wecom").is_ok());
        assert!(checked("--platform wecom --connections 10000 --rate 100").is_ok());
        for too_much in [
            "--connections 10000 --window 4096",
            "--rate 600000",
            "--rate 1000 --payload-bytes 1048576",
            "--platform wecom --connections 5000",
            "--platform wecom --connections 600 --payload-bytes 1048576",
        ] {
            let error = checked(too_much).expect_err(too_much);
            assert!(matches!(error, BenchError::Usage(_)));
            assert!(error.to_string().contains("512 MiB"), "{error}");
        }
    }

    #[test]
    fn a_platform_without_acks_has_no_window() {
        let error = checked("--platform wecom --window 64").expect_err("no ACK to wait for");
        assert!(matches!(error, BenchError::Usage(_)));
        assert!(error.to_string().contains("WeCom asks for none"), "{error}");
    }
}
