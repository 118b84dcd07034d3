//! `longwire bench attack`: what the excess of one party costs everybody else.
//!
//! ```text
//! neighbours' platform ─┐
//!                       ├─▶ gateway ──▶ store ◀── somebody else's lock (stall)
//! attacking platform ───┘
//! calm, then the attack, then calm again; after that every event is accounted for
//! ```
//! The neighbours' platform knows nothing of the attack, so what it saw is what they felt. Where a whole platform is in
//! trouble, or there are too few open files, the measurement is how soon a bot of another platform is back ([`back`]).
//!
//! An attack is a variant of [`Attack`]. One on a whole platform is an arm of [`PlatformTrouble::of`]; the others are
//! arms of [`suffer`].

mod back;
mod finding;

use std::time::{Duration, Instant};

use crate::write_lock::WriteLock;
use clap::ValueEnum as _;
use longwire_sim::Traffic;

use super::report::{HostFacts, Report};
use super::sample::{MeasuredWindow, Sample};
use crate::cli::{Attack, BenchAttack, Played};
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{
    Annex, Breakage, MeasuredClient, PlatformSettings, ProgressLine, RunVerdict, SimulatedPlatform,
    TestStand, look,
};
use back::PlatformTrouble;
use finding::{AttackFinding, AttackFindings, AttackOutcome};

/// Caches, pages of the store and the processor's clock come to rest.
const WARM_UP: Duration = Duration::from_secs(2);
/// The pushes to the flooded bot.
const FLOOD_PER_SECOND: f64 = 20_000.0;
/// The pushes to everybody while the store stalls.
const STALLED_PER_SECOND: f64 = 10_000.0;
/// Connections that send headers of huge frames, and the pause between two of them.
const HEADERS: (u32, Duration) = (20, Duration::from_millis(500));
/// Connections that send parts, incomplete events on each, parts of each, and bytes of a part.
const FRAGMENTS: (u32, usize, usize, usize) = (40, 150, 2, 30_000);
/// The attacked bots' platform repeats after this, as their neighbours' does.
const REPEAT: Duration = Duration::from_secs(15);
/// How long the neighbours' next ACK is waited for, and the return of those that lost their connections.
const RETURN: Duration = Duration::from_secs(90);

pub(super) async fn run(
    command: &BenchAttack,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    let attacks = match command.attacks.as_slice() {
        [] => Attack::value_variants(),
        some => some,
    };
    let progress = ProgressLine::new();
    let mut outcomes = Vec::new();
    let mut verdict = RunVerdict::default();
    let mut ground = None;
    for attack in attacks {
        let attacked = carry_out(*attack, command, program, &progress).await?;
        verdict = verdict.and(&attacked.verdict);
        outcomes.push(attacked.outcome);
        ground = Some(attacked.ground);
    }
    drop(progress);
    let findings = AttackFindings::of(outcomes);
    let kept = findings.kept;
    let exit = Report {
        command: "bench attack",
        asked: format!(
            "{} neighbours, {} events/s to each, attacked for {} s",
            command.neighbours, command.rate, command.seconds
        ),
        ground: ground.expect("there is one attack at least"),
        figures: findings,
        verdict,
    }
    .print(command.ground.json)?;
    Ok(if kept { exit } else { RunOutcome::Failed })
}

/// What came of one attack.
struct Attacked {
    outcome: AttackOutcome,
    verdict: RunVerdict,
    ground: HostFacts,
}

/// Carries out one attack on a stand of its own.
async fn carry_out(
    attack: Attack,
    command: &BenchAttack,
    program: &Program,
    progress: &ProgressLine,
) -> Result<Attacked, BenchError> {
    if let Some(trouble) = PlatformTrouble::of(attack, command.troubled) {
        return back::carry_out(&trouble, command, program, progress).await;
    }
    let stand = build(attack, command, program).await?;
    let (finding, verdict) = suffer(&stand, attack, command, progress).await?;
    Ok(Attacked {
        outcome: AttackOutcome::Felt(finding),
        verdict,
        ground: HostFacts::of(program, stand.directory()),
    })
}

/// How many bots are attacked; they have a platform of their own.
fn attacked(attack: Attack) -> u32 {
    match attack {
        Attack::Flood | Attack::WecomFlood => 1,
        Attack::Header => HEADERS.0,
        Attack::Fragments => FRAGMENTS.0,
        Attack::Stall | Attack::Hanging | Attack::Flapping | Attack::Files => 0,
    }
}

async fn build(
    attack: Attack,
    command: &BenchAttack,
    program: &Program,
) -> Result<TestStand, BenchError> {
    let settings = PlatformSettings {
        repeats: vec![REPEAT; 20],
        ..PlatformSettings::default()
    };
    let attacked = attacked(attack);
    let connections = u64::from(command.neighbours + attacked) * 5 / 4;
    let directory = command.ground.directory.as_deref();
    let mut stand = TestStand::build(program, connections, directory, 0, &settings).await?;
    if attacked > 0 {
        let seed = settings.seed + 1;
        let played = match attack {
            Attack::WecomFlood => Played::Wecom,
            _ => Played::Feishu,
        };
        let settings = PlatformSettings {
            played,
            seed,
            ..settings
        };
        stand.extend(attacked, &settings).await?;
    }
    Ok(stand)
}

/// One attack from calm to calm, and the ledger after it.
async fn suffer(
    stand: &TestStand,
    attack: Attack,
    command: &BenchAttack,
    progress: &ProgressLine,
) -> Result<(AttackFinding, RunVerdict), BenchError> {
    let name = name(attack);
    let all = command.neighbours + attacked(attack);
    let calm = Duration::from_secs(command.seconds.into()).min(Duration::from_secs(10));
    let mut gateway = stand.spawn(command.neighbours)?;
    progress.say(&format!("{name}: connecting"));
    stand.all_live(&mut gateway, all).await?;
    let mut client = MeasuredClient::Gateway(Box::new(gateway));
    stand.platform.pace(&calm_traffic(attack, command)).await?;
    progress.say(&format!("{name}: calm"));
    tokio::time::sleep(WARM_UP).await;
    let begun = Sample::take(&stand.platform, &mut client).await?;
    tokio::time::sleep(calm).await;
    let at_first = client.process().resident()?;
    let calm_until = Sample::take(&stand.platform, &mut client).await?;

    progress.say(&format!("{name}: under attack"));
    let length = Duration::from_secs(command.seconds.into());
    strike(attack, stand, length).await?;
    let attacked_until = Sample::take(&stand.platform, &mut client).await?;

    progress.say(&format!("{name}: recovering"));
    let recovery = recover(&stand.platform, &attacked_until, attack).await?;
    let again = Sample::take(&stand.platform, &mut client).await?;
    tokio::time::sleep(calm).await;
    let end = Sample::take(&stand.platform, &mut client).await?;
    let at_last = client.process().resident()?;

    progress.say(&format!("{name}: waiting for the last answers"));
    stand.platform.stop_traffic().await?;
    stand.settle().await?;
    let live = live_at_last(&mut client, all.into()).await?;
    let neighbours = stand.platform.ledger().await?;
    progress.say(&format!("{name}: comparing the ledger with the store"));
    let verdict = stand.verdict_of(client).await?.unwrap_or_default();
    let finding = AttackFinding {
        attack: name,
        before: MeasuredWindow::between(&begun, &calm_until).ack(),
        during: MeasuredWindow::between(&calm_until, &attacked_until).ack(),
        after: MeasuredWindow::between(&again, &end).ack(),
        neighbours_feel_it: attack == Attack::Stall,
        grown_bytes: at_last.most.saturating_sub(at_first.now),
        neighbours_lost: neighbours.connections_ended,
        refused: end.view.refusals() - calm_until.view.refusals(),
        shed: end.view.answers.shed - calm_until.view.answers.shed,
        malformed: end.view.malformed() - calm_until.view.malformed(),
        attacked_lost: end.view.connections.lost - calm_until.view.connections.lost,
        recovery_seconds: recovery.map(|length| length.as_secs_f64()),
        live,
        wanted: u64::from(all),
    };
    Ok((finding, verdict))
}

/// How many are live, once those that were attacked have had time to come back.
async fn live_at_last(client: &mut MeasuredClient, wanted: u64) -> Result<u64, BenchError> {
    let until = Instant::now() + RETURN;
    loop {
        let live = client.view().await?.live();
        if live >= wanted || Instant::now() >= until {
            return Ok(live);
        }
        tokio::time::sleep(look(wanted)).await;
    }
}

/// What the neighbours get all the time.
fn calm_traffic(attack: Attack, command: &BenchAttack) -> Traffic {
    let per_second = match attack {
        Attack::Stall => STALLED_PER_SECOND,
        _ => f64::from(command.neighbours) * command.rate,
    };
    Traffic {
        per_second,
        ..Traffic::default()
    }
}

/// Attacks for this long.
async fn strike(attack: Attack, stand: &TestStand, length: Duration) -> Result<(), BenchError> {
    if attack == Attack::Stall {
        let lock = WriteLock::take(&stand.store()).map_err(BenchError::from)?;
        tokio::time::sleep(length * 3).await;
        drop(lock);
        return Ok(());
    }
    let Some(Annex { platform, .. }) = stand.annex() else {
        return Ok(());
    };
    let until = Instant::now() + length;
    match attack {
        Attack::Flood | Attack::WecomFlood => {
            let traffic = Traffic {
                per_second: FLOOD_PER_SECOND,
                ..Traffic::default()
            };
            platform.pace(&traffic).await?;
            tokio::time::sleep(length).await;
            platform.stop_traffic().await?;
        }
        Attack::Header => {
            while Instant::now() < until {
                platform.break_all(Breakage::Oversized).await?;
                tokio::time::sleep(HEADERS.1).await;
            }
        }
        Attack::Fragments => {
            let (connections, events, parts, part_bytes) = FRAGMENTS;
            // All of it within the half of the time: parts are given up after ten seconds.
            let pause = length.min(Duration::from_secs(10)) / 2 / connections;
            for number in 1..=connections {
                let app = Annex::app(number);
                platform
                    .push_incomplete(&app, events, parts, part_bytes)
                    .await?;
                tokio::time::sleep(pause).await;
            }
            tokio::time::sleep_until(until.into()).await;
        }
        Attack::Stall | Attack::Hanging | Attack::Flapping | Attack::Files => {}
    }
    Ok(())
}

/// Waits until neighbours are acknowledged again; returns how long that took, and `None` when they are not.
async fn recover(
    platform: &SimulatedPlatform,
    until: &Sample,
    attack: Attack,
) -> Result<Option<Duration>, BenchError> {
    let began = Instant::now();
    let recovery = loop {
        if platform.ledger().await?.acked > until.ledger.acked {
            break Some(began.elapsed());
        }
        if began.elapsed() >= RETURN {
            break None;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    if attack == Attack::Stall {
        // What was refused comes again, and is beside the point of the calm after.
        tokio::time::sleep(REPEAT * 2).await;
    }
    Ok(recovery)
}

/// What it is called on the command line.
fn name(attack: Attack) -> &'static str {
    match attack {
        Attack::Flood => "flood",
        Attack::WecomFlood => "wecom-flood",
        Attack::Header => "header",
        Attack::Fragments => "fragments",
        Attack::Stall => "stall",
        Attack::Hanging => "hanging",
        Attack::Flapping => "flapping",
        Attack::Files => "files",
    }
}
