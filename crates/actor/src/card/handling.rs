//! What a message costs its receiver's card: an addition when it is accepted, and a handful of stores when it is handled.

use super::{Card, CardHandle};
use crate::clock::unix_ms;
use crate::message_kind::MessageKind;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Eight log buckets of handler times, upper bounds in microseconds.
pub(super) const TIME_BOUNDS_US: [u64; 8] = [10, 32, 100, 320, 1_000, 10_000, 100_000, u64::MAX];

impl Card {
    /// A message is on its way to the mailbox.
    pub(crate) fn accept(&self) {
        let accepted = self.accepted.fetch_add(1, Relaxed) + 1;
        let depth = accepted.saturating_sub(self.handled.load(Relaxed));
        self.high_water
            .fetch_max(u32::try_from(depth).unwrap_or(u32::MAX), Relaxed);
    }

    fn begin(&self, kind: MessageKind) {
        self.last_kind.store(kind.number(), Relaxed);
        let at_ms = unix_ms();
        self.last_ms.store(at_ms, Relaxed);
        self.busy.store(true, Relaxed);
        let minute = minute_of(at_ms);
        let before = self.minute.swap(minute, Relaxed);
        if before != minute {
            let counted = self.this_minute.swap(0, Relaxed);
            self.last_minute
                .store(if before + 1 == minute { counted } else { 0 }, Relaxed);
        }
        self.this_minute.fetch_add(1, Relaxed);
    }

    fn finish(&self, took_us: u64, from_mailbox: bool) {
        if from_mailbox {
            self.handled.fetch_add(1, Relaxed);
        }
        self.busy.store(false, Relaxed);
        if let Some(bucket) = TIME_BOUNDS_US.iter().position(|bound| took_us <= *bound) {
            self.times[bucket].fetch_add(1, Relaxed);
        }
        // An hour and more is an hour.
        let longest_us = u32::try_from(took_us).unwrap_or(u32::MAX);
        if longest_us > self.longest_us.load(Relaxed) {
            self.longest_us.fetch_max(longest_us, Relaxed);
        }
    }
}

/// Minutes since 1970; four bytes last until the year 10136.
pub(super) fn minute_of(unix_ms: i64) -> u32 {
    u32::try_from(unix_ms / 60_000).unwrap_or(0)
}

/// Held while an actor handles a message or does some work; tells the card that it is done and how long it took. A panic
/// drops it like any other end.
pub struct Handling<C: CardHandle> {
    card: C,
    began: Instant,
    from_mailbox: bool,
}

impl<C: CardHandle> Handling<C> {
    /// A message is handled.
    pub(crate) fn of_message<M: 'static>(card: C) -> Self {
        Self::begin(card, MessageKind::of::<M>(), true)
    }

    /// The actor works on something that came by no mailbox: a timer, a read. The card shows it under the name of `W`.
    #[must_use]
    pub fn of_work<W: 'static>(card: C) -> Self {
        Self::begin(card, MessageKind::of::<W>(), false)
    }

    fn begin(card: C, kind: MessageKind, from_mailbox: bool) -> Self {
        card.begin(kind);
        Self {
            card,
            began: Instant::now(),
            from_mailbox,
        }
    }
}

impl<C: CardHandle> Drop for Handling<C> {
    fn drop(&mut self) {
        let took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.card.finish(took_us, self.from_mailbox);
    }
}
