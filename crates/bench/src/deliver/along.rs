//! Readers along: what a stream of events costs and how late its events are, when many have one each.

use std::time::{Duration, Instant};

use longwire_sim::Traffic;
use serde::Serialize;

use super::{DeliverRun, LOOK, WARM_UP};
use crate::cli::BenchDeliver;
use crate::error::{BenchError, Role};
use crate::receiver::ReaderRoad;
use crate::sample::LatencyQuantiles;

/// What readers along got.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ReadAlong {
    pub(super) readers: usize,
    /// Events, to all of them together.
    pub(super) per_second: f64,
    /// Processor time of the gateway per event of a reader, the record included.
    pub(super) gateway_us: f64,
    /// From push to receipt, of the reader whose p99 is the longest.
    pub(super) received: LatencyQuantiles,
}

impl DeliverRun<'_> {
    /// A paced load while readers read along.
    pub(super) async fn along(&mut self, command: &BenchDeliver) -> Result<ReadAlong, BenchError> {
        let mut first = None;
        for _ in 0..command.readers {
            let reader = self.gateway.reader("none", ReaderRoad::Along).await?;
            let number = self.receiver.read(reader).await?;
            first.get_or_insert(number);
        }
        let first = first.unwrap_or_default();
        let platform = &self.stand.platform;
        let traffic = Traffic {
            per_second: command.rate,
            payload_bytes: command.payload_bytes as usize,
            ..Traffic::default()
        };
        platform.pace(&traffic).await?;
        // Everybody is there when everybody has had an event.
        let began = Instant::now();
        while !self.receiver.ledger().await?[first..]
            .iter()
            .all(|one| one.distinct > 0)
        {
            super::stuck(began, Role::Receiver, "read along")?;
            tokio::time::sleep(LOOK).await;
        }
        tokio::time::sleep(WARM_UP).await;
        let before = self.receiver.ledger().await?;
        let (began, spent) = (Instant::now(), self.gateway.process.processor_time()?);
        tokio::time::sleep(Duration::from_secs(command.seconds.into())).await;
        let after = self.receiver.ledger().await?;
        let seconds = began.elapsed().as_secs_f64();
        let spent = self.gateway.process.processor_time()? - spent;
        platform.stop_traffic().await?;
        self.stand.settle().await?;
        let pairs = before[first..].iter().zip(&after[first..]);
        let events: u64 = pairs
            .clone()
            .map(|(from, to)| to.distinct - from.distinct)
            .sum();
        let worst = pairs
            .map(|(from, to)| LatencyQuantiles::from(&to.latency.since(&from.latency)))
            .max_by_key(|one| one.p99_us);
        Ok(ReadAlong {
            readers: command.readers as usize,
            per_second: events as f64 / seconds,
            gateway_us: spent.as_secs_f64() * 1e6 / (events as f64).max(1.0),
            received: worst.unwrap_or_default(),
        })
    }
}
