//! `longwire torture`: the gateway killed under load, again and again.
//!
//! ```text
//! life    a random time under load, now and then in trouble: stopped (SIGSTOP), its disk full, its disk stalled
//! death   SIGKILL, at times in start-up or in trouble, and the next life at once; the platform repeats what was not
//!         acknowledged
//! end     the traffic stops, the last repeats are answered, and the ledger is held against the store
//! ```
//! The instants follow from a seed that is printed. What dies is the process, not the host: whether the disk keeps
//! what it confirmed is the disk's matter.

mod applications;
mod backups;
mod plan;
mod receivers;
mod relay;
mod run;
mod schedule;
mod suffered;

use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use longwire_terminal::say;

use crate::cli::Torture;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::report::{HostFacts, Report};
use crate::stand::{PlatformSettings, ProgressLine, TestStand};

use receivers::Receivers;
use relay::RelayPlan;
use run::TortureRun;
use schedule::Schedule;
use suffered::Suffered;

/// The platform's waiting times are this much shorter: an ACK is waited for during a second, and the first repeat comes
/// a second later, within the next life or the one after it.
const TIME_FACTOR: f64 = 3.0;
const FIRST_REPEAT: Duration = Duration::from_secs(3);
/// Later ones wait for twice as long each, up to this: a host that is too slow for what piled up in a stall would be
/// kept too slow by repeats of repeats.
const LAST_REPEAT: Duration = Duration::from_secs(48);
/// An event whose attempts all meet a dying gateway, or a stalled disk, is lost by the platform's rules. So many in a
/// row do not.
const REPEATS: usize = 600;
/// Chats of each bot.
const CHATS: u32 = 3;

fn repeats() -> impl Iterator<Item = Duration> {
    let doubled = |wait: &Duration| Some((*wait * 2).min(LAST_REPEAT));
    std::iter::successors(Some(FIRST_REPEAT), doubled).take(REPEATS)
}

/// The platform and the place of a run. It repeats soon and often, and keeps a record of every event.
async fn stand(command: &Torture, program: &Program, seed: u64) -> Result<TestStand, BenchError> {
    let settings = PlatformSettings {
        seed,
        time_factor: TIME_FACTOR,
        repeats: repeats().collect(),
        keep_records: plan::MOST_EVENTS,
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    let most = u64::from(command.connections) * 2;
    TestStand::build(program, most, directory, 0, &settings).await
}

/// Kills the gateway under load, again and again, inside an actix system. Dropping the future ends every process it started.
///
/// # Errors
/// When the run comes to nothing: a process ends or does not answer, or the arguments do not fit together.
pub async fn run(command: &Torture, program: &Program) -> Result<RunOutcome, BenchError> {
    if let Some(backups) = command.backups {
        return backups::run(command, program, backups).await;
    }
    let plan = plan::of(command)?;
    let progress = ProgressLine::new();
    let seed = command.seed.unwrap_or_else(crate::seed::fresh);
    say(format_args!("seed {seed}"));
    let mut stand = stand(command, program, seed).await?;
    if plan.full_disks + plan.stalls > 0 {
        stand.isolate_store(plan::volume_bytes(command))?;
    }
    if command.deliver || command.relay {
        stand.fix_api_address()?;
    }
    let mut gateway = stand.spawn(command.connections)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, command.connections).await?;
    let longest = Duration::from_secs_f64(command.seconds_per_kill);
    let of_relay = RelayPlan {
        seed,
        longest,
        kills: command.kills,
    };
    let mut receivers = Receivers::start(command, program, &stand, &mut gateway, of_relay).await?;
    let traffic = Traffic {
        per_second: command.rate,
        chats: CHATS,
        ..Traffic::default()
    };
    let (began, spent) = (Instant::now(), stand.platform.process.processor_time()?);
    stand.platform.pace(&traffic).await?;
    let mut run = TortureRun::new(&stand, command.connections, gateway, Suffered::new(seed));
    let mut schedule = Schedule::new(seed, longest, plan);
    for kill in 1..=command.kills {
        let life = schedule.next_life();
        receivers.live_and_die(&mut run, &life, kill).await?;
        progress.say(&format!("kill {kill} of {}: {}", command.kills, run.line()));
    }
    let (mut gateway, mut suffered) = run.end();
    stand.all_live(&mut gateway, command.connections).await?;
    stand.platform.stop_traffic().await?;
    progress.say("waiting for the last repeats");
    suffered.pushed_again = stand.settle().await?.re_pushed;
    let spent = stand.platform.process.processor_time()? - spent;
    suffered.platform_cpu_share = spent.as_secs_f64() / began.elapsed().as_secs_f64();
    suffered.repeats_recognized += gateway.view().await?.repeats();
    receivers.catch_up(&stand, &progress).await?;
    suffered.platform_bytes = stand.platform.process.resident()?.most;
    suffered.store_bytes = stand.store_bytes();
    progress.say("comparing the ledger with the store");
    let verdict = stand.verdict(gateway).await?;
    receivers.account(&stand, &mut suffered).await?;
    drop(progress);
    let is_broken = suffered.stalls_go_untold() || !suffered.applications_are_good();
    let exit = Report {
        command: "torture",
        asked: format!(
            "{} kills, {} stops, {} times a full disk, {} stalls, {} connections, {} events/s, seed {seed}",
            command.kills, plan.stops, plan.full_disks, plan.stalls, command.connections, command.rate
        ),
        ground: HostFacts::of(program, stand.directory()),
        figures: suffered,
        verdict,
    }
    .print(command.ground.json)?;
    Ok(if is_broken { RunOutcome::Failed } else { exit })
}
