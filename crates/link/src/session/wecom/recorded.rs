//! What the store answers: events are recorded, or offered again until they are.

use std::time::Instant;

use longwire_wire::event::{DurableProof, NewEvent};

use super::Wecom;
use crate::session::action::{Action, LossReason};
use crate::session::input::{NotRecorded, Submitted, Surroundings};
use crate::window::Released;

/// What happens to events that the store refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// They are offered again until they are recorded.
    OfferedAgain,
    /// They are lost: the store takes nothing any more, because the process ends.
    LostWithTheProcess,
    /// They are lost: the bot or the process holds too much already.
    LostForWantOfRoom,
}

impl<A> Wecom<A> {
    /// Events are durable.
    pub(super) fn recorded<P: DurableProof>(&mut self, proofs: Vec<P>, around: Surroundings) {
        self.recording.handle_answered(proofs.len());
        for proof in proofs {
            self.transport.counts.count_outcome(proof.repeat());
            match self.recording.release(proof.ticket()) {
                Released::Answer { kept, waited_since } => {
                    let waited = around.now.saturating_duration_since(waited_since);
                    self.transport.counts.count_wait(waited);
                    if around.cards_claimed {
                        self.ask_application(&kept, &proof, waited_since, around);
                    }
                }
                Released::Late | Released::Unknown => self.transport.counts.late_receipts += 1,
            }
        }
        self.finish_if_recorded();
    }

    /// Events that were not recorded and that nobody else has are offered once more, before any other.
    pub(super) fn not_recorded(&mut self, tickets: &[u32], why: NotRecorded, now: Instant) {
        self.recording.handle_answered(tickets.len());
        let mut events = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            if let Released::Answer { kept, .. } = self.recording.release(*ticket) {
                events.push(*kept);
            }
        }
        let loss = match (why, self.refused) {
            (NotRecorded::Rule, _) => Some(LossReason::Rule),
            (NotRecorded::Trouble, Refused::LostWithTheProcess) => Some(LossReason::ProcessEnds),
            (NotRecorded::Trouble, Refused::LostForWantOfRoom) => Some(LossReason::NoRoom),
            (NotRecorded::Trouble, Refused::OfferedAgain) => None,
        };
        match loss {
            Some(loss) => self.lose_events(events.len(), loss),
            None if events.is_empty() => {}
            None => {
                let keep = |event: &NewEvent| Box::new(event.clone());
                self.recording.readmit(events, keep, now);
            }
        }
        self.finish_if_recorded();
    }

    fn lose_events(&mut self, events: usize, reason: LossReason) {
        if events > 0 {
            self.transport.act(Action::EventsLost(events, reason));
        }
    }

    pub(super) fn submitted(&mut self, submitted: Submitted, now: Instant) {
        if matches!(submitted, Submitted::Stopped) {
            self.refused = Refused::LostWithTheProcess;
        }
        self.recording.handle_submitted(submitted, now);
    }

    /// Whether what waits for the store may be held although the connection is over.
    pub(super) fn retained(&mut self, is_retained: bool) {
        if !is_retained {
            self.refused = Refused::LostForWantOfRoom;
            let events = self.recording.give_up_waiting();
            self.lose_events(events, LossReason::NoRoom);
        }
        self.finish_if_recorded();
    }
}
