//! One measured stretch of load: warm-up, windows, and a look at every counter between them.

use std::time::{Duration, Instant};

use longwire_sim::wecom::Flood;
use longwire_sim::{ClosedLoop, HttpLoad, Traffic};
use longwire_terminal::grouped;

use super::sample::{Done, MeasuredWindow, Sample};
use crate::error::BenchError;
use crate::stand::{MeasuredClient, ProgressLine, SimulatedPlatform};

/// Windows of a stretch, a second each at least.
const WINDOWS: u32 = 10;

/// How events come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum LoadPace {
    /// So many unanswered ones on each connection, always.
    Window(u32),
    /// As fast as the connections take them, from a platform that waits for no answers.
    Flood,
    /// So many a second over all connections, evenly paced.
    Rate(f64),
    /// As HTTP callbacks, one unanswered on each of so many kept connections.
    Callbacks(u32),
}

/// What is asked of a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) pace: LoadPace,
    pub(super) payload_bytes: u32,
    /// Caches, pages of the store and the processor's clock come to rest.
    pub(super) warm_up: Duration,
    pub(super) seconds: u32,
}

/// What a stretch found.
#[derive(Debug)]
pub(super) struct Stretch {
    /// Before the first window, and after each.
    samples: Vec<Sample>,
    pub(super) windows: Vec<MeasuredWindow>,
}

impl Stretch {
    /// The whole measured time.
    pub(super) fn all(&self) -> MeasuredWindow {
        MeasuredWindow::between(self.first(), self.last())
    }

    pub(super) fn first(&self) -> &Sample {
        &self.samples[0]
    }

    pub(super) fn last(&self) -> &Sample {
        self.samples.last().unwrap_or(&self.samples[0])
    }

    /// The most that any look found in memory.
    pub(super) fn resident_most(&self) -> u64 {
        let looks = self.samples.iter().map(|sample| sample.resident_bytes);
        looks.max().unwrap_or(0)
    }

    /// Buckets of the latencies, as the platform saw them.
    pub(super) fn latencies(&self) -> Vec<(u64, u64)> {
        let (first, last) = (&self.first().ledger, &self.last().ledger);
        last.ack_latency.since(&first.ack_latency).buckets
    }

    /// Events per second over the seconds since the start of the measurement, a point at the end of each window.
    pub(super) fn course(&self) -> Vec<(f64, f64)> {
        let start = self.first().at;
        let ends = self.samples[1..].iter().map(|sample| sample.at);
        ends.zip(&self.windows)
            .map(|(end, window)| {
                let seconds = end.duration_since(start).as_secs_f64();
                (seconds, window.per_second())
            })
            .collect()
    }
}

impl Load {
    /// Starts the events. They go on until the caller stops them.
    pub(super) async fn start(&self, platform: &SimulatedPlatform) -> Result<(), BenchError> {
        let payload_bytes = self.payload_bytes as usize;
        match self.pace {
            LoadPace::Rate(per_second) => {
                let traffic = Traffic {
                    per_second,
                    payload_bytes,
                    ..Traffic::default()
                };
                platform.pace(&traffic).await?;
            }
            LoadPace::Window(window) => {
                let closed = ClosedLoop {
                    window,
                    payload_bytes,
                    ..ClosedLoop::default()
                };
                platform.close_loop(&closed).await?;
            }
            LoadPace::Callbacks(connections) => {
                let load = HttpLoad {
                    connections,
                    payload_bytes,
                    ..HttpLoad::default()
                };
                platform.post_callbacks(&load).await?;
            }
            LoadPace::Flood => {
                let flood = Flood {
                    payload_bytes,
                    ..Flood::default()
                };
                platform.flood(&flood).await?;
            }
        }
        Ok(())
    }

    /// Starts the events and watches them for the time asked for.
    pub(super) async fn carry(
        &self,
        platform: &SimulatedPlatform,
        client: &mut MeasuredClient,
        progress: &ProgressLine,
    ) -> Result<Stretch, BenchError> {
        self.start(platform).await?;
        tokio::time::sleep(self.warm_up).await;
        let count = self.seconds.min(WINDOWS);
        let length = Duration::from_secs(self.seconds.into()) / count;
        let first = Sample::take(platform, client).await?;
        let start: Instant = first.at;
        let mut stretch = Stretch {
            samples: vec![first],
            windows: Vec::new(),
        };
        for number in 1..=count {
            tokio::time::sleep_until((start + length * number).into()).await;
            let sample = Sample::take(platform, client).await?;
            let window = MeasuredWindow::between(stretch.last(), &sample);
            let unit = match window.done {
                Done::Acked { .. } => "ACKs/s",
                Done::Recorded { .. } => "recorded/s",
            };
            progress.add(&format!(
                "{number} of {count}: {} {unit}",
                grouped(window.per_second() as u64)
            ));
            stretch.samples.push(sample);
            stretch.windows.push(window);
        }
        Ok(stretch)
    }
}
