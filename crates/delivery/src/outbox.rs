//! What a consumer and its endpoint hand each other: both live on one thread, so events are shared and not copied.
//!
//! Messages are wake-ups alone. Each is sent only if the last one was taken, so neither mailbox grows.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use actix::Message;
use longwire_consumer::{Delivery, Detail, EventText, Moment};
use longwire_egress::endpoint::{PostAnswer, PostError};

use crate::logged_event::LoggedEvent;
use crate::track::TrackId;

/// A delivery that an endpoint is to receive.
pub(crate) struct Job {
    pub(crate) track: TrackId,
    pub(crate) delivery: Delivery<Rc<LoggedEvent>>,
    /// The texts of its events with what was looked up; empty if nothing was asked for.
    pub(crate) expanded: Vec<EventText>,
}

impl Job {
    /// The text of one of its events, in their order.
    pub(crate) fn text(&self, nth: usize, detail: Detail) -> &EventText {
        let plain = || self.delivery.events[nth].payload.text(detail);
        self.expanded.get(nth).unwrap_or_else(plain)
    }
}

/// A delivery that ended.
pub(crate) struct Finished {
    pub(crate) job: Job,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    pub(crate) how: PostOutcome,
}

/// How it ended.
pub(crate) enum PostOutcome {
    Answered(PostAnswer),
    Failed(PostError),
    /// It did not leave, or what sent it panicked.
    Released,
}

/// Deliveries ended: they lie in the outbox. From a posting task; the next one comes after this one was handled.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Settled;

/// Both ways between them. As many deliveries are in it as the consumer's policy lets be under way.
#[derive(Default)]
pub(crate) struct Outbox {
    jobs: RefCell<VecDeque<Job>>,
    finished: RefCell<Vec<Finished>>,
    endpoint_told: Cell<bool>,
    consumer_told: Cell<bool>,
}

impl Outbox {
    /// Adds a delivery. Returns whether the endpoint has to be told.
    pub(crate) fn put(&self, job: Job) -> bool {
        self.jobs.borrow_mut().push_back(job);
        !self.endpoint_told.replace(true)
    }

    pub(crate) fn take(&self) -> Option<Job> {
        self.jobs.borrow_mut().pop_front()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.jobs.borrow().len()
    }

    /// The endpoint heard that there is something.
    pub(crate) fn endpoint_heard(&self) {
        self.endpoint_told.set(false);
    }

    /// Adds a result. Returns whether the consumer has to be told.
    pub(crate) fn finish(&self, finished: Finished) -> bool {
        self.finished.borrow_mut().push(finished);
        !self.consumer_told.replace(true)
    }

    /// All results since the last call.
    pub(crate) fn finished(&self) -> Vec<Finished> {
        self.consumer_told.set(false);
        std::mem::take(&mut *self.finished.borrow_mut())
    }
}
