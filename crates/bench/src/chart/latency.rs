//! The latency of answers as a curve over the share of events that were answered faster.
//!
//! The share is drawn as the decades of what is left: 90 %, 99 %, 99.9 % lie equally far apart, because the slow ones
//! are what one looks for.

use longwire_terminal::ms;

use super::{Axis, Mark, Panel, Series};

/// The median; the curve begins there.
const BEGIN: f64 = 0.5;

/// A panel with one curve for each name. Buckets hold the largest value in µs and the count, in ascending order.
pub(in super::super) fn latency_panel(title: &str, of: &[(&str, Vec<(u64, u64)>)]) -> Panel {
    let lines: Vec<Series> = of
        .iter()
        .map(|(name, buckets)| Series {
            name: (*name).to_owned(),
            points: curve(buckets),
        })
        .collect();
    let marks = match of {
        [(_, buckets)] => marks(buckets),
        _ => Vec::new(),
    };
    let ticks = [
        (0.5, "50 %"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (0.9999, "99.99 %"),
        (0.99999, "99.999 %"),
    ];
    Panel {
        title: title.to_owned(),
        x: Axis::linear("share of events acknowledged within", |_| String::new()).with_ticks(
            ticks
                .map(|(share, text)| (place(share), text.to_owned()))
                .to_vec(),
        ),
        y: Axis::logarithmic("ms", milliseconds),
        lines,
        marks,
    }
}

/// Decades of what is left.
fn place(share: f64) -> f64 {
    -(1.0 - share).log10()
}

fn milliseconds(ms: f64) -> String {
    if ms < 1.0 {
        format!("{ms:.2}")
    } else {
        format!("{ms:.0}")
    }
}

/// From the median on, a point where each bucket ends; the last at the share that leaves one event.
fn curve(buckets: &[(u64, u64)]) -> Vec<(f64, f64)> {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    let most = place(1.0 - 1.0 / (total.max(2)) as f64);
    let (mut seen, mut points) = (0, Vec::new());
    for (bound, count) in buckets {
        let (before, after) = (seen, seen + count);
        seen = after;
        if (after as f64) < BEGIN * total as f64 {
            continue;
        }
        let latency = *bound as f64 / 1_000.0;
        if points.is_empty() {
            points.push((place((before as f64 / total as f64).max(BEGIN)), latency));
        }
        points.push((place(after as f64 / total as f64).min(most), latency));
    }
    points
}

fn marks(buckets: &[(u64, u64)]) -> Vec<Mark> {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    let mark = |share: f64, name: &str| {
        let rank = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        let (us, _) = buckets.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        })?;
        Some(Mark {
            at: (place(share), *us as f64 / 1_000.0),
            text: format!("{name} {}", ms(*us)),
        })
    };
    let wanted = [(0.5, "p50"), (0.99, "p99")];
    // Of fewer than a hundred events the slowest is no percentile.
    wanted
        .into_iter()
        .filter(|(share, _)| total as f64 * (1.0 - share) >= 1.0)
        .filter_map(|(share, name)| mark(share, name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_from_the_median_to_the_slowest() {
        let buckets = [(100, 400), (200, 500), (1_000, 90), (9_000, 10)];
        let points = curve(&buckets);
        let near = |of: (f64, f64), x: f64, y: f64| {
            assert!((of.0 - x).abs() < 1e-9 && (of.1 - y).abs() < 1e-9, "{of:?}");
        };
        assert_eq!(points.len(), 4);
        near(points[0], place(0.5), 0.2);
        near(points[1], 1.0, 0.2);
        near(points[2], 2.0, 1.0);
        near(points[3], 3.0, 9.0);
        let marks = marks(&buckets);
        let texts: Vec<&str> = marks.iter().map(|mark| mark.text.as_str()).collect();
        assert_eq!(texts, ["p50 0.20 ms", "p99 1.00 ms"]);
    }

    #[test]
    fn nothing_measured_is_no_curve() {
        assert!(curve(&[]).is_empty());
        assert!(marks(&[]).is_empty());
    }
}
