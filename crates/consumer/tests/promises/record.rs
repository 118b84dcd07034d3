//! The log that is consumed, and what the application has seen of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use longwire_consumer::{ChatKey, DeliveryOrder, Position, ReadEvent, Urgent};
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

/// What is delivered one after the other, by the words of the documentation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Sequence {
    Alone(i64),
    Chat(i64, u8, bool),
    NoChat(i64, bool),
    Installation(i64, bool),
}

impl Sequence {
    /// What a connection has together with it: the clicks of a chat are the chat's.
    pub(crate) fn with_its_clicks(self) -> Self {
        match self {
            Self::Alone(seq) => Self::Alone(seq),
            Self::Chat(bot, chat, _) => Self::Chat(bot, chat, false),
            Self::NoChat(bot, _) => Self::NoChat(bot, false),
            Self::Installation(bot, _) => Self::Installation(bot, false),
        }
    }
}

#[derive(Copy, Clone, Debug)]
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) bot: i64,
    pub(crate) chat: Option<u8>,
    pub(crate) click: bool,
    pub(crate) passes: bool,
    pub(crate) recorded_ms: i64,
    pub(crate) size_bytes: usize,
}

impl Row {
    pub(crate) fn sequence(&self, order: DeliveryOrder) -> Sequence {
        match order {
            DeliveryOrder::None => Sequence::Alone(self.seq),
            DeliveryOrder::Installation => Sequence::Installation(self.bot, self.click),
            DeliveryOrder::Chat => match self.chat {
                Some(chat) => Sequence::Chat(self.bot, chat, self.click),
                None => Sequence::NoChat(self.bot, self.click),
            },
        }
    }

    pub(crate) fn read(&self) -> ReadEvent<i64> {
        let installation = InstallationId(self.bot);
        ReadEvent {
            seq: Seq(self.seq),
            installation,
            chat: self
                .chat
                .map(|chat| ChatKey::new(installation, &format!("oc_{chat}"))),
            urgent: if self.click {
                Urgent::Click
            } else {
                Urgent::No
            },
            recorded_ms: self.recorded_ms,
            size_bytes: self.size_bytes,
            payload: self.seq,
        }
    }
}

/// The log, and for each event of it what became of it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) rows: Vec<Row>,
    /// The events that were sent at least once.
    pub(crate) sent: BTreeSet<i64>,
    /// Those of which the queue was told, or told itself, that nothing remains to be done.
    pub(crate) handled: BTreeSet<i64>,
    /// The sequences, each with its events that pass the filter and were not sent yet.
    unsent: HashMap<Sequence, std::collections::VecDeque<i64>>,
    index: BTreeMap<i64, usize>,
}

impl Record {
    pub(crate) fn head(&self) -> i64 {
        self.rows.last().map_or(0, |row| row.seq)
    }

    pub(crate) fn push(&mut self, row: Row, order: DeliveryOrder) {
        self.index.insert(row.seq, self.rows.len());
        self.rows.push(row);
        if row.passes {
            let unsent = self.unsent.entry(row.sequence(order)).or_default();
            unsent.push_back(row.seq);
        }
    }

    pub(crate) fn row(&self, seq: i64) -> &Row {
        &self.rows[self.index[&seq]]
    }

    /// A page: its rows, and what it reached.
    pub(crate) fn page(&self, after: i64, until: Option<i64>, limit: usize) -> (Vec<Row>, i64) {
        let from = self.rows.partition_point(|row| row.seq <= after);
        let rows: Vec<Row> = self.rows[from..]
            .iter()
            .take_while(|row| until.is_none_or(|until| row.seq <= until))
            .take(limit)
            .copied()
            .collect();
        let reached = rows.last().map_or(after, |row| row.seq);
        (rows, reached)
    }

    /// An event is sent for the first time: no earlier one of its sequence was left out.
    pub(crate) fn send_first(&mut self, seq: i64, order: DeliveryOrder) {
        let sequence = self.row(seq).sequence(order);
        let unsent = self.unsent.get_mut(&sequence).expect("it has the event");
        if self.handled.contains(&seq) && !unsent.contains(&seq) {
            // It was skipped as too old and passed by; then the process was killed, and the clock set back.
            self.sent.insert(seq);
            return;
        }
        while let Some(next) = unsent.front()
            && *next != seq
        {
            let passed_by = unsent.pop_front().expect("it is there");
            assert!(
                self.handled.contains(&passed_by),
                "{seq} is sent before {passed_by} of the same sequence"
            );
        }
        assert_eq!(unsent.pop_front(), Some(seq));
        self.sent.insert(seq);
    }

    /// An event that was sent for the first time was not sent.
    pub(crate) fn unsend(&mut self, seq: i64, order: DeliveryOrder) {
        let sequence = self.row(seq).sequence(order);
        self.sent.remove(&seq);
        let unsent = self.unsent.entry(sequence).or_default();
        unsent.insert(unsent.partition_point(|other| *other < seq), seq);
    }

    /// Every event that the position has done was handled.
    pub(crate) fn check_position(&self, position: &Position, order: DeliveryOrder) {
        for row in &self.rows {
            if row.seq > position.reached.0 || !row.passes || self.handled.contains(&row.seq) {
                continue;
            }
            let waits = position.undone.iter().any(|undone| undone.seq.0 == row.seq)
                || position.deferred.iter().any(|chat| {
                    chat.after.0 < row.seq
                        && row.seq <= chat.last.0
                        && chat.key == row.read().key(order)
                });
            assert!(waits, "{} was skipped: {position:?}", row.seq);
        }
    }

    pub(crate) fn unhandled(&self) -> usize {
        let passing = self.rows.iter().filter(|row| row.passes);
        passing
            .filter(|row| !self.handled.contains(&row.seq))
            .count()
    }
}
