//! Acknowledgements of readers, which are answered when they are on disk.

use longwire_consumer::{DeliveryFailure, Moment};
use longwire_store::DeliveryOutcome;
use longwire_wire::event::Seq;
use tokio::sync::oneshot;

use super::Consumer;
use super::messages::{Acknowledge, Acknowledged};
use crate::clock;
use crate::track::TrackId;

/// An acknowledgement whose positions are not on disk yet.
pub(super) struct WaitingAck {
    done: usize,
    answer: oneshot::Sender<usize>,
    /// The tracks that it changed, and the save of each that has it.
    rides: Vec<(TrackId, Option<u64>)>,
}

impl Consumer {
    /// Takes in an acknowledgement.
    pub(super) fn acknowledge(&mut self, Acknowledge { events, answer }: Acknowledge) {
        let now = clock::now();
        let mut done = 0;
        let mut rides = Vec::new();
        for track in &mut self.tracks {
            let of_track = match &events {
                Acknowledged::Events(events) => track.queue.handle_acked(events, now),
                Acknowledged::Through(event) => track.queue.handle_acked_through(*event, None, now),
            };
            if of_track > 0 {
                done += of_track;
                track.queue.handle_save_awaited();
                rides.push((track.id, None));
            }
        }
        match events {
            Acknowledged::Events(events) => {
                for Seq(seq) in events {
                    self.acked(seq, now);
                }
            }
            Acknowledged::Through(Seq(seq)) => self.acked_through(seq, None, now),
        }
        if rides.is_empty() {
            let _ = answer.send(0);
            return;
        }
        self.acks.push(WaitingAck {
            done,
            answer,
            rides,
        });
    }

    fn acked(&mut self, seq: i64, now: Moment) {
        self.end_claimed(seq, now, |reader| DeliveryOutcome::Acked { reader });
    }

    /// The reader that has this event, or `reader` alone, is done with all that was handed over before it.
    pub(super) fn acked_through(
        &mut self,
        seq: i64,
        reader: Option<longwire_consumer::ReaderId>,
        now: Moment,
    ) {
        let Some(last) = self.claimed.get(&seq).map(|claimed| claimed.order) else {
            return;
        };
        let before: Vec<i64> = self
            .claimed
            .iter()
            .filter(|(_, one)| reader.is_none_or(|reader| one.reader == reader))
            .filter(|(other, one)| one.order < last || (one.order == last && **other <= seq))
            .map(|(other, _)| *other)
            .collect();
        for seq in before {
            self.acked(seq, now);
        }
    }

    /// Readers gave these back.
    pub(super) fn nacked(&mut self, events: &[Seq], now: Moment) {
        for Seq(seq) in events {
            let outcome = |reader| DeliveryOutcome::Nacked { reader };
            if self.end_claimed(*seq, now, outcome).is_some() {
                let failure = DeliveryFailure::Nacked { delay: None };
                self.entry.counters.failed(failure);
            }
        }
    }

    /// Whether an acknowledgement waits for the position of this track.
    pub(super) fn acks_wait_for(&self, track: TrackId) -> bool {
        let mut rides = self.acks.iter().flat_map(|ack| &ack.rides);
        rides.any(|(of, _)| *of == track)
    }

    /// The save of this number has all that was acknowledged so far.
    pub(super) fn acks_ride_in(&mut self, track: TrackId, number: u64) {
        for ack in &mut self.acks {
            for (of, rides_in) in &mut ack.rides {
                if *of == track && rides_in.is_none() {
                    *rides_in = Some(number);
                }
            }
        }
    }

    /// That save is on disk.
    pub(super) fn answer_acks(&mut self, track: TrackId, number: u64) {
        for ack in &mut self.acks {
            ack.rides
                .retain(|(of, rides_in)| *of != track || rides_in.is_none_or(|at| at > number));
        }
        let answered = self.acks.extract_if(.., |ack| ack.rides.is_empty());
        for ack in answered {
            // Whoever asked may have stopped waiting.
            let _ = ack.answer.send(ack.done);
        }
    }
}

impl WaitingAck {
    /// Waits for the next save of one track.
    pub(super) fn of_one(track: TrackId, answer: oneshot::Sender<usize>) -> Self {
        Self {
            done: 0,
            answer,
            rides: vec![(track, None)],
        }
    }
}
