//! When a displaced bot is taken back.
//!
//! WeCom serves only the newest connection of a bot, so two programs could displace each other for ever. By default a
//! displaced bot stays with the other program until an operator decides. With a [`TakeBack`] policy it is taken back some
//! minutes after the loss, and a few times in any 24 hours.
//!
//! A take-back is counted on disk before it is done. Otherwise a process that restarts often would forget the count.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use longwire_installation::TakeBack;

/// The span in which take-backs are counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The policy of one bot and its latest take-backs.
#[derive(Clone, Debug, Default)]
pub(crate) struct TakeBacks {
    policy: Option<TakeBack>,
    /// The latest take-backs, oldest first; no more than a policy can allow in a day.
    done: VecDeque<Instant>,
    /// Whether the latest take-back is not yet on disk.
    is_recording: bool,
}

impl TakeBacks {
    pub(crate) fn set_policy(&mut self, policy: Option<TakeBack>) {
        self.policy = policy;
    }

    /// When a bot that was lost at `since` is taken back. Once the count of a day is used up, that is a day after the first
    /// of them, so that the bot comes back after the other program has left.
    pub(crate) fn due(&self, since: Instant) -> Option<Instant> {
        let policy = self.policy?;
        let due = since + policy.after();
        let blocking = self.done.len().checked_sub(policy.per_day() as usize);
        Some(match blocking.and_then(|index| self.done.get(index)) {
            Some(earliest) => due.max(*earliest + DAY),
            None => due,
        })
    }

    /// The take-back is due: it counts from now on, also if the connection fails, and has to be recorded on disk.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.done(now);
        self.is_recording = true;
    }

    /// No record on disk is awaited any more.
    pub(crate) fn end(&mut self) {
        self.is_recording = false;
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// The bot was taken back at that time.
    pub(crate) fn done(&mut self, now: Instant) {
        self.done.push_back(now);
        while self.done.len() > *TakeBack::PER_DAY.end() as usize {
            self.done.pop_front();
        }
    }

    /// When the bot was taken back, oldest first.
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

    fn take_back(after_secs: u64, per_day: u32) -> TakeBack {
        TakeBack::new(secs(after_secs), per_day).expect("within the bounds")
    }

    fn with_policy(per_day: u32) -> TakeBacks {
        let mut all = TakeBacks::default();
        all.set_policy(Some(take_back(300, per_day)));
        all
    }

    #[test]
    fn without_a_policy_never() {
        let now = Instant::now();
        assert_eq!(TakeBacks::default().due(now), None);
    }

    #[test]
    fn the_days_last_one_is_followed_by_the_next_day() {
        let start = Instant::now();
        let mut all = with_policy(2);
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
    fn a_changed_policy_counts_what_was_done_before() {
        let start = Instant::now();
        let mut all = with_policy(10);
        (0..5).for_each(|hour| all.done(start + secs(hour * 3600)));
        all.set_policy(Some(take_back(600, 3)));
        let lost = start + secs(5 * 3600);
        assert_eq!(all.due(lost), Some(start + secs(2 * 3600) + DAY));
        all.set_policy(None);
        assert_eq!(all.due(lost), None);
    }
}
