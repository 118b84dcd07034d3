//! How a consumer wants its events: order, pace, batches, age, retries.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use crate::order_key::DeliveryOrder;

/// The most events of one batch.
pub const MAX_GATHERED: usize = 100;

/// How the events of a consumer are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// Which events wait for each other.
    pub order: DeliveryOrder,
    /// How many deliveries a webhook may have under way. A pull reader says by its `limit` how many it takes, a stream
    /// reader by its window.
    pub concurrency: NonZeroU16,
    /// The most deliveries per second, on every road; retries count.
    pub rate: Option<NonZeroU32>,
    /// Whether rapid events of a chat arrive as one batch. Needs [`DeliveryOrder::Chat`].
    pub gather: Option<GatherPolicy>,
    /// What happens to events that could not be delivered for long.
    pub max_age: Option<MaxAge>,
    /// When an event is given up. Never, unless this says so.
    pub give_up: GiveUp,
    /// How far behind a consumer may be until its owner is told; at half and three quarters of it the owner is told too.
    pub patience: Duration,
}

impl DeliveryPolicy {
    /// How many deliveries a webhook has under way unless it says otherwise: 16,000 a second to an endpoint that answers
    /// within 2 ms.
    pub const CONCURRENCY: NonZeroU16 = NonZeroU16::new(32).expect("it is not zero");
    /// The patience unless a consumer says otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(3600);
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            order: DeliveryOrder::default(),
            concurrency: Self::CONCURRENCY,
            rate: None,
            gather: None,
            max_age: None,
            give_up: GiveUp::default(),
            patience: Self::PATIENCE,
        }
    }
}

/// Events of one chat that come soon after each other arrive as one batch, of at most [`MAX_GATHERED`] events.
///
/// The times at which the events were recorded alone say what is one batch, so that a batch is the same after a crash.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct GatherPolicy {
    /// The batch ends when no event of the chat was recorded for so long.
    pub quiet: Duration,
    /// The batch ends so long after its first event was recorded.
    pub max: Duration,
}

/// What happens to an event that is older than `after` when its turn comes.
///
/// The age is that of the wall clock. If the clock is set forward by more than `after`, all that waits counts as too old at once,
/// and with [`AgeRule::Skip`] is not delivered; it stays in the log and can be replayed. If the clock is set back, events count as
/// younger than they are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MaxAge {
    /// The age, since it was recorded.
    pub after: Duration,
    /// What happens.
    pub then: AgeRule,
}

/// What happens to an event that is older than the consumer likes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeRule {
    /// It is delivered as any other.
    #[default]
    Deliver,
    /// It is delivered with the attribute `stale`.
    Label,
    /// It is not delivered, and counts as done.
    Skip,
}

/// When an event that the application refuses becomes a dead letter. With both absent: never.
///
/// Only failures of the event itself count, not those of an endpoint that answers nobody.
///
/// `age` is measured by the wall clock, so that it goes on while the process does not run. If the clock is set forward by more
/// than `age`, an event that has failed before is given up at its next failure; one that never failed is not.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct GiveUp {
    /// After so many failures.
    pub attempts: Option<NonZeroU32>,
    /// So long after its first failure, when it fails again.
    pub age: Option<Duration>,
}

impl GiveUp {
    /// Whether an event with so many failures, the first of them so long ago, is given up.
    pub(crate) fn is_due(&self, failures: u32, since_first: Duration) -> bool {
        self.attempts.is_some_and(|most| failures >= most.get())
            || self.age.is_some_and(|age| since_first >= age)
    }
}
