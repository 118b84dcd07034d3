//! What happens to an event after it is recorded: when it was acknowledged, each attempt to deliver it, what was replied.
//!
//! Best effort: steps ride in the writer's transactions, after the events, and are dropped and counted when too many wait or
//! the database does not take them. A process delivers thousands of events per second, so whoever delivers gathers steps in
//! a [`JourneyBatch`], and a batch is one row, or one for each 4,096 numbers of the log that its events lie apart.

mod codec;

use bytes::Bytes;
use longwire_wire::event::Seq;

use crate::ids::ConsumerId;

pub(crate) use self::codec::{decode, encode};

/// Bytes of an answer that are kept at most.
pub const ANSWER_BYTES: usize = 16 << 10;

/// Bytes of an answer that nobody will ask for: those of a success that said nothing. Enough to recognize a wrong server.
pub const SHORT_ANSWER_BYTES: usize = 256;

/// The events of one row are less than this apart, so that the rows with an event are found by a short search.
pub(crate) const ROW_SPAN: i64 = 4_096;

/// Steps and bytes of one row, about.
const ROW_STEPS: usize = 1_024;
const ROW_BYTES: usize = 256 << 10;

/// One thing that happened to an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JourneyStep {
    /// The event.
    pub seq: Seq,
    /// When, in milliseconds since 1970; of an attempt, when it began.
    pub at_ms: i64,
    /// What.
    pub what: Happening,
}

/// What happened to an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Happening {
    /// It was handed to an application, or that was tried.
    Attempt(DeliveryAttempt),
    /// The platform was told that it is recorded.
    Acknowledged {
        /// How long after the event had come, in microseconds.
        after_us: u64,
    },
    /// The application's reply was sent to the chat.
    ReplySent,
    /// It was not, or nobody knows whether it was.
    ReplyFailed {
        /// Why, for people.
        detail: String,
    },
    /// The application's answer to a card click went out with the acknowledgement.
    CardAnswered {
        /// How long after the click had come, in microseconds.
        after_us: u64,
    },
    /// The application's answer was not there in time, or was refused, and the default went out.
    CardDefaulted {
        /// Why, for people.
        detail: String,
    },
    /// It was given up by the consumer's policy, and counts as done.
    GaveUp {
        /// How often it was tried.
        attempts: u32,
    },
}

/// One try to hand an event to an application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeliveryAttempt {
    /// Which try of this event it was, from 1.
    pub number: u32,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// What the application answered.
    pub answer: KeptAnswer,
}

/// How an attempt ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeliveryOutcome {
    /// The endpoint answered with this HTTP status.
    Status(u16),
    /// There was no answer.
    Failed(AttemptFailure),
    /// A reader took it and said that it is done with it.
    Acked {
        /// Which reader, as it calls itself.
        reader: String,
    },
    /// A reader took it and gave it back.
    Nacked {
        /// Which reader, as it calls itself.
        reader: String,
    },
    /// A reader took it and let the deadline of its claim pass.
    Lapsed {
        /// Which reader, as it calls itself.
        reader: String,
    },
}

/// Why an endpoint gave no answer.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum AttemptFailure {
    /// Its host has no address.
    NoAddress,
    /// Its address is one that may not be dialled.
    Forbidden,
    /// It refused the connection.
    Refused,
    /// It could not be reached otherwise.
    Unreachable,
    /// TLS could not be agreed on.
    Tls,
    /// It did not answer in time.
    Timeout,
    /// It closed the connection before it had answered.
    Closed,
    /// What it answered is not HTTP, or too much.
    Malformed,
    /// Another reason, which only a newer version knows.
    Other,
}

impl AttemptFailure {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 9] = [
        Self::NoAddress,
        Self::Forbidden,
        Self::Refused,
        Self::Unreachable,
        Self::Tls,
        Self::Timeout,
        Self::Closed,
        Self::Malformed,
        Self::Other,
    ];

    /// The word in JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NoAddress => "no_address",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Malformed => "malformed",
            Self::Other => "other",
        }
    }
}

/// The beginning of an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeptAnswer {
    /// Its first bytes, in memory of their own.
    pub bytes: Bytes,
    /// How many bytes it had in all.
    pub total_bytes: u64,
}

impl KeptAnswer {
    /// The first [`ANSWER_BYTES`] of an answer that somebody may ask for: any but a success without a reply.
    #[must_use]
    pub fn of(answer: &[u8]) -> Self {
        Self::first(answer, ANSWER_BYTES)
    }

    /// The first [`SHORT_ANSWER_BYTES`] of a success that said nothing to us.
    #[must_use]
    pub fn shortened(answer: &[u8]) -> Self {
        Self::first(answer, SHORT_ANSWER_BYTES)
    }

    fn first(answer: &[u8], most: usize) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(&answer[..answer.len().min(most)]),
            total_bytes: answer.len() as u64,
        }
    }
}

/// Steps that are written together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JourneyBatch {
    pub(crate) consumer: Option<ConsumerId>,
    pub(crate) steps: Vec<JourneyStep>,
    held_bytes: usize,
}

impl JourneyBatch {
    /// An empty one, of steps with a consumer, or of those that no consumer has a part in.
    #[must_use]
    pub fn new(consumer: Option<ConsumerId>) -> Self {
        Self {
            consumer,
            steps: Vec::new(),
            held_bytes: size_of::<Self>(),
        }
    }

    /// Adds a step. The order is free.
    pub fn push(&mut self, step: JourneyStep) {
        self.held_bytes += size_of::<JourneyStep>() + step.text_bytes();
        self.steps.push(step);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The memory that it holds, near enough for a bound.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The rows that it becomes: the steps of each in the order of their events.
    pub(crate) fn rows(&self) -> Vec<Vec<&JourneyStep>> {
        let mut sorted: Vec<&JourneyStep> = self.steps.iter().collect();
        sorted.sort_by_key(|step| step.seq);
        let mut rows: Vec<Vec<&JourneyStep>> = Vec::new();
        let mut bytes = 0;
        for step in sorted {
            let fits = rows.last().is_some_and(|row| {
                let first = row.first().map_or(step.seq.0, |first| first.seq.0);
                step.seq.0.saturating_sub(first) < ROW_SPAN
                    && row.len() < ROW_STEPS
                    && bytes < ROW_BYTES
            });
            if !fits {
                rows.push(Vec::new());
                bytes = 0;
            }
            bytes += step.text_bytes();
            if let Some(row) = rows.last_mut() {
                row.push(step);
            }
        }
        rows
    }
}

impl JourneyStep {
    fn text_bytes(&self) -> usize {
        match &self.what {
            Happening::Attempt(attempt) => {
                let reader = match &attempt.outcome {
                    DeliveryOutcome::Status(_) | DeliveryOutcome::Failed(_) => 0,
                    DeliveryOutcome::Acked { reader }
                    | DeliveryOutcome::Nacked { reader }
                    | DeliveryOutcome::Lapsed { reader } => reader.len(),
                };
                reader + attempt.answer.bytes.len()
            }
            Happening::ReplyFailed { detail } | Happening::CardDefaulted { detail } => detail.len(),
            Happening::Acknowledged { .. }
            | Happening::ReplySent
            | Happening::CardAnswered { .. }
            | Happening::GaveUp { .. } => 0,
        }
    }
}

/// A kept step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JourneyRecord {
    /// The batch it was written in: a cursor for [`ReadEngine::attempts`](crate::ReadEngine::attempts).
    pub batch: i64,
    /// The consumer that had a part in it.
    pub consumer: Option<ConsumerId>,
    /// What happened.
    pub step: JourneyStep,
}

#[cfg(test)]
mod tests;
