//! What `bench events` found, and its lines of the table.

use longwire_terminal::{grouped, ms};
use serde::Serialize;

use super::super::report::{ReportFigures, ReportRow, mib};
use super::super::sample::{Done, LatencyQuantiles, MeasuredWindow};
use crate::stand::LatencySummary;

/// What a run found.
#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    /// The whole measured time.
    pub(super) all: MeasuredWindow,
    pub(super) lowest_per_second: f64,
    pub(super) highest_per_second: f64,
    pub(super) windows: usize,
    /// Asked for, in an open loop.
    pub(super) offered_per_second: Option<f64>,
    #[serde(flatten)]
    pub(super) gateway: GatewayLatency,
    /// Pushed again by the platform until the last answer.
    pub(super) pushed_again: u64,
    /// Recognized by the gateway since its start.
    pub(super) repeats_recognized: u64,
    /// Answered 500 by the gateway since its start: not recorded, not in time, or too many.
    pub(super) refused: u64,
    pub(super) resident_before_bytes: u64,
    pub(super) resident_after_bytes: u64,
    pub(super) resident_most_bytes: u64,
}

/// As the gateway saw it, since its start.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GatewayLatency {
    /// From read to ACK.
    GatewayAck(LatencySummary),
    /// From read to durable. The time before the read is not measured.
    GatewayRecord(LatencySummary),
}

fn quantiles(of: LatencyQuantiles) -> String {
    format!(
        "p50 {}, p99 {}, max {}",
        ms(of.p50_us),
        ms(of.p99_us),
        ms(of.max_us)
    )
}

impl ReportFigures for Throughput {
    fn rows(&self) -> Vec<ReportRow> {
        let all = &self.all;
        let word = match all.done {
            Done::Acked { .. } => "acknowledged",
            Done::Recorded { .. } => "recorded",
        };
        let mut rows = vec![ReportRow::new(
            word,
            format!("{} /s", grouped(all.per_second() as u64)),
            format!(
                "{:.0} s in all; in windows of {:.0} s lowest {}, highest {}",
                all.seconds,
                all.seconds / self.windows as f64,
                grouped(self.lowest_per_second as u64),
                grouped(self.highest_per_second as u64),
            ),
        )];
        rows.extend(self.latency_rows());
        rows.extend(all.processor_rows());
        rows.push(ReportRow::new(
            "commits",
            grouped(all.batches),
            format!("{:.1} events in each", all.events_per_batch),
        ));
        // Who asks for no ACK does not push again for want of one.
        if let Done::Acked { .. } = all.done {
            rows.push(ReportRow::new(
                "repeats",
                format!("{} pushed again", grouped(self.pushed_again)),
                format!(
                    "{} recognized as recorded already; {} events refused",
                    grouped(self.repeats_recognized),
                    grouped(self.refused),
                ),
            ));
        }
        rows.push(ReportRow::new(
            "memory",
            format!(
                "{} before, {} after",
                mib(self.resident_before_bytes),
                mib(self.resident_after_bytes)
            ),
            format!(
                "resident in the gateway, {} at most",
                mib(self.resident_most_bytes)
            ),
        ));
        rows
    }
}

impl Throughput {
    fn latency_rows(&self) -> Vec<ReportRow> {
        let seen = |of: LatencySummary| {
            quantiles(LatencyQuantiles {
                p50_us: of.p50,
                p99_us: of.p99,
                max_us: of.max,
            })
        };
        match self.gateway {
            GatewayLatency::GatewayAck(gateway) => {
                let queueing = match self.offered_per_second {
                    Some(_) => "from push to ACK, as the platform saw it",
                    None => "as the platform saw it; in a closed loop mostly waiting in line",
                };
                vec![
                    ReportRow::new("ack", quantiles(self.all.ack()), queueing),
                    ReportRow::new(
                        "",
                        seen(gateway),
                        "from read to ACK, as the gateway saw it since its start",
                    ),
                ]
            }
            GatewayLatency::GatewayRecord(gateway) => vec![ReportRow::new(
                "durable",
                seen(gateway),
                "from read to durable, as the gateway saw it since its start; nobody sees how long it waited unread",
            )],
        }
    }
}
