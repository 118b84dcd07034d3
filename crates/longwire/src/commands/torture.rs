//! `longwire torture`: the gateway killed under load, again and again.
//!
//! ```text
//! life    a random time under load, now and then stopped (SIGSTOP) and continued within it
//! death   SIGKILL, and the next life at once; the platform repeats what was not acknowledged
//! end     the traffic stops, the last repeats are answered, and the ledger is held against the store
//! ```
//! The instants follow from a seed that is printed. What dies is the process, not the host: whether the disk keeps
//! what it confirmed is the disk's matter.

mod schedule;

use std::cell::Cell;
use std::time::Duration;

use longwire_sim::Traffic;
use rustix::process::Signal;
use serde::Serialize;

use super::bench::report::{Figures, Host, Report, Row};
use crate::cli::Torture;
use crate::exit::{Exit, Failure};
use crate::logs;
use crate::stand::{Gateway, PlatformSettings, Progress, Stand, carry_out};
use crate::terminal::grouped;

use schedule::{Life, Schedule};

/// The platform's waiting times are this much shorter: an ACK is waited for during a second, and a repeat comes a
/// second later, within the next life or the one after it.
const TIME_FACTOR: f64 = 3.0;
const REPEAT: Duration = Duration::from_secs(3);
/// An event whose attempts all meet a dying gateway is lost by the platform's rules. So many in a row do not.
const REPEATS: usize = 60;
/// Every event is compared by its id.
const KEEP_RECORDS: u32 = 10_000_000;
/// How often the gateway is asked how it does.
const LOOK: Duration = Duration::from_millis(100);

/// What a run found.
#[derive(Debug, Default, Serialize)]
struct Suffered {
    seed: u64,
    kills: u32,
    /// Lives in which the gateway was stopped for a while.
    pauses: u32,
    /// Kills at which the platform waited for ACKs.
    kills_under_load: u32,
    /// Events without an ACK at the moments of the kills, together.
    unanswered_at_kills: u64,
    /// Pushed again by the platform.
    pushed_again: u64,
    /// Of those, recognized as recorded already, as far as the gateway could tell before it died.
    repeats_recognized: u64,
}

pub(crate) fn run(command: &Torture) -> Result<Exit, Failure> {
    logs::start_for_command();
    carry_out(torture(command))
}

async fn torture(command: &Torture) -> Result<Exit, Failure> {
    let progress = Progress::new();
    let seed = command
        .seed
        .unwrap_or_else(|| crate::moment::now_ms().unsigned_abs());
    eprintln!("seed {seed}");
    let settings = PlatformSettings {
        seed,
        time_factor: TIME_FACTOR,
        repeats: vec![REPEAT; REPEATS],
        keep_records: KEEP_RECORDS,
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    let most = u64::from(command.connections) * 2;
    let stand = Stand::build(most, directory, 0, &settings).await?;
    let mut gateway = stand.spawn(command.connections)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, command.connections).await?;
    let traffic = Traffic {
        per_second: command.rate,
        ..Traffic::default()
    };
    stand.platform.pace(&traffic).await?;

    let mut suffered = Suffered {
        seed,
        ..Suffered::default()
    };
    let mut schedule = Schedule::new(seed, Duration::from_secs_f64(command.seconds_per_kill));
    for kill in 1..=command.kills {
        let life = schedule.next_life();
        suffered.repeats_recognized += live(&mut gateway, &life).await;
        gateway.process.check()?;
        gateway.process.kill();
        let ledger = stand.platform.ledger().await?;
        gateway = stand.spawn(command.connections)?;
        let unanswered = ledger.pending - ledger.waiting_for_connection;
        suffered.kills = kill;
        suffered.pauses += u32::from(life.pause.is_some());
        suffered.kills_under_load += u32::from(unanswered > 0);
        suffered.unanswered_at_kills += unanswered;
        progress.say(&format!(
            "kill {kill} of {}: {} acknowledged, {unanswered} were under way",
            command.kills,
            grouped(ledger.acked)
        ));
    }
    stand.all_live(&mut gateway, command.connections).await?;
    stand.platform.stop_traffic().await?;
    progress.say("waiting for the last repeats");
    suffered.pushed_again = stand.settle().await?.re_pushed;
    suffered.repeats_recognized += gateway.view().await?.repeats();
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict(gateway).await?;
    drop(progress);
    Report {
        command: "torture",
        asked: format!(
            "{} kills, {} connections, {} events/s, seed {seed}",
            command.kills, command.connections, command.rate
        ),
        ground: Host::of(stand.directory()),
        figures: suffered,
        verdict,
    }
    .print(command.ground.json)
}

/// Lets a gateway live its life; returns the repeats it told of.
async fn live(gateway: &mut Gateway, life: &Life) -> u64 {
    let repeats = Cell::new(0);
    run_for(gateway, life.before, &repeats).await;
    if let Some(pause) = life.pause {
        gateway.process.signal(Signal::STOP);
        tokio::time::sleep(pause).await;
        gateway.process.signal(Signal::CONT);
    }
    run_for(gateway, life.after, &repeats).await;
    repeats.get()
}

/// Watches it for a while, and keeps the repeats it tells of. It may not be up yet: then it tells of none.
async fn run_for(gateway: &mut Gateway, length: Duration, repeats: &Cell<u64>) {
    let watching = async {
        while let Ok(view) = gateway.view().await {
            repeats.set(view.repeats());
            tokio::time::sleep(LOOK).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = watching => {}
        () = tokio::time::sleep(length) => {}
    }
}

impl Figures for Suffered {
    fn rows(&self) -> Vec<Row> {
        vec![
            Row::new(
                "killed",
                format!("{} times", grouped(self.kills.into())),
                format!(
                    "{} of them with events under way; stopped and continued {} times",
                    self.kills_under_load, self.pauses
                ),
            ),
            Row::new(
                "unanswered",
                grouped(self.unanswered_at_kills),
                "events without an ACK at the moments of the kills",
            ),
            Row::new(
                "repeats",
                format!("{} pushed again", grouped(self.pushed_again)),
                format!(
                    "at least {} recognized as recorded already",
                    grouped(self.repeats_recognized)
                ),
            ),
        ]
    }
}
