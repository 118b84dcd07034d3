//! Why something that was asked of delivery was not done.

use longwire_consumer::EventId;
use longwire_egress::endpoint::PostError;
use longwire_installation::{Name, Revision};
use longwire_store::{ReadError, SealError, WriteError};

use crate::endpoint_plan::EndpointRefused;

/// Another consumer has the connections of that token and bot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connections of this token to this bot are those of the consumer {by}")]
pub struct RelayTaken {
    /// What it is called.
    pub by: Name,
}

/// Retention took the events from there on.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the events from there on are no longer kept; the oldest place is {oldest}")]
pub struct EventsExpired {
    /// The oldest place at which reading can begin.
    pub oldest: EventId,
}

/// A consumer was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Nothing can be posted to its webhook.
    #[error(transparent)]
    Endpoint(#[from] EndpointRefused),
    /// Its connections are another one's.
    #[error(transparent)]
    RelayTaken(#[from] RelayTaken),
    /// Where it is to begin cannot be found out.
    #[error("the log does not tell where the consumer begins")]
    Read(#[from] ReadError),
    /// The place is older than what is kept.
    #[error(transparent)]
    Expired(#[from] EventsExpired),
    /// The store did not take it. [`WriteError::NameTaken`] if the space has one of this name.
    #[error("the consumer was not kept")]
    Store(#[from] WriteError),
}

/// A consumer was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// It was changed by somebody else meanwhile.
    #[error("it was changed meanwhile, and has revision {} now", found.0)]
    Outdated {
        /// Its revision now.
        found: Revision,
    },
    /// A consumer keeps its name.
    #[error("a consumer keeps its name; make another one")]
    OtherName,
    /// A consumer keeps its kind of road.
    #[error("a consumer keeps its kind of road; make another one")]
    OtherRoad,
    /// Nothing can be posted to its webhook.
    #[error(transparent)]
    Endpoint(#[from] EndpointRefused),
    /// The connections that it would have are another one's.
    #[error(transparent)]
    RelayTaken(#[from] RelayTaken),
    /// The store did not take the change.
    #[error("the change was not kept")]
    Store(#[source] WriteError),
    /// Its secret cannot be opened.
    #[error("its signing secret cannot be opened")]
    Seal(#[from] SealError),
}

/// A consumer was not paused or resumed.
#[derive(Debug, thiserror::Error)]
pub enum SteerError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// The store did not take the change.
    #[error("the change was not kept")]
    Store(#[from] WriteError),
    /// Its secret cannot be opened.
    #[error("its signing secret cannot be opened")]
    Seal(#[from] SealError),
}

/// A consumer was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// The store did not remove it; it is there still, and runs again after a restart.
    #[error("the consumer was not removed")]
    Store(#[from] WriteError),
    /// Its replays cannot be found.
    #[error("the replays of the consumer cannot be read")]
    Read(#[from] ReadError),
}

/// The secret of a consumer was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// It has no webhook.
    #[error("the consumer has no webhook, so nothing is signed")]
    NoWebhook,
    /// The store did not take the change.
    #[error("the new secret was not kept")]
    Store(#[from] WriteError),
    /// A secret cannot be opened.
    #[error("its signing secret cannot be opened")]
    Seal(#[from] SealError),
}

/// The position of a consumer was not moved.
#[derive(Debug, thiserror::Error)]
pub enum SeekError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// No actor runs it now.
    #[error("the consumer does not run: {why}")]
    NotRunning {
        /// Why.
        why: String,
    },
    /// Where it is to go on cannot be found out.
    #[error("the log does not tell where the consumer goes on")]
    Read(#[from] ReadError),
    /// The place is older than what is kept.
    #[error(transparent)]
    Expired(#[from] EventsExpired),
    /// It was moved, but that is not on disk yet.
    #[error("the position was moved, and is not on disk yet: look at the state of the store")]
    NotDurable,
}

/// A reader was not given events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// Its events come over another road.
    #[error("the consumer's events are not pulled; make a consumer with the road `pull`")]
    OtherRoad,
    /// No actor runs it now.
    #[error("the consumer does not run: {why}; try again")]
    NotRunning {
        /// Why.
        why: String,
    },
}

/// An acknowledgement was not taken, or is not on disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// A webhook acknowledges by its status, a relay over its connection.
    #[error(
        "a webhook acknowledges by its status, and a connection of the platform's SDK by its own frames"
    )]
    OtherRoad,
    /// This log has no such event.
    #[error("{id} is no event of this store")]
    ForeignEvent {
        /// The id.
        id: EventId,
    },
    /// No actor runs it now.
    #[error("the consumer does not run: {why}; try again")]
    NotRunning {
        /// Why.
        why: String,
    },
    /// It is taken, but not on disk yet: after a crash the events come again.
    #[error("the acknowledgement is not on disk yet; send it again")]
    NotDurable,
}

/// An answer to an event was not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimedAnswerError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// This log has no such event.
    #[error("{id} is no event of this store")]
    ForeignEvent {
        /// The id.
        id: EventId,
    },
    /// No actor runs it now.
    #[error("the consumer does not run: {why}; try again")]
    NotRunning {
        /// Why.
        why: String,
    },
    /// What is wrong with the answer, or that it is late.
    #[error("{why}")]
    Refused {
        /// Why.
        why: String,
    },
}

/// A stream was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// Its events come over another road.
    #[error("the consumer's events are not streamed; make a consumer with the road `stream`")]
    OtherRoad,
    /// This log has no such event.
    #[error("{id} is no event of this store")]
    ForeignEvent {
        /// The id.
        id: EventId,
    },
    /// No actor runs it now.
    #[error("the consumer does not run: {why}; try again")]
    NotRunning {
        /// Why.
        why: String,
    },
    /// There are as many streams as may be, or the process ends.
    #[error("no more streams are opened: at most {most} at a time")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
}

/// The log was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadAlongError {
    /// The store did not answer.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// Delivery has ended.
    #[error("delivery has ended")]
    Ended,
    /// There are as many streams as may be, or the process ends.
    #[error("no more streams are opened: at most {most} at a time")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
}

/// The journey of an event cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// There is no such event, or the space does not see it.
    #[error("there is no such event")]
    Unknown,
    /// The store did not answer.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// Delivery has ended.
    #[error("delivery has ended")]
    Ended,
}

/// A made-up event was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// Readers get events of the log only, because they acknowledge them.
    #[error("only a webhook can be sent an event that is not in the log")]
    OtherRoad,
    /// No actor runs it now.
    #[error("the consumer does not run: {why}; try again")]
    NotRunning {
        /// Why.
        why: String,
    },
    /// There was no answer.
    #[error("the webhook did not answer")]
    NoAnswer(#[from] PostError),
}

/// A replay was not begun.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The space has no consumer of this name.
    #[error("there is no such consumer")]
    Unknown,
    /// This log has no such event.
    #[error("{id} is no event of this store")]
    ForeignEvent {
        /// The id.
        id: EventId,
    },
    /// There is nothing between the two ends.
    #[error("there is no event to replay there")]
    Nothing,
    /// The consumer has as many replays as it may have.
    #[error("the consumer has {most} replays under way; wait until one has ended")]
    TooMany {
        /// How many it may have.
        most: usize,
    },
    /// The store did not answer.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// The place is older than what is kept.
    #[error(transparent)]
    Expired(#[from] EventsExpired),
    /// The store did not take it.
    #[error("the replay was not kept")]
    Store(#[from] WriteError),
}

/// The consumer of a token and bot was not found, and not made.
#[derive(Debug, thiserror::Error)]
pub enum RelayConsumerError {
    /// Its owner stopped it, or it was stopped.
    #[error("the consumer {name} is stopped: {reason}")]
    Stopped {
        /// What it is called.
        name: Name,
        /// Why, for people.
        reason: String,
    },
    /// All names that were tried are taken by other consumers of the space.
    #[error(
        "the consumer would be called {name}, and others are; make one with the road `relay` under another name"
    )]
    NameTaken {
        /// The first name that was tried.
        name: String,
    },
    /// The process ends, and makes none any more.
    #[error("this process ends")]
    Draining,
    /// It was not made.
    #[error(transparent)]
    Create(#[from] CreateError),
}
