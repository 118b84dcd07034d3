//! What is handed to an application, and how that ends.

use std::time::{Duration, Instant};

use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

use crate::order_key::{ChatKey, DeliveryOrder, OrderKey, Urgent};

/// An event that was read from the log and passes the consumer's filter. `E` is a handle that is cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadEvent<E> {
    /// Its place in the log.
    pub seq: Seq,
    /// Whose it is.
    pub installation: InstallationId,
    /// Its chat, where it has one.
    pub chat: Option<ChatKey>,
    /// Whether somebody waits for the answer.
    pub urgent: Urgent,
    /// When it was recorded, in milliseconds since 1970.
    pub recorded_ms: i64,
    /// The memory that the payload holds.
    pub size_bytes: usize,
    /// What the application is to receive.
    pub payload: E,
}

impl<E> ReadEvent<E> {
    /// What it is ordered with.
    #[must_use]
    pub fn key(&self, order: DeliveryOrder) -> OrderKey {
        OrderKey::new(order, self.seq, self.installation, self.chat, self.urgent)
    }

    /// What it goes to the same connection with: a click goes where the messages of its chat go.
    pub(crate) fn shared_by(&self, order: DeliveryOrder) -> OrderKey {
        OrderKey::new(order, self.seq, self.installation, self.chat, Urgent::No)
    }
}

/// The number of a delivery. It rises, and is never given twice by one [`ConsumerQueue`](crate::ConsumerQueue).
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// Who receives deliveries. A stream connection has a number of its own. A pull reader that gives itself a name has a number
/// made of it; all others share [`ReaderId::ANYBODY`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u64);

impl ReaderId {
    /// The endpoint of a webhook.
    pub const ENDPOINT: Self = Self(0);
    /// Pull readers without a name. They share no chats among them.
    pub const ANYBODY: Self = Self(1);
}

/// One hand-over to the application. It ends by exactly one call of the queue about its id, or about all its events.
#[derive(Clone, Debug)]
pub struct Delivery<E> {
    /// Its number.
    pub id: DeliveryId,
    /// Who receives it.
    pub reader: ReaderId,
    /// The events, oldest first: one, or those that were gathered.
    pub events: Vec<SentEvent<E>>,
    /// Whether the consumer gathers events, so that the body is a batch, also of one. Clicks are no batch.
    pub is_batch: bool,
    /// Whether it probes an endpoint that fails.
    pub is_probe: bool,
    /// When the claim of a pull reader ends.
    pub deadline: Option<Instant>,
}

/// One event of a [`Delivery`].
#[derive(Clone, Debug)]
pub struct SentEvent<E> {
    /// Its place in the log.
    pub seq: Seq,
    /// What the application is to receive.
    pub payload: E,
    /// Which attempt this is, the first being 1. Attempts of earlier processes count as far as they were kept.
    pub attempt: u32,
    /// Whether the application may have had it before: it was sent before, or an earlier process may have sent it.
    pub redelivered: bool,
    /// The time between recording and this attempt.
    pub age: Duration,
    /// Whether it is older than the consumer wants, and to be labelled so.
    pub is_stale: bool,
    /// Numbers of the log before it that retention took before they were done; 0 almost always.
    pub gap_before: u64,
}

/// How a delivery failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DeliveryFailure {
    /// The endpoint's host refused the connection: the application is not running.
    Refused,
    /// There was no connection: no such name, no route, no TLS, forbidden address.
    Unreachable,
    /// The connection ended before the answer was complete.
    NoAnswer,
    /// The answer did not come in time.
    TimedOut,
    /// The endpoint answered with this status, which is not 2xx.
    Status {
        /// The status. 410 stops the consumer.
        code: u16,
        /// The header `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// A reader gave it back.
    Nacked {
        /// When it wants it again; the usual delay if absent.
        delay: Option<Duration>,
    },
    /// A connection answered it with an error, as it did with all events of its type: the application has no handler for them.
    Unhandled,
    /// A reader neither acknowledged it nor gave it back in time: before its claim ended, or before its stream was ended for it.
    ClaimExpired,
}

/// Whose failure it is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nobody can be reached there. Other events would fail too.
    Endpoint,
    /// The endpoint asks for time.
    EndpointUntil(Duration),
    /// This event's, as far as one failure tells.
    Event,
    /// There is no such endpoint any more.
    Gone,
}

impl DeliveryFailure {
    /// Whose failure it is.
    pub(crate) fn blame(self) -> Blame {
        match self {
            Self::Refused | Self::Unreachable => Blame::Endpoint,
            Self::Status { code: 410, .. } => Blame::Gone,
            Self::Status {
                code: 429 | 503,
                retry_after: Some(delay),
            } => Blame::EndpointUntil(delay),
            Self::Status { code: 429, .. } => Blame::Endpoint,
            Self::NoAnswer
            | Self::TimedOut
            | Self::Status { .. }
            | Self::Nacked { .. }
            | Self::Unhandled
            | Self::ClaimExpired => Blame::Event,
        }
    }

    /// The delay that the application asked for.
    pub(crate) fn asked_delay(self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => retry_after,
            Self::Nacked { delay } => delay,
            Self::Refused
            | Self::Unreachable
            | Self::NoAnswer
            | Self::TimedOut
            | Self::Unhandled
            | Self::ClaimExpired => None,
        }
    }
}
