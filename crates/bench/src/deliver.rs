//! `longwire bench deliver`: how fast recorded events reach applications, beside the least that a client can do.
//!
//! ```text
//! one endpoint    recorded while its consumer is paused, then resumed: the rate of catching up
//! many endpoints  each with a consumer that begins in the middle of the log
//! live            a paced load: from push to ACK as the platform sees it, from push to receipt as the application does
//! trouble         the same load on five consumers, of which one dies and one becomes slow, and comes back
//! along           the same load once more, while readers read along over a stream each
//! floor           the same bodies from memory, posted to the same receiver over as many connections
//! ```
//! Platform, gateway, receiver and floor are processes of their own on the same cores. In the end each application's ledger is
//! held against the store.

pub(crate) mod account;
mod along;
mod figures;
mod trouble;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::{Duration, Instant};

use longwire_sim::{ClosedLoop, Latency, Traffic};
use serde::Deserialize;
use serde_json::json;

use super::report::{HostFacts, Report};
use super::window;
use crate::cli::BenchDeliver;
use crate::error::{BenchError, Role, StandError};
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{
    GatewayProcess, PlatformSettings, Process, ProgressLine, ReceiverProcess, ReceivingApplication,
    TestStand,
};
use account::{DeliveryAccount, recorded_from};
use figures::{CatchUp, DeliverFigures, LiveDelivery, Parts};
use trouble::FiveApplications;

/// Posts that a consumer has under way, and connections of the floor: the default of a consumer.
const CONCURRENCY: u32 = 32;
/// How often the receiver is asked while a consumer catches up.
const LOOK: Duration = Duration::from_millis(100);
/// How long nothing may arrive until the run is given up.
const STUCK: Duration = Duration::from_secs(60);
/// The shares of the backlog between which the rate is measured: the start and the last few are not like the rest.
const MEASURED: (f64, f64) = (0.1, 0.9);
/// What of a paced load is not measured at first.
const WARM_UP: Duration = Duration::from_secs(1);

pub(super) async fn run(
    command: &BenchDeliver,
    program: &Program,
) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    progress.say("starting");
    let (connections, directory) = (command.connections, command.ground.directory.as_deref());
    let settings = PlatformSettings::default();
    let most = u64::from(connections.max(command.endpoints));
    let stand = TestStand::build(program, most, directory, 0, &settings).await?;
    let receiver = ReceiverProcess::start(program).await?;
    let mut gateway = stand.spawn(connections)?;
    stand.all_live(&mut gateway, connections).await?;
    let mut run = DeliverRun {
        stand: &stand,
        receiver,
        gateway,
        progress: &progress,
    };
    let (mut figures, owed) = run.measure(command, program).await?;
    progress.say("comparing the ledgers with the store");
    let DeliverRun {
        receiver, gateway, ..
    } = run;
    let verdict = stand.verdict(gateway).await?;
    let account = owed.compare(&stand, &receiver).await?;
    let is_good = account.is_good();
    figures.account = account;
    let ground = HostFacts::of(program, stand.directory());
    drop(progress);
    let exit = Report {
        command: "bench deliver",
        asked: format!(
            "{} events recorded over {connections} connections, then delivered to 1 and to {} endpoints, {} bytes; {} \
             events/s for {} s",
            command.backlog, command.endpoints, command.payload_bytes, command.rate, command.seconds
        ),
        ground,
        figures,
        verdict,
    }
    .print(command.ground.json)?;
    Ok(if is_good { exit } else { RunOutcome::Failed })
}

/// A run, as far as it has come.
struct DeliverRun<'a> {
    stand: &'a TestStand,
    receiver: ReceiverProcess,
    gateway: GatewayProcess,
    progress: &'a ProgressLine,
}

/// Which application had to receive which events.
struct OwedEvents {
    one: ReceivingApplication,
    many: Vec<ReceivingApplication>,
    /// The first event of the many.
    first: u64,
    five: FiveApplications,
}

impl OwedEvents {
    async fn compare(
        &self,
        stand: &TestStand,
        receiver: &ReceiverProcess,
    ) -> Result<DeliveryAccount, BenchError> {
        let all = recorded_from(&stand.reader()?, 0)?;
        let last: BTreeSet<u64> = all.range(self.first..).copied().collect();
        let counts = receiver.ledger().await?;
        let mut account = DeliveryAccount::default();
        let one = std::iter::once((&self.one, &all));
        let (five, lately) = self.five.owed(&all);
        let five = five.into_iter().map(|other| (other, &lately));
        let many = self.many.iter().map(|other| (other, &last));
        for (application, owed) in one.chain(many).chain(five) {
            let received = receiver.received(application.number).await?;
            let counts = &counts[application.number];
            account.add(&DeliveryAccount::reach(owed, &received, counts));
        }
        Ok(account)
    }
}

impl DeliverRun<'_> {
    async fn measure(
        &mut self,
        command: &BenchDeliver,
        program: &Program,
    ) -> Result<(DeliverFigures, OwedEvents), BenchError> {
        let one = self.receiver.add(1).await?.remove(0);
        let secret = self.subscribe("one", &one).await?;
        self.progress.say("recording");
        self.record(command).await?;
        let recorded = recorded_from(&self.stand.reader()?, 0)?;
        let (backlog, owed) = (recorded.len() as u64, one.number..one.number + 1);
        self.progress.say("one endpoint");
        self.gateway.resume_consumer("one").await?;
        let to_one = self.catch_up(owed, backlog).await?;

        let newest = u64::from(command.per_endpoint).min(backlog);
        let nth = usize::try_from(backlog - newest).unwrap_or(usize::MAX);
        let first = recorded.iter().nth(nth).copied().unwrap_or(0);
        let many = self.receiver.add(command.endpoints as usize).await?;
        self.progress.say("many endpoints");
        let name = |application: &ReceivingApplication| format!("many-{}", application.number);
        for application in &many {
            self.subscribe(&name(application), application).await?;
            self.gateway
                .seek_consumer(&name(application), first)
                .await?;
        }
        for application in &many {
            self.gateway.resume_consumer(&name(application)).await?;
        }
        let owed = one.number + 1..one.number + 1 + many.len();
        let to_many = self.catch_up(owed, newest * many.len() as u64).await?;

        for application in &many {
            self.gateway.pause_consumer(&name(application)).await?;
        }
        self.progress.say("live");
        // The signatures of a paced load cost the receiver little.
        self.receiver.verify(one.number, &secret).await?;
        let live = self.live(command, &one).await?;
        self.progress
            .say("beside a dead application and a slow one");
        let (trouble, five) = self.beside_trouble(command).await?;
        self.progress.say("reading along");
        let along = self.along(command).await?;
        for application in &many {
            self.gateway.resume_consumer(&name(application)).await?;
        }
        let last = recorded_from(&self.stand.reader()?, first)?.len() as u64;
        let owed = one.number + 1..one.number + 1 + many.len();
        self.catch_up(owed, last * many.len() as u64).await?;

        self.progress.say("the floor");
        let counts = self.receiver.counts(one.number).await?;
        let body_bytes = counts.body_bytes / counts.deliveries.max(1);
        let floor = self.floor(program, command, body_bytes).await?;
        let figures = DeliverFigures::new(Parts {
            to_one,
            to_many,
            live,
            trouble,
            along,
            floor_per_second: floor,
            body_bytes,
        });
        let owed = OwedEvents {
            one,
            many,
            first,
            five,
        };
        Ok((figures, owed))
    }

    /// Adds a consumer that begins behind the newest event and is paused; returns its secret.
    async fn subscribe(
        &mut self,
        name: &str,
        application: &ReceivingApplication,
    ) -> Result<String, BenchError> {
        let definition = json!({
            "name": name,
            "road": { "kind": "webhook", "url": application.url },
            // Not longwire's own, of which the last ones come after everything.
            "filter": { "types": ["feishu.*"] },
            "policy": { "concurrency": CONCURRENCY },
        });
        let secret = self.gateway.add_consumer(&definition).await?;
        self.gateway.pause_consumer(name).await?;
        Ok(secret)
    }

    /// Lets the platform push until so many events are recorded.
    async fn record(&mut self, command: &BenchDeliver) -> Result<(), BenchError> {
        let closed = ClosedLoop {
            window: window::at(command.connections),
            payload_bytes: command.payload_bytes as usize,
            total: Some(command.backlog),
            ..ClosedLoop::default()
        };
        self.stand.platform.close_loop(&closed).await?;
        let mut before = (0, Instant::now());
        loop {
            let acked = self.stand.platform.ledger().await?.acked;
            if acked >= command.backlog {
                return Ok(());
            }
            if acked > before.0 {
                before = (acked, Instant::now());
            }
            stuck(before.1, Role::Gateway, "record the events")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until these applications have taken so many events together, and measures how fast.
    async fn catch_up(
        &self,
        applications: std::ops::Range<usize>,
        expected: u64,
    ) -> Result<CatchUp, BenchError> {
        let endpoints = applications.len();
        let share = |of: f64| (expected as f64 * of) as u64;
        let (mut from, mut until, mut news) = (None, None, (0, Instant::now()));
        loop {
            let counts = self.receiver.ledger().await?;
            let taken = counts[applications.clone()]
                .iter()
                .map(|one| one.distinct)
                .sum();
            let look = DeliveryLook {
                at: Instant::now(),
                taken,
                gateway: self.gateway.process.processor_time()?,
                receiver: self.receiver.process.processor_time()?,
            };
            if taken >= share(MEASURED.0) {
                from.get_or_insert(look);
            }
            if taken >= share(MEASURED.1) {
                until.get_or_insert(look);
            }
            if taken > news.0 {
                news = (taken, look.at);
            }
            if let (true, Some(from), Some(until)) = (taken >= expected, from, until) {
                return Ok(CatchUp::between(endpoints, expected, &from, &until));
            }
            stuck(news.1, Role::Receiver, "receive all recorded events")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A paced load on a consumer that has caught up.
    async fn live(
        &self,
        command: &BenchDeliver,
        one: &ReceivingApplication,
    ) -> Result<LiveDelivery, BenchError> {
        let platform = &self.stand.platform;
        let traffic = Traffic {
            per_second: command.rate,
            payload_bytes: command.payload_bytes as usize,
            ..Traffic::default()
        };
        platform.pace(&traffic).await?;
        tokio::time::sleep(WARM_UP).await;
        let look = async || -> Result<(Latency, Latency), BenchError> {
            let received = self.receiver.counts(one.number).await?.latency;
            Ok((platform.ledger().await?.ack_latency, received))
        };
        let before = look().await?;
        tokio::time::sleep(Duration::from_secs(command.seconds.into())).await;
        let after = look().await?;
        platform.stop_traffic().await?;
        self.stand.settle().await?;
        Ok(LiveDelivery {
            rate: command.rate,
            ack: (&after.0.since(&before.0)).into(),
            received: (&after.1.since(&before.1)).into(),
        })
    }

    /// Posts per second of the least a client can do.
    async fn floor(
        &self,
        program: &Program,
        command: &BenchDeliver,
        body_bytes: u64,
    ) -> Result<f64, BenchError> {
        #[derive(Deserialize)]
        struct Posted {
            posts: u64,
            seconds: f64,
        }
        let application = self.receiver.add(1).await?.remove(0);
        let arguments = [
            "bench".to_owned(),
            "post-floor".to_owned(),
            application.authority().to_owned(),
            format!("--connections={CONCURRENCY}"),
            format!("--body-bytes={body_bytes}"),
            format!("--seconds={}", command.seconds),
        ];
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let mut process = Process::spawn(program, Role::Peer("the floor"), &arguments, |line| {
            line.starts_with('{').then(|| line.to_owned())
        })?;
        let limit = Duration::from_secs(u64::from(command.seconds) + 30);
        let line = process.line_within(limit, "post its bodies").await?;
        let posted: Posted = serde_json::from_str(&line)
            .map_err(|error| BenchError::io("read the floor's figures")(error.into()))?;
        Ok(posted.posts as f64 / posted.seconds)
    }
}

/// Everything that is counted of deliveries, at one moment.
#[derive(Clone, Copy)]
struct DeliveryLook {
    at: Instant,
    taken: u64,
    gateway: Duration,
    receiver: Duration,
}

/// Fails when nothing came for too long.
fn stuck(since: Instant, role: Role, done: &'static str) -> Result<(), StandError> {
    if since.elapsed() < STUCK {
        return Ok(());
    }
    Err(StandError::Slow {
        role,
        done,
        limit: STUCK,
    })
}
