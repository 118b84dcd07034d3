//! `longwire bench scale`: throughput over the number of connections.
//!
//! Every number is a run of its own with a platform, a gateway and a store of its own. Each connection always has so
//! many unanswered events that all of them together stay bounded: what is asked is how the work spreads over
//! connections, not how much of it lies around.

use std::time::Duration;

use longwire_terminal::{Table, grouped, ms};
use serde::Serialize;

use super::chart::{Axis, Chart, Panel, Series, SvgFile};
use super::load::{Load, LoadPace};
use super::report::{HostFacts, Report, ReportFigures, ReportRow, mib};
use super::sample::MeasuredWindow;
use super::window;
use crate::cli::BenchScale;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{
    MeasuredClient, PlatformSettings, ProgressLine, RunVerdict, TestStand, allow_connections,
    parent,
};

const WARM_UP: Duration = Duration::from_secs(2);

/// What a run found.
#[derive(Debug, Serialize)]
struct Scale {
    points: Vec<Point>,
}

/// One number of connections.
#[derive(Debug, Serialize)]
struct Point {
    connections: u32,
    /// Unanswered events on each.
    window: u32,
    /// The measured time.
    all: MeasuredWindow,
    resident_bytes: u64,
}

pub(super) async fn run(command: &BenchScale, program: &Program) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let drawing = SvgFile::reserve(&command.plot)?;
    let most = command.connections.iter().copied().max().unwrap_or(1);
    allow_connections(program, most.into())?;
    let mut points = Vec::new();
    let mut verdict = RunVerdict::default();
    for connections in &command.connections {
        progress.say(&format!("{connections} connections"));
        let (point, own) = measure(command, program, *connections, &progress).await?;
        verdict.add(&own);
        points.push(point);
    }
    drop(progress);
    let scale = Scale { points };
    drawing.write(|| scale.chart(command))?;
    Report {
        command: "bench scale",
        asked: asked(command),
        ground: HostFacts::of(program, &parent(command.ground.directory.as_deref())),
        figures: scale,
        verdict,
    }
    .print(command.ground.json)
}

async fn measure(
    command: &BenchScale,
    program: &Program,
    connections: u32,
    progress: &ProgressLine,
) -> Result<(Point, RunVerdict), BenchError> {
    let settings = PlatformSettings::default();
    let directory = command.ground.directory.as_deref();
    let stand = TestStand::build(program, connections.into(), directory, 0, &settings).await?;
    let mut gateway = stand.spawn(connections)?;
    stand.all_live(&mut gateway, connections).await?;
    let window = window::at(connections);
    let load = Load {
        pace: LoadPace::Window(window),
        payload_bytes: command.payload_bytes,
        warm_up: WARM_UP.min(Duration::from_secs(command.seconds.into())),
        seconds: command.seconds,
    };
    let mut client = MeasuredClient::Gateway(Box::new(gateway));
    let stretch = load.carry(&stand.platform, &mut client, progress).await?;
    stand.platform.stop_traffic().await?;
    stand.settle().await?;
    let resident_bytes = client.process().resident()?.now;
    let verdict = stand.verdict_of(client).await?.unwrap_or_default();
    let point = Point {
        connections,
        window,
        all: stretch.all(),
        resident_bytes,
    };
    Ok((point, verdict))
}

fn asked(command: &BenchScale) -> String {
    format!(
        "{}, {} bytes, {} s each",
        window::words(),
        command.payload_bytes,
        command.seconds
    )
}

impl Scale {
    fn chart(&self, command: &BenchScale) -> Chart {
        let line = |name: &str, value: fn(&Point) -> f64| {
            let mut points: Vec<(f64, f64)> = self
                .points
                .iter()
                .map(|point| (f64::from(point.connections), value(point)))
                .collect();
            points.sort_by(|one, other| one.0.total_cmp(&other.0));
            Series {
                name: name.to_owned(),
                points,
            }
        };
        let connections = || Axis::logarithmic("connections", |value| grouped(value as u64));
        Chart {
            title: "Events recorded and acknowledged, by connections".to_owned(),
            subtitle: asked(command),
            panels: vec![
                Panel {
                    title: "Throughput".to_owned(),
                    x: connections(),
                    y: Axis::linear("ACKs/s", |value| grouped(value as u64)),
                    lines: vec![line("acknowledged", |point| point.all.per_second())],
                    marks: Vec::new(),
                },
                Panel {
                    title: "ACK latency under this load, mostly waiting in line".to_owned(),
                    x: connections(),
                    y: Axis::logarithmic("ms", |value| format!("{value}")),
                    lines: vec![
                        line("p50", |point| point.all.ack().p50_us as f64 / 1_000.0),
                        line("p99", |point| point.all.ack().p99_us as f64 / 1_000.0),
                    ],
                    marks: Vec::new(),
                },
            ],
        }
    }
}

impl ReportFigures for Scale {
    fn rows(&self) -> Vec<ReportRow> {
        Vec::new()
    }

    fn table(&self) -> Option<Table> {
        let mut table = Table::new([
            "CONNECTIONS",
            "UNANSWERED",
            "ACKS/S",
            "P50",
            "P99",
            "GATEWAY µS/EVENT",
            "PLATFORM µS/EVENT",
            "EVENTS/COMMIT",
            "RESIDENT",
        ]);
        for point in &self.points {
            let all = &point.all;
            table.row([
                grouped(point.connections.into()),
                format!("{} each", point.window),
                grouped(all.per_second() as u64),
                ms(all.ack().p50_us),
                ms(all.ack().p99_us),
                format!("{:.1}", all.gateway_us_per_event),
                format!("{:.1}", all.platform_us_per_event),
                format!("{:.0}", all.events_per_batch),
                mib(point.resident_bytes),
            ]);
        }
        Some(table)
    }
}
