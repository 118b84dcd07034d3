//! Split pushes, put together again.
//!
//! The platform cuts payloads above 60 KiB into fragments that share a `message_id` and carry `sum` and `seq`.
//! They may come in any order, twice, and mixed with others. The whole is handed out once, as bytes in the order
//! of `seq`; a cut may split a character, so nothing looks inside before that.
//!
//! Everything that is kept is bounded: fragments per message, bytes per message, messages, bytes in all, and the
//! time since the last fragment. What does not fit is dropped with its reason; the platform then gets no answer
//! and pushes again. Fragments are copied out of the read buffer they came in, so that the bytes counted here
//! are the bytes held.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

/// Longest `message_id` that is kept; the platform's have 36 characters.
const MAX_ID_BYTES: usize = 256;

/// What a fragment costs beside its bytes, and a message beside its fragments: places in tables, and the allocator's.
const OVERHEAD_BYTES: usize = 128;

/// What may be kept.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct AssemblyLimits {
    /// Fragments of one message.
    pub max_parts: u16,
    /// Bytes of one message.
    pub max_message_bytes: usize,
    /// Incomplete messages at a time.
    pub max_open_messages: usize,
    /// Bytes of all incomplete messages, their ids included.
    pub max_held_bytes: usize,
    /// How long an incomplete message waits for its next fragment, and how long a completed one is
    /// remembered. Shorter than the first step of the platform's repeats (15 s), because a repeat may come under
    /// the same id and must then be put together again.
    pub ttl: Duration,
    /// Completed messages that are remembered.
    pub remember: usize,
}

impl Default for AssemblyLimits {
    fn default() -> Self {
        Self {
            max_parts: 1024,
            max_message_bytes: 16 << 20,
            max_open_messages: 256,
            max_held_bytes: 32 << 20,
            ttl: Duration::from_secs(10),
            remember: 1024,
        }
    }
}

/// What became of a fragment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Kept, or known already; others are missing.
    Waiting,
    /// It was the last one: the whole payload.
    Complete(Bytes),
    /// A repeat of a fragment whose message is complete: nothing to do, and no answer of its own.
    AlreadyComplete,
    /// Not kept.
    Dropped(DropReason),
}

/// Why a fragment was not kept.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum DropReason {
    /// Without a usable id fragments cannot be told apart.
    BadMessageId,
    /// `sum` is zero or above the limit.
    BadSum,
    /// `seq` is not below `sum`.
    BadSeq,
    /// Another `sum` than the message's earlier fragments; those are kept.
    SumChanged,
    /// The message grew too large; all of it is dropped.
    MessageTooLarge,
    /// Too many incomplete messages.
    TooManyOpen,
    /// No room for its bytes.
    NoRoom,
}

impl DropReason {
    /// A stable name for counters and logs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadMessageId => "bad_message_id",
            Self::BadSum => "bad_sum",
            Self::BadSeq => "bad_seq",
            Self::SumChanged => "sum_changed",
            Self::MessageTooLarge => "message_too_large",
            Self::TooManyOpen => "too_many_open",
            Self::NoRoom => "no_room",
        }
    }
}

/// The incomplete messages of one connection. It ends with the connection: after a reconnect the platform
/// starts from the first fragment.
#[derive(Debug)]
pub struct Assembly {
    limits: AssemblyLimits,
    open: HashMap<Box<str>, Partial>,
    held_bytes: usize,
    held_parts: usize,
    /// Completed ids with the time they are forgotten, oldest first. Split pushes are rare and their memory
    /// short, so it is searched from end to end.
    finished: VecDeque<(Instant, Box<str>)>,
}

#[derive(Debug)]
struct Partial {
    sum: u16,
    /// A map and not a table of `sum` places: `sum` is only a claim.
    parts: BTreeMap<u16, Bytes>,
    size_bytes: usize,
    expires: Instant,
}

impl Assembly {
    /// Nothing kept yet.
    #[must_use]
    pub fn new(limits: AssemblyLimits) -> Self {
        Self {
            limits,
            open: HashMap::new(),
            held_bytes: 0,
            held_parts: 0,
            finished: VecDeque::new(),
        }
    }

    /// A fragment came in. No more than `most_bytes` may be held just now, counted as [`cost_bytes`](Self::cost_bytes): a
    /// limit that this connection shares with others.
    pub fn handle_fragment(
        &mut self,
        most_bytes: usize,
        message_id: &str,
        sum: u16,
        seq: u16,
        payload: Bytes,
        now: Instant,
    ) -> Outcome {
        self.handle_timeout(now);
        if message_id.is_empty() || message_id.len() > MAX_ID_BYTES {
            return Outcome::Dropped(DropReason::BadMessageId);
        }
        if sum == 0 || sum > self.limits.max_parts {
            return Outcome::Dropped(DropReason::BadSum);
        }
        if seq >= sum {
            return Outcome::Dropped(DropReason::BadSeq);
        }
        if self.finished.iter().any(|(_, id)| **id == *message_id) {
            return Outcome::AlreadyComplete;
        }
        match self.keep(most_bytes, message_id, sum, seq, &payload, now) {
            Ok(true) => Outcome::Complete(self.finish(message_id, now)),
            Ok(false) => Outcome::Waiting,
            Err(reason) => Outcome::Dropped(reason),
        }
    }

    /// Forgets that a message was completed, because its answer was a refusal: the platform will push it again,
    /// perhaps at once and under the same id.
    pub fn handle_refused(&mut self, message_id: &str) {
        self.finished.retain(|(_, id)| **id != *message_id);
    }

    /// Drops what waited too long. The number of incomplete messages dropped.
    pub fn handle_timeout(&mut self, now: Instant) -> usize {
        while self
            .finished
            .front()
            .is_some_and(|(until, _)| *until <= now)
        {
            self.finished.pop_front();
        }
        let before = self.open.len();
        let (held_bytes, held_parts) = (&mut self.held_bytes, &mut self.held_parts);
        self.open.retain(|id, partial| {
            let keep = partial.expires > now;
            if !keep {
                *held_bytes -= partial.size_bytes + id.len();
                *held_parts -= partial.parts.len();
            }
            keep
        });
        before - self.open.len()
    }

    /// When something is to be dropped or forgotten.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let forgotten = self.finished.front().map(|(until, _)| *until);
        let expires = self.open.values().map(|partial| partial.expires);
        expires.chain(forgotten).min()
    }

    /// Incomplete messages.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes of the incomplete messages, their ids included.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The memory that the incomplete messages take, near enough for a bound: many small fragments cost more than
    /// their bytes.
    #[must_use]
    pub fn cost_bytes(&self) -> usize {
        self.held_bytes + (self.held_parts + self.open.len()) * OVERHEAD_BYTES
    }

    /// Keeps a fragment, within the limits; whether its message is now complete.
    fn keep(
        &mut self,
        most_bytes: usize,
        message_id: &str,
        sum: u16,
        seq: u16,
        payload: &[u8],
        now: Instant,
    ) -> Result<bool, DropReason> {
        let expires = now + self.limits.ttl;
        let mut added = payload.len();
        let open = self.open.len();
        match self.open.get_mut(message_id) {
            Some(partial) if partial.sum != sum => return Err(DropReason::SumChanged),
            Some(partial) => {
                partial.expires = expires;
                if partial.parts.contains_key(&seq) {
                    return Ok(false);
                }
            }
            None if open >= self.limits.max_open_messages => {
                return Err(DropReason::TooManyOpen);
            }
            None => added += message_id.len(),
        }
        let size_bytes = self.open.get(message_id).map_or(0, |p| p.size_bytes);
        if size_bytes + payload.len() > self.limits.max_message_bytes {
            self.remove(message_id);
            return Err(DropReason::MessageTooLarge);
        }
        if self.held_bytes + added > self.limits.max_held_bytes
            || self.cost_bytes() + added + 2 * OVERHEAD_BYTES > most_bytes
        {
            return Err(DropReason::NoRoom);
        }
        self.held_bytes += added;
        self.held_parts += 1;
        let partial = self
            .open
            .entry(message_id.into())
            .or_insert_with(|| Partial {
                sum,
                parts: BTreeMap::new(),
                size_bytes: 0,
                expires,
            });
        partial.size_bytes += payload.len();
        partial.parts.insert(seq, Bytes::copy_from_slice(payload));
        Ok(partial.parts.len() == usize::from(sum))
    }

    fn finish(&mut self, message_id: &str, now: Instant) -> Bytes {
        let partial = self.remove(message_id).expect("kept just before");
        if self.finished.len() >= self.limits.remember {
            self.finished.pop_front();
        }
        if self.limits.remember > 0 {
            self.finished
                .push_back((now + self.limits.ttl, message_id.into()));
        }
        let mut whole = BytesMut::with_capacity(partial.size_bytes);
        for part in partial.parts.into_values() {
            whole.extend_from_slice(&part);
        }
        whole.freeze()
    }

    fn remove(&mut self, message_id: &str) -> Option<Partial> {
        let partial = self.open.remove(message_id)?;
        self.held_bytes -= partial.size_bytes + message_id.len();
        self.held_parts -= partial.parts.len();
        Some(partial)
    }
}

#[cfg(test)]
mod tests;
