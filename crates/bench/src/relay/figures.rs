//! What a run found, and the bars that its ratios are held to.

use std::time::Duration;

use longwire_terminal::{Table, grouped, ms};
use serde::Serialize;

use crate::bar::{Bar, BarBound, BarStanding};
use crate::cli::PeerClient;
use crate::error::INSTALL;
use crate::peers::median;
use crate::report::{ReportFigures, ReportRow, mib};

/// Of the rate straight at the platform.
const NODE_RATE: Bar = bar(BarBound::AtLeast(0.6));
const PYTHON_RATE: Bar = bar(BarBound::AtLeast(0.9));
/// In milliseconds, over the straight program's 99th percentile.
const LATE_P99_MS: Bar = bar(BarBound::AtMost(5.0));
/// For each idle connection.
const IDLE_KIB: Bar = bar(BarBound::AtMost(16.0));
/// In milliseconds, over the straight call's median.
const CALL_P50_MS: Bar = bar(BarBound::AtMost(1.0));

const fn bar(bound: BarBound) -> Bar {
    Bar {
        bar: bound,
        stretch: None,
    }
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct RelayFigures {
    pub(super) sdks: Vec<SdkFacts>,
    /// SDKs that are not installed.
    pub(super) skipped: Vec<PeerClient>,
    pub(super) runs: Vec<SdkRun>,
    pub(super) idle: Option<IdleConnections>,
    pub(super) calls: Option<ApiCalls>,
}

#[derive(Debug, Serialize)]
pub(super) struct SdkFacts {
    pub(super) client: PeerClient,
    /// Of the SDK and its interpreter.
    pub(super) version: String,
}

/// One SDK in one round.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct SdkRun {
    pub(super) round: u32,
    pub(super) client: PeerClient,
    pub(super) straight: SdkMeasured,
    pub(super) behind: SdkMeasured,
}

/// What its handler saw. The SDK acknowledges each event after the call.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct SdkMeasured {
    /// Calls per second when there was always more.
    pub(super) per_second: f64,
    /// Calls whose lateness was noted.
    pub(super) timed: u64,
    /// From the platform's push to the call, at an even pace.
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// What idle connections take.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct IdleConnections {
    pub(super) few: u32,
    pub(super) all: u32,
    /// Resident in the gateway with few of them.
    pub(super) few_bytes: u64,
    pub(super) all_bytes: u64,
}

impl IdleConnections {
    fn kib_each(&self) -> f64 {
        let grown = self.all_bytes as f64 - self.few_bytes as f64;
        grown / f64::from((self.all - self.few).max(1)) / 1024.0
    }
}

/// Calls of the Open API, a figure of each side for each round.
#[derive(Debug, Default, Serialize)]
pub(super) struct ApiCalls {
    pub(super) straight: Vec<CallLatency>,
    pub(super) through: Vec<CallLatency>,
}

/// One side in one round.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct CallLatency {
    /// With several calls at a time.
    pub(super) per_second: f64,
    /// Of one call after the other.
    p50_us: f64,
    p99_us: f64,
    /// Calls of both kinds that a bot's budget refused. They count in no other figure.
    refused: u64,
}

impl CallLatency {
    /// `latencies` are those of one call after the other; `calls` came with several at a time, in this `length`.
    pub(super) fn of(
        mut latencies: Vec<Duration>,
        calls: usize,
        refused: u64,
        length: Duration,
    ) -> Self {
        latencies.sort_unstable();
        let at = |share: f64| {
            let last = latencies.len().saturating_sub(1);
            let nth = ((latencies.len() as f64 * share) as usize).min(last);
            (latencies.get(nth)).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
        };
        Self {
            per_second: calls as f64 / length.as_secs_f64(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            refused,
        }
    }
}

impl ApiCalls {
    fn middle(side: &[CallLatency], figure: fn(&CallLatency) -> f64) -> f64 {
        median(side.iter().map(figure))
    }

    /// What is added to a figure, in milliseconds, within a round.
    fn added_ms(&self, figure: fn(&CallLatency) -> f64) -> f64 {
        let pairs = self.straight.iter().zip(&self.through);
        median(pairs.map(|(straight, through)| (figure(through) - figure(straight)) / 1e3))
    }

    fn rows(&self) -> Vec<ReportRow> {
        let rate = |side: &[CallLatency]| Self::middle(side, |call| call.per_second);
        let late = |figure| {
            let straight = ms(Self::middle(&self.straight, figure) as u64);
            let through = ms(Self::middle(&self.through, figure) as u64);
            format!("one after the other; {straight} straight, {through} through the gateway")
        };
        let (p50, p99): (fn(&CallLatency) -> f64, _) =
            (|call| call.p50_us, |call: &CallLatency| call.p99_us);
        vec![
            ReportRow::new(
                "calls",
                format!("{}/s", grouped(rate(&self.through) as u64)),
                format!(
                    "16 at a time, through the gateway; {}/s straight; {} more were refused, as the budget of a bot or a token was spent",
                    grouped(rate(&self.straight) as u64),
                    grouped(self.through.iter().map(|call| call.refused).sum())
                ),
            ),
            judged(
                "added p50",
                self.added_ms(p50),
                "ms",
                CALL_P50_MS,
                &late(p50),
            ),
            ReportRow::new(
                "added p99",
                format!("{:.2} ms", self.added_ms(p99)),
                late(p99),
            ),
        ]
    }
}

impl RelayFigures {
    fn of(&self, client: PeerClient) -> Vec<SdkRun> {
        let runs = self.runs.iter().filter(|run| run.client == client);
        runs.copied().collect()
    }

    fn ratios(&self, client: PeerClient) -> Vec<ReportRow> {
        let runs = self.of(client);
        if runs.is_empty() {
            return Vec::new();
        }
        let rate = |run: &SdkRun| run.behind.per_second / run.straight.per_second;
        let late = |run: &SdkRun| (run.behind.p99_us - run.straight.p99_us) / 1e3;
        let (rate_bar, rate_key, late_key) = match client {
            PeerClient::Python => (PYTHON_RATE, "python rate", "python p99"),
            _ => (NODE_RATE, "node rate", "node p99"),
        };
        let range = |figure: &dyn Fn(&SdkRun) -> f64| {
            let values = runs.iter().map(figure);
            let (low, high) = values
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| {
                    (low.min(one), high.max(one))
                });
            format!("of the straight program's; {low:.2} to {high:.2} in the rounds")
        };
        vec![
            judged(
                rate_key,
                median(runs.iter().map(rate)),
                "×",
                rate_bar,
                &range(&rate),
            ),
            judged(
                late_key,
                median(runs.iter().map(late)),
                "ms",
                LATE_P99_MS,
                &range(&late).replace("of the", "over the"),
            ),
        ]
    }
}

fn judged(key: &'static str, value: f64, unit: &str, bar: Bar, note: &str) -> ReportRow {
    let standing: BarStanding = bar.judge(value);
    let (bound, standing) = (bar.bar.tell(), standing.tell());
    let note = format!("{note}; bar {bound}: {standing}");
    ReportRow::new(key, format!("{value:.2} {unit}"), note)
}

impl ReportFigures for RelayFigures {
    fn table(&self) -> Option<Table> {
        let mut table = Table::new(["SDK", "WHERE", "CALLS/S", "P50", "P99"]);
        for SdkFacts { client, .. } in &self.sdks {
            let runs = self.of(*client);
            type Side = (&'static str, fn(&SdkRun) -> SdkMeasured);
            let sides: [Side; 2] = [
                ("straight", |run| run.straight),
                ("behind longwire", |run| run.behind),
            ];
            for (side, measured) in sides {
                let of = |figure: fn(&SdkMeasured) -> f64| {
                    median(runs.iter().map(|run| figure(&measured(run)))) as u64
                };
                table.row([
                    client.name().to_owned(),
                    side.to_owned(),
                    grouped(of(|one| one.per_second)),
                    ms(of(|one| one.p50_us)),
                    ms(of(|one| one.p99_us)),
                ]);
            }
        }
        Some(table)
    }

    fn rows(&self) -> Vec<ReportRow> {
        let facts = |facts: &SdkFacts| {
            let note = "its handler counts and returns";
            ReportRow::new(facts.client.name(), &facts.version, note)
        };
        let mut rows: Vec<ReportRow> = self.sdks.iter().map(facts).collect();
        let skipped = |client: &PeerClient| ReportRow::new(client.name(), "SKIPPED", INSTALL);
        rows.extend(self.skipped.iter().map(skipped));
        for SdkFacts { client, .. } in &self.sdks {
            rows.extend(self.ratios(*client));
        }
        rows.extend(self.idle.iter().map(|idle| {
            let note = format!(
                "growth from {} ({}) to {} ({})",
                grouped(idle.few.into()),
                mib(idle.few_bytes),
                grouped(idle.all.into()),
                mib(idle.all_bytes)
            );
            judged("idle each", idle.kib_each(), "KiB", IDLE_KIB, &note)
        }));
        rows.extend(self.calls.iter().flat_map(ApiCalls::rows));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round_and_held_to_their_bars() {
        let measured = |per_second, p99_us| SdkMeasured {
            per_second,
            p99_us,
            ..SdkMeasured::default()
        };
        let run = |round, straight, behind| SdkRun {
            round,
            client: PeerClient::Node,
            straight,
            behind,
        };
        let figures = RelayFigures {
            sdks: Vec::new(),
            skipped: Vec::new(),
            runs: vec![
                run(1, measured(100.0, 1_000.0), measured(50.0, 7_000.0)),
                // The host was three times as fast.
                run(2, measured(300.0, 300.0), measured(210.0, 1_300.0)),
                run(3, measured(100.0, 500.0), measured(70.0, 4_500.0)),
            ],
            idle: None,
            calls: None,
        };
        let rows = figures.ratios(PeerClient::Node);
        assert_eq!(rows.len(), 2);
        let told = format!("{rows:?}");
        assert!(told.contains("0.70 ×"), "{told}");
        assert!(told.contains("4.00 ms"), "{told}");
        assert!(told.contains("0.50 to 0.70"), "{told}");
        assert_eq!(told.matches(": reached").count(), 2, "{told}");
    }

    #[test]
    fn an_idle_connection_is_the_growth() {
        let idle = IdleConnections {
            few: 100,
            all: 1_100,
            few_bytes: 20 << 20,
            all_bytes: (20 << 20) + 1_000 * 8 * 1024,
        };
        assert_eq!(idle.kib_each(), 8.0);
    }

    #[test]
    fn quantiles_of_calls() {
        let latencies = (1..=100).map(Duration::from_millis).rev().collect();
        let call = CallLatency::of(latencies, 500, 0, Duration::from_secs(5));
        assert_eq!((call.p50_us, call.p99_us), (51_000.0, 100_000.0));
        assert_eq!(call.per_second, 100.0);
        let none = CallLatency::of(Vec::new(), 0, 0, Duration::from_secs(1));
        assert_eq!(none.p99_us, 0.0);
    }
}
