//! How large a step is, and how long the pause behind it.

use std::time::Duration;

use longwire_store::Figures;

/// How long a step is to keep the writer at least.
const STEP: Duration = Duration::from_micros(1_500);
/// And at least so many times as long as a usual commit. A step has a commit of its own: on a disk where each takes long, small
/// steps would come to nothing. Below half of this a step grows, so half of it has to be more than one commit.
const COMMITS: u32 = 4;
/// The smallest step, in rows.
const FEWEST: usize = 16;
/// The largest one.
const MOST: usize = 2_048;
/// At most so long a pause: a disk that is slow for a moment must not stop retention.
const LONGEST: Duration = Duration::from_secs(5);
/// Of the writer's queue, above which it is busy.
const BUSY_EVENTS: u64 = 1_024;

/// What the writer has to do besides.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct WriterLoad {
    /// Events that wait for it.
    pub(crate) waiting_events: u64,
    /// How long a commit of events takes, on average.
    pub(crate) commit: Duration,
}

impl WriterLoad {
    /// By what the store has counted.
    pub(crate) fn of(figures: &Figures) -> Self {
        let mean_us = figures.commit_sum_us / figures.commits.max(1);
        Self {
            waiting_events: figures.queue_events,
            commit: Duration::from_micros(mean_us),
        }
    }
}

/// How much of the writer's time may be taken.
#[derive(Copy, Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Urgency {
    /// One part in a hundred: fewer than one event in a hundred meets a step.
    #[default]
    Calm,
    /// One part in ten: what is to go is more than comes.
    Behind,
    /// One part in four: the bound of bytes is exceeded by a tenth, and the disk may fill.
    Pressing,
}

impl Urgency {
    /// The pause, as a multiple of the step.
    fn factor(self) -> u32 {
        match self {
            Self::Calm => 99,
            Self::Behind => 9,
            Self::Pressing => 3,
        }
    }
}

/// The size of steps, found by measuring them.
#[derive(Copy, Clone, Debug)]
pub(super) struct Pace {
    rows: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rows: 128 }
    }
}

impl Pace {
    /// Rows of one step.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Pages that are given back in one step: each is copied and written.
    pub(super) fn pages(&self) -> u32 {
        u32::try_from(self.rows / 8).unwrap_or(u32::MAX).max(8)
    }

    /// A step took so long. Returns the pause behind it.
    pub(super) fn step_took(
        &mut self,
        took: Duration,
        urgency: Urgency,
        load: WriterLoad,
    ) -> Duration {
        let step = STEP.max(load.commit * COMMITS);
        if took > step * 2 {
            self.rows = (self.rows / 2).max(FEWEST);
        } else if took < step / 2 {
            self.rows = (self.rows + self.rows / 4).min(MOST);
        }
        let factor = match load.waiting_events > BUSY_EVENTS {
            true => urgency.factor() * 2,
            false => urgency.factor(),
        };
        (took * factor).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: WriterLoad = WriterLoad {
        waiting_events: BUSY_EVENTS + 1,
        commit: Duration::ZERO,
    };

    /// A commit takes 10 ms, whatever is in it: then steps are large, or nothing would go.
    #[test]
    fn steps_are_large_where_each_commit_takes_long() {
        let load = WriterLoad {
            waiting_events: 0,
            commit: Duration::from_millis(10),
        };
        let mut pace = Pace::default();
        for _ in 0..50 {
            let took = Duration::from_micros(10_000 + pace.rows() as u64 * 10);
            pace.step_took(took, Urgency::Calm, load);
        }
        assert!(pace.rows() > 128, "{}", pace.rows());
    }

    #[test]
    fn steps_take_the_time_they_are_to_take() {
        // On a disk where a row takes 10 µs.
        let mut pace = Pace::default();
        for _ in 0..50 {
            let took = Duration::from_micros(pace.rows() as u64 * 10);
            let pause = pace.step_took(took, Urgency::Calm, WriterLoad::default());
            assert_eq!(pause, took * 99);
        }
        assert!((75..=300).contains(&pace.rows()), "{}", pace.rows());
    }

    #[test]
    fn a_disk_that_hangs_makes_small_steps_and_bounded_pauses() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            let pause = pace.step_took(Duration::from_secs(9), Urgency::Pressing, BUSY);
            assert_eq!(pause, LONGEST);
        }
        assert_eq!(pace.rows(), FEWEST);
    }

    #[test]
    fn who_waits_for_the_writer_is_given_more_of_it() {
        let mut pace = Pace::default();
        let took = Duration::from_millis(1);
        let pauses = [Urgency::Calm, Urgency::Behind, Urgency::Pressing]
            .map(|urgency| pace.step_took(took, urgency, BUSY));
        assert_eq!(pauses, [198, 18, 6].map(Duration::from_millis));
    }
}
