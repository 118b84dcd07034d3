//! An axis: its words and scale, the part of it that the data need, and the places that get a number. `plotters` has
//! ranges of its own, whose ends are those of the data and whose numbers cannot be decades of what is left.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Steps between ticks on a linear axis, and the ticks within a decade of a logarithmic one.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];
/// A linear axis has about so many ticks.
const TICKS: f64 = 5.0;
/// Decades beyond which only the powers of ten get a number.
const MANY_DECADES: f64 = 2.2;

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// From 0.
    Linear,
    /// Values above 0 only.
    Logarithmic,
}

/// What is asked of an axis.
#[derive(Debug, Clone)]
pub(in super::super) struct Axis {
    /// What it shows, and in which unit.
    pub(in super::super) label: String,
    scale: Scale,
    format: fn(f64) -> String,
    /// Given ticks, where the values' own numbers say nothing.
    ticks: Option<Vec<(f64, String)>>,
}

/// An axis that fits its data.
#[derive(Debug)]
pub(super) struct Fitted {
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to a little above the largest value.
    pub(in super::super) fn linear(label: impl Into<String>, format: fn(f64) -> String) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            format,
            ticks: None,
        }
    }

    /// Between the round numbers around the values.
    pub(in super::super) fn logarithmic(
        label: impl Into<String>,
        format: fn(f64) -> String,
    ) -> Self {
        Self {
            scale: Scale::Logarithmic,
            ..Self::linear(label, format)
        }
    }

    /// With these numbers and no others.
    pub(in super::super) fn with_ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Self {
            ticks: Some(ticks),
            ..self
        }
    }

    pub(super) fn fit(&self, values: impl Iterator<Item = f64>) -> Fitted {
        let usable = values
            .filter(|value| value.is_finite() && (self.scale == Scale::Linear || *value > 0.0));
        let bounds = usable.fold(None, |bounds: Option<(f64, f64)>, value| {
            let (least, most) = bounds.unwrap_or((value, value));
            Some((least.min(value), most.max(value)))
        });
        let (least, most) = bounds.unwrap_or((1.0, 1.0));
        let (from, to, own) = match self.scale {
            Scale::Linear => linear(most),
            Scale::Logarithmic => logarithmic(least, most),
        };
        let label = |value: f64| (value, (self.format)(value));
        match &self.ticks {
            None => Fitted {
                scale: self.scale,
                from,
                to,
                ticks: own.into_iter().map(label).collect(),
            },
            Some(ticks) => {
                let first = ticks.first().map_or(from, |tick| tick.0.min(least));
                Fitted {
                    scale: self.scale,
                    from: first,
                    to: most.max(first + f64::EPSILON),
                    ticks: ticks
                        .iter()
                        .filter(|tick| tick.0 <= most)
                        .cloned()
                        .collect(),
                }
            }
        }
    }
}

impl Fitted {
    /// Where a value lies between the axis's ends, 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let place = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(self.from).log10(),
        };
        let (from, to) = (place(self.from), place(self.to));
        ((place(value) - from) / (to - from)).clamp(0.0, 1.0)
    }
}

impl Ranged for Fitted {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.share(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Fitted {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.0 == *value);
        tick.map(|tick| tick.1.clone()).unwrap_or_default()
    }
}

/// Without the crumbs that binary fractions leave.
fn exact(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

fn linear(most: f64) -> (f64, f64, Vec<f64>) {
    let most = if most > 0.0 { most } else { 1.0 };
    let rough = most / TICKS;
    let decade = 10f64.powf(rough.log10().floor());
    let step = STEPS
        .iter()
        .map(|step| step * decade)
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * decade);
    let count = (most / step).ceil();
    let ticks = (0..=count as u32)
        .map(|n| exact(f64::from(n) * step))
        .collect();
    (0.0, count * step, ticks)
}

fn logarithmic(least: f64, most: f64) -> (f64, f64, Vec<f64>) {
    let numbers: &[f64] = if (most / least).log10() > MANY_DECADES {
        &STEPS[..1]
    } else {
        &STEPS
    };
    let (first, last) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    let all: Vec<f64> = (first..=last)
        .flat_map(|decade| numbers.iter().map(move |n| exact(n * 10f64.powi(decade))))
        .collect();
    // The sums of powers of ten are not exact.
    let (near, far) = (least * 1.000_001, most * 0.999_999);
    let from = all.iter().rev().find(|value| **value <= near);
    let to = all.iter().find(|value| **value >= far);
    let from = from.copied().unwrap_or(least);
    let mut to = to.copied().unwrap_or(most);
    if to <= from {
        to = from * 10.0;
    }
    let within = all.into_iter().filter(|value| (from..=to).contains(value));
    (from, to, within.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis, values: &[f64]) -> Vec<String> {
        let fitted = axis.fit(values.iter().copied());
        fitted.ticks.iter().map(|tick| tick.1.clone()).collect()
    }

    #[test]
    fn linear_axes_begin_at_0_and_have_round_numbers() {
        let axis = Axis::linear("a", |value| value.to_string());
        assert_eq!(
            ticks(&axis, &[93.0, 12.0]),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(ticks(&axis, &[]), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(axis.fit([50.0, 100.0].into_iter()).share(50.0), 0.5);
    }

    #[test]
    fn logarithmic_axes_end_at_round_numbers() {
        let axis = Axis::logarithmic("a", |value| format!("{value:.2}"));
        assert_eq!(
            ticks(&axis, &[0.3, 4.0]),
            ["0.20", "0.50", "1.00", "2.00", "5.00"]
        );
        assert_eq!(
            ticks(&axis, &[1.0, 10_000.0]),
            ["1.00", "10.00", "100.00", "1000.00", "10000.00"]
        );
        let fitted = axis.fit([1.0, 100.0].into_iter());
        assert_eq!(fitted.share(10.0), 0.5);
        assert_eq!(
            fitted.share(0.0),
            0.0,
            "what has no logarithm lies at the edge"
        );
    }

    #[test]
    fn one_value_and_none_still_make_an_axis() {
        for axis in [
            Axis::linear("a", |value| value.to_string()),
            Axis::logarithmic("a", |value| value.to_string()),
        ] {
            for values in [&[][..], &[7.0], &[f64::NAN, 0.0]] {
                let fitted = axis.fit(values.iter().copied());
                assert!(fitted.share(7.0).is_finite(), "{values:?}");
                assert!(fitted.ticks.len() > 1, "{values:?}");
            }
        }
    }
}
