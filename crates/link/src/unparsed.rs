//! How much unreadable input of a bot is recorded, where nobody sends it again.
//!
//! A frame in a shape that nobody has described may be somebody's message, so it is recorded with its bytes. A platform
//! that sends nothing else must not fill the disk with it: each bot has a number and a size for an hour, and the hour
//! begins with the first frame. What exceeds either is counted and dropped.

use std::time::{Duration, Instant};

/// What counts together.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// What is kept of one bot's unreadable frames. Lives as long as the bot: a new connection does not begin a new hour.
#[derive(Clone, Debug, Default)]
pub struct UnparsedBudget {
    /// When the hour under way began; `None` before the first frame.
    since: Option<Instant>,
    frames: u32,
    bytes: usize,
    has_dropped: bool,
}

/// What becomes of one frame.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Unparsed {
    /// Record it.
    Keep,
    /// Count it, and drop it.
    Drop {
        /// It is the first one of the hour: say so.
        is_first: bool,
    },
}

impl UnparsedBudget {
    /// Frames of one hour: more than a change of the platform's would bring before somebody reads the log, far fewer than
    /// a flood.
    pub const MOST_FRAMES: u32 = 64;
    /// Bytes of one hour, all frames together: as long as one frame may be.
    pub const MOST_BYTES: usize = 4 * 1024 * 1024;

    /// A frame of this size cannot be read. Call once per frame.
    pub fn spend(&mut self, size_bytes: usize, now: Instant) -> Unparsed {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= PERIOD;
        if self.since.is_none_or(is_over) {
            *self = Self {
                since: Some(now),
                ..Self::default()
            };
        }
        let bytes = self.bytes.saturating_add(size_bytes);
        if self.frames >= Self::MOST_FRAMES || bytes > Self::MOST_BYTES {
            return Unparsed::Drop {
                is_first: !std::mem::replace(&mut self.has_dropped, true),
            };
        }
        self.frames += 1;
        self.bytes = bytes;
        Unparsed::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: Unparsed = Unparsed::Drop { is_first: true };
    const FURTHER: Unparsed = Unparsed::Drop { is_first: false };

    #[test]
    fn so_many_are_kept_in_an_hour_and_the_first_excess_is_told() {
        let start = Instant::now();
        let mut budget = UnparsedBudget::default();
        for _ in 0..UnparsedBudget::MOST_FRAMES {
            assert_eq!(budget.spend(10, start), Unparsed::Keep);
        }
        let end = start + PERIOD;
        assert_eq!(budget.spend(10, start), FIRST);
        assert_eq!(budget.spend(10, end - Duration::from_millis(1)), FURTHER);
        for _ in 0..UnparsedBudget::MOST_FRAMES {
            assert_eq!(budget.spend(10, end), Unparsed::Keep);
        }
        assert_eq!(budget.spend(10, end), FIRST);
    }

    /// One that is too long leaves its room to those that are not.
    #[test]
    fn sizes_count_together() {
        let now = Instant::now();
        let mut budget = UnparsedBudget::default();
        let half = UnparsedBudget::MOST_BYTES / 2;
        assert_eq!(budget.spend(half + 1, now), Unparsed::Keep);
        assert_eq!(budget.spend(half, now), FIRST);
        assert_eq!(budget.spend(half - 1, now), Unparsed::Keep);
        assert_eq!(budget.spend(1, now), FURTHER);
        assert_eq!(budget.spend(usize::MAX, now), FURTHER);
        assert_eq!(budget.spend(0, now), Unparsed::Keep);
    }

    proptest! {
        /// Whatever comes whenever, what is kept from the first frame of an hour until its end is bounded.
        #[test]
        fn no_hour_holds_more(frames in prop::collection::vec((0usize..6 << 20, 0u64..600), 0..400)) {
            let mut budget = UnparsedBudget::default();
            let mut now = Instant::now();
            let mut kept: Vec<(Instant, usize)> = Vec::new();
            for (size_bytes, pause_s) in frames {
                now += Duration::from_secs(pause_s);
                if budget.spend(size_bytes, now) == Unparsed::Keep {
                    kept.push((now, size_bytes));
                }
            }
            // The budget's own hours follow each other, so any hour meets two of them at most.
            for (start, _) in &kept {
                let within = kept.iter().filter(|(at, _)| at >= start && *at < *start + PERIOD);
                let (count, bytes) = within.fold((0, 0), |(count, sum), (_, size)| (count + 1, sum + size));
                prop_assert!(count <= 2 * UnparsedBudget::MOST_FRAMES);
                prop_assert!(bytes <= 2 * UnparsedBudget::MOST_BYTES);
            }
        }
    }
}
