//! Which connection of a bot may hand events to the store: the oldest that has any left.
//!
//! A connection that is over goes on until what it brought is recorded, while its successor reads already. The log keeps
//! each bot's order, so the successor waits. Only connections of platforms that repeat nothing stand here; of the others
//! the platform itself decides in which order events come again.

use actix::Message;
use longwire_actor::Receives;
use longwire_link::Generation;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections of this bot before you have nothing left to record: you may. From the one before you at its end, once at
/// most.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct MayRecord;

/// The connections of one bot, oldest first. Outlives its installation: one that panicked has connections that go on.
#[derive(Default)]
pub(crate) struct RecordOrder {
    connections: Mutex<Vec<Connection>>,
}

struct Connection {
    generation: Generation,
    mailbox: Arc<dyn Receives<MayRecord>>,
}

impl RecordOrder {
    /// A connection has opened. Answers whether it is the oldest; otherwise it is told [`MayRecord`] when it is.
    pub(crate) fn join(
        &self,
        generation: Generation,
        mailbox: Arc<dyn Receives<MayRecord>>,
    ) -> bool {
        let mut connections = self.connections();
        // One, nearly always.
        connections.reserve_exact(1);
        connections.push(Connection {
            generation,
            mailbox,
        });
        connections.len() == 1
    }

    /// It has nothing left, or is gone.
    pub(crate) fn leave(&self, generation: Generation) {
        let mut connections = self.connections();
        let place = connections
            .iter()
            .position(|connection| connection.generation == generation);
        let Some(place) = place else {
            return;
        };
        connections.remove(place);
        if place == 0
            && let Some(next) = connections.first()
        {
            next.mailbox.deliver(MayRecord);
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    #[derive(Default)]
    struct Told(AtomicU32);

    impl Receives<MayRecord> for Told {
        fn deliver(&self, _: MayRecord) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn the_oldest_goes_first_and_each_is_told_once() {
        let order = RecordOrder::default();
        let connections: Vec<Arc<Told>> = (0..4).map(|_| Arc::default()).collect();
        let join = |at: usize| {
            let connection = Arc::clone(&connections[at]);
            order.join(Generation(at as u64), connection)
        };
        let told = || -> Vec<u32> {
            let told = connections.iter().map(|one| one.0.load(Relaxed));
            told.collect()
        };
        assert!(join(0));
        assert!(!join(1) && !join(2) && !join(3));
        order.leave(Generation(1));
        assert_eq!(told(), [0; 4], "it was not the oldest");
        order.leave(Generation(0));
        assert_eq!(told(), [0, 0, 1, 0]);
        order.leave(Generation(0));
        assert_eq!(told(), [0, 0, 1, 0], "gone already");
        order.leave(Generation(2));
        order.leave(Generation(3));
        assert_eq!(told(), [0, 0, 1, 1]);
        assert!(join(0), "nobody is left");
    }
}
