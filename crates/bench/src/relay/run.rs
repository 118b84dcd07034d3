//! One SDK, straight and behind the gateway, each with a platform of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use longwire_sim::{ClosedLoop, Traffic};

use super::figures::{SdkMeasured, SdkRun};
use crate::cli::{BenchRelay, PeerClient};
use crate::error::{BenchError, Role, StandError};
use crate::program::Program;
use crate::stand::{
    GatewayProcess, PlatformSettings, ProgressLine, RunVerdict, SdkApplication, SdkCalls, Sdks,
    TestStand,
};

/// Unanswered events that the platform keeps on a connection.
const WINDOW: u32 = 64;
const PAYLOAD_BYTES: usize = 1_024;
/// How often it is looked at how far a run is.
const LOOK: Duration = Duration::from_millis(50);
/// How long nothing may happen until the run is given up.
const STUCK: Duration = Duration::from_secs(60);
/// The shares of the events between which the rate is measured: the start and the last few are not like the rest.
const MEASURED: (f64, f64) = (0.1, 0.9);
/// What of a paced load is not measured at first.
const WARM_UP: Duration = Duration::from_secs(1);
/// The installation of the first bot is a name of the stand's, and the consumer is named after the token and it.
const TOKEN: &str = "bench";
const CONSUMER: &str = "bench-bot-1";

/// Where an application is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Straight,
    Behind,
}

/// A round of one SDK.
pub(super) struct MeasuredPair {
    pub(super) run: SdkRun,
    pub(super) verdict: RunVerdict,
}

/// Measures both sides, in an order that changes with the round.
pub(super) async fn carry(
    command: &BenchRelay,
    program: &Program,
    sdks: &Sdks,
    client: PeerClient,
    round: u32,
    progress: &ProgressLine,
) -> Result<MeasuredPair, BenchError> {
    let mut verdict = RunVerdict::default();
    let mut sides = [Side::Straight, Side::Behind];
    if round.is_multiple_of(2) {
        sides.reverse();
    }
    let (mut straight, mut behind) = (SdkMeasured::default(), SdkMeasured::default());
    for side in sides {
        let directory = command.ground.directory.as_deref();
        let settings = PlatformSettings::default();
        let stand = TestStand::build(program, 8, directory, 0, &settings).await?;
        let run = SideRun {
            command,
            stand: &stand,
            sdks,
            client,
        };
        match side {
            Side::Straight => {
                progress.add("straight");
                straight = run.straight().await?;
            }
            Side::Behind => {
                progress.add("behind longwire");
                let (measured, own) = run.behind().await?;
                behind = measured;
                verdict.add(&own);
            }
        }
    }
    Ok(MeasuredPair {
        run: SdkRun {
            round,
            client,
            straight,
            behind,
        },
        verdict,
    })
}

struct SideRun<'a> {
    command: &'a BenchRelay,
    stand: &'a TestStand,
    sdks: &'a Sdks,
    client: PeerClient,
}

impl SideRun<'_> {
    async fn straight(&self) -> Result<SdkMeasured, BenchError> {
        let secret = self.stand.directory().join("bot.secret");
        std::fs::write(&secret, "no-real-secret").map_err(BenchError::io("write a secret"))?;
        let base_url = &self.stand.platform.base_url;
        let mut application = self.spawn(base_url, &secret)?;
        // What is pushed before its first ping may be lost.
        let began = Instant::now();
        while self.stand.platform.ledger().await?.pings == 0 {
            application.process.check()?;
            stuck(began, Role::Peer(self.client.name()), "connect")?;
            tokio::time::sleep(LOOK).await;
        }
        let base = self.first_call(&mut application).await?;
        self.push(self.events()).await?;
        let per_second = self.saturation(&mut application, base).await?;
        let late = self.paced(&mut application).await?;
        Ok(SdkMeasured { per_second, ..late })
    }

    async fn behind(&self) -> Result<(SdkMeasured, RunVerdict), BenchError> {
        let mut gateway = self.stand.spawn(1)?;
        self.stand.all_live(&mut gateway, 1).await?;
        let token = gateway.add_token(TOKEN, &["relay"]).await?;
        let token_file = self.stand.keep_token(&token)?;
        let mut application = self.spawn(&gateway.api_url().await?, &token_file)?;
        self.consumer_is_there(&mut gateway, &mut application)
            .await?;
        let base = self.first_call(&mut application).await?;
        gateway.pause_consumer(CONSUMER).await?;
        self.push(self.events()).await?;
        self.all_recorded(base + self.events()).await?;
        gateway.resume_consumer(CONSUMER).await?;
        let per_second = self.saturation(&mut application, base).await?;
        let late = self.paced(&mut application).await?;
        drop(application);
        let verdict = self.stand.verdict(gateway).await?;
        Ok((SdkMeasured { per_second, ..late }, verdict))
    }

    fn spawn(&self, base_url: &str, secret_file: &Path) -> Result<SdkApplication, BenchError> {
        let (stand, sdks) = (self.stand, self.sdks);
        stand.spawn_sdk_application(self.client, sdks, base_url, 1, secret_file)
    }

    fn events(&self) -> u64 {
        match self.client {
            PeerClient::Python => self.command.events / 5,
            _ => self.command.events,
        }
    }

    /// Waits until the application's first call has made its consumer.
    async fn consumer_is_there(
        &self,
        gateway: &mut GatewayProcess,
        application: &mut SdkApplication,
    ) -> Result<(), BenchError> {
        let began = Instant::now();
        while gateway.consumer(CONSUMER).await.is_err() {
            application.process.check()?;
            stuck(began, Role::Peer(self.client.name()), "connect")?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits for the handler's call for an event, which shows that all is set up. Returns the calls so far.
    async fn first_call(&self, application: &mut SdkApplication) -> Result<u64, BenchError> {
        let one = Traffic {
            per_second: 100.0,
            total: Some(1),
            ..Traffic::default()
        };
        self.stand.platform.pace(&one).await?;
        let began = Instant::now();
        loop {
            let calls = application.calls().await?.calls;
            if calls > 0 {
                return Ok(calls);
            }
            stuck(began, Role::Peer(self.client.name()), "handle an event")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn push(&self, events: u64) -> Result<(), BenchError> {
        let closed = ClosedLoop {
            window: WINDOW,
            payload_bytes: PAYLOAD_BYTES,
            chats: Some(self.command.chats),
            total: Some(events),
            ..ClosedLoop::default()
        };
        Ok(self.stand.platform.close_loop(&closed).await?)
    }

    async fn all_recorded(&self, wanted: u64) -> Result<(), BenchError> {
        let mut news = (0, Instant::now());
        loop {
            let acked = self.stand.platform.ledger().await?.acked;
            if acked >= wanted {
                return Ok(());
            }
            if acked > news.0 {
                news = (acked, Instant::now());
            }
            stuck(news.1, Role::Gateway, "record the events")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the handler has had all events on top of `base`; calls per second in between.
    async fn saturation(
        &self,
        application: &mut SdkApplication,
        base: u64,
    ) -> Result<f64, BenchError> {
        let share = |of: f64| base + (self.events() as f64 * of) as u64;
        let (mut from, mut until): (Option<SdkCalls>, Option<SdkCalls>) = (None, None);
        let mut news = (0, Instant::now());
        loop {
            let look = application.calls().await?;
            if look.calls >= share(MEASURED.0) {
                from.get_or_insert(look);
            }
            if look.calls >= share(MEASURED.1) {
                until.get_or_insert(look);
            }
            if look.calls > news.0 {
                news = (look.calls, Instant::now());
            }
            if let (Some(from), Some(until)) = (from, until)
                && look.calls >= base + self.events()
            {
                return Ok(until.per_second_since(&from));
            }
            stuck(news.1, Role::Peer(self.client.name()), "handle all events")?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How late the handler is called at an even pace.
    async fn paced(&self, application: &mut SdkApplication) -> Result<SdkMeasured, BenchError> {
        let traffic = Traffic {
            per_second: self.command.rate,
            payload_bytes: PAYLOAD_BYTES,
            chats: self.command.chats,
            ..Traffic::default()
        };
        self.stand.platform.pace(&traffic).await?;
        tokio::time::sleep(WARM_UP).await;
        application.begin_timing().await?;
        tokio::time::sleep(Duration::from_secs(self.command.seconds.into())).await;
        let late = application.lateness().await?;
        self.stand.platform.stop_traffic().await?;
        self.stand.settle().await?;
        Ok(SdkMeasured {
            per_second: 0.0,
            timed: late.count,
            p50_us: late.p50_us,
            p99_us: late.p99_us,
        })
    }
}

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
