//! Beside trouble: what applications that are well notice of a dead one and of a slow one on the same bots.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use serde::Serialize;

use super::{DeliverRun, LOOK, WARM_UP};
use crate::bar::{Bar, BarBound, BarStanding};
use crate::cli::BenchDeliver;
use crate::error::{BenchError, Role};
use crate::receiver::{ReceivedCounts, ReceiverBehaviour};
use crate::sample::LatencyQuantiles;
use crate::stand::ReceivingApplication;

use super::account::recorded_from;

/// Applications that are well.
const WELL: usize = 3;
/// How long the slow one takes for an answer: half of what an application may take.
const SLOW: Duration = Duration::from_secs(10);
/// The trouble lasts so many times as long as the other parts.
pub(super) const LASTS: u32 = 3;
/// Of the applications that are well: the 99th percentile beside trouble to that before.
pub(super) const UNAFFECTED: Bar = Bar {
    bar: BarBound::AtMost(1.5),
    stretch: None,
};

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BesideTrouble {
    /// From push to receipt, of the well application that waits longest, before.
    pub(super) before: LatencyQuantiles,
    /// The same while one application is dead and one is slow.
    pub(super) during: LatencyQuantiles,
    pub(super) ratio: f64,
    pub(super) standing: BarStanding,
    /// How long the dead one was away.
    pub(super) dead_seconds: f64,
    /// What it had missed when it came back.
    pub(super) missed_events: u64,
    /// From its coming back until it had all of that.
    pub(super) caught_up_seconds: f64,
    /// Events that the slow one took meanwhile.
    pub(super) slow_events: u64,
}

/// The applications, and the first event that each of them is to have.
pub(super) struct FiveApplications {
    pub(super) all: Vec<ReceivingApplication>,
    pub(super) first: u64,
}

impl DeliverRun<'_> {
    /// A paced load on five consumers of all bots. No hand is laid on the consumers when the dead application comes back.
    pub(super) async fn beside_trouble(
        &mut self,
        command: &BenchDeliver,
    ) -> Result<(BesideTrouble, FiveApplications), BenchError> {
        let all = self.receiver.add(WELL + 2).await?;
        let newest = recorded_from(&self.stand.reader()?, 0)?;
        let first = newest.last().map_or(0, |seq| seq + 1);
        for application in &all {
            let name = format!("trouble-{}", application.number);
            self.subscribe(&name, application).await?;
            self.gateway.resume_consumer(&name).await?;
        }
        let (slow, dead) = (all[WELL].number, all[WELL + 1].number);
        let platform = &self.stand.platform;
        let traffic = Traffic {
            per_second: command.rate,
            payload_bytes: command.payload_bytes as usize,
            ..Traffic::default()
        };
        platform.pace(&traffic).await?;
        tokio::time::sleep(WARM_UP).await;
        let part = Duration::from_secs(command.seconds.into());
        let from = self.receiver.ledger().await?;
        tokio::time::sleep(part).await;
        let until = self.receiver.ledger().await?;
        let well = all[..WELL].iter().map(|one| one.number);
        let before = worst(&from, &until, well.clone());

        let tardy = ReceiverBehaviour::Answer {
            status: 200,
            after_ms: u64::try_from(SLOW.as_millis()).unwrap_or(u64::MAX),
        };
        self.receiver.behave(slow, tardy).await?;
        self.receiver
            .behave(dead, ReceiverBehaviour::Refuse)
            .await?;
        let died = Instant::now();
        tokio::time::sleep(WARM_UP).await;
        let from = self.receiver.ledger().await?;
        tokio::time::sleep(part * LASTS).await;
        let until = self.receiver.ledger().await?;
        let during = worst(&from, &until, well);
        let ratio = during.p99_us as f64 / before.p99_us.max(1) as f64;
        platform.stop_traffic().await?;
        self.stand.settle().await?;
        let owed = recorded_from(&self.stand.reader()?, first)?.len() as u64;
        let missed_events = owed - self.receiver.counts(dead).await?.distinct;
        let slow_events = until[slow].distinct - from[slow].distinct;
        self.receiver
            .behave(dead, ReceiverBehaviour::default())
            .await?;
        self.receiver
            .behave(slow, ReceiverBehaviour::default())
            .await?;
        let back = Instant::now();
        let dead_seconds = (back - died).as_secs_f64();
        self.has_all(&[dead], owed).await?;
        let caught_up_seconds = back.elapsed().as_secs_f64();
        let numbers: Vec<usize> = all.iter().map(|one| one.number).collect();
        self.has_all(&numbers, owed).await?;
        let found = BesideTrouble {
            before,
            during,
            ratio,
            standing: UNAFFECTED.judge(ratio),
            dead_seconds,
            missed_events,
            caught_up_seconds,
            slow_events,
        };
        Ok((found, FiveApplications { all, first }))
    }

    /// Waits until each of these applications has so many events.
    async fn has_all(&self, applications: &[usize], events: u64) -> Result<(), BenchError> {
        let mut news = (0, Instant::now());
        loop {
            let counts = self.receiver.ledger().await?;
            let taken = applications.iter().map(|number| counts[*number].distinct);
            let (sum, least) = (taken.clone().sum::<u64>(), taken.min().unwrap_or(0));
            if least >= events {
                return Ok(());
            }
            if sum > news.0 {
                news = (sum, Instant::now());
            }
            super::stuck(news.1, Role::Receiver, "receive what it missed")?;
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl FiveApplications {
    /// What each of them had to receive.
    pub(super) fn owed<'a>(
        &'a self,
        all: &BTreeSet<u64>,
    ) -> (Vec<&'a ReceivingApplication>, BTreeSet<u64>) {
        let owed = all.range(self.first..).copied().collect();
        (self.all.iter().collect(), owed)
    }
}

/// Of these applications, the latencies of the one that waited longest between the two looks.
fn worst(
    from: &[ReceivedCounts],
    until: &[ReceivedCounts],
    applications: impl Iterator<Item = usize>,
) -> LatencyQuantiles {
    let of = |number: usize| until[number].latency.since(&from[number].latency);
    let each = applications.map(|number| LatencyQuantiles::from(&of(number)));
    each.max_by_key(|one| one.p99_us).unwrap_or_default()
}
