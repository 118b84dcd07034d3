//! Whether and when a bot that was displaced is taken back.
//!
//! A platform that serves only the newest connection of a bot lets two programs take it from each other for ever.
//! So the default is to leave it to the other one until an operator decides. Whoever wants it back by itself gets it
//! back slowly and seldom: some minutes after the loss, and a few times in any 24 hours.
//!
//! A take-back counts before it is done, and on disk: a process that is started again and again would otherwise forget
//! them, and do as many each time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The span in which take-backs are counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An operator's wish to have a displaced bot taken back.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TakeBack {
    /// How long after the displacement, [`SHORTEST_AFTER`](Self::SHORTEST_AFTER) at least; whoever takes the wish from
    /// an operator sees to that.
    pub after: Duration,
    /// How often in any 24 hours, 1 to [`MOST_PER_DAY`](Self::MOST_PER_DAY); 0 is never.
    pub per_day: u32,
}

impl TakeBack {
    /// Shorter, two programs with the same wish would hardly serve anybody.
    pub const SHORTEST_AFTER: Duration = Duration::from_secs(5 * 60);
    /// Every half hour.
    pub const MOST_PER_DAY: u32 = 48;
}

/// What was wished and how often it was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct TakeBacks {
    wish: Option<TakeBack>,
    /// The latest ones, oldest first; as many as are allowed in a day at most.
    done: VecDeque<Instant>,
    /// Whether the latest one waits to be counted on disk.
    is_recording: bool,
}

impl TakeBacks {
    pub(crate) fn wish(&mut self, wish: Option<TakeBack>) {
        self.wish = wish;
    }

    /// When the bot that was lost at `since` is taken back. After the day's last one that is when the first of them is
    /// a day old: a bot whose rival has left long ago must not stay away for good.
    pub(crate) fn due(&self, since: Instant) -> Option<Instant> {
        let TakeBack { after, per_day } = self.wish.filter(|wish| wish.per_day > 0)?;
        let due = since + after;
        let blocking = self.done.len().checked_sub(per_day as usize);
        Some(match blocking.and_then(|index| self.done.get(index)) {
            Some(earliest) => due.max(*earliest + DAY),
            None => due,
        })
    }

    /// It is to be taken back now, once that is counted on disk. If it comes to nothing, it counts all the same.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.done(now);
        self.is_recording = true;
    }

    /// Nobody waits for that any more.
    pub(crate) fn end(&mut self) {
        self.is_recording = false;
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// It was taken back at that time.
    pub(crate) fn done(&mut self, now: Instant) {
        self.done.push_back(now);
        while self.done.len() > TakeBack::MOST_PER_DAY as usize {
            self.done.pop_front();
        }
    }

    /// When it was taken back, oldest first.
    pub(crate) fn history(&self) -> impl ExactSizeIterator<Item = Instant> + '_ {
        self.done.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn wish(per_day: u32) -> TakeBacks {
        let mut all = TakeBacks::default();
        all.wish(Some(TakeBack {
            after: secs(300),
            per_day,
        }));
        all
    }

    #[test]
    fn without_a_wish_never() {
        let now = Instant::now();
        assert_eq!(TakeBacks::default().due(now), None);
        assert_eq!(wish(0).due(now), None);
    }

    #[test]
    fn the_days_last_one_is_followed_by_the_next_day() {
        let start = Instant::now();
        let mut all = wish(2);
        for at in [400, 1000] {
            assert_eq!(all.due(start + secs(at - 300)), Some(start + secs(at)));
            all.done(start + secs(at));
        }
        let lost = start + secs(1200);
        assert_eq!(all.due(lost), Some(start + secs(400) + DAY));
        all.done(start + secs(400) + DAY);
        assert_eq!(all.due(lost), Some(start + secs(1000) + DAY));
        let much_later = start + secs(2000) + DAY;
        assert_eq!(all.due(much_later), Some(much_later + secs(300)));
    }

    #[test]
    fn a_changed_wish_counts_what_was_done_before() {
        let start = Instant::now();
        let mut all = wish(10);
        (0..5).for_each(|hour| all.done(start + secs(hour * 3600)));
        all.wish(Some(TakeBack {
            after: secs(600),
            per_day: 3,
        }));
        let lost = start + secs(5 * 3600);
        assert_eq!(all.due(lost), Some(start + secs(2 * 3600) + DAY));
        all.wish(None);
        assert_eq!(all.due(lost), None);
    }
}
