//! Which news of many bots is told bot by bot, and which is summed up, so that a log stays readable when thousands of bots
//! connect or lose their connections at once.
//!
//! In a calm second each piece of news is told alone. From the sixth of one kind in a second on, news of that kind is counted, and
//! summed up once a second by its reason, until a second brings few again. Nothing here knows what the news is: a kind and a
//! reason are labels.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// News of one kind that is told bot by bot within [`WINDOW`]: what a person reads in that time.
const ALONE: u32 = 5;
/// The time that one sum is of. A little less than a second, so that whoever looks once a second finds it over each time.
const WINDOW: Duration = Duration::from_millis(900);
/// Names that a sum has of one reason.
const NAMES: usize = 5;

/// Decides for one kind of news. `R` is what is known of a reason.
#[derive(Debug)]
pub struct NewsPace<R> {
    window: Option<Window<R>>,
}

/// A second with news.
#[derive(Debug)]
struct Window<R> {
    ends: Instant,
    came: u32,
    /// All of it is counted: the second before brought too much.
    is_busy: bool,
    sums: BTreeMap<&'static str, NewsSum<R>>,
}

/// Where a piece of news is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsPlace {
    /// In a line of its own.
    Alone,
    /// In the next sum.
    InSum,
}

/// News of one reason that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsSum<R> {
    /// Its reason.
    pub reason: &'static str,
    /// How much of it there is.
    pub count: u64,
    /// The first names.
    pub names: Vec<String>,
    /// What is known of the reason, from the first of it.
    pub about: R,
}

impl<R> Default for NewsPace<R> {
    fn default() -> Self {
        Self { window: None }
    }
}

impl<R> NewsPace<R> {
    /// One more piece of news about the bot of this name. `about` is what is known of its reason.
    pub fn handle(
        &mut self,
        reason: &'static str,
        name: &str,
        now: Instant,
        about: impl FnOnce() -> R,
    ) -> NewsPlace {
        let window = self.window.get_or_insert_with(|| Window {
            ends: now + WINDOW,
            came: 0,
            is_busy: false,
            sums: BTreeMap::new(),
        });
        window.came = window.came.saturating_add(1);
        if !window.is_busy && window.came <= ALONE {
            return NewsPlace::Alone;
        }
        let sum = window.sums.entry(reason).or_insert_with(|| NewsSum {
            reason,
            count: 0,
            names: Vec::new(),
            about: about(),
        });
        sum.count += 1;
        if sum.names.len() < NAMES {
            sum.names.push(name.to_owned());
        }
        NewsPlace::InSum
    }

    /// When a sum is due, or the second is forgotten.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.window.as_ref().map(|window| window.ends)
    }

    /// The sums of the second that is over, the larger ones first. Empty while it lasts, and where all was told alone.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<NewsSum<R>> {
        match self.window.take() {
            Some(window) if window.ends <= now => {
                if window.came > ALONE {
                    self.window = Some(Window {
                        ends: now + WINDOW,
                        came: 0,
                        is_busy: true,
                        sums: BTreeMap::new(),
                    });
                }
                sorted(window.sums)
            }
            window => {
                self.window = window;
                Vec::new()
            }
        }
    }

    /// The sums of a second that is not over: nothing comes any more.
    pub fn finish(&mut self) -> Vec<NewsSum<R>> {
        let window = self.window.take();
        window.map_or_else(Vec::new, |window| sorted(window.sums))
    }
}

fn sorted<R>(sums: BTreeMap<&'static str, NewsSum<R>>) -> Vec<NewsSum<R>> {
    let mut sums: Vec<NewsSum<R>> = sums.into_values().collect();
    sums.sort_by_key(|sum| u64::MAX - sum.count);
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// So many pieces of news of one reason; how many are told alone.
    fn alone(pace: &mut NewsPace<()>, reason: &'static str, count: u32, now: Instant) -> u32 {
        let names = (0..count).map(|at| format!("{reason}-{at}"));
        let places = names.map(|name| pace.handle(reason, &name, now, || ()));
        places.filter(|place| *place == NewsPlace::Alone).count() as u32
    }

    #[test]
    fn few_are_told_alone_and_leave_no_sum() {
        let (mut pace, begun) = (NewsPace::default(), Instant::now());
        for second in 0..10 {
            let now = begun + Duration::from_secs(2 * second);
            assert_eq!(alone(&mut pace, "connected", 5, now), 5);
            assert_eq!(pace.handle_timeout(now + WINDOW), []);
            assert_eq!(pace.poll_timeout(), None);
        }
    }

    #[test]
    fn a_start_of_many_is_one_sum_a_second() {
        let (mut pace, begun) = (NewsPace::default(), Instant::now());
        let mut told = 0;
        let mut sums = Vec::new();
        for tick in 0..80 {
            // 50 a second, as many as are started.
            let now = begun + Duration::from_millis(100 * tick);
            told += alone(&mut pace, "connected", 5, now);
            // Somebody looks once a second.
            if tick % 10 == 9 {
                sums.extend(pace.handle_timeout(now));
            }
        }
        let end = begun + Duration::from_secs(9);
        assert_eq!(told, 5, "those of the first moment");
        let summed: u64 = sums.iter().map(|sum| sum.count).sum();
        assert_eq!((summed, sums.len()), (395, 8), "{sums:?}");
        assert_eq!(sums[0].names.len(), 5);
        // It is calm again after a second without news.
        assert_eq!(pace.handle_timeout(end + WINDOW), []);
        assert_eq!(pace.poll_timeout(), None);
        assert_eq!(alone(&mut pace, "connected", 1, end + WINDOW), 1);
    }

    #[test]
    fn an_outage_is_summed_up_by_reason() {
        let (mut pace, now) = (NewsPace::default(), Instant::now());
        alone(&mut pace, "dns", 8, now);
        alone(&mut pace, "network", 200, now);
        assert_eq!(pace.handle_timeout(now), [], "the second is not over");
        let sums = pace.handle_timeout(now + WINDOW);
        let told: Vec<_> = sums.iter().map(|sum| (sum.reason, sum.count)).collect();
        assert_eq!(told, [("network", 200), ("dns", 3)]);
    }

    proptest! {
        /// Whatever comes when, each piece is told once: alone or in a sum.
        #[test]
        fn nothing_is_told_twice_or_never(steps in prop::collection::vec((0u64..3_000, 0u32..30), 1..40)) {
            let (mut pace, mut now) = (NewsPace::default(), Instant::now());
            let (mut came, mut told) = (0u64, 0u64);
            for (ms, count) in steps {
                now += Duration::from_millis(ms);
                if pace.poll_timeout().is_some_and(|due| due <= now) {
                    told += pace.handle_timeout(now).iter().map(|sum| sum.count).sum::<u64>();
                }
                came += u64::from(count);
                told += u64::from(alone(&mut pace, "connected", count, now));
            }
            told += pace.finish().iter().map(|sum| sum.count).sum::<u64>();
            prop_assert_eq!(told, came);
        }
    }
}
