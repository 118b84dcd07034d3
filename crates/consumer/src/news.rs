//! What a queue tells its owner.

use std::time::Duration;

use longwire_wire::event::Seq;

use crate::delivery::DeliveryFailure;
use crate::position::Position;

/// What happened, for the timeline, operational events and the consumer's owner.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ConsumerNews {
    /// The endpoint fails. Its backlog is kept, and it is probed.
    Paused {
        /// The failure that led to it.
        cause: DeliveryFailure,
    },
    /// The endpoint answers again.
    Resumed {
        /// How long it was paused.
        paused_for: Duration,
    },
    /// The endpoint answered 410. Nothing is sent until an operator resumes the consumer.
    Stopped,
    /// The oldest event that is not done has used so much of the owner's patience: 50, 75 or 100.
    Lagging {
        /// The part, in percent.
        percent: u8,
        /// The age of that event.
        behind: Duration,
    },
    /// A lagging consumer is behind by less than a quarter of the patience.
    CaughtUp,
    /// An event is a dead letter by the consumer's policy. Told before any position has it done.
    GaveUp {
        /// The event.
        seq: Seq,
        /// How often it was sent.
        attempts: u32,
        /// The last failure.
        failure: DeliveryFailure,
    },
    /// Events went from the log before they were done.
    Gone {
        /// How many numbers of the log; not all of them may have passed the filter.
        events: u64,
    },
    /// An event was too old by the consumer's policy, and is done without having been sent.
    Skipped {
        /// The event.
        seq: Seq,
    },
}

/// How soon a position has to be on disk.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SavePace {
    /// With the next transaction: deliveries wait for it.
    Prompt,
    /// Whenever something is written; within some ten milliseconds if possible.
    Lazy,
}

/// A position that has to be kept. It replaces every earlier one.
#[derive(Clone, Debug)]
pub struct PositionSave {
    /// Its number: told back by [`handle_saved`](crate::ConsumerQueue::handle_saved).
    pub number: u64,
    /// The position.
    pub position: Position,
    /// How soon.
    pub pace: SavePace,
}

/// Why nothing is sent, if nothing is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum QueueState {
    /// Events are sent as they come.
    Active,
    /// The endpoint fails and is probed.
    Failing {
        /// The last failure.
        cause: DeliveryFailure,
        /// How many probes failed.
        probes: u32,
    },
    /// An operator paused it. Failing or not, nothing is sent.
    Paused,
    /// The endpoint answered 410.
    Stopped,
}

/// Where the next events are to be read, for [`handle_page`](crate::ConsumerQueue::handle_page).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ReadWant {
    /// What it is for; given back with the page.
    pub scope: ReadScope,
    /// Read behind this event.
    pub after: Seq,
    /// Up to this one, if the end is known.
    pub until: Option<Seq>,
    /// At most so many events of the log, whether they pass the filter or not.
    pub limit: usize,
}

/// What is read.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// What the consumer has not seen yet.
    Ahead,
    /// What an earlier process read and did not finish.
    Unfinished,
    /// The events of one chat that were left in the log.
    Chat(crate::order_key::OrderKey),
}
