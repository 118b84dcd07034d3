//! `longwire bench takeover`: new processes take over under load, one after the other, on both platforms at once.

mod application;
mod figures;

use std::time::{Duration, Instant};

use longwire_sim::Traffic;

use crate::cli::{BenchTakeover, Played};
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::report::{HostFacts, Report};
use crate::stand::{GatewayProcess, PlatformSettings, Prober, ProgressLine, TestStand};
use application::TakeoverApplication;
use figures::{Takeover, TakeoverFigures};

/// Traffic before each takeover.
const BEFORE: Duration = Duration::from_secs(2);
/// How often the listener is asked meanwhile.
const PROBE: Duration = Duration::from_millis(10);
/// How long a takeover may take, besides the time in which all bots connect.
const LIMIT: Duration = Duration::from_secs(90);
/// The platform repeats what got no answer sooner than the real one does, so that the verdict need not wait.
const REPEAT: Duration = Duration::from_secs(2);

pub(super) async fn run(
    command: &BenchTakeover,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let settings = PlatformSettings {
        repeats: vec![REPEAT; 30],
        ..PlatformSettings::default()
    };
    let wecom = PlatformSettings {
        played: Played::Wecom,
        ..PlatformSettings::default()
    };
    let directory = command.ground.directory.as_deref();
    let bots = command.feishu + command.wecom;
    // Both processes have connections for a while.
    let most = u64::from(bots) * 2;
    let per_second = command.per_second;
    let mut stand = TestStand::build(program, most, directory, per_second, &settings).await?;
    stand.extend(command.wecom, &wecom).await?;
    stand.fix_api_address()?;
    stand.log_takeovers();
    let mut gateway = stand.spawn(command.feishu)?;
    progress.say("connecting");
    stand.all_live(&mut gateway, bots).await?;
    let application = TakeoverApplication::start(program, &mut gateway).await?;
    let share = |of: u32| Traffic {
        per_second: command.rate * f64::from(of) / f64::from(bots),
        ..Traffic::default()
    };
    stand.platform.pace(&share(command.feishu)).await?;
    if let Some(annex) = stand.annex() {
        annex.platform.pace(&share(command.wecom)).await?;
    }
    let mut figures = TakeoverFigures::default();
    for round in 1..=command.rounds {
        tokio::time::sleep(BEFORE).await;
        progress.say(&format!("takeover {round} of {}", command.rounds));
        gateway = take_over(command, &stand, gateway, &mut figures).await?;
        stand.all_live(&mut gateway, bots).await?;
    }
    tokio::time::sleep(BEFORE).await;
    progress.say("waiting for the last answers");
    if let Some(annex) = stand.annex() {
        annex.platform.stop_traffic().await?;
    }
    stand.platform.stop_traffic().await?;
    let ledger = stand.settle().await?;
    figures.pushed_again = ledger.re_pushed;
    figures.repeats_recognized += gateway.view().await?.repeats();
    progress.say("waiting for the application");
    application.catch_up(&stand).await?;
    progress.say("comparing the ledger with the store");
    let mut verdict = stand.verdict(gateway).await?;
    // WeCom tells each connection that it is displaced. That is recorded too, and is none of the events that were pushed.
    verdict.unknown = verdict.unknown.saturating_sub(figures.displacements());
    figures.application = application.account(&stand).await?;
    drop(progress);
    let is_broken = !figures.is_good();
    let exit = Report {
        command: "bench takeover",
        asked: format!(
            "{} Feishu and {} WeCom bots, {} events/s, {} takeovers, {} attempts/s",
            command.feishu, command.wecom, command.rate, command.rounds, command.per_second
        ),
        ground: HostFacts::of(program, stand.directory()),
        figures,
        verdict,
    }
    .print(command.ground.json)?;
    Ok(if is_broken { RunOutcome::Failed } else { exit })
}

/// One takeover, with the listener asked all the time.
async fn take_over(
    command: &BenchTakeover,
    stand: &TestStand,
    mut before: GatewayProcess,
    figures: &mut TakeoverFigures,
) -> Result<GatewayProcess, BenchError> {
    let prober = before.prober().await?;
    figures.repeats_recognized += before.view().await?.repeats();
    let connecting =
        u64::from(command.feishu + command.wecom) / u64::from(command.per_second.max(1));
    let limit = LIMIT + Duration::from_secs(connecting);
    let began = Instant::now();
    let mut gateway = stand.spawn_successor(&before)?;
    let mut probes = Probes::default();
    let summary = tokio::select! {
        biased;
        summary = gateway.taken_over(before, limit) => summary?,
        () = probes.go_on(&prober) => unreachable!("it probes until the takeover is over"),
    };
    // Those that waited in the kernel are answered when the new process serves.
    probes.last(&prober).await;
    figures.takeovers.push(Takeover {
        moved: summary.moved,
        wecom_bots: summary.wecom_bots,
        not_connected: summary.not_connected,
        wecom_gap_p50_ms: summary.wecom_gap_p50_ms,
        wecom_gap_max_ms: summary.wecom_gap_max_ms,
        inside_s: summary.took_s.parse().unwrap_or(f64::NAN),
        took_s: began.elapsed().as_secs_f64(),
        slowest_probe_ms: probes.slowest.as_millis() as u64,
        refused_probes: probes.refused,
    });
    Ok(gateway)
}

/// What the listener answered meanwhile.
#[derive(Debug, Default)]
struct Probes {
    slowest: Duration,
    refused: u64,
}

impl Probes {
    async fn go_on(&mut self, prober: &Prober) {
        loop {
            self.last(prober).await;
            tokio::time::sleep(PROBE).await;
        }
    }

    async fn last(&mut self, prober: &Prober) {
        match prober.probe("/livez").await {
            Ok(took) => self.slowest = self.slowest.max(took),
            Err(_) => self.refused += 1,
        }
    }
}
