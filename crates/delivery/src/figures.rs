//! Counts of deliveries: written on the thread of delivery, read by anybody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use longwire_consumer::DeliveryFailure;

/// The upper edges of the latency histogram, in milliseconds; one more bucket has what took longer.
pub const LATENCY_EDGES_MS: [u64; 14] = [
    1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 60_000, 3_600_000,
];

/// What was counted, of one consumer or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFigures {
    /// Events that an application took.
    pub done: u64,
    /// Attempts that were answered with 2xx, and acknowledgements of readers.
    pub taken: u64,
    /// Attempts that were refused because nobody listens there.
    pub refused: u64,
    /// Attempts without a connection: name, network, TLS, forbidden address.
    pub unreachable: u64,
    /// Attempts that had no complete answer.
    pub no_answer: u64,
    /// Attempts that took too long.
    pub timed_out: u64,
    /// Attempts that were answered with another status than 2xx.
    pub other_status: u64,
    /// Deliveries that a reader gave back.
    pub nacked: u64,
    /// Claims that ended without a word of their reader.
    pub expired: u64,
    /// Events that were given up by policy.
    pub given_up: u64,
    /// Events that were too old by policy, and were not sent.
    pub skipped: u64,
    /// Numbers of the log that retention took before they were done.
    pub gone: u64,
    /// Events that were sent though the application may have had them before.
    pub redelivered: u64,
    /// From the record to the end of the first attempt that succeeded, in events per bucket of [`LATENCY_EDGES_MS`].
    pub latency: [u64; LATENCY_EDGES_MS.len() + 1],
    /// The sum of these times, in milliseconds.
    pub latency_sum_ms: u64,
}

/// The counters behind [`DeliveryFigures`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    done: AtomicU64,
    taken: AtomicU64,
    refused: AtomicU64,
    unreachable: AtomicU64,
    no_answer: AtomicU64,
    timed_out: AtomicU64,
    other_status: AtomicU64,
    nacked: AtomicU64,
    expired: AtomicU64,
    given_up: AtomicU64,
    skipped: AtomicU64,
    gone: AtomicU64,
    redelivered: AtomicU64,
    latency: [AtomicU64; LATENCY_EDGES_MS.len() + 1],
    latency_sum_ms: AtomicU64,
}

/// Adds where one thread alone writes: no locked instruction.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed) + more, Relaxed);
}

impl Counters {
    /// An application took so many events in one attempt.
    pub(crate) fn taken(&self, events: u64) {
        add(&self.taken, 1);
        add(&self.done, events);
    }

    /// An event was taken so long after its record.
    pub(crate) fn latency(&self, ms: u64) {
        let bucket = LATENCY_EDGES_MS.partition_point(|edge| *edge < ms);
        add(&self.latency[bucket], 1);
        add(&self.latency_sum_ms, ms);
    }

    pub(crate) fn failed(&self, failure: DeliveryFailure) {
        let counter = match failure {
            DeliveryFailure::Refused => &self.refused,
            DeliveryFailure::Unreachable => &self.unreachable,
            DeliveryFailure::NoAnswer => &self.no_answer,
            DeliveryFailure::TimedOut => &self.timed_out,
            DeliveryFailure::Status { .. } => &self.other_status,
            DeliveryFailure::Nacked { .. } | DeliveryFailure::Unhandled => &self.nacked,
            DeliveryFailure::ClaimExpired => &self.expired,
        };
        add(counter, 1);
    }

    pub(crate) fn redelivered(&self) {
        add(&self.redelivered, 1);
    }

    pub(crate) fn given_up(&self) {
        add(&self.given_up, 1);
    }

    pub(crate) fn gone(&self, events: u64) {
        add(&self.gone, events);
    }

    pub(crate) fn skipped(&self) {
        add(&self.skipped, 1);
    }

    pub(crate) fn read(&self) -> DeliveryFigures {
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        DeliveryFigures {
            done: of(&self.done),
            taken: of(&self.taken),
            refused: of(&self.refused),
            unreachable: of(&self.unreachable),
            no_answer: of(&self.no_answer),
            timed_out: of(&self.timed_out),
            other_status: of(&self.other_status),
            nacked: of(&self.nacked),
            expired: of(&self.expired),
            given_up: of(&self.given_up),
            skipped: of(&self.skipped),
            gone: of(&self.gone),
            redelivered: of(&self.redelivered),
            latency: std::array::from_fn(|bucket| of(&self.latency[bucket])),
            latency_sum_ms: of(&self.latency_sum_ms),
        }
    }
}

impl DeliveryFigures {
    /// Adds those of another consumer.
    pub(crate) fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.taken += other.taken;
        self.refused += other.refused;
        self.unreachable += other.unreachable;
        self.no_answer += other.no_answer;
        self.timed_out += other.timed_out;
        self.other_status += other.other_status;
        self.nacked += other.nacked;
        self.expired += other.expired;
        self.given_up += other.given_up;
        self.skipped += other.skipped;
        self.gone += other.gone;
        self.redelivered += other.redelivered;
        for (sum, more) in self.latency.iter_mut().zip(other.latency) {
            *sum += more;
        }
        self.latency_sum_ms += other.latency_sum_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_bucket_of_the_edge_that_it_does_not_pass() {
        let counters = Counters::default();
        for ms in [0, 1, 2, 4, 5, 3_600_001] {
            counters.latency(ms);
        }
        let figures = counters.read();
        assert_eq!(figures.latency[..4], [2, 1, 0, 2]);
        assert_eq!(figures.latency[LATENCY_EDGES_MS.len()], 1);
        assert_eq!(figures.latency_sum_ms, 3_600_013);
        let mut sum = figures.clone();
        sum.add(&figures);
        assert_eq!(sum.latency[0], 4);
    }
}
