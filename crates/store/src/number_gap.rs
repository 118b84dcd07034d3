//! Stretches of numbers that no event has, and how events are counted across them.
//!
//! A restored log leaves numbers out that the lost one may have given. So the difference of two numbers is no count of events.

/// Numbers behind `after`, up to `through`, that are given to no event.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NumberGap {
    /// The last event before it.
    pub after: i64,
    /// The last number that is left out.
    pub through: i64,
}

impl NumberGap {
    /// How many events the numbers behind `after`, up to `through`, stand for at most.
    #[must_use]
    pub fn events_between(gaps: &[Self], after: i64, through: i64) -> i64 {
        let overlap = |gap: &Self| {
            let (first, last) = (gap.after.max(after), gap.through.min(through));
            last.saturating_sub(first).max(0)
        };
        let left_out: i64 = gaps.iter().map(overlap).sum();
        through
            .saturating_sub(after)
            .saturating_sub(left_out)
            .max(0)
    }

    /// The number behind which there are so many events, up to `newest`.
    #[must_use]
    pub fn before_newest(gaps: &[Self], newest: i64, events: i64) -> i64 {
        let mut number = newest.saturating_sub(events);
        for gap in gaps.iter().rev() {
            if gap.through <= newest && number < gap.through {
                number = number.saturating_sub(gap.through - gap.after);
            }
        }
        number
    }

    /// This number, or the end of the gap that it lies in or before.
    #[must_use]
    pub fn skip(gaps: &[Self], number: i64) -> i64 {
        let holds = |gap: &&Self| gap.after <= number && number < gap.through;
        gaps.iter().find(holds).map_or(number, |gap| gap.through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events 1 to 10, 101 to 110, 1001 to 1010.
    const GAPS: [NumberGap; 2] = [
        NumberGap {
            after: 10,
            through: 100,
        },
        NumberGap {
            after: 110,
            through: 1_000,
        },
    ];

    #[test]
    fn events_are_counted_across_gaps() {
        for (after, through, events) in [
            (0, 10, 10),
            (0, 50, 10),
            (0, 101, 11),
            (10, 100, 0),
            (50, 60, 0),
            (5, 1_010, 25),
            (105, 1_001, 6),
            (1_010, 5, 0),
        ] {
            let counted = NumberGap::events_between(&GAPS, after, through);
            assert_eq!(counted, events, "{after} to {through}");
        }
    }

    #[test]
    fn the_newest_events_are_found_across_gaps() {
        for (events, number) in [
            (0, 1_010),
            (10, 1_000),
            (11, 109),
            (20, 100),
            (21, 9),
            (30, 0),
        ] {
            let found = NumberGap::before_newest(&GAPS, 1_010, events);
            assert_eq!(found, number, "{events} events");
            assert_eq!(NumberGap::events_between(&GAPS, found, 1_010), events);
        }
        // A gap behind which nothing was recorded yet.
        assert_eq!(NumberGap::before_newest(&GAPS, 110, 11), 9);
    }

    #[test]
    fn a_step_ends_behind_a_gap() {
        for (number, end) in [(9, 9), (10, 100), (50, 100), (100, 100), (999, 1_000)] {
            assert_eq!(NumberGap::skip(&GAPS, number), end);
        }
    }
}
