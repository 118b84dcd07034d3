//! What is logged of the connections of all bots: bot by bot while few have news, and in sums while many have.
//!
//! An installation asks where its news is told, and logs it on level `debug` where it is summed up. The supervisor writes the
//! sums once a second. [`NewsPace`] decides both. What somebody has to act on is never summed up: it is an error of its own.

use crate::clock::now;
use crate::not_live::WantedCounts;
use longwire_link::{NewsPace, NewsPlace, NewsSum};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// News of a connection that many bots may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// What is known of the reason of news.
#[derive(Debug, Clone)]
pub(crate) struct NewsFacts {
    pub(crate) reason: String,
    pub(crate) next_step: String,
}

type Pace = NewsPace<ConnectionNews, NewsFacts>;
type Sum = NewsSum<ConnectionNews, NewsFacts>;

/// Decides what is told of whom.
#[derive(Default)]
pub(crate) struct ConnectionLog(Mutex<Pace>);

impl ConnectionLog {
    /// Where a bot's news is told. `reason` is its stable name.
    pub(crate) fn place(
        &self,
        news: ConnectionNews,
        reason: &'static str,
        name: &str,
        facts: impl FnOnce() -> NewsFacts,
    ) -> NewsPlace {
        self.pace().handle(news, reason, name, now(), facts)
    }

    /// Whether news may be waiting to be summed up.
    pub(crate) fn is_due(&self) -> bool {
        let now = now();
        self.pace().poll_timeout().is_some_and(|due| due <= now)
    }

    /// Logs the sums that are due, beside how many bots are wanted and live.
    pub(crate) fn sum_up(&self, counts: impl FnOnce() -> WantedCounts) {
        // The lock is not held while the log is written.
        let sums = self.pace().handle_timeout(now());
        tell_all(&sums, counts);
    }

    /// Logs all that was not told yet: the fleet ends.
    pub(crate) fn finish(&self, counts: impl FnOnce() -> WantedCounts) {
        let sums = self.pace().finish();
        tell_all(&sums, counts);
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_all(sums: &[Sum], counts: impl FnOnce() -> WantedCounts) {
    if sums.is_empty() {
        return;
    }
    let counts = counts();
    for sum in sums {
        tell(sum, counts);
    }
}

/// Logs one sum.
fn tell(sum: &Sum, counts: WantedCounts) {
    let (live, wanted) = (counts.live + counts.webhook, counts.wanted);
    let (count, label) = (sum.count, sum.reason);
    let names = names(sum);
    let NewsFacts { reason, next_step } = &sum.about;
    match sum.kind {
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
fn names(sum: &Sum) -> String {
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
            kind: ConnectionNews::Retried,
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
}
