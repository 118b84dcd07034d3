//! What came by callbacks: for a bot, and for all.
//!
//! Verdicts are counted by their stable names. A refusal is said in the log and the timeline the first time in an hour, and
//! the count says how often it came: whoever posts rubbish fills neither.

use super::CallbackRejection;
use crate::view::{CallbackView, RefusedCallback};
use longwire_installation::Mode;
use longwire_store::{CallbackSecrets, InstallationRecord};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the same refusal is said again.
const SAID_EVERY: Duration = Duration::from_secs(60 * 60);

/// What to do where callbacks come to a bot whose mode has none. They are recorded all the same.
const UNEXPECTED: &str = "the platform posts to a bot whose mode is long_connection; set its mode to webhook or both, or choose the \
     long connection in the console";

/// What becomes of a callback, for the counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallbackVerdict<'a> {
    /// A challenge was answered.
    Challenged,
    /// A new event is recorded.
    Recorded,
    /// The event was recorded before.
    Repeated,
    /// It is not recorded.
    Rejected(&'a CallbackRejection),
}

impl CallbackVerdict<'_> {
    /// A stable name for counters.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Challenged => "challenged",
            Self::Recorded => "recorded",
            Self::Repeated => "repeated",
            Self::Rejected(rejection) => rejection.label(),
        }
    }

    fn rejection(&self) -> Option<&CallbackRejection> {
        match self {
            Self::Challenged | Self::Recorded | Self::Repeated => None,
            Self::Rejected(rejection) => Some(rejection),
        }
    }
}

/// What is worth saying of a callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Saying {
    /// The first callback since the start that was the platform's.
    First,
    /// A refusal that was not said within the last hour; so many more came since it was said.
    Refusal { more_since_last: u64 },
}

/// Counts of verdicts.
#[derive(Default)]
struct Counts {
    verdicts: BTreeMap<&'static str, Count>,
    has_accepted: bool,
    last_refusal: Option<RefusedCallback>,
}

#[derive(Default)]
struct Count {
    count: u64,
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Counts {
    fn count(&mut self, verdict: CallbackVerdict<'_>, now: Instant, now_ms: i64) -> Option<Saying> {
        let count = self.verdicts.entry(verdict.label()).or_default();
        count.count += 1;
        let Some(rejection) = verdict.rejection() else {
            let is_first = !std::mem::replace(&mut self.has_accepted, true);
            return is_first.then_some(Saying::First);
        };
        self.last_refusal = Some(RefusedCallback {
            at_ms: now_ms,
            cause: rejection.label(),
            hint: rejection.hint(),
        });
        let is_said = |at| now.saturating_duration_since(at) < SAID_EVERY;
        if count.said_at.is_some_and(is_said) {
            count.unsaid += 1;
            return None;
        }
        count.said_at = Some(now);
        let more_since_last = std::mem::take(&mut count.unsaid);
        Some(Saying::Refusal { more_since_last })
    }

    fn verdicts(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.verdicts.iter();
        counts.map(|(label, count)| (*label, count.count)).collect()
    }
}

/// The callbacks of all bots, and those to nobody.
#[derive(Default)]
pub(crate) struct CallbackTotals {
    counts: Mutex<Counts>,
    last_ms: AtomicI64,
}

impl CallbackTotals {
    /// Counts one. What is returned is worth saying of those to nobody.
    pub(crate) fn count(
        &self,
        verdict: CallbackVerdict<'_>,
        now: Instant,
        now_ms: i64,
    ) -> Option<Saying> {
        self.last_ms.store(now_ms, Relaxed);
        lock(&self.counts).count(verdict, now, now_ms)
    }

    /// How many there were of each verdict.
    pub(crate) fn verdicts(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.counts).verdicts()
    }

    /// When the last one came, in milliseconds since 1970.
    pub(crate) fn last_ms(&self) -> Option<i64> {
        Some(self.last_ms.load(Relaxed)).filter(|ms| *ms != 0)
    }
}

/// The callbacks of one bot, made with its first one.
#[derive(Default)]
pub(crate) struct BotCallbacks {
    counts: Mutex<Counts>,
    last_ms: AtomicI64,
    last_recorded_ms: AtomicI64,
    /// Its secrets, opened, as long as its row is this one.
    secrets: Mutex<Option<(Arc<InstallationRecord>, Arc<CallbackSecrets>)>>,
    events_in_hand: AtomicUsize,
    bytes_in_hand: AtomicUsize,
    clicks_asked: AtomicUsize,
}

impl BotCallbacks {
    /// Counts one. Returns what is worth saying of it.
    pub(crate) fn count(
        &self,
        verdict: CallbackVerdict<'_>,
        now: Instant,
        now_ms: i64,
    ) -> Option<Saying> {
        self.last_ms.store(now_ms, Relaxed);
        if matches!(
            verdict,
            CallbackVerdict::Recorded | CallbackVerdict::Repeated
        ) {
            self.last_recorded_ms.store(now_ms, Relaxed);
        }
        lock(&self.counts).count(verdict, now, now_ms)
    }

    /// The secrets that go with this row.
    pub(crate) fn secrets<E>(
        &self,
        record: &Arc<InstallationRecord>,
        open: impl FnOnce(&InstallationRecord) -> Result<CallbackSecrets, E>,
    ) -> Result<Arc<CallbackSecrets>, E> {
        let mut kept = lock(&self.secrets);
        if let Some((of, secrets)) = &*kept
            && Arc::ptr_eq(of, record)
        {
            return Ok(Arc::clone(secrets));
        }
        // Those of the former row are of no use any more.
        *kept = None;
        let secrets = Arc::new(open(record)?);
        *kept = Some((Arc::clone(record), Arc::clone(&secrets)));
        Ok(secrets)
    }

    /// Takes room for an event of so many bytes, unless the bot has as many in hand as it may. One is always taken.
    pub(crate) fn take_room(&self, bytes: usize, most: Room) -> Option<RoomTaken<'_>> {
        let events_before = self.events_in_hand.fetch_add(1, Relaxed);
        let bytes_before = self.bytes_in_hand.fetch_add(bytes, Relaxed);
        let taken = RoomTaken {
            of: self,
            bytes,
            has_others: events_before > 0,
        };
        let fits = events_before < most.events && bytes_before + bytes <= most.bytes;
        (fits || events_before == 0).then_some(taken)
    }

    /// Takes a place among the clicks whose application is asked, unless so many are asked already.
    pub(crate) fn ask(&self, most: usize) -> Option<ClickAsked<'_>> {
        let asked = ClickAsked(self);
        (self.clicks_asked.fetch_add(1, Relaxed) < most).then_some(asked)
    }

    /// As people and programs read it. `mode` is the bot's.
    pub(crate) fn view(&self, mode: Mode) -> CallbackView {
        let when = |cell: &AtomicI64| Some(cell.load(Relaxed)).filter(|ms| *ms != 0);
        let counts = lock(&self.counts);
        CallbackView {
            last_ms: when(&self.last_ms),
            last_recorded_ms: when(&self.last_recorded_ms),
            verdicts: counts.verdicts(),
            last_refusal: counts.last_refusal.clone(),
            unexpected: (counts.has_accepted && !mode.takes_callbacks()).then_some(UNEXPECTED),
        }
    }
}

/// What a bot's callbacks may have in hand between the check of their bytes and the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// The room of one event, until it is answered.
#[derive(Debug)]
pub(crate) struct RoomTaken<'a> {
    of: &'a BotCallbacks,
    bytes: usize,
    /// Whether the bot had others in hand.
    pub(crate) has_others: bool,
}

impl Drop for RoomTaken<'_> {
    fn drop(&mut self) {
        self.of.events_in_hand.fetch_sub(1, Relaxed);
        self.of.bytes_in_hand.fetch_sub(self.bytes, Relaxed);
    }
}

/// A click whose application is asked, until it is answered.
#[derive(Debug)]
pub(crate) struct ClickAsked<'a>(&'a BotCallbacks);

impl Drop for ClickAsked<'_> {
    fn drop(&mut self) {
        self.0.clicks_asked.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for BotCallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotCallbacks").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::RecordFailure;

    #[test]
    fn a_refusal_is_said_once_an_hour_and_counted_each_time() {
        let callbacks = BotCallbacks::default();
        let start = Instant::now();
        let count = |verdict, minutes: u64| {
            let now = start + Duration::from_secs(minutes * 60);
            callbacks.count(verdict, now, 1_000 + i64::try_from(minutes).expect("small"))
        };
        let late = CallbackVerdict::Rejected(&CallbackRejection::Unrecorded(RecordFailure::Late));
        let stopped = CallbackVerdict::Rejected(&CallbackRejection::Stopped);
        let said = |more_since_last| Some(Saying::Refusal { more_since_last });
        assert_eq!(count(late, 0), said(0));
        assert_eq!(count(late, 1), None);
        assert_eq!(count(stopped, 1), said(0), "another kind");
        assert_eq!(count(CallbackVerdict::Recorded, 2), Some(Saying::First));
        assert_eq!(count(CallbackVerdict::Challenged, 3), None);
        assert_eq!(count(late, 59), None);
        assert_eq!(count(late, 60), said(2));
        let view = callbacks.view(Mode::LongConnection);
        assert_eq!(view.verdicts["late"], 4);
        assert_eq!(view.verdicts.values().sum::<u64>(), 7);
        assert_eq!(
            (view.last_ms, view.last_recorded_ms),
            (Some(1_060), Some(1_002))
        );
        assert!(view.unexpected.is_some());
        assert_eq!(callbacks.view(Mode::Both).unexpected, None);
        let refusal = view.last_refusal.expect("there was one");
        assert_eq!((refusal.cause, refusal.at_ms), ("late", 1_060));
    }

    #[test]
    fn room_is_bounded_and_given_back() {
        let callbacks = BotCallbacks::default();
        let most = Room {
            events: 2,
            bytes: 100,
        };
        let large = callbacks.take_room(1_000, most);
        let large = large.expect("one is always taken");
        assert!(!large.has_others);
        assert!(callbacks.take_room(1, most).is_none(), "of bytes");
        drop(large);
        let first = callbacks.take_room(50, most).expect("room");
        let second = callbacks.take_room(50, most).expect("room");
        assert!(!first.has_others && second.has_others);
        assert!(callbacks.take_room(0, most).is_none(), "of events");
        drop((first, second));
        assert_eq!(callbacks.bytes_in_hand.load(Relaxed), 0);
        assert_eq!(callbacks.events_in_hand.load(Relaxed), 0);
        let asked = callbacks.ask(1).expect("the first one");
        assert!(callbacks.ask(1).is_none());
        drop(asked);
        assert!(callbacks.ask(1).is_some());
    }
}
