//! A way through the log on behalf of a consumer: its own, or that of a replay.

use std::rc::Rc;

use longwire_consumer::{ConsumerQueue, EventFilter};
use longwire_store::ConsumerId;
use longwire_wire::event::Seq;

use crate::logged_event::LoggedEvent;

/// Which track of a consumer: the row that keeps its position.
pub(crate) type TrackId = ConsumerId;

/// A queue, and what is read for it.
pub(crate) struct Track {
    /// The row that keeps its position.
    pub(crate) id: TrackId,
    pub(crate) queue: ConsumerQueue<Rc<LoggedEvent>>,
    pub(crate) filter: EventFilter,
    /// The last event of a replay.
    pub(crate) until: Option<Seq>,
    /// Whether a page of the database is on its way.
    pub(crate) is_reading: bool,
    /// Deliveries to the endpoint that wait for what is looked up.
    pub(crate) set_aside: usize,
}

impl Track {
    /// Whether it is a replay that has nothing left to send.
    pub(crate) fn is_over(&self) -> bool {
        self.until
            .is_some_and(|until| self.queue.floor() >= until && self.queue.in_flight() == 0)
    }
}
