//! Which news of many bots is told bot by bot, and which is summed up, so that a log stays readable when thousands of bots
//! connect or lose their connections at once.
//!
//! In a calm time each piece of news is told alone. From the sixth bot in a second on, news is counted, and summed up once a second
//! by kind and reason. It is calm again after ten seconds in which few bots had news. All kinds share this: in an outage the alarms
//! that follow the losses are summed up, too. What a few bots have is told alone, however often they have it: a bot that fails again
//! and again says so each time. Nothing here knows what the news is: a kind is compared, and a reason is a label.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Bots whose news is told bot by bot within [`WINDOW`]: what a person reads in that time.
const ALONE: usize = 5;
/// The time that one sum is of. A little less than a second, so that whoever looks once a second finds it over each time.
const WINDOW: Duration = Duration::from_millis(900);
/// After so long a time with as little news as is told alone, it is calm again. Bots that are tried again every minute bring
/// little in each second, and too much to be told one by one.
const CALM_AFTER: Duration = Duration::from_secs(10);
/// Names that a sum has of one reason.
const NAMES: usize = 5;

/// Decides where news of kinds `K` is told. `R` is what is known of a reason.
#[derive(Debug)]
pub struct NewsPace<K, R> {
    window: Option<Window<K, R>>,
    /// While news is summed up.
    busy: Option<Busy>,
}

/// A second with news.
#[derive(Debug)]
struct Window<K, R> {
    ends: Instant,
    /// The first bots that have news: one more than are told alone, at most.
    bots: Vec<String>,
    sums: BTreeMap<(K, &'static str), Sum<R>>,
}

/// News is summed up.
#[derive(Debug, Clone, Copy)]
struct Busy {
    /// Since when few bots had news.
    since: Instant,
    /// How many had some in the seconds since then, each second counted for itself.
    bots: usize,
}

#[derive(Debug)]
struct Sum<R> {
    names: BTreeSet<String>,
    about: R,
}

/// Where a piece of news is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsPlace {
    /// In a line of its own.
    Alone,
    /// In the next sum.
    InSum,
}

/// Bots with news of one kind and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsSum<K, R> {
    /// The kind.
    pub kind: K,
    /// The reason.
    pub reason: &'static str,
    /// How many bots there are. One that had the same news twice in a second is one.
    pub count: u64,
    /// Some of their names.
    pub names: Vec<String>,
    /// What is known of the reason, from the first of them.
    pub about: R,
}

impl<K, R> Default for NewsPace<K, R> {
    fn default() -> Self {
        Self {
            window: None,
            busy: None,
        }
    }
}

impl<K: Ord + Copy, R> NewsPace<K, R> {
    /// One more piece of news about the bot of this name. `about` is what is known of its reason.
    pub fn handle(
        &mut self,
        kind: K,
        reason: &'static str,
        name: &str,
        now: Instant,
        about: impl FnOnce() -> R,
    ) -> NewsPlace {
        self.calm(now);
        let window = self.window.get_or_insert_with(|| Window {
            ends: now + WINDOW,
            bots: Vec::new(),
            sums: BTreeMap::new(),
        });
        if window.bots.len() <= ALONE && !window.bots.iter().any(|bot| bot == name) {
            window.bots.push(name.to_owned());
        }
        if self.busy.is_none() && window.bots.len() <= ALONE {
            return NewsPlace::Alone;
        }
        let sum = window.sums.entry((kind, reason));
        let sum = sum.or_insert_with(|| Sum {
            names: BTreeSet::new(),
            about: about(),
        });
        sum.names.insert(name.to_owned());
        NewsPlace::InSum
    }

    /// When the second is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.window.as_ref().map(|window| window.ends)
    }

    /// The sums of the second that is over, by kind, the larger ones of a kind first. Empty while it lasts, and where all was told
    /// alone.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<NewsSum<K, R>> {
        let Some(window) = self.window.take_if(|window| window.ends <= now) else {
            self.calm(now);
            return Vec::new();
        };
        let busy = self.busy.get_or_insert(Busy {
            since: now,
            bots: 0,
        });
        busy.bots += window.bots.len();
        if busy.bots > ALONE {
            *busy = Busy {
                since: now,
                bots: 0,
            };
        }
        // A second in which all was told alone makes nothing busy.
        if window.sums.is_empty() {
            self.busy = None;
        }
        self.calm(now);
        sorted(window.sums)
    }

    /// The sums of a second that is not over: nothing comes any more.
    pub fn finish(&mut self) -> Vec<NewsSum<K, R>> {
        let window = self.window.take();
        window.map_or_else(Vec::new, |window| sorted(window.sums))
    }

    /// Ends the busy time if little came for long enough.
    fn calm(&mut self, now: Instant) {
        self.busy = self
            .busy
            .filter(|busy| now.saturating_duration_since(busy.since) < CALM_AFTER);
    }
}

fn sorted<K: Ord + Copy, R>(sums: BTreeMap<(K, &'static str), Sum<R>>) -> Vec<NewsSum<K, R>> {
    let sums = sums.into_iter().map(|((kind, reason), sum)| NewsSum {
        kind,
        reason,
        count: sum.names.len() as u64,
        names: sum.names.into_iter().take(NAMES).collect(),
        about: sum.about,
    });
    let mut sums: Vec<NewsSum<K, R>> = sums.collect();
    sums.sort_by_key(|sum| (sum.kind, u64::MAX - sum.count));
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// News of so many bots for one reason; how many are told alone.
    fn alone(
        pace: &mut NewsPace<u8, ()>,
        reason: &'static str,
        bots: std::ops::Range<u32>,
        now: Instant,
    ) -> u32 {
        let names = bots.map(|at| format!("{reason}-{at:05}"));
        let places = names.map(|name| pace.handle(0, reason, &name, now, || ()));
        places.filter(|place| *place == NewsPlace::Alone).count() as u32
    }

    /// Looks once a second, for so many seconds after `now`.
    fn look(pace: &mut NewsPace<u8, ()>, now: Instant, seconds: u64) -> Vec<NewsSum<u8, ()>> {
        let times = (1..=seconds).map(|second| now + Duration::from_secs(second));
        times.flat_map(|time| pace.handle_timeout(time)).collect()
    }

    #[test]
    fn few_are_told_alone_and_leave_no_sum() {
        let (mut pace, begun) = (NewsPace::default(), Instant::now());
        for second in 0..10 {
            let now = begun + Duration::from_secs(second);
            assert_eq!(alone(&mut pace, "connected", 0..5, now), 5);
            assert_eq!(look(&mut pace, now, 1), []);
            assert_eq!(pace.poll_timeout(), None);
        }
    }

    /// Also where they are tried again many times a second.
    #[test]
    fn what_few_bots_have_is_told_alone_however_often() {
        let (mut pace, begun) = (NewsPace::default(), Instant::now());
        for moment in 0..100 {
            let now = begun + Duration::from_millis(50 * moment);
            assert_eq!(pace.handle_timeout(now), []);
            assert_eq!(alone(&mut pace, "network", 0..5, now), 5);
        }
    }

    #[test]
    fn a_start_of_many_is_one_sum_a_second() {
        let (mut pace, begun) = (NewsPace::default(), Instant::now());
        let mut told = 0;
        let mut sums = Vec::new();
        for second in 0..8 {
            // 50 a second, as many as are started.
            let now = begun + Duration::from_secs(second);
            let first = second as u32 * 50;
            told += alone(&mut pace, "connected", first..first + 50, now);
            sums.extend(look(&mut pace, now, 1));
        }
        assert_eq!(told, 5, "those of the first moment");
        let summed: u64 = sums.iter().map(|sum| sum.count).sum();
        assert_eq!((summed, sums.len()), (395, 8), "{sums:?}");
        assert_eq!(sums[0].names.len(), 5);
        // It is calm again after ten seconds without news.
        let end = begun + Duration::from_secs(8);
        assert_eq!(look(&mut pace, end, 10), []);
        assert_eq!(alone(&mut pace, "connected", 0..1, end + CALM_AFTER), 1);
    }

    /// Each of a hundred bots is tried again once a minute: two a second, for as long as the outage lasts.
    #[test]
    fn a_long_outage_stays_summed_up() {
        let (mut pace, begun) = (NewsPace::default(), Instant::now());
        let mut told = alone(&mut pace, "network", 0..100, begun);
        let mut sums = look(&mut pace, begun, 1).len();
        for second in 1..600 {
            let now = begun + Duration::from_secs(second);
            let first = second as u32 % 50 * 2;
            told += alone(&mut pace, "network", first..first + 2, now);
            sums += look(&mut pace, now, 1).len();
        }
        assert_eq!((told, sums), (5, 600));
    }

    #[test]
    fn an_outage_is_summed_up_by_kind_and_reason() {
        let (mut pace, now) = (NewsPace::default(), Instant::now());
        alone(&mut pace, "dns", 0..8, now);
        alone(&mut pace, "network", 0..200, now);
        alone(&mut pace, "network", 0..200, now);
        assert_eq!(pace.handle(1, "network", "a", now, || ()), NewsPlace::InSum);
        assert_eq!(pace.handle_timeout(now), [], "the second is not over");
        let sums = look(&mut pace, now, 1);
        let told: Vec<_> = sums
            .iter()
            .map(|sum| (sum.kind, sum.reason, sum.count))
            .collect();
        assert_eq!(
            told,
            [(0, "network", 200), (0, "dns", 3), (1, "network", 1)]
        );
    }

    proptest! {
        /// Whatever comes when, each piece is told once: alone or in a sum.
        #[test]
        fn nothing_is_told_twice_or_never(steps in prop::collection::vec((0u64..3_000, 0u32..30), 1..40)) {
            let (mut pace, mut now) = (NewsPace::default(), Instant::now());
            let (mut came, mut told) = (0u32, 0u64);
            for (ms, count) in steps {
                now += Duration::from_millis(ms);
                told += pace.handle_timeout(now).iter().map(|sum| sum.count).sum::<u64>();
                told += u64::from(alone(&mut pace, "connected", came..came + count, now));
                came += count;
            }
            told += pace.finish().iter().map(|sum| sum.count).sum::<u64>();
            prop_assert_eq!(told, u64::from(came));
        }
    }
}
