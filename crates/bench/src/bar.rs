//! A bar that a figure is held to, and how far it came.

use serde::Serialize;

/// Which side of a number is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BarBound {
    AtLeast(f64),
    AtMost(f64),
}

/// What is promised, and what is hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Bar {
    pub(super) bar: BarBound,
    pub(super) stretch: Option<BarBound>,
}

/// How far a figure came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BarStanding {
    Stretch,
    Reached,
    Missed,
}

impl BarBound {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    /// As in `≥ 1.3`.
    pub(super) fn tell(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }
}

impl Bar {
    pub(super) fn judge(&self, value: f64) -> BarStanding {
        if self.stretch.is_some_and(|stretch| stretch.is_met(value)) {
            BarStanding::Stretch
        } else if self.bar.is_met(value) {
            BarStanding::Reached
        } else {
            BarStanding::Missed
        }
    }
}

impl BarStanding {
    pub(super) fn tell(self) -> &'static str {
        match self {
            Self::Stretch => "stretch reached",
            Self::Reached => "reached",
            Self::Missed => "MISSED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_reaches_its_bar_from_the_right_side() {
        let rate = Bar {
            bar: BarBound::AtLeast(2.0),
            stretch: Some(BarBound::AtLeast(3.0)),
        };
        assert_eq!(
            [1.9, 2.0, 3.5].map(|value| rate.judge(value)),
            [
                BarStanding::Missed,
                BarStanding::Reached,
                BarStanding::Stretch
            ]
        );
        let latency = Bar {
            bar: BarBound::AtMost(2.0),
            stretch: None,
        };
        assert_eq!(
            [1.0, 2.0, 2.1, f64::NAN].map(|value| latency.judge(value)),
            [
                BarStanding::Reached,
                BarStanding::Reached,
                BarStanding::Missed,
                BarStanding::Missed
            ]
        );
    }
}
