//! `longwire bench storm`: every connection breaks at once, and everybody comes back.

use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use longwire_terminal::grouped;
use serde::Serialize;

use super::chart::{Axis, Chart, Panel, Series, SvgFile};
use super::report::{HostFacts, Report, ReportFigures, ReportRow, seconds};
use crate::cli::{BenchStorm, How};
use crate::error::{BenchError, StandError};
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{
    Breakage, GatewayOverview, GatewayProcess, PlatformSettings, ProgressLine, TestStand, look,
};

/// Traffic before the connections break, so that events are under way.
const BEFORE: Duration = Duration::from_secs(1);
/// Events per second over all connections: one on each, but no more than leaves both processes at ease.
const MOST_PER_SECOND: f64 = 1_000.0;
/// What the gateway adds to the ping interval before it holds a connection for dead.
const PONG_GRACE: Duration = Duration::from_secs(20);
/// How long the return may take, besides the time in which half-open connections are found.
const RETURN: Duration = Duration::from_secs(60);
/// The platform repeats what was under way sooner than the real one does, so that the verdict need not wait.
const REPEAT: Duration = Duration::from_secs(2);

/// What a run found.
#[derive(Debug, Serialize)]
struct Storm {
    /// Connections that broke.
    broken: u64,
    /// Until half of them had a new one.
    half_seconds: f64,
    /// Until all had, and were live.
    all_seconds: f64,
    /// Connection attempts it took.
    attempts: u64,
    /// Found by an unanswered ping.
    silent: u64,
    /// Events pushed again.
    pushed_again: u64,
    /// Of those, recognized as recorded already.
    repeats_recognized: u64,
    /// Of one core, over the whole run.
    platform_cpu_share: f64,
}

pub(super) async fn run(command: &BenchStorm, program: &Program) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let drawing = SvgFile::reserve(&command.plot)?;
    let count = command.connections;
    let settings = PlatformSettings {
        ping_interval: command.ping_interval,
        repeats: vec![REPEAT; 30],
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    let stand = TestStand::build(program, connections(command), directory, 0, &settings).await?;
    let built = Instant::now();
    let mut gateway = stand.spawn(count)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, count).await?;
    let traffic = Traffic {
        per_second: f64::from(count).min(MOST_PER_SECOND),
        ..Traffic::default()
    };
    stand.platform.pace(&traffic).await?;
    tokio::time::sleep(BEFORE).await;

    let calm = gateway.view().await?;
    let began = Instant::now();
    let broken = stand.platform.break_all(breakage(command.how)).await?;
    progress.say("broken; waiting for everybody");
    let limit = RETURN + Duration::from_secs(command.ping_interval.into()) + PONG_GRACE;
    let Return {
        half,
        all,
        view,
        course,
    } = watch(&mut gateway, &calm, broken, began, limit).await?;

    progress.say("waiting for the last answers");
    if command.how == How::HalfOpen {
        // So that the platform notices that its ends of them are no use any more.
        stand.platform.break_all(Breakage::Recover).await?;
    }
    stand.platform.stop_traffic().await?;
    let ledger = stand.settle().await?;
    let repeats_recognized = gateway.view().await?.repeats();
    progress.say("comparing the ledger with the store");
    let lasted = built.elapsed().as_secs_f64();
    let platform_cpu_share = stand.platform.process.processor_time()?.as_secs_f64() / lasted;
    let verdict = stand.verdict(gateway).await?;
    drop(progress);
    let per_second = traffic.per_second;
    drawing.write(|| chart(command, per_second, course))?;
    Report {
        command: "bench storm",
        asked: asked(command, traffic.per_second),
        ground: HostFacts::of(program, stand.directory()),
        figures: Storm {
            broken,
            half_seconds: half.as_secs_f64(),
            all_seconds: all.as_secs_f64(),
            attempts: view.connections.attempts - calm.connections.attempts,
            silent: view.connections.silent - calm.connections.silent,
            pushed_again: ledger.re_pushed,
            repeats_recognized,
            platform_cpu_share,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// The most that the platform holds at one time.
fn connections(command: &BenchStorm) -> u64 {
    let count = u64::from(command.connections);
    match command.how {
        // A half-open connection lives on at the platform beside the one that replaces it.
        How::HalfOpen => 2 * count,
        // Some replace one that is still being closed.
        How::Drop | How::Close => count * 5 / 4,
    }
}

/// How everybody came back.
struct Return {
    /// When half of those that broke had a new connection.
    half: Duration,
    /// When all were live again.
    all: Duration,
    /// What the gateway said then.
    view: GatewayOverview,
    /// Seconds, and those that had a new connection by then.
    course: Vec<(f64, f64)>,
}

/// Watches them come back.
async fn watch(
    gateway: &mut GatewayProcess,
    calm: &GatewayOverview,
    broken: u64,
    began: Instant,
    limit: Duration,
) -> Result<Return, BenchError> {
    let mut half = None;
    let mut course = vec![(0.0, 0.0)];
    loop {
        let view = gateway.view().await?;
        let returned = view.connections.opened - calm.connections.opened;
        course.push((began.elapsed().as_secs_f64(), returned.min(broken) as f64));
        if returned >= broken.div_ceil(2) {
            half.get_or_insert(began.elapsed());
        }
        // Right after the break the gateway still takes all for live.
        if let Some(half) = half.filter(|_| returned >= broken && view.live() >= broken) {
            return Ok(Return {
                half,
                all: began.elapsed(),
                view,
                course,
            });
        }
        if began.elapsed() > limit {
            let (live, wanted) = (returned.min(view.live()), broken);
            return Err(StandError::NotLive {
                live,
                wanted,
                limit,
            }
            .into());
        }
        tokio::time::sleep(look(broken)).await;
    }
}

fn chart(command: &BenchStorm, per_second: f64, course: Vec<(f64, f64)>) -> Chart {
    Chart {
        title: "Every connection broken at once".to_owned(),
        subtitle: asked(command, per_second),
        panels: vec![Panel {
            title: "Connected again".to_owned(),
            x: Axis::linear("seconds", |value| format!("{value:.2}")),
            y: Axis::linear("connections", |value| grouped(value as u64)),
            lines: vec![Series {
                name: "new connections".to_owned(),
                points: course,
            }],
            marks: Vec::new(),
        }],
    }
}

fn breakage(how: How) -> Breakage {
    match how {
        How::Drop => Breakage::Drop,
        How::Close => Breakage::Close,
        How::HalfOpen => Breakage::HalfOpen,
    }
}

fn asked(command: &BenchStorm, per_second: f64) -> String {
    let how = match command.how {
        How::Drop => "all reset at once".to_owned(),
        How::Close => "all closed at once".to_owned(),
        How::HalfOpen => format!(
            "all half-open at once, a ping every {} s",
            command.ping_interval
        ),
    };
    format!(
        "{} connections, {how}, {per_second} events/s, reconnect nonce 0, no budget of attempts",
        command.connections
    )
}

impl ReportFigures for Storm {
    fn rows(&self) -> Vec<ReportRow> {
        vec![
            ReportRow::new(
                "all live",
                seconds(self.all_seconds),
                format!(
                    "after {} connections broke; half of them after {}",
                    grouped(self.broken),
                    seconds(self.half_seconds)
                ),
            ),
            ReportRow::new(
                "attempts",
                grouped(self.attempts),
                format!("{} were found by an unanswered ping", grouped(self.silent)),
            ),
            ReportRow::new(
                "platform",
                format!("{:.0} % of a core", self.platform_cpu_share * 100.0),
                "the simulator's part of the same cores, over the whole run",
            ),
            ReportRow::new(
                "repeats",
                format!("{} pushed again", grouped(self.pushed_again)),
                format!(
                    "2 s after no ACK came in time; {} recognized as recorded already",
                    grouped(self.repeats_recognized)
                ),
            ),
        ]
    }
}
