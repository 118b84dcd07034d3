//! Readers that hold a stream open.
//!
//! A reader acknowledges by POST, or implicitly by the `Last-Event-ID` with which it connects again. An implicit reader that has
//! as much as it may have, or has had an event for long, is made to connect again: its stream ends. What it has is kept for it
//! for a while. A reader that acknowledges by POST loses what it has when its connection ends; others get it at once. One that has
//! had an event for too long without acknowledging it is disconnected.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use actix::fut::ActorFutureExt as _;
use actix::{AsyncContext as _, Handler, Message, WrapFuture as _};
use bytes::Bytes;
use longwire_actor::Context;
use longwire_consumer::{Delivery, DeliveryFailure, EventText, Moment, ReaderId, Road, StreamAck};
use longwire_store::DeliveryOutcome;
use longwire_wire::event::Seq;
use tokio::sync::{mpsc, oneshot};

use super::Consumer;
use super::expanding::WaitingDelivery;
use crate::clock;
use crate::endpoint::facts;
use crate::logged_event::LoggedEvent;
use crate::sse;
use crate::track::TrackId;

/// Numbers below are the endpoint's and that of pull readers without a name.
pub(super) const FIRST_READER: u64 = 2;
/// Streams of one consumer.
pub(crate) const STREAMS: usize = 64;
/// Deliveries that a reader may have of each track.
pub(super) const WINDOW: usize = 256;
/// Chunks that wait for a slow connection: what a reader may have, of all tracks, and more.
const CHUNKS: usize = 2_048;

/// A reader opens a stream. From the handle, once per connection; [`STREAMS`] bounds their number.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct OpenStream {
    /// The last event that it has.
    pub(crate) last: Option<Seq>,
    /// Its chunks; dropped without an answer if there are too many streams.
    pub(crate) answer: oneshot::Sender<mpsc::Receiver<Bytes>>,
}

pub(super) struct StreamReader {
    /// Where its chunks go; none while its reader is away.
    chunks: Option<mpsc::Sender<Bytes>>,
    /// Dropping it ends the watch over its connection.
    watch: Option<oneshot::Sender<()>>,
    ack: StreamAck,
    last_chunk: Instant,
    /// When to see whether it has had an event for too long, if it acknowledges by POST and was handed over one.
    overdue_check: Option<Instant>,
    /// Since when it is away.
    away_since: Option<Instant>,
    /// What it gets next, in this order, as soon as it is looked up.
    pub(super) waiting: VecDeque<WaitingDelivery>,
}

impl Handler<OpenStream> for Consumer {
    type Result = ();

    fn handle(&mut self, OpenStream { last, answer }: OpenStream, ctx: &mut Self::Context) {
        let Road::Stream { ack } = self.definition.road else {
            return;
        };
        let connected = self.streams.values().filter(|one| one.chunks.is_some());
        if connected.count() >= STREAMS || self.draining.is_some() {
            return;
        }
        let now = clock::now();
        if let (StreamAck::Implicit, Some(last)) = (ack, last) {
            self.reader_is_back(last, now);
        }
        let reader = ReaderId(self.next_reader);
        let (chunks, receiver) = mpsc::channel(CHUNKS);
        // It is empty, so there is room.
        let _ = chunks.try_send(sse::HELLO);
        if answer.send(receiver).is_err() {
            return;
        }
        self.next_reader += 1;
        let closed = chunks.clone();
        let (watch, ended) = oneshot::channel();
        let closed = async move {
            tokio::select! {
                () = closed.closed() => {}
                _ = ended => {}
            }
        };
        ctx.spawn(closed.into_actor(self).map(move |(), this, ctx| {
            this.stream_closed(reader);
            this.drive(ctx);
        }));
        for track in &mut self.tracks {
            track.queue.handle_reader(reader, WINDOW);
        }
        let stream = StreamReader {
            chunks: Some(chunks),
            watch: Some(watch),
            ack,
            last_chunk: now.instant,
            overdue_check: None,
            away_since: None,
            waiting: VecDeque::new(),
        };
        self.streams.insert(reader, stream);
        self.drive(ctx);
    }
}

impl Consumer {
    /// Hands a delivery over to its reader or endpoint.
    pub(super) fn hand_over(
        &mut self,
        track: TrackId,
        delivery: Delivery<Rc<LoggedEvent>>,
        now: Moment,
        ctx: &mut Context<Self>,
    ) {
        match self.definition.road {
            Road::Webhook(_) => self.expand_and_post(track, delivery, ctx),
            Road::Stream { .. } => self.expand_and_stream(track, delivery, now, ctx),
            Road::Relay(_) => self.relay(track, &delivery, now),
            Road::Pull => {
                // A pull reader asks for itself; the queue has no reader that takes what comes.
                if let Some(track) = self.track(track) {
                    track.queue.handle_reader_gone(delivery.reader, now);
                }
            }
        }
    }

    /// Sends a delivery to its reader. `expanded` has the texts of its events, if something was looked up.
    pub(super) fn stream(
        &mut self,
        track: TrackId,
        delivery: &Delivery<Rc<LoggedEvent>>,
        expanded: &[EventText],
        now: Moment,
    ) {
        let detail = self.definition.detail;
        let overdue = now.instant + self.shared.settings.timing.stream_ack;
        let reader = self.streams.get_mut(&delivery.reader);
        let sent = reader.is_some_and(|stream| {
            stream.last_chunk = now.instant;
            stream.overdue_check.get_or_insert(overdue);
            let chunks = stream.chunks.as_ref();
            chunks.is_some_and(|chunks| {
                let events = delivery.events.iter().enumerate();
                let texts = events.map(|(nth, event)| {
                    let plain = || event.payload.text(detail);
                    let text = expanded.get(nth).unwrap_or_else(plain);
                    sse::chunk(event.payload.id, text, &facts(event))
                });
                put_all(chunks, texts)
            })
        });
        if sent {
            self.remember_claimed(delivery, "stream", now);
        } else {
            if let Some(track) = self.track(track) {
                track.queue.handle_released(delivery.id, now);
            }
            self.end_stream(delivery.reader, now);
        }
    }

    /// The connection of a reader ended.
    fn stream_closed(&mut self, reader: ReaderId) {
        self.end_stream(reader, clock::now());
    }

    /// Ends a stream. What its reader has is kept for it if it acknowledges by connecting again.
    fn end_stream(&mut self, reader: ReaderId, now: Moment) {
        self.release_waiting(reader, now);
        let Some(stream) = self.streams.get_mut(&reader) else {
            return;
        };
        stream.chunks = None;
        stream.watch = None;
        match stream.ack {
            StreamAck::Post => self.reader_gone(reader, now),
            StreamAck::Implicit => {
                stream.away_since.get_or_insert(now.instant);
                for track in &mut self.tracks {
                    track.queue.handle_reader(reader, 0);
                }
            }
        }
    }

    /// A reader does not come back: others get what it had.
    fn reader_gone(&mut self, reader: ReaderId, now: Moment) {
        self.streams.remove(&reader);
        for track in &mut self.tracks {
            track.queue.handle_reader_gone(reader, now);
        }
        let had: Vec<i64> = self
            .claimed
            .iter()
            .filter(|(_, one)| one.reader == reader)
            .map(|(seq, _)| *seq)
            .collect();
        for seq in had {
            self.end_claimed(seq, now, |reader| DeliveryOutcome::Lapsed { reader });
        }
    }

    /// An implicit reader connects again, and has everything up to this event.
    fn reader_is_back(&mut self, last: Seq, now: Moment) {
        let reader = self.claimed.get(&last.0).map(|claimed| claimed.reader);
        for track in &mut self.tracks {
            track.queue.handle_acked_through(last, reader, now);
        }
        self.acked_through(last.0, reader, now);
        if let Some(reader) = reader {
            self.reader_gone(reader, now);
        }
    }

    /// Keeps streams alive, and ends those whose readers have to acknowledge.
    pub(super) fn check_streams(&mut self, now: Moment) {
        if self.streams.is_empty() {
            return;
        }
        let timing = self.shared.settings.timing;
        let readers: Vec<ReaderId> = self.streams.keys().copied().collect();
        for reader in readers {
            if self.has_to_renew(reader, now) {
                self.end_stream(reader, now);
            }
            self.check_overdue(reader, now);
            let Some(stream) = self.streams.get_mut(&reader) else {
                continue;
            };
            let away = stream.away_since;
            if away.is_some_and(|since| now.instant >= since + timing.stream_return) {
                self.reader_gone(reader, now);
                continue;
            }
            if let Some(chunks) = &stream.chunks
                && now.instant >= stream.last_chunk + timing.keep_alive
            {
                stream.last_chunk = now.instant;
                // A connection that is full needs no sign of life.
                let _ = chunks.try_send(sse::KEEP_ALIVE);
            }
        }
    }

    /// Takes from a reader that acknowledges by POST what it has, if it has had an event for too long. Of a reader that handles
    /// one event after the other the oldest is to blame: it alone counts as failed.
    fn check_overdue(&mut self, reader: ReaderId, now: Moment) {
        let Some(stream) = self.streams.get_mut(&reader) else {
            return;
        };
        let due = stream.overdue_check.is_some_and(|at| now.instant >= at);
        if stream.ack == StreamAck::Implicit || !due {
            return;
        }
        let of_reader = self.claimed.iter().filter(|(_, one)| one.reader == reader);
        let oldest = of_reader.min_by_key(|(seq, one)| (one.order, **seq));
        let oldest = oldest.map(|(seq, one)| (Seq(*seq), one.began.instant));
        let limit = self.shared.settings.timing.stream_ack;
        stream.overdue_check = oldest.map(|(_, began)| began + limit);
        if let Some((seq, began)) = oldest
            && now.instant >= began + limit
        {
            for track in &mut self.tracks {
                track.queue.handle_overdue(seq, now);
            }
            self.entry.counters.failed(DeliveryFailure::ClaimExpired);
            self.end_stream(reader, now);
        }
    }

    fn has_to_renew(&self, reader: ReaderId, now: Moment) -> bool {
        let Some(stream) = self.streams.get(&reader) else {
            return false;
        };
        if stream.ack == StreamAck::Post || stream.chunks.is_none() {
            return false;
        }
        let renewal = self.shared.settings.timing.stream_renewal;
        let of_reader = self.claimed.values().filter(|one| one.reader == reader);
        let mut count = 0;
        let is_old = of_reader
            .inspect(|_| count += 1)
            .any(|one| now.instant >= one.began.instant + renewal);
        is_old || count >= WINDOW
    }

    /// Tells all readers that this process ends.
    pub(super) fn shut_streams(&mut self, now: Moment) {
        let readers: Vec<ReaderId> = self.streams.keys().copied().collect();
        for reader in readers {
            if let Some(stream) = self.streams.get(&reader)
                && let Some(chunks) = &stream.chunks
            {
                // One that is full gets no more than the end.
                let _ = chunks.try_send(sse::SHUTDOWN);
            }
            self.end_stream(reader, now);
        }
    }

    /// When to look at streams again.
    pub(super) fn streams_due(&self) -> Option<Instant> {
        let timing = self.shared.settings.timing;
        let alive = self.streams.values().map(|stream| match stream.away_since {
            Some(since) => since + timing.stream_return,
            None => stream.last_chunk + timing.keep_alive,
        });
        let posts = self
            .streams
            .values()
            .filter(|stream| stream.ack == StreamAck::Post);
        let overdue = posts.filter_map(|stream| stream.overdue_check);
        alive.chain(overdue).min()
    }
}

/// Puts all texts into the channel, or none: a part that may have left could not be taken back.
fn put_all(chunks: &mpsc::Sender<Bytes>, texts: impl ExactSizeIterator<Item = Bytes>) -> bool {
    let Ok(permits) = chunks.try_reserve_many(texts.len()) else {
        return false;
    };
    for (permit, text) in permits.zip(texts) {
        permit.send(text);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_whole_does_not_leave_in_part() {
        let (chunks, mut receiver) = mpsc::channel(3);
        let texts = |count: usize| vec![Bytes::from_static(b"data: x\n\n"); count].into_iter();
        assert!(put_all(&chunks, texts(2)));
        assert!(!put_all(&chunks, texts(2)));
        let mut left = 0;
        while receiver.try_recv().is_ok() {
            left += 1;
        }
        assert_eq!(left, 2);
        drop(receiver);
        assert!(!put_all(&chunks, texts(1)), "its connection is gone");
    }
}
