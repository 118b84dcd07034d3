//! `longwire bench callbacks`: HTTP callbacks per second, beside the ACKs of long connections in the same run.
//!
//! ```text
//! long connections   64 unanswered events on each
//! callbacks          one unanswered request on each kept connection, signed and encrypted
//! ```
//! Both in turn, several rounds with one gateway. The ratio within a round counts, because a host is not equally fast
//! for long; what is told is the round in the middle.

use std::time::Duration;

use longwire_terminal::{grouped, ms};
use serde::Serialize;

use super::bar::{Bar, BarBound, BarStanding};
use super::load::{Load, LoadPace};
use super::report::{HostFacts, Report, ReportFigures, ReportRow, mib};
use super::sample::MeasuredWindow;
use crate::cli::BenchCallbacks;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{MeasuredClient, PlatformSettings, ProgressLine, Resident, TestStand};

/// Caches, pages of the store and the processor's clock come to rest.
const WARM_UP: Duration = Duration::from_secs(1);
/// Unanswered events on each long connection.
const WINDOW: u32 = 64;
/// Callbacks per second to ACKs per second.
const RATIO: Bar = Bar {
    bar: BarBound::AtLeast(0.5),
    stretch: None,
};

/// Both ways once.
#[derive(Debug, Serialize)]
struct CallbackRound {
    long_connections: MeasuredWindow,
    callbacks: MeasuredWindow,
    /// Callbacks per second to ACKs per second.
    ratio: f64,
}

/// What a run found.
#[derive(Debug, Serialize)]
struct CallbackFigures {
    /// By their ratio, the lowest first.
    rounds: Vec<CallbackRound>,
    /// That of the round in the middle.
    ratio: f64,
    standing: BarStanding,
    resident_most_bytes: u64,
}

pub(super) async fn run(
    command: &BenchCallbacks,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    progress.say("starting");
    let (directory, connections) = (command.ground.directory.as_deref(), command.connections);
    let settings = PlatformSettings::default();
    let both_ways = u64::from(connections) * 2;
    let mut stand = TestStand::build(program, both_ways, directory, 0, &settings).await?;
    stand.take_callbacks();
    let mut gateway = stand.spawn(connections)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, connections).await?;
    progress.say("saving request URLs");
    stand.save_request_urls(&mut gateway, connections).await?;
    let mut client = MeasuredClient::Gateway(Box::new(gateway));
    let mut rounds = Vec::new();
    for number in 1..=command.rounds {
        progress.say(&format!("round {number} of {}", command.rounds));
        rounds.push(round(command, &stand, &mut client, &progress).await?);
    }
    let Resident { most, .. } = client.process().resident()?;
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict_of(client).await?.unwrap_or_default();
    drop(progress);
    Report {
        command: "bench callbacks",
        asked: asked(command),
        ground: HostFacts::of(program, stand.directory()),
        figures: CallbackFigures::of(rounds, most),
        verdict,
    }
    .print(command.ground.json)
}

async fn round(
    command: &BenchCallbacks,
    stand: &TestStand,
    client: &mut MeasuredClient,
    progress: &ProgressLine,
) -> Result<CallbackRound, BenchError> {
    let mut measured = Vec::new();
    for pace in [
        LoadPace::Window(WINDOW),
        LoadPace::Callbacks(command.connections),
    ] {
        let load = Load {
            pace,
            payload_bytes: command.payload_bytes,
            warm_up: WARM_UP,
            seconds: command.seconds,
        };
        let stretch = load.carry(&stand.platform, client, progress).await?;
        stand.platform.stop_traffic().await?;
        stand.settle().await?;
        measured.push(stretch.all());
    }
    let callbacks = measured.pop().unwrap_or_default();
    let long_connections = measured.pop().unwrap_or_default();
    Ok(CallbackRound::of(long_connections, callbacks))
}

fn asked(command: &BenchCallbacks) -> String {
    format!(
        "{} connections, {} bytes, {} rounds of {} s each way",
        command.connections, command.payload_bytes, command.rounds, command.seconds
    )
}

impl CallbackRound {
    fn of(long_connections: MeasuredWindow, callbacks: MeasuredWindow) -> Self {
        let acks = long_connections.per_second();
        let ratio = if acks > 0.0 {
            callbacks.per_second() / acks
        } else {
            0.0
        };
        Self {
            long_connections,
            callbacks,
            ratio,
        }
    }
}

impl CallbackFigures {
    fn of(mut rounds: Vec<CallbackRound>, resident_most_bytes: u64) -> Self {
        rounds.sort_by(|one, other| one.ratio.total_cmp(&other.ratio));
        let ratio = rounds
            .get(rounds.len() / 2)
            .map_or(0.0, |round| round.ratio);
        Self {
            rounds,
            ratio,
            standing: RATIO.judge(ratio),
            resident_most_bytes,
        }
    }
}

fn row(key: &'static str, unit: &str, of: &MeasuredWindow) -> ReportRow {
    let ack = of.ack();
    ReportRow::new(
        key,
        format!("{} {unit}", grouped(of.per_second() as u64)),
        format!(
            "p50 {}, p99 {}; CPU per event: gateway {:.1} µs, platform {:.1} µs; {:.1} events in a commit",
            ms(ack.p50_us),
            ms(ack.p99_us),
            of.gateway_us_per_event,
            of.platform_us_per_event,
            of.events_per_batch,
        ),
    )
}

impl ReportFigures for CallbackFigures {
    fn rows(&self) -> Vec<ReportRow> {
        let mut rows = Vec::new();
        if let Some(middle) = self.rounds.get(self.rounds.len() / 2) {
            rows.push(row("connections", "ACKs/s", &middle.long_connections));
            rows.push(row("callbacks", "answers/s", &middle.callbacks));
        }
        let ends = [self.rounds.first(), self.rounds.last()];
        let [lowest, highest] = ends.map(|round| round.map_or(0.0, |round| round.ratio));
        rows.push(ReportRow::new(
            "ratio",
            format!("{:.2} ×", self.ratio),
            format!(
                "the round in the middle of {}; {lowest:.2} to {highest:.2}; bar {}: {}",
                self.rounds.len(),
                RATIO.bar.tell(),
                self.standing.tell()
            ),
        ));
        rows.push(ReportRow::new(
            "memory",
            mib(self.resident_most_bytes),
            "resident in the gateway at most",
        ));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Done;
    use super::*;

    fn window(acked_per_second: f64) -> MeasuredWindow {
        MeasuredWindow {
            done: Done::Acked {
                acked: 1,
                acked_per_second,
                ack: Default::default(),
            },
            ..MeasuredWindow::default()
        }
    }

    #[test]
    fn the_round_in_the_middle_is_told() {
        let round = |acks, callbacks| CallbackRound::of(window(acks), window(callbacks));
        let rounds = vec![
            round(100.0, 90.0),
            round(100.0, 30.0),
            round(100.0, 55.0),
            round(0.0, 1.0),
            round(10.0, 6.0),
        ];
        let figures = CallbackFigures::of(rounds, 1 << 20);
        assert_eq!(figures.ratio, 0.55);
        assert_eq!(figures.standing, BarStanding::Reached);
        let rows = figures.rows();
        assert_eq!(rows[0], row("connections", "ACKs/s", &window(100.0)));
        assert_eq!(rows[1], row("callbacks", "answers/s", &window(55.0)));
        assert_eq!(
            CallbackFigures::of(Vec::new(), 0).standing,
            BarStanding::Missed
        );
    }
}
