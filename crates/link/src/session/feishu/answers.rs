//! The answers to events: 200 from a proof, 500 for a repeat later.

use std::time::Instant;

use bytestring::ByteString;
use longwire_wire::answer::Echo;
use longwire_wire::event::DurableProof;

use super::Feishu;
use crate::session::action::Action;
use crate::session::answer::Answer;
use crate::session::cards::CardEvent;
use crate::session::input::Surroundings;
use crate::window::Released;

/// What is needed to answer an event.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) echo: Echo,
    /// The id of the push, where it came split: a refusal makes the platform push it again, perhaps under the same id.
    pub(super) split: Option<ByteString>,
    /// What the application is asked once it is recorded, where its answer goes into ours.
    pub(super) card: Option<Box<CardEvent>>,
}

impl<A> Feishu<A> {
    /// Events that are durable are answered, or the application is asked first.
    pub(super) fn recorded<P: DurableProof>(&mut self, proofs: Vec<P>, around: Surroundings) {
        let now = around.now;
        self.recording.handle_answered(proofs.len());
        for proof in proofs {
            self.transport.counts.count_outcome(proof.repeat());
            match self.recording.release(proof.ticket()) {
                Released::Answer { kept, waited_since } => {
                    if let Some(event) = kept.card
                        && around.cards_claimed
                    {
                        self.ask_application(kept.echo, proof, event, waited_since, now);
                        continue;
                    }
                    let waited = now.saturating_duration_since(waited_since);
                    self.transport.counts.count_wait(waited);
                    self.transport.counts.acked += 1;
                    let answer = Answer::recorded(kept.echo, proof);
                    self.transport.outbox.answer(&answer, waited);
                }
                Released::Late | Released::Unknown => self.transport.counts.late_receipts += 1,
            }
        }
    }

    pub(super) fn not_recorded(&mut self, tickets: &[u32], now: Instant) {
        self.recording.handle_answered(tickets.len());
        for ticket in tickets {
            if let Released::Answer { kept, waited_since } = self.recording.release(*ticket) {
                self.transport.counts.refused += 1;
                self.refuse(kept, waited_since, now);
            }
        }
    }

    /// Events whose proof did not come within the budget are refused, so that the platform pushes them again; the commit
    /// that comes late is then found by its key.
    pub(super) fn refuse_late(&mut self, now: Instant) {
        while let Some((unanswered, since)) = self.recording.expire(now) {
            self.transport.counts.refused_late += 1;
            self.refuse(unanswered, since, now);
        }
    }

    /// Asks the platform for a repeat of an event that is not durable.
    pub(super) fn refuse(&mut self, unanswered: Unanswered, since: Instant, now: Instant) {
        let waited = now.saturating_duration_since(since);
        let answer = Answer::refused(unanswered.echo);
        self.transport.outbox.answer(&answer, waited);
        if let Some(message_id) = unanswered.split
            && self.fragments.is_attached()
        {
            self.transport.act(Action::JoinedRefused(message_id));
        }
    }
}
