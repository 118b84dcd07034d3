//! `longwire bench startup`: from the start of a gateway on a large store to the first live bot and to the last.
//!
//! The store is filled first ([`filling`]), which is told apart. Then a gateway is started on it twice: without a budget
//! of attempts, which shows how fast it can be, and with one, which is how it is in service. The clock runs from the
//! start of the process: configuration, schema, keys and the comparison of file and store are part of what is measured.

mod filling;

use std::time::{Duration, Instant};

use longwire_store::{Reader, StoreSettings};
use longwire_terminal::grouped;
use serde::Serialize;

use super::report::{HostFacts, Report, ReportFigures, ReportRow, mib, seconds};
use crate::cli::BenchStartup;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{GatewayProcess, PlatformSettings, ProgressLine, RunVerdict, TestStand};
use filling::{Filled, Filling};

/// How often the gateway is asked until the first bot is live.
const LOOK: Duration = Duration::from_millis(5);

/// What a run found.
#[derive(Debug, Serialize)]
struct Startup {
    installations: u32,
    filled: Filled,
    disk_bytes: u64,
    free: Start,
    budgeted: Option<Start>,
}

/// One start.
#[derive(Debug, Clone, Copy, Serialize)]
struct Start {
    /// Attempts per second; 0 means no budget.
    per_second: u32,
    /// Until it answers over HTTP.
    listening_seconds: f64,
    first_live_seconds: f64,
    all_live_seconds: f64,
    /// In memory when all are live, and at most.
    resident_bytes: u64,
    peak_bytes: u64,
    /// How long a page of installations takes then.
    list_seconds: f64,
}

pub(super) async fn run(
    command: &BenchStartup,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let count = command.installations;
    let settings = PlatformSettings::default();
    let directory = command.ground.directory.as_deref();
    let mut stand = TestStand::build(program, count.into(), directory, 0, &settings).await?;
    if let Some(directory) = &command.store {
        std::fs::create_dir_all(directory)
            .map_err(BenchError::io(format!("make {}", directory.display())))?;
        let directory = directory
            .canonicalize()
            .map_err(BenchError::io(format!("find {}", directory.display())))?;
        stand.keep_store_in(&directory);
    }
    progress.say(&format!("recording {} events", grouped(command.events)));
    let filled = Filling {
        store: stand.store(),
        base_url: stand.platform.base_url.clone(),
        installations: count,
        events: command.events,
        payload_bytes: command.payload_bytes as usize,
    }
    .carry_out()
    .await?;
    let disk_bytes = stand.store_bytes();
    progress.say("starting");
    let free = start(&stand, 0, count).await?;
    let budgeted = match command.budget.per_second() {
        None => None,
        Some(per_second) => {
            stand.budget(per_second);
            progress.say(&format!("starting, {per_second} attempts a second"));
            Some(start(&stand, per_second, count).await?)
        }
    };
    let verdict = untouched(&stand, filled.events)?;
    drop(progress);
    Report {
        command: "bench startup",
        asked: format!(
            "{} installations and {} events in the store",
            grouped(count.into()),
            grouped(filled.events)
        ),
        ground: HostFacts::of(program, stand.store().parent().unwrap_or(stand.directory())),
        figures: Startup {
            installations: count,
            filled,
            disk_bytes,
            free,
            budgeted,
        },
        verdict,
    }
    .print(command.ground.json)
}

async fn start(stand: &TestStand, per_second: u32, count: u32) -> Result<Start, BenchError> {
    let began = Instant::now();
    let mut gateway: GatewayProcess = stand.spawn(count)?;
    let mut live = gateway.view().await?.live();
    let listening_seconds = began.elapsed().as_secs_f64();
    while live == 0 {
        gateway.process.check()?;
        tokio::time::sleep(LOOK).await;
        live = gateway.view().await?.live();
    }
    let first_live_seconds = began.elapsed().as_secs_f64();
    stand.all_live(&mut gateway, count).await?;
    let all_live_seconds = began.elapsed().as_secs_f64();
    let list = gateway.answer_time("/admin/v1/installations").await?;
    let resident = gateway.process.resident()?;
    gateway.end().await?;
    Ok(Start {
        per_second,
        listening_seconds,
        first_live_seconds,
        all_live_seconds,
        resident_bytes: resident.now,
        peak_bytes: resident.most,
        list_seconds: list.as_secs_f64(),
    })
}

/// No event was pushed; those that were there must still be.
fn untouched(stand: &TestStand, expected: u64) -> Result<RunVerdict, BenchError> {
    let reader = Reader::open(&StoreSettings::at(stand.store().display().to_string()))?;
    let recorded = reader.count_events()?;
    Ok(RunVerdict {
        recorded,
        missing: expected.saturating_sub(recorded),
        unknown: recorded.saturating_sub(expected),
        ..RunVerdict::default()
    })
}

impl ReportFigures for Startup {
    fn rows(&self) -> Vec<ReportRow> {
        let filled = match self.filled.added {
            0 => "all events were there already".to_owned(),
            added => format!(
                "{} events recorded at {} a second",
                grouped(added),
                grouped(self.filled.per_second())
            ),
        };
        let mut rows = vec![ReportRow::new(
            "filled",
            seconds(self.filled.seconds),
            format!("{filled}; {} on disk", mib(self.disk_bytes)),
        )];
        rows.extend(self.free.rows());
        rows.extend(self.budgeted.iter().flat_map(Start::rows));
        rows
    }
}

impl Start {
    fn rows(&self) -> [ReportRow; 4] {
        let budget = match self.per_second {
            0 => "without a budget of attempts".to_owned(),
            per_second => format!("with a budget of {per_second} attempts/s"),
        };
        [
            ReportRow::new(
                "listening",
                seconds(self.listening_seconds),
                format!("from the start of the process; {budget}"),
            ),
            ReportRow::new(
                "first live",
                seconds(self.first_live_seconds),
                "the first bot has had its pong",
            ),
            ReportRow::new(
                "all live",
                seconds(self.all_live_seconds),
                "the last one has",
            ),
            ReportRow::new(
                "memory",
                mib(self.resident_bytes),
                format!(
                    "{} at most; a page of installations is told in {}",
                    mib(self.peak_bytes),
                    seconds(self.list_seconds),
                ),
            ),
        ]
    }
}
