//! More bots than open files: those that were connected are back as fast as ever, and probes are answered.
//!
//! The platform of the many and that of the few are two, and what is measured are the few: from the moment their
//! connections are dropped until the gateway says that they are live again. They are dropped while the many still connect,
//! and after all of them have been told to wait.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::bar::{Bar, Bound, Standing};
use super::super::report::{Host, Row};
use crate::cli::{BenchAttack, Played};
use crate::exit::Failure;
use crate::stand::{
    Breakage, Gateway, PlatformSettings, Progress, Stand, StandError, Verdict, View, look,
};
use crate::terminal::grouped;

/// The bots that want to be connected, beside the few that are looked at.
const BOTS: u32 = 5_000;
/// The few.
const FEW: u32 = 10;
/// How long their connections have to live before they are dropped: WeCom's backoff starts over after a minute of life,
/// and a connection that is dropped before that is no healthy one.
const LIFE: Duration = Duration::from_secs(62);
/// What the gateway may have open, as a shell hands it out.
const OPEN_FILES: u32 = 1_024;
/// The gateway's budget of attempts, as it is by default.
const PER_SECOND: u32 = 50;
/// How long anything is waited for: the many ask for a turn each.
const LIMIT: Duration = Duration::from_secs(300);
/// How often the few are looked at while they are away.
const LOOK: Duration = Duration::from_millis(20);

const RETURN_BAR_SECONDS: Bar = Bar {
    bar: Bound::AtMost(2.0),
    stretch: None,
};
const PROBE_BAR_MS: Bar = Bar {
    bar: Bound::AtMost(100.0),
    stretch: None,
};

/// How the few bots and the probes fared.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Return {
    attack: &'static str,
    /// From the drop until each was live again, while the others connected.
    connecting_seconds: Vec<f64>,
    /// The same, when all others had been told to wait.
    waiting_seconds: Vec<f64>,
    /// From the beginning of a fresh connection to the end of the answer.
    probes_ms: Vec<f64>,
    /// Bots that were live at the end, and those that waited for open files.
    live: u64,
    waiting: u64,
    wanted: u64,
    /// Connections that the many lost.
    others_lost: u64,
    log_lines: u64,
}

impl Return {
    fn count(&mut self, view: &View) {
        (self.live, self.waiting) = (view.live(), view.connection_limit.waiting);
    }

    /// Everything that is no matter of timing is as promised.
    pub(super) fn kept(&self) -> bool {
        self.live + self.waiting == self.wanted && self.others_lost == 0
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let back = |seconds: &[f64]| {
            let worst = worst(seconds);
            format!(
                "s at most until all were live again; bar {}: {}",
                RETURN_BAR_SECONDS.bar.tell(),
                RETURN_BAR_SECONDS.judge(worst).tell()
            )
        };
        let figure = |values: &[f64]| format!("{:.2}", worst(values));
        let probe = worst(&self.probes_ms);
        let standing: Standing = PROBE_BAR_MS.judge(probe);
        vec![
            Row::new(
                self.attack,
                figure(&self.connecting_seconds),
                format!(
                    "{}, {} bots dropped while the others connect",
                    back(&self.connecting_seconds),
                    self.connecting_seconds.len()
                ),
            ),
            Row::new(
                "",
                figure(&self.waiting_seconds),
                format!(
                    "{}, {} bots dropped while the others wait",
                    back(&self.waiting_seconds),
                    self.waiting_seconds.len()
                ),
            ),
            Row::new(
                "",
                format!("{probe:.1}"),
                format!(
                    "ms at most for a probe, {:.1} for half of {}; bar {}: {}",
                    median(&self.probes_ms),
                    self.probes_ms.len(),
                    PROBE_BAR_MS.bar.tell(),
                    standing.tell()
                ),
            ),
            Row::new(
                "",
                format!("{} of {} live", grouped(self.live), grouped(self.wanted)),
                format!(
                    "{} wait for open files; the others lost {} connections; {} lines of log",
                    grouped(self.waiting),
                    grouped(self.others_lost),
                    grouped(self.log_lines),
                ),
            ),
        ]
    }
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// From the start of the gateway to the verdict.
pub(super) async fn suffer(
    command: &BenchAttack,
    progress: &Progress,
) -> Result<(Return, Verdict, Host), Failure> {
    let settings = PlatformSettings {
        played: Played::Wecom,
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    // The platforms hold no more connections than the gateway may.
    let mut stand = Stand::build(OPEN_FILES.into(), directory, PER_SECOND, &settings).await?;
    let many = PlatformSettings {
        played: Played::Feishu,
        seed: settings.seed + 1,
        ..settings
    };
    stand.extend(BOTS, &many).await?;
    stand.limit_open_files(OPEN_FILES);
    let mut gateway = stand.spawn(FEW)?;
    let wanted = u64::from(BOTS + FEW);
    let mut found = Return {
        attack: super::finding::name(crate::cli::Attack::Files),
        wanted,
        ..Return::default()
    };

    progress.say("files: connecting until there are no more");
    let until = Instant::now() + LIMIT;
    live(&mut gateway, until).await?;
    let alive = Instant::now();
    let mut waiting = 0;
    while waiting == 0 || alive.elapsed() < LIFE {
        waiting = gateway.view().await?.connection_limit.waiting;
        found.probes_ms.push(probe(&mut gateway).await?);
        pause(&mut gateway, until, wanted).await?;
    }
    progress.say("files: dropped while the others connect");
    found.connecting_seconds = drop_and_return(&stand, &mut gateway).await?;
    let alive = Instant::now();
    progress.say("files: until all others wait");
    let until = Instant::now() + LIMIT;
    while found.live + found.waiting < wanted || alive.elapsed() < LIFE {
        found.probes_ms.push(probe(&mut gateway).await?);
        found.count(&gateway.view().await?);
        pause(&mut gateway, until, wanted).await?;
    }
    progress.say("files: dropped while the others wait");
    found.waiting_seconds = drop_and_return(&stand, &mut gateway).await?;
    found.probes_ms.push(probe(&mut gateway).await?);
    let view = gateway.view().await?;
    found.count(&view);
    let drops = (found.connecting_seconds.len() + found.waiting_seconds.len()) as u64;
    found.others_lost = view.connections.lost.saturating_sub(drops);
    found.log_lines = gateway.process.lines();
    let host = Host::of(stand.directory());
    let verdict = stand.verdict(gateway).await?;
    Ok((found, verdict, host))
}

/// Waits until the few are live; their generations.
async fn live(gateway: &mut Gateway, until: Instant) -> Result<Vec<u64>, Failure> {
    let mut generations = Vec::new();
    for number in 1..=FEW {
        generations.push(loop {
            let bot = gateway.installation(&format!("bot-{number}")).await?;
            if let Some(bot) = bot.filter(|bot| bot.state == "live") {
                break bot.generation;
            }
            pause(gateway, until, FEW.into()).await?;
        });
    }
    Ok(generations)
}

/// Drops the connections of the few; the seconds until each of them is live again.
async fn drop_and_return(stand: &Stand, gateway: &mut Gateway) -> Result<Vec<f64>, Failure> {
    let until = Instant::now() + LIMIT;
    let before = live(gateway, until).await?;
    stand.platform.break_all(Breakage::Drop).await?;
    let dropped = Instant::now();
    let mut away: Vec<_> = (1..=FEW).zip(before).collect();
    let mut seconds = Vec::new();
    while !away.is_empty() {
        let mut still = Vec::new();
        for (number, generation) in away {
            let bot = gateway.installation(&format!("bot-{number}")).await?;
            if bot.is_some_and(|bot| bot.state == "live" && bot.generation > generation) {
                seconds.push(dropped.elapsed().as_secs_f64());
            } else {
                still.push((number, generation));
            }
        }
        away = still;
        gateway.process.check()?;
        if Instant::now() >= until {
            return Err(not_live(FEW.into()).into());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(seconds)
}

/// How long a probe takes over a connection of its own, in milliseconds.
async fn probe(gateway: &mut Gateway) -> Result<f64, Failure> {
    let time = gateway.answer_time("/readyz").await?;
    Ok(time.as_secs_f64() * 1_000.0)
}

/// Until the next look, unless that has been going on for too long.
async fn pause(gateway: &mut Gateway, until: Instant, wanted: u64) -> Result<(), Failure> {
    gateway.process.check()?;
    if Instant::now() >= until {
        return Err(not_live(wanted).into());
    }
    tokio::time::sleep(look(wanted)).await;
    Ok(())
}

fn not_live(wanted: u64) -> StandError {
    StandError::NotLive {
        live: 0,
        wanted,
        limit: LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_are_told_and_facts_decide() {
        let found = Return {
            attack: "files",
            connecting_seconds: vec![0.5, 2.5],
            waiting_seconds: vec![0.5, 1.0],
            probes_ms: vec![3.0, 99.0],
            live: 737,
            waiting: 4_273,
            wanted: 5_010,
            ..Return::default()
        };
        assert!(found.kept(), "a busy machine is no broken promise");
        let text = format!("{:?}", found.rows());
        assert!(text.contains("99.0 for half of 2"), "{text}");
        assert!(text.contains("2.50") && text.contains("MISSED"), "{text}");
        assert!(text.contains("1.00") && text.contains("reached"), "{text}");
        for broken in [
            Return {
                live: 736,
                ..found.clone()
            },
            Return {
                others_lost: 1,
                ..found
            },
        ] {
            assert!(!broken.kept(), "{broken:?}");
        }
    }
}
