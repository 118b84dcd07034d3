//! What a run found.

use longwire_terminal::grouped;
use serde::Serialize;

use crate::deliver::account::DeliveryAccount;
use crate::report::{ReportFigures, ReportRow};

#[derive(Debug, Default, Serialize)]
pub(super) struct TakeoverFigures {
    pub(super) takeovers: Vec<Takeover>,
    /// Events that the platform pushed again because no answer came in time.
    pub(super) pushed_again: u64,
    /// Repeats that were recognized.
    pub(super) repeats_recognized: u64,
    /// What the application got.
    pub(super) application: DeliveryAccount,
}

/// One takeover.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Takeover {
    pub(super) moved: u64,
    /// Of these, WeCom's.
    pub(super) wecom_bots: u64,
    pub(super) not_connected: u64,
    pub(super) wecom_gap_p50_ms: u64,
    pub(super) wecom_gap_max_ms: u64,
    /// From the welcome to the open store, as the new process says.
    pub(super) inside_s: f64,
    /// From the start of the process until the one before it has ended and the new one has everything.
    pub(super) took_s: f64,
    /// The longest that a request to the listener took meanwhile.
    pub(super) slowest_probe_ms: u64,
    /// Requests that were not answered.
    pub(super) refused_probes: u64,
}

impl TakeoverFigures {
    /// No connection was refused, each bot was moved, and the application got each event, and none again without a label.
    pub(super) fn is_good(&self) -> bool {
        let smooth = |one: &Takeover| one.refused_probes == 0 && one.not_connected == 0;
        self.takeovers.iter().all(smooth) && self.application.is_good()
    }
}

impl TakeoverFigures {
    /// Connections that WeCom ended because a new process had subscribed.
    pub(super) fn displacements(&self) -> u64 {
        self.takeovers.iter().map(|one| one.wecom_bots).sum()
    }
}

impl ReportFigures for TakeoverFigures {
    fn rows(&self) -> Vec<ReportRow> {
        let mut rows: Vec<ReportRow> = (self.takeovers.iter())
            .map(|one| {
                ReportRow::new(
                    "takeover",
                    format!("{:.2} s, {} bots", one.took_s, grouped(one.moved)),
                    format!(
                        "WeCom without a connection: p50 {} ms, longest {} ms per bot; slowest answer of the listener {} ms, {} \
                         refused",
                        one.wecom_gap_p50_ms,
                        one.wecom_gap_max_ms,
                        one.slowest_probe_ms,
                        one.refused_probes
                    ),
                )
            })
            .collect();
        rows.push(ReportRow::new(
            "repeats",
            format!("{} pushed again", grouped(self.pushed_again)),
            format!(
                "{} recognized as recorded already",
                grouped(self.repeats_recognized)
            ),
        ));
        rows.push(ReportRow::new(
            "application",
            format!(
                "{} of {} received",
                grouped(self.application.received),
                grouped(self.application.recorded)
            ),
            format!(
                "{} came again; {}",
                grouped(self.application.repeats),
                self.application.tell()
            ),
        ));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refused_connection_is_a_broken_promise() {
        let with = |refused_probes, not_connected| TakeoverFigures {
            takeovers: vec![Takeover {
                moved: 1,
                wecom_bots: 0,
                not_connected,
                wecom_gap_p50_ms: 0,
                wecom_gap_max_ms: 0,
                inside_s: 1.0,
                took_s: 1.0,
                slowest_probe_ms: 1,
                refused_probes,
            }],
            ..TakeoverFigures::default()
        };
        assert!(with(0, 0).is_good());
        assert!(!with(1, 0).is_good());
        assert!(!with(0, 1).is_good());
    }
}
