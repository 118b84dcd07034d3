//! Deliveries that wait for what is looked up for them, without holding others up.
//!
//! - A post waits beside the queue: it takes no place of others, and its chat waits for it as for any delivery.
//! - A stream brings events in order, and a reader acknowledges all up to one. So its deliveries wait in line, each two seconds
//!   at most since it was handed over.
//! - A claim is answered when all its events are ready.
//!
//! A click does not wait, because somebody waits for its answer: it has what is known already. What waits in line before it goes
//! out with it.

use std::rc::Rc;
use std::time::Instant;

use actix::fut::ActorFutureExt as _;
use actix::{AsyncContext as _, WrapFuture as _};
use longwire_actor::Context;
use longwire_consumer::{Delivery, Detail, EventText, Expansions, Moment, ReaderId, Urgent};

use super::Consumer;
use super::claims::Claim;
use crate::clock;
use crate::expander::Pending;
use crate::logged_event::LoggedEvent;
use crate::outbox::Job;
use crate::track::TrackId;

/// What was looked up for a delivery. The name that the card shows meanwhile.
struct Expanded;

/// The events of deliveries, and what is looked up for each.
#[derive(Clone)]
struct Lookups(Vec<(Rc<LoggedEvent>, Pending)>);

/// A delivery that a stream reader gets when its turn comes.
pub(super) struct WaitingDelivery {
    track: TrackId,
    delivery: Delivery<Rc<LoggedEvent>>,
    lookups: Lookups,
    until: Instant,
}

impl Lookups {
    fn are_ready(&self) -> bool {
        self.0.iter().all(|(_, pending)| pending.is_ready())
    }

    /// Whether an event is a click.
    fn are_urgent(&self) -> bool {
        let mut events = self.0.iter();
        events.any(|(event, _)| event.urgency() == Urgent::Click)
    }

    async fn settled(&self, until: Instant) {
        for (_, pending) in &self.0 {
            pending.settled(until).await;
        }
    }

    /// The texts, with what is known by now.
    fn texts(&self) -> Vec<EventText> {
        let events = self.0.iter();
        events
            .map(|(event, pending)| event.expanded_text(&pending.now()))
            .collect()
    }
}

impl Consumer {
    /// What is looked up for this consumer's events.
    fn expansions(&self) -> Expansions {
        match self.definition.detail {
            Detail::Whole => self.definition.expand,
            // Ids alone are all that it may have.
            Detail::Thin => Expansions::NONE,
        }
    }

    fn look_up<'a>(
        &self,
        deliveries: impl IntoIterator<Item = &'a Delivery<Rc<LoggedEvent>>>,
        what: Expansions,
    ) -> Lookups {
        let events = deliveries.into_iter().flat_map(|one| &one.events);
        let pending = events.map(|event| {
            let event = Rc::clone(&event.payload);
            let pending = self.shared.expander.begin(&event, what);
            (event, pending)
        });
        Lookups(pending.collect())
    }

    /// Posts a delivery as soon as it is ready.
    pub(super) fn expand_and_post(
        &mut self,
        track: TrackId,
        delivery: Delivery<Rc<LoggedEvent>>,
        ctx: &mut Context<Self>,
    ) {
        let what = self.expansions();
        if what.is_empty() {
            return self.put(track, delivery, Vec::new());
        }
        let lookups = self.look_up([&delivery], what);
        if lookups.are_ready() || lookups.are_urgent() {
            return self.put(track, delivery, lookups.texts());
        }
        self.set_aside(track, |deliveries| deliveries + 1);
        let until = self.shared.expander.deadline();
        let ready = async move {
            lookups.settled(until).await;
            lookups.texts()
        };
        ctx.spawn(ready.into_actor(self).map(move |texts, this, ctx| {
            let working = ctx.working::<Expanded>();
            this.set_aside(track, |deliveries| deliveries.saturating_sub(1));
            this.put(track, delivery, texts);
            drop(working);
            this.drive(ctx);
        }));
    }

    fn put(
        &mut self,
        track: TrackId,
        delivery: Delivery<Rc<LoggedEvent>>,
        expanded: Vec<EventText>,
    ) {
        let job = Job {
            track,
            delivery,
            expanded,
        };
        if self.outbox.put(job)
            && let Some(endpoint) = &self.endpoint
        {
            endpoint.send(crate::endpoint::Outgoing);
        }
    }

    fn set_aside(&mut self, track: TrackId, change: impl FnOnce(usize) -> usize) {
        if let Some(track) = self.track(track) {
            track.set_aside = change(track.set_aside);
            track.queue.handle_set_aside(track.set_aside);
        }
    }

    /// Sends a delivery to its stream reader when it is ready and those before it have left.
    pub(super) fn expand_and_stream(
        &mut self,
        track: TrackId,
        delivery: Delivery<Rc<LoggedEvent>>,
        now: Moment,
        ctx: &mut Context<Self>,
    ) {
        let what = self.expansions();
        let reader = delivery.reader;
        let is_in_line = |this: &Self| {
            let stream = this.streams.get(&reader);
            stream.is_some_and(|stream| !stream.waiting.is_empty())
        };
        if what.is_empty() && !is_in_line(self) {
            return self.stream(track, &delivery, &[], now);
        }
        let lookups = self.look_up([&delivery], what);
        if lookups.are_urgent() {
            self.stream_waiting(reader, now, |_| true);
        }
        if lookups.are_urgent() || (lookups.are_ready() && !is_in_line(self)) {
            return self.stream(track, &delivery, &lookups.texts(), now);
        }
        let until = self.shared.expander.deadline();
        let settling = lookups.clone();
        let Some(stream) = self.streams.get_mut(&reader) else {
            // It is gone: this gives the delivery back.
            return self.stream(track, &delivery, &[], now);
        };
        stream.waiting.push_back(WaitingDelivery {
            track,
            delivery,
            lookups,
            until,
        });
        let settled = async move { settling.settled(until).await };
        ctx.spawn(settled.into_actor(self).map(move |(), this, ctx| {
            let working = ctx.working::<Expanded>();
            let now = clock::now();
            this.stream_waiting(reader, now, |one| {
                one.lookups.are_ready() || now.instant >= one.until
            });
            drop(working);
            this.drive(ctx);
        }));
    }

    /// Sends what is ready to leave, up to the first delivery that is not.
    fn stream_waiting(
        &mut self,
        reader: ReaderId,
        now: Moment,
        is_ready: impl Fn(&WaitingDelivery) -> bool,
    ) {
        // Sending may end the stream, and with it what waits.
        while let Some(stream) = self.streams.get_mut(&reader)
            && stream.waiting.front().is_some_and(&is_ready)
            && let Some(one) = stream.waiting.pop_front()
        {
            self.stream(one.track, &one.delivery, &one.lookups.texts(), now);
        }
    }

    /// The stream ends: what it did not get goes to others.
    pub(super) fn release_waiting(&mut self, reader: ReaderId, now: Moment) {
        let waiting = self.streams.get_mut(&reader);
        let waiting = waiting.map(|stream| std::mem::take(&mut stream.waiting));
        for one in waiting.into_iter().flatten() {
            if let Some(track) = self.track(one.track) {
                track.queue.handle_released(one.delivery.id, now);
            }
        }
    }

    /// Answers a claim when all its events are ready.
    pub(super) fn expand_and_answer(
        &mut self,
        claim: Claim,
        deliveries: Vec<(TrackId, Delivery<Rc<LoggedEvent>>)>,
        now: Moment,
        ctx: &mut Context<Self>,
    ) {
        let what = match self.definition.detail {
            Detail::Whole => self.expansions().and(claim.expand),
            Detail::Thin => Expansions::NONE,
        };
        if what.is_empty() {
            return self.answer_claim(claim, deliveries, &[], now);
        }
        let lookups = self.look_up(deliveries.iter().map(|(_, one)| one), what);
        if lookups.are_ready() || lookups.are_urgent() {
            return self.answer_claim(claim, deliveries, &lookups.texts(), now);
        }
        let until = self.shared.expander.deadline();
        let ready = async move {
            lookups.settled(until).await;
            lookups.texts()
        };
        ctx.spawn(ready.into_actor(self).map(move |texts, this, ctx| {
            let working = ctx.working::<Expanded>();
            this.answer_claim(claim, deliveries, &texts, clock::now());
            drop(working);
            this.drive(ctx);
        }));
    }
}
