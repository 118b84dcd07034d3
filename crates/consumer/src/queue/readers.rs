//! Who takes deliveries, how many at a time, and which chats are whose.
//!
//! Readers of one consumer share its chats: the chat goes to the reader with the least to do, of those to the one with the fewest
//! chats, and stays with it as long as that reader is there. It moves when the reader is gone and nothing of the chat is under
//! way. The last chats of each consumer are remembered; a chat that was silent while 16,384 others spoke may get another reader.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use super::Receivers;
use crate::delivery::ReaderId;
use crate::order_key::OrderKey;

/// How many chats are remembered with their reader.
const REMEMBERED: usize = 16_384;
/// A pull reader that asks for nothing so long, and has nothing, is gone.
const PULL_READER_STAYS: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Readers {
    receivers: Receivers,
    readers: BTreeMap<ReaderId, Reading>,
    /// Whose a chat is.
    chats: HashMap<OrderKey, ReaderId>,
    /// The same chats, oldest first.
    remembered: VecDeque<OrderKey>,
    /// How many more deliveries all readers take that are given what comes.
    room: usize,
}

#[derive(Debug)]
struct Reading {
    /// How many deliveries it may have; none for a reader that asks each time.
    window: Option<usize>,
    in_flight: usize,
    /// How many of the chats that are remembered are its.
    chats: usize,
    heard: Option<Instant>,
}

impl Reading {
    /// Whether it is a pull reader of which nothing was heard for long.
    fn is_gone(&self, now: Instant) -> bool {
        let silent = self
            .heard
            .is_none_or(|heard| now >= heard + PULL_READER_STAYS);
        self.window.is_none() && self.in_flight == 0 && silent
    }

    fn room(&self) -> usize {
        self.window
            .map_or(0, |window| window.saturating_sub(self.in_flight))
    }
}

impl Readers {
    pub(super) fn new(receivers: Receivers, concurrency: NonZeroU16) -> Self {
        let mut readers = Self {
            receivers,
            readers: BTreeMap::new(),
            chats: HashMap::new(),
            remembered: VecDeque::new(),
            room: 0,
        };
        readers.set_concurrency(usize::from(concurrency.get()));
        readers
    }

    pub(super) fn set_concurrency(&mut self, concurrency: usize) {
        match self.receivers {
            Receivers::Endpoint => self.attach(ReaderId::ENDPOINT, concurrency),
            Receivers::Readers | Receivers::Connections => {}
        }
    }

    /// A reader is there and takes so many at a time.
    pub(super) fn attach(&mut self, reader: ReaderId, window: usize) {
        let reading = self.readers.entry(reader).or_insert(Reading {
            window: None,
            in_flight: 0,
            chats: 0,
            heard: None,
        });
        reading.window = Some(window);
        self.count_room();
    }

    /// A pull reader asks.
    pub(super) fn hear(&mut self, reader: ReaderId, now: Instant) {
        self.readers.retain(|_, reading| !reading.is_gone(now));
        let reading = self.readers.entry(reader).or_insert(Reading {
            window: None,
            in_flight: 0,
            chats: 0,
            heard: None,
        });
        reading.heard = Some(now);
    }

    /// A reader is gone; nothing of it is under way.
    pub(super) fn detach(&mut self, reader: ReaderId) {
        self.readers.remove(&reader);
        self.count_room();
    }

    /// When the next pull reader counts as gone, so that others may have its chats.
    pub(super) fn next_gone(&self, now: Instant) -> Option<Instant> {
        let pulls = |reading: &&Reading| reading.window.is_none() && reading.in_flight == 0;
        let silent = self.readers.values().filter(pulls);
        let gone = silent.filter_map(|reading| Some(reading.heard? + PULL_READER_STAYS));
        gone.filter(|at| *at > now).min()
    }

    fn count_room(&mut self) {
        self.room = self.readers.values().map(Reading::room).sum();
    }

    /// Whether any reader takes what comes.
    pub(super) fn has_room(&self) -> bool {
        self.room > 0
    }

    /// Whether this reader takes what comes, and may have more.
    pub(super) fn has_room_for(&self, reader: ReaderId) -> bool {
        let reading = self.readers.get(&reader);
        reading.is_some_and(|reading| reading.room() > 0)
    }

    /// Whether the chat stays with a stream reader that has all it may have.
    pub(super) fn waits_for_owner(&self, key: OrderKey) -> bool {
        let owner = self.chats.get(&key);
        let reading = owner.and_then(|reader| self.readers.get(reader));
        reading.is_some_and(|reading| reading.window.is_some() && reading.room() == 0)
    }

    /// The reader that the lane goes to, of those that take what comes; `None` if it has to wait for its own.
    pub(super) fn choose(&self, key: OrderKey, now: Instant) -> Option<ReaderId> {
        if self.receivers == Receivers::Endpoint {
            return self.has_room().then_some(ReaderId::ENDPOINT);
        }
        if let Some((reader, reading)) = self.owner(key, now) {
            return (reading.room() > 0).then_some(reader);
        }
        let with_room = self
            .readers
            .iter()
            .filter(|(_, reading)| reading.room() > 0);
        with_room
            .min_by_key(|(_, reading)| (reading.in_flight, reading.chats))
            .map(|(reader, _)| *reader)
    }

    /// Whether `reader`, which asks for itself, may have the lane.
    pub(super) fn may_claim(&self, key: OrderKey, reader: ReaderId, now: Instant) -> bool {
        self.owner(key, now)
            .is_none_or(|(owner, _)| owner == reader)
    }

    /// The reader that the chat stays with.
    fn owner(&self, key: OrderKey, now: Instant) -> Option<(ReaderId, &Reading)> {
        let reader = self.chats.get(&key)?;
        let reading = self.readers.get(reader)?;
        (!reading.is_gone(now)).then_some((*reader, reading))
    }

    /// A delivery of the lane goes to `reader`.
    pub(super) fn take(&mut self, key: OrderKey, reader: ReaderId) {
        if let Some(reading) = self.readers.get_mut(&reader) {
            self.room -= usize::from(reading.room() > 0);
            reading.in_flight += 1;
        }
        let shared = self.receivers != Receivers::Endpoint && reader != ReaderId::ANYBODY;
        if !shared {
            return;
        }
        match self.chats.insert(key, reader) {
            Some(owner) if owner == reader => return,
            Some(owner) => self.has_chat_less(owner),
            None => self.remember(key),
        }
        if let Some(reading) = self.readers.get_mut(&reader) {
            reading.chats += 1;
        }
    }

    /// Remembers a new chat in place of the oldest.
    fn remember(&mut self, key: OrderKey) {
        self.remembered.push_back(key);
        if self.remembered.len() > REMEMBERED
            && let Some(oldest) = self.remembered.pop_front()
            && let Some(owner) = self.chats.remove(&oldest)
        {
            self.has_chat_less(owner);
        }
    }

    /// A chat is not this reader's any more, if it is there.
    fn has_chat_less(&mut self, reader: ReaderId) {
        if let Some(reading) = self.readers.get_mut(&reader) {
            reading.chats = reading.chats.saturating_sub(1);
        }
    }

    /// A delivery to `reader` ended.
    pub(super) fn give_back(&mut self, reader: ReaderId) {
        if let Some(reading) = self.readers.get_mut(&reader) {
            reading.in_flight = reading.in_flight.saturating_sub(1);
            self.room += usize::from(reading.room() > 0);
        }
    }

    /// All deliveries were given up.
    pub(super) fn forget_deliveries(&mut self) {
        for reading in self.readers.values_mut() {
            reading.in_flight = 0;
        }
        self.count_room();
    }
}
