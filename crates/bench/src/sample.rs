//! Two looks at a run, and what happened between them.
//!
//! All counters only ever grow, so a window is the difference of two samples: the warm-up before the first does not
//! colour it, nor its quantiles, which are those of the latencies that came between.

use std::time::{Duration, Instant};

use longwire_sim::Latency;
use serde::Serialize;

use super::report::ReportRow;
use crate::cli::Played;
use crate::error::BenchError;
use crate::stand::{GatewayOverview, MeasuredClient, PlatformCounts, SimulatedPlatform};

/// Everything that is counted, at one moment.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) played: Played,
    pub(super) ledger: PlatformCounts,
    pub(super) view: GatewayOverview,
    /// Of the gateway, or of the peer in its place.
    pub(super) gateway_cpu: Duration,
    pub(super) platform_cpu: Duration,
    /// Of the gateway, or of the peer in its place.
    pub(super) resident_bytes: u64,
}

impl Sample {
    /// Now.
    pub(super) async fn take(
        platform: &SimulatedPlatform,
        client: &mut MeasuredClient,
    ) -> Result<Self, BenchError> {
        let ledger = platform.ledger().await?;
        Ok(Self {
            at: Instant::now(),
            played: platform.played,
            ledger,
            gateway_cpu: client.process().processor_time()?,
            platform_cpu: platform.process.processor_time()?,
            resident_bytes: client.process().resident()?.now,
            view: client.view().await?,
        })
    }
}

/// Between two samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct MeasuredWindow {
    pub(super) seconds: f64,
    #[serde(flatten)]
    pub(super) done: Done,
    /// Processor time of the gateway per event done.
    pub(super) gateway_us_per_event: f64,
    /// Of one core.
    pub(super) gateway_cpu_share: f64,
    /// Of one core.
    pub(super) platform_cpu_share: f64,
    /// Processor time of the simulated platform per event done.
    pub(super) platform_us_per_event: f64,
    /// Transactions.
    pub(super) batches: u64,
    pub(super) events_per_batch: f64,
    /// Pushed again by the platform.
    pub(super) repeats: u64,
    /// Answered with another code than 200.
    pub(super) refused: u64,
}

/// Events that are done, as counted by the side that can know.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Done {
    /// The platform has had their ACKs.
    Acked {
        acked: u64,
        acked_per_second: f64,
        /// From push to ACK, as the platform saw it.
        ack: LatencyQuantiles,
    },
    /// The gateway has recorded them. The platform asks for no ACK, so it cannot know when.
    Recorded {
        recorded: u64,
        recorded_per_second: f64,
    },
}

impl Default for Done {
    fn default() -> Self {
        Self::Acked {
            acked: 0,
            acked_per_second: 0.0,
            ack: LatencyQuantiles::default(),
        }
    }
}

impl Done {
    fn between(from: &Sample, to: &Sample, seconds: f64) -> Self {
        match to.played {
            Played::Feishu => {
                let acked = to.ledger.acked - from.ledger.acked;
                let ack = to.ledger.ack_latency.since(&from.ledger.ack_latency);
                Self::Acked {
                    acked,
                    acked_per_second: ratio(acked as f64, seconds),
                    ack: LatencyQuantiles::from(&ack),
                }
            }
            Played::Wecom => {
                let recorded = to.view.events.recorded - from.view.events.recorded;
                Self::Recorded {
                    recorded,
                    recorded_per_second: ratio(recorded as f64, seconds),
                }
            }
        }
    }

    fn events(self) -> f64 {
        match self {
            Self::Acked { acked, .. } => acked as f64,
            Self::Recorded { recorded, .. } => recorded as f64,
        }
    }
}

/// Of latencies, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct LatencyQuantiles {
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
}

impl MeasuredWindow {
    pub(super) fn between(from: &Sample, to: &Sample) -> Self {
        let seconds = to.at.duration_since(from.at).as_secs_f64();
        let done = Done::between(from, to, seconds);
        let events = done.events();
        let batches = to.view.store.commits - from.view.store.commits;
        let gateway_cpu = (to.gateway_cpu - from.gateway_cpu).as_secs_f64();
        let platform_cpu = (to.platform_cpu - from.platform_cpu).as_secs_f64();
        Self {
            seconds,
            done,
            gateway_us_per_event: ratio(gateway_cpu * 1e6, events),
            gateway_cpu_share: ratio(gateway_cpu, seconds),
            platform_cpu_share: ratio(platform_cpu, seconds),
            platform_us_per_event: ratio(platform_cpu * 1e6, events),
            batches,
            events_per_batch: ratio(events, batches as f64),
            repeats: to.ledger.re_pushed - from.ledger.re_pushed,
            refused: to.ledger.nacked - from.ledger.nacked,
        }
    }

    /// Events done in a second.
    pub(super) fn per_second(&self) -> f64 {
        match self.done {
            Done::Acked {
                acked_per_second, ..
            } => acked_per_second,
            Done::Recorded {
                recorded_per_second,
                ..
            } => recorded_per_second,
        }
    }

    /// From push to ACK, as the platform saw it; zeros where there are no ACKs.
    pub(super) fn ack(&self) -> LatencyQuantiles {
        match self.done {
            Done::Acked { ack, .. } => ack,
            Done::Recorded { .. } => LatencyQuantiles::default(),
        }
    }

    /// What the two processes took, as lines of a table.
    pub(super) fn processor_rows(&self) -> [ReportRow; 2] {
        [
            ReportRow::new(
                "gateway",
                format!("{:.1} µs CPU per event", self.gateway_us_per_event),
                format!("{:.0} % of a core", self.gateway_cpu_share * 100.0),
            ),
            ReportRow::new(
                "platform",
                format!("{:.1} µs CPU per event", self.platform_us_per_event),
                format!(
                    "{:.0} % of a core: the simulator's part, on the same cores",
                    self.platform_cpu_share * 100.0
                ),
            ),
        ]
    }
}

/// 0 where nothing happened.
fn ratio(of: f64, to: f64) -> f64 {
    if to > 0.0 { of / to } else { 0.0 }
}

impl From<&Latency> for LatencyQuantiles {
    fn from(of: &Latency) -> Self {
        Self {
            p50_us: of.p50_us,
            p99_us: of.p99_us,
            max_us: of.max_us,
        }
    }
}

/// The lowest and the highest of the windows' rates.
pub(super) fn extremes(windows: &[MeasuredWindow]) -> (f64, f64) {
    windows
        .iter()
        .fold((f64::INFINITY, 0.0), |(lowest, highest), window| {
            (
                lowest.min(window.per_second()),
                highest.max(window.per_second()),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(buckets: &[(u64, u64)], max_us: u64) -> Latency {
        Latency {
            count: buckets.iter().map(|(_, count)| count).sum(),
            max_us,
            buckets: buckets.to_vec(),
            ..Latency::default()
        }
    }

    fn sample(at: Instant, acked: u64, gateway_cpu_ms: u64, buckets: &[(u64, u64)]) -> Sample {
        Sample {
            at,
            played: Played::Feishu,
            ledger: PlatformCounts {
                acked,
                re_pushed: acked / 100,
                ack_latency: latency(buckets, 1_000_000),
                ..PlatformCounts::default()
            },
            view: GatewayOverview::default(),
            gateway_cpu: Duration::from_millis(gateway_cpu_ms),
            platform_cpu: Duration::from_millis(gateway_cpu_ms / 2),
            resident_bytes: 0,
        }
    }

    #[test]
    fn a_window_is_what_came_between() {
        let start = Instant::now();
        let from = sample(start, 1_000, 500, &[(91, 1_000)]);
        let mut to = sample(
            start + Duration::from_secs(2),
            3_000,
            1_500,
            &[(41, 1_000), (91, 2_000)],
        );
        to.view.store.commits = 10;
        let window = MeasuredWindow::between(&from, &to);
        assert_eq!(
            (window.done.events(), window.per_second()),
            (2_000.0, 1_000.0)
        );
        assert_eq!(window.gateway_us_per_event, 500.0);
        assert_eq!(
            (window.gateway_cpu_share, window.platform_cpu_share),
            (0.5, 0.25)
        );
        assert_eq!((window.batches, window.events_per_batch), (10, 200.0));
        assert_eq!(window.repeats, 20);
        assert_eq!(window.ack().p50_us, 41);
    }

    #[test]
    fn without_acks_the_gateways_own_count_is_what_is_done() {
        let start = Instant::now();
        let mut from = sample(start, 0, 0, &[]);
        from.view.events.recorded = 100;
        let mut to = sample(start + Duration::from_secs(2), 0, 1_000, &[]);
        to.played = Played::Wecom;
        to.view.events.recorded = 2_100;
        let window = MeasuredWindow::between(&from, &to);
        assert_eq!(
            (window.per_second(), window.gateway_us_per_event),
            (1_000.0, 500.0)
        );
        let told = serde_json::to_value(&window).expect("plain data");
        assert_eq!(told["recorded"], 2_000);
        assert!(told.get("acked").is_none(), "{told}");
    }

    #[test]
    fn a_window_without_events_divides_by_nothing() {
        let start = Instant::now();
        let still = sample(start, 5, 0, &[(91, 5)]);
        let window = MeasuredWindow::between(&still, &still);
        assert_eq!(
            (window.per_second(), window.gateway_us_per_event),
            (0.0, 0.0)
        );
        assert_eq!(window.ack(), LatencyQuantiles::default());
    }

    #[test]
    fn extremes_of_windows() {
        let start = Instant::now();
        let window = |acked| {
            let to = sample(start + Duration::from_secs(1), acked, 0, &[]);
            MeasuredWindow::between(&sample(start, 0, 0, &[]), &to)
        };
        assert_eq!(
            extremes(&[window(300), window(100), window(200)]),
            (100.0, 300.0)
        );
    }
}
