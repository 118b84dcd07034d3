//! Carries out what the queues want.

use std::time::Instant;

use actix::fut::ActorFutureExt as _;
use actix::{ActorContext as _, AsyncContext as _, Handler, Message, WrapFuture as _};
use bytes::Bytes;
use longwire_actor::Context;
use longwire_consumer::{Moment, QueueState, ReadWant, Road, SavePace};
use longwire_store::{SavedPosition, Urgency};

use super::{Consumer, Saved};
use crate::clock;
use crate::log::LogPage;
use crate::track::TrackId;
use crate::view::ConsumerProgress;

/// So many pages are taken in at a turn; then others on this thread have theirs.
const PAGES: usize = 8;
/// After a read that failed.
const READ_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Something has to be looked at again. The name that the card shows meanwhile.
struct Timer;

/// A page of the database came.
struct PageRead;

/// Go on with what was left after a turn. From the consumer to itself, once at a time.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct GoOn;

impl Handler<GoOn> for Consumer {
    type Result = ();

    fn handle(&mut self, _: GoOn, ctx: &mut Self::Context) {
        self.goes_on = false;
        self.drive(ctx);
    }
}

impl Consumer {
    /// Carries out what the queues want. Every handler ends here.
    pub(super) fn drive(&mut self, ctx: &mut Context<Self>) {
        let now = clock::now();
        if self.draining.is_none() {
            self.read_and_send(now, ctx);
            self.serve_claims(now, ctx);
        }
        self.check_streams(now);
        self.check_handlers(now);
        self.check_clicks(now);
        self.save(now);
        self.tell_news(now);
        self.end_replays();
        self.check_drain(now);
        self.keep_journal(now);
        self.show(now);
        self.set_timer(now, ctx);
    }

    fn read_and_send(&mut self, now: Moment, ctx: &mut Context<Self>) {
        for _ in 0..PAGES {
            let mut moved = false;
            for at in 0..self.tracks.len() {
                moved |= self.read(at, now, ctx);
                moved |= self.send(at, now, ctx);
            }
            if !moved {
                return;
            }
        }
        if !self.goes_on {
            self.goes_on = true;
            self.me.send(GoOn);
        }
    }

    /// Reads where the queue wants, if it does. Returns whether it took a page in.
    fn read(&mut self, at: usize, now: Moment, ctx: &mut Context<Self>) -> bool {
        let track = &mut self.tracks[at];
        if track.is_reading {
            return false;
        }
        track.queue.handle_gone(self.shared.log.gone_through());
        let head = self.shared.log.head();
        let head = track.until.map_or(head, |until| until.min(head));
        let Some(want) = track.queue.poll_want(head) else {
            return false;
        };
        let until = want.until.or(track.until);
        if let Some(page) = self.shared.log.page(want.after, until, want.limit) {
            self.take_in(at, want, &page, now);
            return true;
        }
        track.is_reading = true;
        let (id, log) = (track.id, std::rc::Rc::clone(&self.shared.log));
        let read = async move { log.read(want.after, until, want.limit).await };
        let read = read.into_actor(self).map(move |page, this, ctx| {
            let working = ctx.working::<PageRead>();
            match page {
                Ok(page) => this.page_read(id, want, &page),
                Err(error) => {
                    tracing::warn!(
                        consumer = %this.definition.name,
                        error = %error,
                        "a page of the log cannot be read; it is tried again"
                    );
                    // Until then the track counts as reading.
                    ctx.work_later::<PageRead>(READ_AGAIN, move |this, ctx| {
                        this.reading_over(id);
                        this.drive(ctx);
                    });
                    return;
                }
            }
            drop(working);
            this.drive(ctx);
        });
        ctx.spawn(read);
        false
    }

    fn page_read(&mut self, id: TrackId, want: ReadWant, page: &LogPage) {
        self.reading_over(id);
        let at = self.tracks.iter().position(|track| track.id == id);
        if let Some(at) = at {
            self.take_in(at, want, page, clock::now());
        }
    }

    fn reading_over(&mut self, id: TrackId) {
        if let Some(track) = self.track(id) {
            track.is_reading = false;
        }
    }

    fn take_in(&mut self, at: usize, want: ReadWant, page: &LogPage, now: Moment) {
        let is_relay = matches!(self.definition.road, Road::Relay(_));
        let expired = page.events.iter().filter(|event| event.is_expired());
        let missing = expired
            .filter(|event| event.is_seen_in(&self.space))
            .count();
        let track = &mut self.tracks[at];
        if want.after == track.queue.reached() {
            track.queue.handle_missing(missing as u64);
        }
        let passing = page
            .events
            .iter()
            .filter(|event| event.passes(&track.filter, &self.space))
            // A platform's SDK knows no event without its bytes.
            .filter(|event| !is_relay || event.record.kept.is_whole());
        let events = passing.map(crate::logged_event::LoggedEvent::to_read);
        track
            .queue
            .handle_page(want.scope, want.after, events, page.reached, now);
    }

    /// Hands over what the queue wants to be sent. Returns whether there was something.
    fn send(&mut self, at: usize, now: Moment, ctx: &mut Context<Self>) -> bool {
        let mut any = false;
        if !self.can_send() {
            return false;
        }
        while let Some(delivery) = self.tracks[at].queue.poll_delivery(now) {
            any = true;
            self.count_redelivered(&delivery);
            let track = self.tracks[at].id;
            self.hand_over(track, delivery, now, ctx);
        }
        any
    }

    /// Keeps the positions that have to be kept.
    fn save(&mut self, now: Moment) {
        if self
            .draining
            .as_ref()
            .is_some_and(|draining| draining.is_saving())
        {
            return;
        }
        for at in 0..self.tracks.len() {
            let Some(save) = self.tracks[at].queue.poll_save(now) else {
                continue;
            };
            let urgency = match save.pace {
                SavePace::Prompt => Urgency::Prompt,
                SavePace::Lazy => Urgency::Lazy,
            };
            let id = self.tracks[at].id;
            self.acks_ride_in(id, save.number);
            self.keep_position(id, save.number, &save.position, urgency);
        }
    }

    pub(super) fn keep_position(
        &self,
        id: TrackId,
        number: u64,
        position: &longwire_consumer::Position,
        urgency: Urgency,
    ) {
        let kept = SavedPosition {
            floor: position.floor(),
            state: Bytes::from(position.to_bytes()),
        };
        let me = std::sync::Arc::clone(&self.me);
        let writer = &self.shared.writer;
        writer.keep_position(id, kept, urgency, move || me.send(Saved(id, number)));
    }

    /// Writes down how it does.
    fn show(&self, now: Moment) {
        let Some(main) = self.tracks.first() else {
            return;
        };
        let queue = &main.queue;
        let waits = match queue.state() {
            QueueState::Active | QueueState::Failing { .. } => queue.poll_timeout(now),
            QueueState::Paused | QueueState::Stopped => None,
        };
        let next_try_ms = waits.map(|due| {
            let wait = due.saturating_duration_since(now.instant).as_millis();
            now.unix_ms
                .saturating_add(i64::try_from(wait).unwrap_or(i64::MAX))
        });
        let progress = ConsumerProgress {
            not_running: self.endpoint_trouble.clone(),
            state: queue.state(),
            floor: queue.floor(),
            reached: queue.reached(),
            lag_events: 0,
            lag: std::time::Duration::ZERO,
            in_flight: self
                .tracks
                .iter()
                .map(|track| track.queue.in_flight())
                .sum(),
            held_events: self
                .tracks
                .iter()
                .map(|track| track.queue.held_events())
                .sum(),
            next_try_ms,
            streams: self.streams.len(),
            connections: self.connections.len(),
            replays: self.tracks.len() - 1,
        };
        self.entry.show(progress, queue.oldest_ms());
    }

    /// Sets the one timer to what comes first.
    fn set_timer(&mut self, now: Moment, ctx: &mut Context<Self>) {
        if ctx.state() != actix::ActorState::Running {
            return;
        }
        let of_tracks = self
            .tracks
            .iter()
            .filter_map(|track| track.queue.poll_timeout(now));
        let of_tracks = match self.draining {
            Some(_) => None,
            None => of_tracks.min(),
        };
        let dues: [Option<Instant>; 7] = [
            of_tracks,
            self.first_handler_limit,
            self.claims_due(),
            self.streams_due(),
            self.clicks_due(),
            self.journal_due,
            self.drain_due(),
        ];
        let Some(due) = dues.into_iter().flatten().min() else {
            return;
        };
        if let Some((set, timer)) = self.timer {
            // An earlier one looks and sets the next.
            if set <= due && set > now.instant {
                return;
            }
            ctx.cancel_future(timer);
        }
        let wait = due.saturating_duration_since(now.instant);
        let timer = ctx.work_later::<Timer>(wait, |this, ctx| {
            this.timer = None;
            let now = clock::now();
            for track in &mut this.tracks {
                track.queue.handle_timeout(now);
            }
            this.drive(ctx);
        });
        self.timer = Some((due, timer));
    }
}
