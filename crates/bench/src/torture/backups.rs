//! `longwire torture --backups`: backups under load, each restored and held against the platform's ledger.
//!
//! ```text
//! each    the ids acknowledged so far ─▶ backup, by a process beside the gateway ─▶ restore ─▶ compare
//! compare every page is sound, no number is missing up to the backup's end, every id acknowledged before it began is there, its
//!         events are repeats, and a new event gets a number that the gateway has not given
//! ```
//! Every other one goes through pipes. Before one of four another backup is killed at a random instant, which must leave no file.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use longwire_store::{
    Cause, EventQuery, EventRecord, Group, GroupReply, NewEvent, Receipt, RecordOutcome, Seq,
    Store, StoreSettings,
};
use longwire_terminal::{grouped, say};
use longwire_wire::event::Source;
use longwire_wire::identity::{EventKey, Identity};
use serde::Serialize;

use super::CHATS;
use crate::cli::Torture;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::report::{HostFacts, Report, ReportFigures, ReportRow, mib};
use crate::stand::ProgressLine;

/// Events read, or asked about, at a time.
const PAGE: usize = 1_000;
/// One backup of so many comes after one that was killed.
const KILLED_ONE_IN: u32 = 4;
/// Between two attempts to submit.
const FULL_QUEUE: Duration = Duration::from_millis(5);
/// Numbers that a restored store leaves out at least, as its documentation promises.
const LEFT_OUT: i64 = 1 << 32;

/// Carries out the run.
pub(super) async fn run(
    command: &Torture,
    program: &Program,
    backups: u32,
) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let seed = command.seed.unwrap_or_else(crate::seed::fresh);
    say(format_args!("seed {seed}"));
    let stand = super::stand(command, program, seed).await?;
    let mut gateway = stand.spawn(command.connections)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, command.connections).await?;
    let traffic = Traffic {
        per_second: command.rate,
        chats: CHATS,
        ..Traffic::default()
    };
    stand.platform.pace(&traffic).await?;
    let mut figures = BackupFigures {
        seed,
        ..BackupFigures::default()
    };
    for number in 1..=backups {
        gateway.process.check()?;
        let acknowledged = stand.platform.owed().await?;
        let job = Job {
            program: program.executable.clone(),
            config: stand.directory().join("longwire.toml"),
            store: stand.store(),
            ground: stand.directory().to_owned(),
            number,
            kill_after: (number % KILLED_ONE_IN == 0)
                .then(|| figures.longest_backup.mul_f64(f64::from(number % 7) / 7.0)),
        };
        let made = tokio::task::spawn_blocking(move || job.carry_out(&acknowledged)).await;
        // It neither panics nor is it given up.
        let made =
            made.map_err(|error| BenchError::io("make a backup")(std::io::Error::other(error)))??;
        figures.add(made);
        progress.say(&format!("backup {number} of {backups}: {}", figures.line()));
    }
    stand.platform.stop_traffic().await?;
    progress.say("waiting for the last repeats");
    stand.settle().await?;
    let verdict = stand.verdict(gateway).await?;
    drop(progress);
    let is_good = figures.is_good();
    let exit = Report {
        command: "torture",
        asked: format!(
            "{backups} backups, {} connections, {} events/s, seed {seed}",
            command.connections, command.rate
        ),
        ground: HostFacts::of(program, stand.directory()),
        figures,
        verdict,
    }
    .print(command.ground.json)?;
    Ok(if is_good { exit } else { RunOutcome::Failed })
}

/// One backup and what follows from it.
struct Job {
    program: PathBuf,
    config: PathBuf,
    store: PathBuf,
    ground: PathBuf,
    number: u32,
    /// Another one is killed before, after this time.
    kill_after: Option<Duration>,
}

/// What came of one backup.
#[derive(Debug, Default)]
struct Made {
    backup: Duration,
    restore: Duration,
    bytes: u64,
    wal_bytes: u64,
    events: u64,
    killed: u32,
    faults: Faults,
}

impl Job {
    fn carry_out(&self, acknowledged: &[String]) -> Result<Made, BenchError> {
        let mut made = Made::default();
        let file = self.ground.join("backup.lwb");
        if let Some(after) = self.kill_after {
            made.killed = 1;
            made.faults.half_backups += u32::from(self.kill_one(&file, after)?);
        }
        let is_piped = self.number.is_multiple_of(2);
        let begun = Instant::now();
        made.wal_bytes = self.back_up(&file, is_piped)?;
        made.backup = begun.elapsed();
        let io = BenchError::io("look at a backup");
        made.bytes = file.metadata().map_err(io)?.len();
        let restored = tempfile::Builder::new()
            .prefix("restored-")
            .tempdir_in(&self.ground)
            .map_err(BenchError::io("make a directory"))?;
        let begun = Instant::now();
        self.restore(&file, restored.path(), is_piped)?;
        made.restore = begun.elapsed();
        std::fs::remove_file(&file).map_err(BenchError::io("remove a backup"))?;
        made.events = made.faults.look(restored.path(), acknowledged)?;
        Ok(made)
    }

    /// Kills a backup. Whether it left a file that is none.
    fn kill_one(&self, file: &Path, after: Duration) -> Result<bool, BenchError> {
        let mut child = self.command("backup", [file.as_os_str(), "--with-key".as_ref()]);
        let child = child.stderr(Stdio::null()).spawn();
        let mut child = child.map_err(BenchError::io("start a backup"))?;
        std::thread::sleep(after);
        // It may have ended by now; then there is a whole file.
        let ended = child
            .try_wait()
            .map_err(BenchError::io("wait for a backup"))?;
        drop(child.kill());
        drop(child.wait());
        let is_there = file.exists();
        let is_whole = ended.is_some_and(|status| status.success());
        if is_there {
            std::fs::remove_file(file).map_err(BenchError::io("remove a backup"))?;
        }
        // Killed between its name and its end it is whole as well, and the next one shows it.
        Ok(is_there && !is_whole && ended.is_some())
    }

    /// Makes one; the longest that the write-ahead log was meanwhile.
    fn back_up(&self, file: &Path, is_piped: bool) -> Result<u64, BenchError> {
        let to = if is_piped {
            "-".as_ref()
        } else {
            file.as_os_str()
        };
        let mut command = self.command("backup", [to, "--with-key".as_ref()]);
        if is_piped {
            let out = File::create(file).map_err(BenchError::io("make a file"))?;
            command.stdout(out);
        }
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(BenchError::io("start a backup"))?;
        let mut wal = self.store.clone().into_os_string();
        wal.push("-wal");
        let mut longest = 0;
        while child
            .try_wait()
            .map_err(BenchError::io("wait for a backup"))?
            .is_none()
        {
            let length = std::fs::metadata(&wal).map_or(0, |found| found.len());
            longest = length.max(longest);
            std::thread::sleep(Duration::from_millis(2));
        }
        let ended = child.wait_with_output();
        said(ended.map_err(BenchError::io("wait for a backup"))?)?;
        Ok(longest)
    }

    fn restore(&self, file: &Path, to: &Path, is_piped: bool) -> Result<(), BenchError> {
        let from = if is_piped {
            "-".as_ref()
        } else {
            file.as_os_str()
        };
        let mut command = self.command("restore", [from, "--to".as_ref(), to.as_os_str()]);
        if is_piped {
            let input = File::open(file).map_err(BenchError::io("open a backup"))?;
            command.stdin(input);
        }
        let ended = command.stderr(Stdio::piped()).output();
        said(ended.map_err(BenchError::io("wait for a restore"))?)
    }

    fn command<const N: usize>(&self, name: &str, arguments: [&std::ffi::OsStr; N]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("-c")
            .arg(&self.config)
            .arg(name)
            .args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// Fails with what a command said, if it failed.
fn said(ended: std::process::Output) -> Result<(), BenchError> {
    if ended.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
    Err(BenchError::io("back up and restore")(
        std::io::Error::other(words),
    ))
}

/// What must not be: each is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Faults {
    /// Killed backups that left a file.
    half_backups: u32,
    /// Restored databases with unsound pages.
    unsound: u32,
    /// Numbers without an event, up to the backup's newest one.
    gaps: u64,
    /// Acknowledged before the backup began, and not in it.
    missing: u64,
    /// Events in it that are no repeats when they come again.
    unrecognized: u64,
    /// New events that got a number the gateway may have given.
    renumbered: u32,
}

impl Faults {
    /// Looks at a restored store; how many events it has.
    fn look(&mut self, directory: &Path, acknowledged: &[String]) -> Result<u64, BenchError> {
        let database = directory.join("longwire.db");
        self.unsound += u32::from(!is_sound(&database)?);
        let store = Store::open(&StoreSettings::at(database.display().to_string()))?;
        let (answers, heard) = mpsc::channel();
        let writer = store.run_writer(|_| ());
        let writer = writer.map_err(BenchError::io("start a writer"))?;
        let mut ids = HashSet::new();
        let mut after: Option<Seq> = None;
        let mut expected = 1;
        let mut last = None;
        loop {
            let page = store.reader().events(EventQuery {
                after,
                installations: None,
                limit: PAGE,
            })?;
            after = page.reached;
            for event in &page.events {
                self.gaps += event.seq.0.abs_diff(expected);
                expected = event.seq.0 + 1;
                ids.extend(event.event_id.as_ref().map(ToString::to_string));
            }
            for event in &page.events {
                ask(&store, event, event.event_key, &answers);
            }
            for event in &page.events {
                let is_known = matches!(heard.recv(), Ok(Some(RecordOutcome::Repeat { .. })));
                self.unrecognized += u64::from(!is_known);
                last = Some(event.clone());
            }
            if !page.more {
                break;
            }
        }
        if let Some(last) = &last {
            ask(&store, last, EventKey([0xa5; 16]), &answers);
            let is_far = match heard.recv() {
                Ok(Some(RecordOutcome::Recorded(seq))) => seq.0 > last.seq.0 + LEFT_OUT,
                _ => false,
            };
            self.renumbered += u32::from(!is_far);
        }
        store.stop_writer();
        // The writer's panic would be this thread's.
        writer.join().expect("the writer ends in order");
        let missing = acknowledged.iter().filter(|id| !ids.contains(*id));
        self.missing += missing.count() as u64;
        Ok(expected.unsigned_abs() - 1)
    }

    fn add(&mut self, other: Self) {
        self.half_backups += other.half_backups;
        self.unsound += other.unsound;
        self.gaps += other.gaps;
        self.missing += other.missing;
        self.unrecognized += other.unrecognized;
        self.renumbered += other.renumbered;
    }
}

/// What SQLite finds, asked by another binding than the gateway's.
fn is_sound(database: &Path) -> Result<bool, BenchError> {
    let asked = rusqlite::Connection::open(database).and_then(|connection| {
        connection.query_row("PRAGMA quick_check", [], |row| row.get::<_, String>(0))
    });
    match asked {
        Ok(answer) => Ok(answer == "ok"),
        Err(error) => Err(BenchError::io("check a restored database")(
            std::io::Error::other(error),
        )),
    }
}

/// Submits an event like this one under this key.
fn ask(
    store: &Store,
    event: &EventRecord,
    key: EventKey,
    answers: &mpsc::Sender<Option<RecordOutcome>>,
) {
    let mut group = Group {
        installation: event.installation,
        platform: event.platform,
        events: vec![NewEvent {
            ticket: 0,
            identity: Identity {
                event: key,
                message: None,
            },
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            chat: event.chat.clone(),
            source: Source::LongConnection,
            received_ms: event.received_ms,
            created_ms: event.created_ms,
            trace_id: None,
            payload: event.payload.clone(),
        }],
        reply: Arc::new(Answers(answers.clone())),
    };
    // The queue is full for as long as the disk takes.
    while let Err(rejected) = store.writer().submit(group) {
        group = rejected.group;
        std::thread::sleep(FULL_QUEUE);
    }
}

/// Passes on what became of an event.
struct Answers(mpsc::Sender<Option<RecordOutcome>>);

impl GroupReply for Answers {
    fn recorded(&self, receipts: Vec<Receipt>) {
        for receipt in receipts {
            // Whoever asked waits for it.
            let _ = self.0.send(Some(receipt.outcome()));
        }
    }

    fn not_recorded(&self, tickets: Vec<u32>, _: Cause) {
        for _ in tickets {
            let _ = self.0.send(None);
        }
    }
}

/// What came of all of them.
#[derive(Debug, Default, Serialize)]
struct BackupFigures {
    seed: u64,
    backups: u32,
    killed: u32,
    faults: Faults,
    longest_backup: Duration,
    all_backups: Duration,
    longest_restore: Duration,
    /// The longest that the gateway's write-ahead log was during a backup.
    wal_bytes_max: u64,
    /// The largest backup.
    bytes_max: u64,
    events_max: u64,
}

impl BackupFigures {
    fn add(&mut self, made: Made) {
        self.backups += 1;
        self.killed += made.killed;
        self.faults.add(made.faults);
        self.longest_backup = self.longest_backup.max(made.backup);
        self.all_backups += made.backup;
        self.longest_restore = self.longest_restore.max(made.restore);
        self.wal_bytes_max = self.wal_bytes_max.max(made.wal_bytes);
        self.bytes_max = self.bytes_max.max(made.bytes);
        self.events_max = self.events_max.max(made.events);
    }

    fn is_good(&self) -> bool {
        self.faults == Faults::default()
    }

    fn line(&self) -> String {
        format!(
            "{} events, longest {} ms",
            grouped(self.events_max),
            self.longest_backup.as_millis()
        )
    }
}

impl ReportFigures for BackupFigures {
    fn rows(&self) -> Vec<ReportRow> {
        let Faults {
            half_backups,
            unsound,
            gaps,
            missing,
            unrecognized,
            renumbered,
        } = self.faults;
        let mean = self.all_backups / self.backups.max(1);
        vec![
            ReportRow::new(
                "backups",
                format!("{} restored", grouped(self.backups.into())),
                format!(
                    "{} more were killed, {half_backups} of them left a file",
                    self.killed
                ),
            ),
            ReportRow::new(
                "restored",
                format!("{unsound} unsound"),
                format!(
                    "{gaps} numbers missing, {missing} acknowledged events missing, {unrecognized} repeats not recognized, \
                     {renumbered} numbers given again"
                ),
            ),
            ReportRow::new(
                "time",
                format!(
                    "{} ms, {} at most",
                    mean.as_millis(),
                    self.longest_backup.as_millis()
                ),
                format!("a restore {} ms at most", self.longest_restore.as_millis()),
            ),
            ReportRow::new(
                "sizes",
                format!("backup {}", mib(self.bytes_max)),
                format!(
                    "{} events; the write-ahead log {} at most during a backup",
                    grouped(self.events_max),
                    mib(self.wal_bytes_max)
                ),
            ),
        ]
    }
}
