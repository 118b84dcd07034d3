//! `longwire bench events --consumers N`: what applications cost the recording, in turn in one run.
//!
//! ```text
//! alone     no consumer
//! fed       consumers that had caught up; then how long they need for the rest
//! stalled   one application takes every request and answers none
//! ```

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use longwire_terminal::{grouped, ms};
use serde::Serialize;
use serde_json::json;

use super::{asked, load};
use crate::bar::{Bar, BarBound, BarStanding};
use crate::cli::{BenchEvents, Played};
use crate::deliver::account::{DeliveryAccount, recorded_from};
use crate::error::{BenchError, Role, StandError};
use crate::load::Load;
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::receiver::ReceiverBehaviour;
use crate::report::{HostFacts, Report, ReportFigures, ReportRow, mib, seconds};
use crate::sample::{LatencyQuantiles, MeasuredWindow};
use crate::stand::{
    MeasuredClient, ObservedConsumerStatus, PlatformSettings, ProgressLine, ReceiverProcess,
    ReceivingApplication, TestStand,
};

/// Of a paced load: the 99th percentile of the ACKs with consumers, to that without.
const ACK_P99: Bar = Bar {
    bar: BarBound::AtMost(1.5),
    stretch: None,
};
/// At saturation: ACKs per second with consumers, to those without.
const ACKS_PER_SECOND: Bar = Bar {
    bar: BarBound::AtLeast(0.7),
    stretch: None,
};
/// How often the receiver is asked.
const LOOK: Duration = Duration::from_millis(100);
/// How long nothing may arrive. A request to the application that stalled is given up after 20 s, and the pause before the
/// next one is half a minute at most by then.
const STUCK: Duration = Duration::from_secs(120);

/// What a run found.
#[derive(Debug, Serialize)]
struct FedFigures {
    consumers: u32,
    alone: MeasuredWindow,
    fed: MeasuredWindow,
    /// Those of `fed` to those of `alone`.
    ack_p99: f64,
    acks_per_second: f64,
    /// The one that the load asks about.
    standing: BarStanding,
    is_paced: bool,
    /// Numbers of the log that the first consumer had before it when the load ended.
    lag_events: u64,
    /// From the end of the load until every application had everything.
    caught_up_seconds: f64,
    stalled: MeasuredWindow,
    stalled_lag_events: u64,
    /// What the gateway says of the consumer of the stalled application.
    stalled_state: String,
    /// From the end of the stall until it had everything.
    recovered_seconds: f64,
    /// Resident in the gateway: without consumers, with them, and at most while one application was stalled.
    alone_bytes: u64,
    fed_bytes: u64,
    stalled_bytes: u64,
    account: DeliveryAccount,
}

pub(super) async fn run(
    command: &BenchEvents,
    consumers: u32,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    if command.platform == Played::Wecom {
        let words = "--consumers compares ACKs, and WeCom asks for none: leave out one of the two";
        return Err(BenchError::Usage(words.to_owned()));
    }
    let progress = ProgressLine::new();
    progress.say("starting");
    let directory = command.ground.directory.as_deref();
    let connections = command.connections;
    let settings = PlatformSettings::default();
    let stand = TestStand::build(program, u64::from(connections), directory, 0, &settings).await?;
    let mut gateway = stand.spawn(connections)?;
    stand.all_live(&mut gateway, connections).await?;
    let mut run = FedRun {
        load: load(command)?,
        receiver: ReceiverProcess::start(program).await?,
        client: MeasuredClient::Gateway(Box::new(gateway)),
        applications: Vec::new(),
        first: 0,
        stand: &stand,
        progress: &progress,
    };
    let mut figures = run.measure(consumers, command.rate.is_some()).await?;
    progress.say("comparing the ledgers with the store");
    let verdict = stand.verdict_of(run.client).await?.unwrap_or_default();
    let owed = recorded_from(&stand.reader()?, run.first)?;
    figures.account = account(&owed, &run.receiver, &run.applications).await?;
    let is_good = figures.account.is_good();
    drop(progress);
    let exit = Report {
        command: "bench events",
        asked: format!("{}, {consumers} consumers on webhooks", asked(command)),
        ground: HostFacts::of(program, stand.directory()),
        figures,
        verdict,
    }
    .print(command.ground.json)?;
    Ok(if is_good { exit } else { RunOutcome::Failed })
}

async fn account(
    owed: &BTreeSet<u64>,
    receiver: &ReceiverProcess,
    applications: &[ReceivingApplication],
) -> Result<DeliveryAccount, BenchError> {
    let counts = receiver.ledger().await?;
    let mut account = DeliveryAccount::default();
    for application in applications {
        let received = receiver.received(application.number).await?;
        let counts = &counts[application.number];
        account.add(&DeliveryAccount::reach(owed, &received, counts));
    }
    Ok(account)
}

/// A run, as far as it has come.
struct FedRun<'a> {
    load: Load,
    receiver: ReceiverProcess,
    client: MeasuredClient,
    applications: Vec<ReceivingApplication>,
    /// The first event that the consumers get.
    first: u64,
    stand: &'a TestStand,
    progress: &'a ProgressLine,
}

impl FedRun<'_> {
    async fn measure(&mut self, consumers: u32, is_paced: bool) -> Result<FedFigures, BenchError> {
        self.progress.say("without consumers");
        let (alone, alone_bytes, _) = self.stretch().await?;
        self.subscribe(consumers).await?;
        self.progress.say("with consumers");
        let (fed, fed_bytes, lag) = self.stretch().await?;
        let caught_up_seconds = self.catch_up().await?;
        self.progress.say("with a stalled application");
        let stalled = self.applications[0].number;
        self.receiver
            .behave(stalled, ReceiverBehaviour::Hang)
            .await?;
        let (with_stalled, stalled_bytes, stalled_lag) = self.stretch().await?;
        self.receiver
            .behave(stalled, ReceiverBehaviour::default())
            .await?;
        let recovered_seconds = self.catch_up().await?;
        let ratio = |of: f64, to: f64| if to > 0.0 { of / to } else { 0.0 };
        let ack_p99 = ratio(fed.ack().p99_us as f64, alone.ack().p99_us as f64);
        let acks_per_second = ratio(fed.per_second(), alone.per_second());
        Ok(FedFigures {
            consumers,
            ack_p99,
            acks_per_second,
            standing: if is_paced {
                ACK_P99.judge(ack_p99)
            } else {
                ACKS_PER_SECOND.judge(acks_per_second)
            },
            is_paced,
            lag_events: lag.map_or(0, |status| status.lag_events),
            caught_up_seconds,
            stalled_lag_events: stalled_lag.as_ref().map_or(0, |status| status.lag_events),
            stalled_state: stalled_lag.map_or_else(String::new, |status| status.state),
            recovered_seconds,
            alone_bytes,
            fed_bytes,
            stalled_bytes,
            alone,
            fed,
            stalled: with_stalled,
            account: DeliveryAccount::default(),
        })
    }

    /// Load for a while; what was measured, the most memory, and what is said of the first consumer when the load ends.
    async fn stretch(
        &mut self,
    ) -> Result<(MeasuredWindow, u64, Option<ObservedConsumerStatus>), BenchError> {
        let platform = &self.stand.platform;
        let stretch = self
            .load
            .carry(platform, &mut self.client, self.progress)
            .await?;
        platform.stop_traffic().await?;
        let status = match (self.applications.first(), &mut self.client) {
            (Some(first), MeasuredClient::Gateway(gateway)) => {
                Some(gateway.consumer(&name(first)).await?.status)
            }
            _ => None,
        };
        self.stand.settle().await?;
        Ok((stretch.all(), stretch.resident_most(), status))
    }

    /// Adds consumers behind the newest event.
    async fn subscribe(&mut self, consumers: u32) -> Result<(), BenchError> {
        let recorded = recorded_from(&self.stand.reader()?, 0)?;
        self.first = recorded.last().map_or(0, |last| last + 1);
        self.applications = self.receiver.add(consumers as usize).await?;
        let MeasuredClient::Gateway(gateway) = &mut self.client else {
            return Ok(());
        };
        for application in &self.applications {
            let definition = json!({
                "name": name(application),
                "road": { "kind": "webhook", "url": application.url },
                "filter": { "types": ["feishu.*"] },
            });
            gateway.add_consumer(&definition).await?;
        }
        Ok(())
    }

    /// Waits until every application has every event; returns how long that took, in seconds.
    async fn catch_up(&self) -> Result<f64, BenchError> {
        let began = Instant::now();
        let expected = recorded_from(&self.stand.reader()?, self.first)?.len() as u64;
        let mut news = (0, began);
        loop {
            let counts = self.receiver.ledger().await?;
            let taken: Vec<u64> = counts.iter().map(|one| one.distinct).collect();
            if taken.iter().all(|one| *one >= expected) {
                return Ok(began.elapsed().as_secs_f64());
            }
            let all = taken.iter().sum();
            if all > news.0 {
                news = (all, Instant::now());
            }
            if news.1.elapsed() >= STUCK {
                return Err(StandError::Slow {
                    role: Role::Receiver,
                    done: "receive all recorded events",
                    limit: STUCK,
                }
                .into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Of an application's consumer.
fn name(application: &ReceivingApplication) -> String {
    format!("app-{}", application.number)
}

impl FedFigures {
    fn comparison(&self) -> ReportRow {
        let (bar, p99) = if self.is_paced {
            (ACK_P99, format!("{:.2} × ACK p99", self.ack_p99))
        } else {
            let ratio = format!("{:.2} × ACKs/s", self.acks_per_second);
            (ACKS_PER_SECOND, ratio)
        };
        let note = format!(
            "with {} consumers; bar {}: {}",
            self.consumers,
            bar.bar.tell(),
            self.standing.tell()
        );
        ReportRow::new("compared", p99, note)
    }
}

fn row(key: &'static str, of: &MeasuredWindow) -> ReportRow {
    let LatencyQuantiles { p50_us, p99_us, .. } = of.ack();
    ReportRow::new(
        key,
        format!("{} ACKs/s", grouped(of.per_second() as u64)),
        format!(
            "ACK p50 {}, p99 {}; gateway {:.1} µs CPU per event, {:.0} % of a core",
            ms(p50_us),
            ms(p99_us),
            of.gateway_us_per_event,
            of.gateway_cpu_share * 100.0
        ),
    )
}

impl ReportFigures for FedFigures {
    fn rows(&self) -> Vec<ReportRow> {
        vec![
            row("alone", &self.alone),
            row("with consumers", &self.fed),
            self.comparison(),
            ReportRow::new(
                "lag",
                format!("{} events", grouped(self.lag_events)),
                format!(
                    "when the load ended; all had everything {} later",
                    seconds(self.caught_up_seconds)
                ),
            ),
            row("one stalled", &self.stalled),
            ReportRow::new(
                "",
                format!("{} events behind", grouped(self.stalled_lag_events)),
                format!(
                    "its consumer is {}; {} after the stall it had everything",
                    self.stalled_state.replace('_', " "),
                    seconds(self.recovered_seconds)
                ),
            ),
            ReportRow::new(
                "memory",
                mib(self.alone_bytes),
                format!(
                    "resident in the gateway at most; {} with consumers, {} with one stalled",
                    mib(self.fed_bytes),
                    mib(self.stalled_bytes)
                ),
            ),
            ReportRow::new(
                "deliveries",
                format!(
                    "{} of {}",
                    grouped(self.account.received),
                    grouped(self.account.recorded)
                ),
                self.account.tell(),
            ),
        ]
    }
}
