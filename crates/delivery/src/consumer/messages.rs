//! What a consumer is told.

use std::time::Duration;

use actix::{Handler, Message};
use longwire_store::ConsumerId;
use longwire_wire::event::Seq;
use tokio::sync::oneshot;

use super::Consumer;
use crate::clock;
use crate::outbox::Settled;
use crate::track::TrackId;

/// The log has new events. From the feed; the next one comes after this one was handled.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct NewEvents;

impl Handler<NewEvents> for Consumer {
    type Result = ();

    fn handle(&mut self, _: NewEvents, ctx: &mut Self::Context) {
        self.wake.looks();
        self.drive(ctx);
    }
}

impl Handler<Settled> for Consumer {
    type Result = ();

    fn handle(&mut self, _: Settled, ctx: &mut Self::Context) {
        self.settle();
        self.drive(ctx);
    }
}

/// The position of this number, or a later one, is on disk. From the writer thread, once per position that was kept and not
/// replaced; few positions are given out at a time.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Saved(pub(crate) TrackId, pub(crate) u64);

impl Handler<Saved> for Consumer {
    type Result = ();

    fn handle(&mut self, Saved(track, number): Saved, ctx: &mut Self::Context) {
        if let Some(track) = self.track(track) {
            track.queue.handle_saved(number);
        }
        self.answer_acks(track, number);
        self.drain_saved(track, number);
        self.drive(ctx);
    }
}

/// Which events a reader is done with.
#[derive(Clone, Debug)]
pub(crate) enum Acknowledged {
    /// These.
    Events(Vec<Seq>),
    /// All that were handed over up to this one.
    Through(Seq),
}

/// A reader is done with events. The answer, how many were open, comes when that is on disk. From the handle, as often as
/// applications acknowledge.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Acknowledge {
    pub(crate) events: Acknowledged,
    pub(crate) answer: oneshot::Sender<usize>,
}

impl Handler<Acknowledge> for Consumer {
    type Result = ();

    fn handle(&mut self, message: Acknowledge, ctx: &mut Self::Context) {
        self.acknowledge(message);
        self.drive(ctx);
    }
}

/// A reader gives events back. The answer is how many deliveries ended by that. From the handle, as often as applications do
/// so.
#[derive(Message)]
#[rtype(result = "usize")]
pub(crate) struct GiveBack {
    pub(crate) events: Vec<Seq>,
    pub(crate) delay: Option<Duration>,
}

impl Handler<GiveBack> for Consumer {
    type Result = usize;

    fn handle(&mut self, GiveBack { events, delay }: GiveBack, ctx: &mut Self::Context) -> usize {
        let now = clock::now();
        let mut ended = 0;
        for track in &mut self.tracks {
            ended += track.queue.handle_nacked(&events, delay, now);
        }
        self.nacked(&events, now);
        self.drive(ctx);
        ended
    }
}

impl Consumer {
    pub(super) fn track(&mut self, id: ConsumerId) -> Option<&mut crate::track::Track> {
        self.tracks.iter_mut().find(|track| track.id == id)
    }
}
