//! What is logged of the connections of all bots: bot by bot while few have news, and in sums while many have.
//!
//! An installation asks where its news is told, and logs it on level `debug` where it is summed up. The supervisor writes the
//! sums once a second. [`NewsPace`] decides both. What somebody has to act on is never summed up: it is an error of its own.

use crate::clock::now;
use crate::not_live::WantedCounts;
use longwire_link::{NewsPace, NewsPlace, NewsSum};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// News of a connection that many bots may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionNews {
    /// It is connected.
    Connected,
    /// It is not, and is tried again.
    Retried,
    /// The same, and it may take somebody's help.
    NeedsSomebody,
    /// Five attempts in a row failed.
    Alarm,
    /// A connection has lasted after an alarm.
    AlarmOver,
}

impl ConnectionNews {
    const ALL: [Self; 5] = [
        Self::Connected,
        Self::Retried,
        Self::NeedsSomebody,
        Self::Alarm,
        Self::AlarmOver,
    ];
}

/// What is known of the reason of news.
#[derive(Debug, Clone)]
pub(crate) struct NewsFacts {
    pub(crate) reason: String,
    pub(crate) next_step: String,
}

/// Decides what is told of whom.
#[derive(Default)]
pub(crate) struct ConnectionLog(Mutex<[NewsPace<NewsFacts>; ConnectionNews::ALL.len()]>);

impl ConnectionLog {
    /// Where a bot's news is told. `reason` is its stable name.
    pub(crate) fn place(
        &self,
        news: ConnectionNews,
        reason: &'static str,
        name: &str,
        facts: impl FnOnce() -> NewsFacts,
    ) -> NewsPlace {
        self.paces()[news as usize].handle(reason, name, now(), facts)
    }

    /// Whether news may be waiting to be summed up.
    pub(crate) fn is_due(&self) -> bool {
        let now = now();
        let due = |pace: &NewsPace<_>| pace.poll_timeout().is_some_and(|due| due <= now);
        self.paces().iter().any(due)
    }

    /// Logs the sums that are due, beside how many bots are wanted and live.
    pub(crate) fn sum_up(&self, counts: impl Fn() -> WantedCounts) {
        let now = now();
        self.tell_each(counts, |pace| pace.handle_timeout(now));
    }

    /// Logs all that was not told yet: the fleet ends.
    pub(crate) fn finish(&self, counts: impl Fn() -> WantedCounts) {
        self.tell_each(counts, NewsPace::finish);
    }

    fn tell_each(
        &self,
        counts: impl Fn() -> WantedCounts,
        mut sums: impl FnMut(&mut NewsPace<NewsFacts>) -> Vec<NewsSum<NewsFacts>>,
    ) {
        for news in ConnectionNews::ALL {
            // The lock is not held while the log is written.
            let sums = sums(&mut self.paces()[news as usize]);
            if sums.is_empty() {
                continue;
            }
            let counts = counts();
            for sum in sums {
                tell(news, &sum, counts);
            }
        }
    }

    fn paces(&self) -> MutexGuard<'_, [NewsPace<NewsFacts>; ConnectionNews::ALL.len()]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs one sum.
fn tell(news: ConnectionNews, sum: &NewsSum<NewsFacts>, counts: WantedCounts) {
    let (live, wanted) = (counts.live + counts.webhook, counts.wanted);
    let (count, label) = (sum.count, sum.reason);
    let names = names(sum);
    let NewsFacts { reason, next_step } = &sum.about;
    match news {
        ConnectionNews::Connected if live == wanted => {
            tracing::info!(
                count,
                live,
                wanted,
                names,
                "bots connected: every wanted bot is live"
            );
        }
        ConnectionNews::Connected => {
            tracing::info!(count, live, wanted, names, "bots connected");
        }
        ConnectionNews::Retried => {
            let text = "bots are not connected; trying again";
            tracing::info!(count, live, wanted, names, label, reason, "{text}");
        }
        ConnectionNews::NeedsSomebody => {
            let text = "bots are not connected; trying again, though it may take somebody's help";
            tracing::warn!(
                count, live, wanted, names, label, reason, next_step, "{text}"
            );
        }
        ConnectionNews::Alarm => {
            let text = "alarm: bots reached max reconnect attempts; longwire goes on trying";
            tracing::warn!(
                count, live, wanted, names, label, reason, next_step, "{text}"
            );
        }
        ConnectionNews::AlarmOver => {
            let text = "bots are connected for long enough: their alarms are over";
            tracing::info!(count, live, wanted, names, "{text}");
        }
    }
}

/// The first names, and how many more there are.
fn names(sum: &NewsSum<NewsFacts>) -> String {
    let names = sum.names.join(", ");
    match sum.count - sum.names.len() as u64 {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few_and_the_others_counted() {
        let sum = |count| NewsSum {
            reason: "network",
            count,
            names: vec!["a".to_owned(), "b".to_owned()],
            about: NewsFacts {
                reason: String::new(),
                next_step: String::new(),
            },
        };
        assert_eq!(names(&sum(2)), "a, b");
        assert_eq!(names(&sum(200)), "a, b and 198 more");
    }

    #[test]
    fn each_kind_of_news_has_its_own_pace() {
        for (at, news) in ConnectionNews::ALL.into_iter().enumerate() {
            assert_eq!(news as usize, at);
        }
        let log = ConnectionLog::default();
        let place = |news| {
            log.place(news, "network", "a", || NewsFacts {
                reason: "gone".to_owned(),
                next_step: "wait".to_owned(),
            })
        };
        let places: Vec<NewsPlace> = (0..6).map(|_| place(ConnectionNews::Retried)).collect();
        assert_eq!(places[4..], [NewsPlace::Alone, NewsPlace::InSum]);
        assert_eq!(place(ConnectionNews::Connected), NewsPlace::Alone);
    }
}
