//! What `bench overload` found, and the bars it is held to.

use longwire_terminal::{grouped, ms};
use serde::Serialize;

use super::{KEPT_P99_US, KEPT_SHARE, kept_up};
use crate::bar::{Bar, BarBound, BarStanding};
use crate::report::{ReportFigures, ReportRow, mib};
use crate::sample::MeasuredWindow;

/// Held to these.
const SHARE_BAR: Bar = Bar {
    bar: BarBound::AtLeast(0.9),
    stretch: None,
};
const P99_BAR_MS: Bar = Bar {
    bar: BarBound::AtMost(2_500.0),
    stretch: None,
};
const GROWTH_BAR_MIB: Bar = Bar {
    bar: BarBound::AtMost(64.0),
    stretch: None,
};

/// What a run found.
#[derive(Debug, Serialize)]
pub(super) struct Overload {
    /// The highest paced rate that was kept up with, or the one that was given.
    pub(super) sustainable_per_second: f64,
    /// What a closed loop made, if one was asked.
    pub(super) closed_loop_per_second: Option<f64>,
    pub(super) steps: Vec<Step>,
    pub(super) offered_per_second: f64,
    /// The measured time at twice the rate.
    pub(super) all: MeasuredWindow,
    /// Of the sustainable rate.
    pub(super) acked_share: f64,
    /// Answered too late to count, at twice the rate.
    pub(super) late_acks: u64,
    /// Not answered within the platform's 3 s, at twice the rate.
    pub(super) timed_out: u64,
    /// Until the last answer.
    pub(super) pushed_again: u64,
    /// Of those, recognized as recorded already.
    pub(super) repeats_recognized: u64,
    pub(super) resident_before_bytes: u64,
    /// The most of all looks at twice the rate.
    pub(super) resident_most_bytes: u64,
    pub(super) standings: Standings,
}

#[derive(Debug, Serialize)]
pub(super) struct Standings {
    pub(super) acked_share: BarStanding,
    pub(super) ack_p99: BarStanding,
    pub(super) memory_growth: BarStanding,
}

/// One rate of the search.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) offered_per_second: f64,
    pub(super) acked_per_second: f64,
    pub(super) p99_us: u64,
    pub(super) kept_up: bool,
}

impl Standings {
    /// Of a share of the sustainable rate, a latency, and a growth in bytes.
    pub(super) fn of(acked_share: f64, p99_us: u64, growth_bytes: u64) -> Self {
        let growth_mib = growth_bytes as f64 / f64::from(1 << 20);
        Self {
            acked_share: SHARE_BAR.judge(acked_share),
            ack_p99: P99_BAR_MS.judge(p99_us as f64 / 1_000.0),
            memory_growth: GROWTH_BAR_MIB.judge(growth_mib),
        }
    }
}

impl Overload {
    /// A search on a disturbed host ends too low.
    fn doubt(&self) -> &'static str {
        if kept_up(&self.all, self.offered_per_second) {
            " (kept up with as well, so this was no overload)"
        } else {
            ""
        }
    }

    /// How the sustainable rate was found.
    fn found(&self) -> String {
        match self.closed_loop_per_second {
            None => "given".to_owned(),
            Some(closed) => format!(
                "found in {} steps from {} /s in a closed loop: {:.0} % of it acknowledged, p99 within {} ms",
                self.steps.len(),
                grouped(closed as u64),
                KEPT_SHARE * 100.0,
                KEPT_P99_US / 1_000
            ),
        }
    }

    /// What was done with the events in time.
    fn answered(&self) -> [ReportRow; 4] {
        let all = &self.all;
        [
            ReportRow::new(
                "sustainable",
                format!("{} /s", grouped(self.sustainable_per_second as u64)),
                self.found(),
            ),
            ReportRow::new(
                "acknowledged",
                format!("{} /s", grouped(all.per_second() as u64)),
                format!(
                    "{:.2} × the sustainable rate{}; {}",
                    self.acked_share,
                    self.doubt(),
                    judged(SHARE_BAR, " ×", self.standings.acked_share)
                ),
            ),
            ReportRow::new(
                "ack",
                format!("p50 {}, p99 {}", ms(all.ack().p50_us), ms(all.ack().p99_us)),
                format!(
                    "as the platform saw it; p99 {}",
                    judged(P99_BAR_MS, " ms", self.standings.ack_p99)
                ),
            ),
            ReportRow::new(
                "refused",
                grouped(all.refused),
                format!(
                    "answered 500 in time; {} not answered within 3 s, {} ACKs came too late",
                    grouped(self.timed_out),
                    grouped(self.late_acks)
                ),
            ),
        ]
    }

    /// What was left to do, and what it took.
    fn cost(&self) -> [ReportRow; 2] {
        let growth = self
            .resident_most_bytes
            .saturating_sub(self.resident_before_bytes);
        [
            ReportRow::new(
                "repeats",
                format!("{} pushed again", grouped(self.pushed_again)),
                format!(
                    "until the last answer; {} recognized by their key",
                    grouped(self.repeats_recognized)
                ),
            ),
            ReportRow::new(
                "memory",
                format!("+ {}", mib(growth)),
                format!(
                    "{} before, {} at most; {}",
                    mib(self.resident_before_bytes),
                    mib(self.resident_most_bytes),
                    judged(GROWTH_BAR_MIB, " MiB", self.standings.memory_growth)
                ),
            ),
        ]
    }
}

fn judged(bar: Bar, unit: &str, standing: BarStanding) -> String {
    format!("bar {}{unit}: {}", bar.bar.tell(), standing.tell())
}

impl ReportFigures for Overload {
    fn rows(&self) -> Vec<ReportRow> {
        let mut rows = Vec::from(self.answered());
        rows.extend(self.cost());
        rows.extend(self.all.processor_rows());
        rows
    }
}
