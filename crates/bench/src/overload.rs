//! `longwire bench overload`: twice as many events as can be kept up with.
//!
//! ```text
//! closed    as many as are answered, for a moment, to know where to begin
//! search    paced rates, rising until one is not kept up with; each for a moment
//! anew      another platform, another gateway, an empty store
//! overload  twice the rate found
//! rest      the traffic stops; what was refused or not answered in time comes again until all of it is recorded
//! ```
//! The rate and twice the rate begin with the same store, because one that has grown to gigabytes is slower: where a
//! virtual machine's host has to find memory for its pages first, by half.
//!
//! A platform that is answered too late pushes again, so lateness is load. What is looked for is that the gateway
//! goes on acknowledging at its rate, says no to the rest in time, and keeps its memory.

mod figures;
mod search;

use std::time::Duration;

use longwire_terminal::grouped;

use super::chart::{Axis, Chart, Panel, Series, SvgFile, latency_panel};
use super::load::{Load, LoadPace, Stretch};
use super::report::{HostFacts, Report};
use super::sample::MeasuredWindow;
use crate::cli::BenchOverload;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{MeasuredClient, PlatformSettings, ProgressLine, RunVerdict, TestStand};
use figures::{Overload, Standings, Step};
use search::Search;

/// What the simulated platform is sure to make.
const MOST_RATE: f64 = 250_000.0;
/// How long the closed loop and a rate of the search are watched. After the warm-up and this, what a rate slightly too
/// high leaves behind is answered within a second; later it would be refused, and come again only after 15 s.
const STEP_SECONDS: u32 = 2;
/// Unanswered on each connection, and on all of them, in the closed loop.
const CLOSED_WINDOW: (u32, u32) = (64, 16_384);
const WARM_UP: Duration = Duration::from_secs(1);
/// A rate is kept up with when so much of it is acknowledged, and 99 of 100 events that fast.
const KEPT_SHARE: f64 = 0.98;
const KEPT_P99_US: u64 = 1_000_000;
/// Events of one second are to fit into memory several times.
const MAX_BYTES: f64 = (512 << 20) as f64;

/// Refuses what is in range by itself and too much together.
fn check(command: &BenchOverload) -> Result<(), BenchError> {
    if command.sustainable > Some(most_rate(command)) {
        return Err(BenchError::Usage(
            "twice --sustainable × --payload-bytes is 512 MiB a second at most".to_owned(),
        ));
    }
    Ok(())
}

/// Twice of it is still in bounds.
fn most_rate(command: &BenchOverload) -> f64 {
    MAX_BYTES / 2.0 / f64::from(command.payload_bytes)
}

pub(super) async fn run(
    command: &BenchOverload,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    check(command)?;
    let progress = ProgressLine::new();
    let drawing = SvgFile::reserve(&command.plot)?;
    let Sought {
        sustainable,
        closed,
        steps,
        mut verdict,
    } = match command.sustainable {
        Some(rate) => Sought::given(rate),
        None => seek(command, program, &progress).await?,
    };

    let (stand, mut client) = begin(command, program, &progress).await?;
    let offered = sustainable * 2.0;
    progress.say(&format!("{} events/s offered", grouped(offered as u64)));
    let before = client.process().resident()?.now;
    let known = client.view().await?.repeats();
    let load = load(command, offered, command.seconds);
    let stretch = load.carry(&stand.platform, &mut client, &progress).await?;
    stand.platform.stop_traffic().await?;
    progress.say("waiting for the last answers");
    let first = stretch.first().ledger.clone();
    let settled = stand.settle().await?;
    let repeats = client.view().await?.repeats() - known;
    progress.say("comparing the ledger with the store");
    verdict.add(&stand.verdict_of(client).await?.unwrap_or_default());
    drop(progress);

    let (all, last) = (stretch.all(), &stretch.last().ledger);
    let most = stretch.resident_most();
    let acked_share = all.per_second() / sustainable;
    let growth = most.saturating_sub(before);
    drawing.write(|| chart(command, offered, sustainable, &stretch))?;
    Report {
        command: "bench overload",
        asked: asked(command, offered),
        ground: HostFacts::of(program, stand.directory()),
        figures: Overload {
            sustainable_per_second: sustainable,
            closed_loop_per_second: closed,
            steps,
            offered_per_second: offered,
            acked_share,
            late_acks: last.late_acks - first.late_acks,
            timed_out: last.timed_out - first.timed_out,
            pushed_again: settled.re_pushed - first.re_pushed,
            repeats_recognized: repeats,
            resident_before_bytes: before,
            resident_most_bytes: most,
            standings: Standings::of(acked_share, all.ack().p99_us, growth),
            all,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// A platform, and a gateway with all its bots connected and nothing recorded.
async fn begin(
    command: &BenchOverload,
    program: &Program,
    progress: &ProgressLine,
) -> Result<(TestStand, MeasuredClient), BenchError> {
    progress.say("connecting");
    let settings = PlatformSettings::default();
    let directory = command.ground.directory.as_deref();
    let connections = command.connections;
    let stand = TestStand::build(program, connections.into(), directory, 0, &settings).await?;
    let mut gateway = stand.spawn(connections)?;
    stand.all_live(&mut gateway, connections).await?;
    Ok((stand, MeasuredClient::Gateway(Box::new(gateway))))
}

/// The rate that is kept up with, and how it was found.
struct Sought {
    sustainable: f64,
    closed: Option<f64>,
    steps: Vec<Step>,
    verdict: RunVerdict,
}

impl Sought {
    /// Nothing was looked for.
    fn given(sustainable: f64) -> Self {
        Self {
            sustainable,
            closed: None,
            steps: Vec::new(),
            verdict: RunVerdict::default(),
        }
    }
}

async fn seek(
    command: &BenchOverload,
    program: &Program,
    progress: &ProgressLine,
) -> Result<Sought, BenchError> {
    let (stand, mut client) = begin(command, program, progress).await?;
    let closed = close_loop(command, &stand, &mut client, progress).await?;
    let (sustainable, steps) = search(command, closed, &stand, &mut client, progress).await?;
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict_of(client).await?.unwrap_or_default();
    Ok(Sought {
        sustainable,
        closed: Some(closed),
        steps,
        verdict,
    })
}

/// What is acknowledged a second as fast as answers come.
async fn close_loop(
    command: &BenchOverload,
    stand: &TestStand,
    client: &mut MeasuredClient,
    progress: &ProgressLine,
) -> Result<f64, BenchError> {
    progress.say("a closed loop");
    let (each, all) = CLOSED_WINDOW;
    let load = Load {
        pace: LoadPace::Window(each.min(all / command.connections).max(1)),
        ..load(command, 0.0, STEP_SECONDS)
    };
    let all = load.carry(&stand.platform, client, progress).await?.all();
    stand.platform.stop_traffic().await?;
    stand.settle().await?;
    Ok(all.per_second())
}

/// The highest paced rate that is kept up with, and the steps to it.
async fn search(
    command: &BenchOverload,
    closed_per_second: f64,
    stand: &TestStand,
    client: &mut MeasuredClient,
    progress: &ProgressLine,
) -> Result<(f64, Vec<Step>), BenchError> {
    let most = f64::min(MOST_RATE, most_rate(command));
    let mut search = Search::from_closed_loop(closed_per_second, most);
    let mut steps = Vec::new();
    loop {
        let rate = search.rate();
        progress.say(&format!("trying {} events/s", grouped(rate as u64)));
        let load = load(command, rate, STEP_SECONDS);
        let all = load.carry(&stand.platform, client, progress).await?.all();
        stand.platform.stop_traffic().await?;
        stand.settle().await?;
        let kept_up = kept_up(&all, rate);
        steps.push(Step {
            offered_per_second: rate,
            acked_per_second: all.per_second(),
            p99_us: all.ack().p99_us,
            kept_up,
        });
        if let Some(found) = search.tried(kept_up) {
            return Ok((found, steps));
        }
    }
}

fn kept_up(all: &MeasuredWindow, rate: f64) -> bool {
    all.per_second() >= rate * KEPT_SHARE && all.ack().p99_us <= KEPT_P99_US
}

fn load(command: &BenchOverload, per_second: f64, seconds: u32) -> Load {
    Load {
        pace: LoadPace::Rate(per_second),
        payload_bytes: command.payload_bytes,
        warm_up: WARM_UP,
        seconds,
    }
}

fn asked(command: &BenchOverload, offered: f64) -> String {
    format!(
        "{} connections, {} events/s offered, {} bytes, {} s",
        command.connections,
        grouped(offered as u64),
        command.payload_bytes,
        command.seconds
    )
}

fn chart(command: &BenchOverload, offered: f64, sustainable: f64, stretch: &Stretch) -> Chart {
    let course = stretch.course();
    let level = |name: &str, rate: f64| Series {
        name: name.to_owned(),
        points: course.iter().map(|point| (point.0, rate)).collect(),
    };
    let levels = [level("offered", offered), level("sustainable", sustainable)];
    let acked = Series {
        name: "acknowledged".to_owned(),
        points: course.clone(),
    };
    Chart {
        title: "Twice the events that can be kept up with".to_owned(),
        subtitle: asked(command, offered),
        panels: vec![
            latency_panel(
                "ACK latency, as the platform saw it",
                &[("from push to ACK", stretch.latencies())],
            ),
            Panel {
                title: "Throughput".to_owned(),
                x: Axis::linear("seconds", |value| format!("{value}")),
                y: Axis::linear("events/s", |value| grouped(value as u64)),
                lines: [acked].into_iter().chain(levels).collect(),
                marks: Vec::new(),
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Done, LatencyQuantiles};
    use super::*;

    #[test]
    fn a_rate_is_kept_up_with_when_all_of_it_is_answered_soon() {
        let window = |p99_us| MeasuredWindow {
            done: Done::Acked {
                acked: 990,
                acked_per_second: 990.0,
                ack: LatencyQuantiles {
                    p99_us,
                    ..LatencyQuantiles::default()
                },
            },
            ..MeasuredWindow::default()
        };
        assert!(kept_up(&window(100_000), 1_000.0));
        assert!(!kept_up(&window(100_000), 1_100.0), "a backlog grows");
        assert!(!kept_up(&window(KEPT_P99_US + 1), 1_000.0), "it is late");
    }
}
