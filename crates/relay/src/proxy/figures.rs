//! Calls, counted: by path and outcome for the metrics, by token and bot for people.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longwire_access::TokenId;
use longwire_installation::PublicId;
use tokio::time::Instant;

use super::words;

/// Paths that are counted under their own name. The words of paths could be put together to more.
const MOST_PATHS: usize = 256;
/// Codes that are counted by themselves, of one path. Codes are numbers of somebody else.
const MOST_CODES: usize = 16;
/// Tokens and bots whose calls of the last minute are counted.
const MOST_CALLERS: usize = 1_024;
/// Of the last minute.
const SECONDS: usize = 60;
/// Upper edges of the buckets of durations, in milliseconds.
pub const DURATION_EDGES_MS: [u64; 10] = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000];

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelayedOutcome {
    /// The code of the answer, the platform's or ours.
    Code(i64),
    /// An answer without a code, such as a file: the HTTP status.
    Status(u16),
    /// The caller went away before there was an answer.
    CallerGone,
}

/// The calls of one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathFigures {
    /// By outcome. Beyond some codes, those more are counted as one: `None`.
    pub outcomes: BTreeMap<Option<RelayedOutcome>, u64>,
    /// Calls that took no longer than each of [`DURATION_EDGES_MS`], and those that took longer.
    pub durations: [u64; DURATION_EDGES_MS.len() + 1],
    /// All durations together, in milliseconds.
    pub total_ms: u64,
}

/// The calls of a process.
#[derive(Debug)]
pub(crate) struct Figures {
    began: Instant,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// By method and path.
    paths: BTreeMap<(&'static str, Box<str>), PathFigures>,
    callers: HashMap<(TokenId, PublicId), Minute>,
}

/// The calls of each of the last seconds.
#[derive(Debug)]
struct Minute {
    newest: u64,
    seconds: [u32; SECONDS],
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            counted: Mutex::default(),
        }
    }

    /// A call is over.
    pub(crate) fn count(
        &self,
        method: &'static str,
        template: &str,
        outcome: RelayedOutcome,
        took: Duration,
    ) {
        let mut counted = self.lock();
        let mut key = (method, Box::<str>::from(template));
        if counted.paths.len() >= MOST_PATHS && !counted.paths.contains_key(&key) {
            key.1 = words::OTHER.into();
        }
        let of_path = counted.paths.entry(key).or_default();
        let outcome = Some(outcome);
        let is_new = !of_path.outcomes.contains_key(&outcome);
        let outcome = outcome.filter(|_| !is_new || of_path.outcomes.len() < MOST_CODES);
        *of_path.outcomes.entry(outcome).or_default() += 1;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let bucket = DURATION_EDGES_MS.partition_point(|&edge| edge < took_ms);
        of_path.durations[bucket] += 1;
        of_path.total_ms = of_path.total_ms.saturating_add(took_ms);
    }

    /// A token calls as a bot.
    pub(crate) fn called(&self, token: TokenId, bot: PublicId) {
        let second = self.began.elapsed().as_secs();
        let mut counted = self.lock();
        let key = (token, bot);
        if counted.callers.len() >= MOST_CALLERS && !counted.callers.contains_key(&key) {
            let last = second.saturating_sub(SECONDS as u64);
            counted.callers.retain(|_, minute| minute.newest > last);
            if counted.callers.len() >= MOST_CALLERS {
                return;
            }
        }
        counted.callers.entry(key).or_default().count(second);
    }

    /// The calls of a token as a bot within the last minute.
    pub(crate) fn per_minute(&self, token: TokenId, bot: PublicId) -> u32 {
        let second = self.began.elapsed().as_secs();
        let mut counted = self.lock();
        let minute = counted.callers.get_mut(&(token, bot));
        minute.map_or(0, |minute| minute.sum(second))
    }

    /// All paths.
    pub(crate) fn paths(&self) -> BTreeMap<(&'static str, Box<str>), PathFigures> {
        self.lock().paths.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Each change is of numbers.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Minute {
    fn default() -> Self {
        Self {
            newest: 0,
            seconds: [0; SECONDS],
        }
    }
}

impl Minute {
    fn count(&mut self, second: u64) {
        self.forget_until(second);
        self.seconds[index(second)] += 1;
    }

    fn sum(&mut self, second: u64) -> u32 {
        self.forget_until(second);
        self.seconds.iter().sum()
    }

    fn forget_until(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest).min(SECONDS as u64);
        for ago in 0..passed {
            self.seconds[index(second - ago)] = 0;
        }
        self.newest = self.newest.max(second);
    }
}

fn index(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use longwire_access::{RANDOM_BYTES, TokenText};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_by_path_and_within_the_last_minute() {
        let figures = Figures::new();
        let took = Duration::from_millis(30);
        for code in 0..40 {
            figures.count("GET", "im/v1/chats", RelayedOutcome::Code(code), took);
        }
        for path in 0..MOST_PATHS + 40 {
            figures.count(
                "POST",
                &format!("x/{path}"),
                RelayedOutcome::Status(200),
                took,
            );
        }
        let paths = figures.paths();
        assert_eq!(paths.len(), MOST_PATHS + 1);
        let chats = &paths[&("GET", "im/v1/chats".into())];
        assert_eq!(chats.outcomes.len(), MOST_CODES + 1);
        assert_eq!(chats.outcomes[&None], 40 - MOST_CODES as u64);
        assert_eq!(chats.durations[2], 40);
        assert_eq!(chats.total_ms, 1_200);
        let token = TokenText::new(&[1; RANDOM_BYTES]).id();
        let bot = PublicId::from_bytes([1; 16]);
        for _ in 0..3 {
            figures.called(token, bot);
            tokio::time::advance(Duration::from_secs(25)).await;
        }
        assert_eq!(figures.per_minute(token, bot), 2);
        for other in 0..MOST_CALLERS + 3 {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&other.to_be_bytes());
            figures.called(token, PublicId::from_bytes(bytes));
        }
        assert!(figures.lock().callers.len() <= MOST_CALLERS);
    }
}
