//! How soon a healthy bot is back after it lost its connection, and how soon probes are answered, while all bots of
//! another platform are in trouble.
//!
//! ```text
//! WeCom, healthy ──────────┐ each of its bots loses its connection once, one after the other
//!                          ├─▶ gateway, with the budget of attempts of service ◀── a probe every 50 ms
//! Feishu, in trouble ──────┘
//! ```

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use longwire_sim::Behaviour;
use longwire_terminal::grouped;
use serde::Serialize;

use super::super::bar::{Bar, BarBound, BarStanding};
use super::super::report::{HostFacts, ReportRow, seconds};
use super::{Attacked, RETURN};
use crate::cli::{Attack, BenchAttack, Played};
use crate::error::{BenchError, StandError};
use crate::program::Program;
use crate::stand::{Breakage, GatewayProcess, PlatformSettings, Prober, ProgressLine, TestStand};

/// Healthy bots. Each loses its connection once: WeCom's bots wait longer after a life of less than a minute.
const HEALTHY: u32 = 10;
/// Attempts begun per second, as in service.
const PER_SECOND: u32 = 50;
/// From one lost connection to the next.
const BETWEEN: Duration = Duration::from_millis(500);
/// Between two looks at a bot that is to come back.
const LOOK: Duration = Duration::from_millis(5);
/// Between two probes, and what is asked in turn.
const PROBES: (Duration, [&str; 2]) = (Duration::from_millis(50), ["/livez", "/readyz"]);

/// From the loss of a connection to the next one that is live, in seconds.
const BACK_BAR: Bar = Bar {
    bar: BarBound::AtMost(2.0),
    stretch: Some(BarBound::AtMost(1.0)),
};
/// A probe's answer, in milliseconds: 99 of 100.
const PROBE_BAR_MS: Bar = Bar {
    bar: BarBound::AtMost(100.0),
    stretch: None,
};

/// The trouble that a platform is in.
pub(super) struct PlatformTrouble {
    attack: Attack,
    /// Its bots.
    bots: u32,
    /// How it answers all of them.
    behaviour: Behaviour,
    /// What the gateway may have open, if that is the trouble. Some bots wait for a file then, before the first healthy
    /// one loses its connection.
    open_files: Option<u32>,
}

impl PlatformTrouble {
    /// The trouble of an attack of this kind, with as many `bots` as are wished for; `None` for an attack of another kind.
    pub(super) fn of(attack: Attack, bots: Option<u32>) -> Option<Self> {
        let (default_bots, behaviour, open_files) = match attack {
            // The platform reads what its bots ask and never answers. Each attempt takes as long as it may.
            Attack::Hanging => (3_000, Behaviour::BootstrapHang, None),
            // The platform accepts its bots and drops each of them at once. Every bot asks for a permit again and again.
            Attack::Flapping => (2_000, Behaviour::UpgradeThenDrop, None),
            // There are more bots than open files; the limit is what a shell hands out. Bots that were connected keep
            // their place between two connections, and probes have files of their own.
            Attack::Files => (5_000, Behaviour::Nominal, Some(1_024)),
            Attack::Flood
            | Attack::WecomFlood
            | Attack::Header
            | Attack::Fragments
            | Attack::Stall => return None,
        };
        Some(Self {
            attack,
            bots: bots.unwrap_or(default_bots),
            behaviour,
            open_files,
        })
    }
}

/// How soon the healthy bots were back, and how soon probes were answered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Back {
    attack: &'static str,
    /// Bots in trouble.
    troubled: u32,
    /// Attempts begun from the first lost connection to the last return, those in trouble included.
    attempts: u64,
    /// For each lost connection; `None` where the bot was not back while it was waited for.
    back_seconds: Vec<Option<f64>>,
    probes: Probes,
    /// Bots that wait for open files at the end.
    waiting: u64,
    /// Lines that the gateway has written.
    log_lines: u64,
}

/// How long probes took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
struct Probes {
    answered: usize,
    failed: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Probes {
    fn of(mut answers_ms: Vec<f64>, failed: u64) -> Self {
        answers_ms.sort_by(f64::total_cmp);
        let nth = |percent: usize| {
            let last = answers_ms.len().saturating_sub(1);
            answers_ms.get(last * percent / 100).copied().unwrap_or(0.0)
        };
        Self {
            answered: answers_ms.len(),
            failed,
            p50_ms: nth(50),
            p99_ms: nth(99),
            max_ms: nth(100),
        }
    }
}

impl Back {
    /// The longest return; `None` if a bot did not come back.
    fn longest(&self) -> Option<f64> {
        let all: Option<Vec<f64>> = self.back_seconds.iter().copied().collect();
        all?.into_iter().max_by(f64::total_cmp)
    }

    fn returns(&self) -> BarStanding {
        self.longest()
            .map_or(BarStanding::Missed, |longest| BACK_BAR.judge(longest))
    }

    fn answers(&self) -> BarStanding {
        if self.probes.failed > 0 || self.probes.answered == 0 {
            return BarStanding::Missed;
        }
        PROBE_BAR_MS.judge(self.probes.p99_ms)
    }

    /// Both came in time.
    pub(super) fn kept(&self) -> bool {
        self.returns() != BarStanding::Missed && self.answers() != BarStanding::Missed
    }

    pub(super) fn rows(&self) -> Vec<ReportRow> {
        let each = self.back_seconds.iter().map(|back| match back {
            Some(back) => format!("{back:.2}"),
            None => "never".to_owned(),
        });
        let longest = self.longest().map_or("NOT BACK".to_owned(), seconds);
        vec![
            ReportRow::new(
                self.attack,
                longest,
                format!(
                    "until a healthy bot was back, at the longest, bar {} s: {}; each: {} s",
                    BACK_BAR.bar.tell(),
                    self.returns().tell(),
                    each.collect::<Vec<_>>().join(" ")
                ),
            ),
            ReportRow::new(
                "",
                format!("{:.1} ms", self.probes.p99_ms),
                format!(
                    "p99 of {} probes, bar {} ms: {}; p50 {:.1} ms, max {:.1} ms, {} failed",
                    self.probes.answered,
                    PROBE_BAR_MS.bar.tell(),
                    self.answers().tell(),
                    self.probes.p50_ms,
                    self.probes.max_ms,
                    self.probes.failed
                ),
            ),
            ReportRow::new(
                "",
                grouped(self.attempts),
                format!(
                    "attempts meanwhile, most of them by {} bots of the other platform; {} wait for open files; {} lines of log",
                    grouped(self.troubled.into()),
                    grouped(self.waiting),
                    grouped(self.log_lines)
                ),
            ),
        ]
    }
}

/// Builds a stand with a healthy platform and one in trouble, and measures.
pub(super) async fn carry_out(
    trouble: &PlatformTrouble,
    command: &BenchAttack,
    program: &Program,
    progress: &ProgressLine,
) -> Result<Attacked, BenchError> {
    let name = super::name(trouble.attack);
    let healthy = PlatformSettings {
        played: Played::Wecom,
        ..PlatformSettings::default()
    };
    let troubled = PlatformSettings {
        seed: healthy.seed + 1,
        ..PlatformSettings::default()
    };
    let connections = match trouble.open_files {
        None => u64::from(HEALTHY + trouble.bots) * 5 / 4,
        // The platforms hold no more connections than the gateway may.
        Some(limit) => limit.into(),
    };
    let directory = command.ground.directory.as_deref();
    let mut stand = TestStand::build(program, connections, directory, PER_SECOND, &healthy).await?;
    stand.extend(trouble.bots, &troubled).await?;
    if let Some(annex) = stand.annex() {
        annex.platform.behave(&trouble.behaviour).await?;
    }
    if let Some(limit) = trouble.open_files {
        stand.limit_open_files(limit);
    }
    let mut gateway = stand.spawn(HEALTHY)?;
    progress.say(&format!("{name}: connecting"));
    stand.all_live(&mut gateway, HEALTHY).await?;
    progress.say(&format!(
        "{name}: waiting for the trouble to be at its height"
    ));
    tokio::time::sleep(Duration::from_secs(command.seconds.into())).await;
    if trouble.open_files.is_some() {
        until_some_wait(&mut gateway).await?;
    }

    let probing = Probing::begin(gateway.prober().await?);
    let attempts = gateway.view().await?.connections.attempts;
    let mut back_seconds = Vec::new();
    for number in 1..=HEALTHY {
        progress.say(&format!("{name}: connection {number} of {HEALTHY} is lost"));
        let back = lose_and_return(&stand, &mut gateway, number).await?;
        back_seconds.push(back.map(|length| length.as_secs_f64()));
        tokio::time::sleep(BETWEEN).await;
    }
    let view = gateway.view().await?;
    let back = Back {
        attack: name,
        troubled: trouble.bots,
        attempts: view.connections.attempts - attempts,
        back_seconds,
        probes: probing.end(),
        waiting: view.connection_limit.waiting,
        log_lines: gateway.process.lines(),
    };
    let ground = HostFacts::of(program, stand.directory());
    progress.say(&format!("{name}: ending"));
    Ok(Attacked {
        outcome: back.into(),
        verdict: stand.verdict(gateway).await?,
        ground,
    })
}

/// Waits until there are no more places for connections, and some bots have been told so.
async fn until_some_wait(gateway: &mut GatewayProcess) -> Result<(), BenchError> {
    let until = Instant::now() + RETURN;
    loop {
        let view = gateway.view().await?;
        if view.connection_limit.waiting > 0 {
            return Ok(());
        }
        gateway.process.check()?;
        if Instant::now() >= until {
            let (live, limit) = (view.live(), RETURN);
            let wanted = live + 1;
            return Err(StandError::NotLive {
                live,
                wanted,
                limit,
            }
            .into());
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Drops the connection of the healthy bot with this number; returns how long it is away, and `None` when it does not
/// come back.
async fn lose_and_return(
    stand: &TestStand,
    gateway: &mut GatewayProcess,
    number: u32,
) -> Result<Option<Duration>, BenchError> {
    let name = format!("bot-{number}");
    let before = gateway.installation(&name).await?.generation;
    let began = Instant::now();
    stand.platform.break_one(number, Breakage::Drop).await?;
    loop {
        let installation = gateway.installation(&name).await?;
        if installation.is_live() && installation.generation > before {
            return Ok(Some(began.elapsed()));
        }
        if began.elapsed() >= RETURN {
            return Ok(None);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Probes that go on while something else is looked at.
struct Probing {
    task: tokio::task::JoinHandle<()>,
    answers: Rc<RefCell<Answers>>,
}

#[derive(Default)]
struct Answers {
    times_ms: Vec<f64>,
    failed: u64,
}

impl Answers {
    fn add(&mut self, answer: Result<Duration, StandError>) {
        match answer {
            Ok(time) => self.times_ms.push(time.as_secs_f64() * 1e3),
            Err(_) => self.failed += 1,
        }
    }
}

impl Probing {
    fn begin(prober: Prober) -> Self {
        let answers = Rc::new(RefCell::new(Answers::default()));
        let kept = Rc::clone(&answers);
        let (pause, paths) = PROBES;
        let task = tokio::task::spawn_local(async move {
            for path in paths.into_iter().cycle() {
                let answer = prober.probe(path).await;
                kept.borrow_mut().add(answer);
                tokio::time::sleep(pause).await;
            }
        });
        Self { task, answers }
    }

    fn end(self) -> Probes {
        self.task.abort();
        let answers = self.answers.take();
        Probes::of(answers.times_ms, answers.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back() -> Back {
        Back {
            attack: "hanging",
            troubled: 3_000,
            attempts: 500,
            back_seconds: vec![Some(0.1), Some(1.9)],
            probes: Probes::of(vec![3.0, 1.0, 2.0], 0),
            waiting: 0,
            log_lines: 10,
        }
    }

    #[test]
    fn every_return_and_the_probes_are_promised() {
        let good = back();
        assert!(good.kept());
        let text = format!("{:?}", good.rows());
        assert!(
            text.contains("1900 ms") && text.contains("each: 0.10 1.90 s"),
            "{text}"
        );
        for broken in [
            Back {
                back_seconds: vec![Some(0.1), Some(2.1)],
                ..back()
            },
            Back {
                back_seconds: vec![Some(0.1), None],
                ..back()
            },
            Back {
                probes: Probes::of(vec![101.0; 10], 0),
                ..back()
            },
            Back {
                probes: Probes::of(vec![1.0], 1),
                ..back()
            },
            Back {
                probes: Probes::of(Vec::new(), 0),
                ..back()
            },
        ] {
            assert!(!broken.kept(), "{broken:?}");
        }
    }

    #[test]
    fn probes_are_told_by_quantiles() {
        let probes = Probes::of((0..=100).map(f64::from).collect(), 0);
        assert_eq!(
            (probes.p50_ms, probes.p99_ms, probes.max_ms),
            (50.0, 99.0, 100.0)
        );
    }
}
