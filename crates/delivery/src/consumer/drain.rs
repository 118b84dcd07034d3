//! The end of a process: what is under way ends, positions are kept, readers are told.

use std::time::{Duration, Instant};

use actix::{ActorContext as _, Handler, Message};
use longwire_actor::{End, Fault, Inject};
use longwire_consumer::Moment;
use longwire_store::Urgency;
use tokio::sync::oneshot;

use super::Consumer;
use crate::clock;
use crate::track::TrackId;

/// Take nothing more, wait so long for what is under way, and keep the positions. The answer comes when they are on disk. From the
/// root, once.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct DrainConsumer {
    pub(crate) limit: Duration,
    pub(crate) done: oneshot::Sender<()>,
}

pub(super) struct Draining {
    until: Instant,
    done: Option<oneshot::Sender<()>>,
    /// The positions that are not on disk yet; none while deliveries are under way.
    saves: Option<Vec<(TrackId, u64)>>,
}

impl Draining {
    pub(super) fn is_saving(&self) -> bool {
        self.saves.is_some()
    }
}

impl Handler<DrainConsumer> for Consumer {
    type Result = ();

    fn handle(&mut self, DrainConsumer { limit, done }: DrainConsumer, ctx: &mut Self::Context) {
        let now = clock::now();
        self.draining = Some(Draining {
            until: now.instant + limit,
            done: Some(done),
            saves: None,
        });
        for waiting in std::mem::take(&mut self.claims) {
            waiting.answer_nothing();
        }
        self.clicks.clear();
        self.shut_streams(now);
        self.drive(ctx);
    }
}

impl Handler<End> for Consumer {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        self.write_journal();
        ctx.stop();
    }
}

impl Handler<Inject> for Consumer {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        if self.shared.settings.fault_injection {
            fault.strike("a consumer", ctx);
        }
    }
}

/// Provokes a fault in the endpoint. From a test.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct InjectEndpoint(pub(crate) Fault);

impl Handler<InjectEndpoint> for Consumer {
    type Result = ();

    fn handle(&mut self, InjectEndpoint(fault): InjectEndpoint, _: &mut Self::Context) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.send(Inject(fault));
        }
    }
}

impl Consumer {
    /// Keeps the last positions as soon as nothing is under way.
    pub(super) fn check_drain(&mut self, now: Moment) {
        let works = self.is_working();
        let Some(draining) = &mut self.draining else {
            return;
        };
        if draining.is_saving() || (works && now.instant < draining.until) {
            return;
        }
        // They give back what they have before the positions are made.
        self.end_connections(now);
        let Some(draining) = &mut self.draining else {
            return;
        };
        let saves: Vec<_> = self
            .tracks
            .iter_mut()
            .map(|track| (track.id, track.queue.final_save(now)))
            .collect();
        draining.saves = Some(saves.iter().map(|(id, save)| (*id, save.number)).collect());
        for (id, save) in saves {
            self.acks_ride_in(id, save.number);
            self.keep_position(id, save.number, &save.position, Urgency::Prompt);
        }
        self.write_journal();
    }

    /// Whether an application has something that it is waited for.
    fn is_working(&self) -> bool {
        match self.definition.road {
            longwire_consumer::Road::Webhook(_) => {
                self.can_send() && self.tracks.iter().any(|track| track.queue.in_flight() > 0)
            }
            longwire_consumer::Road::Relay(_) => self.connections_work(),
            longwire_consumer::Road::Pull | longwire_consumer::Road::Stream { .. } => false,
        }
    }

    /// A position is on disk.
    pub(super) fn drain_saved(&mut self, track: TrackId, number: u64) {
        let Some(draining) = &mut self.draining else {
            return;
        };
        let Some(saves) = &mut draining.saves else {
            return;
        };
        saves.retain(|(of, wanted)| *of != track || number < *wanted);
        if saves.is_empty()
            && let Some(done) = draining.done.take()
        {
            // The root may have stopped waiting.
            let _ = done.send(());
        }
    }

    /// When waiting for deliveries ends.
    pub(super) fn drain_due(&self) -> Option<Instant> {
        let draining = self.draining.as_ref()?;
        (!draining.is_saving()).then_some(draining.until)
    }
}
