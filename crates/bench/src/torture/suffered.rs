//! What a run found, besides its verdict.

use longwire_terminal::grouped;
use serde::Serialize;

use super::applications::RoadAccounts;
use super::relay::RelayAccount;
use crate::report::{ReportFigures, ReportRow, mib};

/// So many stalls have to show before silence is a broken promise.
const STALLS_THAT_DECIDE: u32 = 3;

#[derive(Debug, Default, Serialize)]
pub(super) struct Suffered {
    seed: u64,
    pub(super) kills: u32,
    /// Kills while the process was not serving yet.
    pub(super) kills_in_start_up: u32,
    /// Kills while it was stopped, or its disk full or stalled.
    pub(super) kills_in_trouble: u32,
    /// Kills at which the platform waited for ACKs.
    pub(super) kills_under_load: u32,
    /// Events without an ACK at the moments of the kills, together.
    pub(super) unanswered_at_kills: u64,
    pub(super) stops: u32,
    pub(super) full_disks: u32,
    /// Gateways that were started on a full disk and ended, saying so; they were started again.
    pub(super) starts_refused: u32,
    pub(super) stalls: u32,
    /// Stalls long enough to show, of gateways that were serving.
    pub(super) stalls_to_tell: u32,
    /// Stalls during which the gateway said what the matter was.
    pub(super) stalls_told: u32,
    /// Pushed again by the platform.
    pub(super) pushed_again: u64,
    /// Of those, recognized as recorded already, as far as the gateway could tell before it died.
    pub(super) repeats_recognized: u64,
    /// The most memory the simulated platform had.
    pub(super) platform_bytes: u64,
    /// Of one core, from the first push to the last verdict.
    pub(super) platform_cpu_share: f64,
    /// The store's size at the end.
    pub(super) store_bytes: u64,
    /// What applications received, if there were any.
    pub(super) deliveries: RoadAccounts,
    /// What the handlers of a connected application took, if there was one.
    pub(super) relayed: Option<RelayAccount>,
}

impl Suffered {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Whatever applications there were received everything, in order and with its labels.
    pub(super) fn applications_are_good(&self) -> bool {
        self.deliveries.are_good() && self.relayed.as_ref().is_none_or(RelayAccount::is_good)
    }

    /// Several stalls had to show, and none was told. One or two may meet a gateway that is busy with something else.
    pub(super) fn stalls_go_untold(&self) -> bool {
        self.stalls_to_tell >= STALLS_THAT_DECIDE && self.stalls_told == 0
    }
}

impl ReportFigures for Suffered {
    fn rows(&self) -> Vec<ReportRow> {
        let mut rows = vec![
            ReportRow::new(
                "killed",
                format!("{} times", grouped(self.kills.into())),
                format!(
                    "{} with events under way, {} in start-up, {} in trouble",
                    self.kills_under_load, self.kills_in_start_up, self.kills_in_trouble
                ),
            ),
            ReportRow::new(
                "troubles",
                format!("{} stops", grouped(self.stops.into())),
                format!(
                    "{} times a full disk ({} starts refused), {} stalls ({} told{})",
                    self.full_disks,
                    self.starts_refused,
                    self.stalls,
                    self.stalls_told,
                    if self.stalls_go_untold() {
                        ": BROKEN, they had to be"
                    } else {
                        ""
                    },
                ),
            ),
            ReportRow::new(
                "unanswered",
                grouped(self.unanswered_at_kills),
                "events without an ACK at the moments of the kills",
            ),
            ReportRow::new(
                "repeats",
                format!("{} pushed again", grouped(self.pushed_again)),
                format!(
                    "at least {} recognized as recorded already",
                    grouped(self.repeats_recognized)
                ),
            ),
            ReportRow::new(
                "sizes",
                format!("store {}", mib(self.store_bytes)),
                format!("the platform's memory {}", mib(self.platform_bytes)),
            ),
            ReportRow::new(
                "simulator",
                format!("{:.1} % of a core", self.platform_cpu_share * 100.0),
                "the platform's share, on the same host",
            ),
        ];
        rows.extend(self.deliveries.rows());
        rows.extend(self.relayed.iter().flat_map(RelayAccount::rows));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_decides_when_there_was_much_to_tell() {
        let suffered = |stalls_to_tell, stalls_told| Suffered {
            stalls_to_tell,
            stalls_told,
            ..Suffered::default()
        };
        assert!(suffered(3, 0).stalls_go_untold());
        assert!(!suffered(3, 1).stalls_go_untold());
        assert!(!suffered(2, 0).stalls_go_untold(), "chance may have it so");
        let rows = format!("{:?}", suffered(3, 0).rows());
        assert!(rows.contains("BROKEN"), "{rows}");
    }
}
