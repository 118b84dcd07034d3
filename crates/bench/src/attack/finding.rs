//! What an attack was found to cost, against what it may cost.

use longwire_terminal::{grouped, ms};
use serde::Serialize;

use super::super::bar::{Bar, BarBound, BarStanding};
use super::super::report::{ReportFigures, ReportRow, mib};
use super::super::sample::LatencyQuantiles;
use super::back::Back;

/// What the gateway's memory may grow by, in MiB.
const GROWTH_BAR_MIB: Bar = Bar {
    bar: BarBound::AtMost(64.0),
    stretch: None,
};
/// What the neighbours' ACK p99 may become, as a multiple of what it was.
const SLOWER_BAR: Bar = Bar {
    bar: BarBound::AtMost(2.0),
    stretch: None,
};

/// What one attack cost.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AttackFinding {
    pub(super) attack: &'static str,
    /// The neighbours' ACKs, as their platform saw them.
    pub(super) before: LatencyQuantiles,
    pub(super) during: LatencyQuantiles,
    pub(super) after: LatencyQuantiles,
    /// The attack is on what all share, so that they have to feel it.
    pub(super) neighbours_feel_it: bool,
    /// The gateway's memory, from the calm before to its most.
    pub(super) grown_bytes: u64,
    /// Connections of neighbours that ended.
    pub(super) neighbours_lost: u64,
    /// Answered 500 since the attack began.
    pub(super) refused: u64,
    /// Of them, at once and unseen.
    pub(super) shed: u64,
    pub(super) malformed: u64,
    /// Connections of those attacked that ended.
    pub(super) attacked_lost: u64,
    /// From the end of the attack to the neighbours' next ACK, if there was one while it was waited for.
    pub(super) recovery_seconds: Option<f64>,
    /// Installations live at the end.
    pub(super) live: u64,
    pub(super) wanted: u64,
}

impl AttackFinding {
    /// Everything that is no matter of timing is as promised.
    fn kept(&self) -> bool {
        self.growth() != BarStanding::Missed
            && self.neighbours_lost == 0
            && self.recovery_seconds.is_some()
            && self.live == self.wanted
    }

    fn growth(&self) -> BarStanding {
        GROWTH_BAR_MIB.judge(self.grown_bytes as f64 / f64::from(1 << 20))
    }

    fn slower(&self) -> f64 {
        self.during.p99_us as f64 / self.before.p99_us.max(1) as f64
    }

    fn rows(&self) -> Vec<ReportRow> {
        let felt = if self.neighbours_feel_it {
            "before, during, after; the store is everybody's".to_owned()
        } else {
            let slower = self.slower();
            format!(
                "before, during, after; p99 × {slower:.1}, bar {}: {}",
                SLOWER_BAR.bar.tell(),
                SLOWER_BAR.judge(slower).tell()
            )
        };
        let next_ack = match self.recovery_seconds {
            Some(seconds) => format!("had their next ACK {:.0} ms after", seconds * 1000.0),
            None => "had NO ACK after".to_owned(),
        };
        let quantiles = [self.before, self.during, self.after];
        let ack = quantiles.map(|of| format!("{}/{}", ms(of.p50_us), ms(of.p99_us)));
        vec![
            ReportRow::new(
                self.attack,
                ack.join("  "),
                format!("neighbours' ACK p50/p99 {felt}"),
            ),
            ReportRow::new(
                "",
                format!("+{}", mib(self.grown_bytes)),
                format!(
                    "resident in the gateway, bar {} MiB: {}",
                    GROWTH_BAR_MIB.bar.tell(),
                    self.growth().tell()
                ),
            ),
            ReportRow::new(
                "",
                format!("{} refused", grouped(self.refused)),
                format!(
                    "{} of them shed; {} inputs not understood or not kept; attacked bots lost {} connections",
                    grouped(self.shed),
                    grouped(self.malformed),
                    grouped(self.attacked_lost),
                ),
            ),
            ReportRow::new(
                "",
                format!("{} of {} live", grouped(self.live), grouped(self.wanted)),
                format!(
                    "at the end; neighbours lost {} connections, and {next_ack} the attack",
                    grouped(self.neighbours_lost),
                ),
            ),
        ]
    }
}

/// What came of one attack, by what is looked at.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum AttackOutcome {
    /// What neighbours felt who kept their connections.
    Felt(AttackFinding),
    /// How soon a bot was back that lost its connection.
    Back(Back),
}

impl From<Back> for AttackOutcome {
    fn from(back: Back) -> Self {
        Self::Back(back)
    }
}

impl AttackOutcome {
    /// Everything that is promised came about.
    fn kept(&self) -> bool {
        match self {
            Self::Felt(finding) => finding.kept(),
            Self::Back(back) => back.kept(),
        }
    }

    fn rows(&self) -> Vec<ReportRow> {
        match self {
            Self::Felt(finding) => finding.rows(),
            Self::Back(back) => back.rows(),
        }
    }
}

/// What came of all of them.
#[derive(Debug, Serialize)]
pub(super) struct AttackFindings {
    attacks: Vec<AttackOutcome>,
    /// Everything that is promised came about.
    pub(super) kept: bool,
}

impl AttackFindings {
    pub(super) fn of(attacks: Vec<AttackOutcome>) -> Self {
        Self {
            kept: attacks.iter().all(AttackOutcome::kept),
            attacks,
        }
    }
}

impl ReportFigures for AttackFindings {
    fn rows(&self) -> Vec<ReportRow> {
        self.attacks.iter().flat_map(AttackOutcome::rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> AttackFinding {
        let ack = |p99_us| LatencyQuantiles {
            p50_us: p99_us / 2,
            p99_us,
            max_us: p99_us,
        };
        AttackFinding {
            attack: "flood",
            before: ack(1_000),
            during: ack(1_900),
            after: ack(1_000),
            neighbours_feel_it: false,
            grown_bytes: 1 << 20,
            neighbours_lost: 0,
            refused: 0,
            shed: 0,
            malformed: 0,
            attacked_lost: 0,
            recovery_seconds: Some(0.0),
            live: 3,
            wanted: 3,
        }
    }

    fn text(finding: &AttackFinding) -> String {
        format!("{:?}", finding.rows())
    }

    #[test]
    fn timings_are_told_and_facts_decide() {
        let calm = finding();
        assert!(calm.kept());
        assert!(
            text(&calm).contains("× 1.9, bar ≤ 2: reached"),
            "{}",
            text(&calm)
        );
        let slow = AttackFinding {
            during: LatencyQuantiles {
                p99_us: 2_100,
                ..calm.during
            },
            ..calm.clone()
        };
        assert!(slow.kept(), "a busy machine is no broken promise");
        assert!(text(&slow).contains("MISSED"), "{}", text(&slow));
        for broken in [
            AttackFinding {
                grown_bytes: 65 << 20,
                ..calm.clone()
            },
            AttackFinding {
                neighbours_lost: 1,
                ..calm.clone()
            },
            AttackFinding {
                recovery_seconds: None,
                ..calm.clone()
            },
            AttackFinding {
                live: 2,
                ..calm.clone()
            },
        ] {
            assert!(!broken.kept(), "{broken:?}");
        }
    }
}
