//! Clicks on cards and previews of links: their ACK carries a result, and the application says which.
//!
//! Once such an event is recorded it is answered 200 in any case: with the application's result, or with the default one when
//! the application has none or its time is up. It keeps its place in the window until then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_wire::answer::{self, Echo};
use longwire_wire::event::{DurableProof, NewEvent};

use super::Feishu;
use crate::session::action::{Action, CardOutcome};
use crate::session::answer::{Answer, OwedAck};
use crate::session::cards::{AwaitedCards, CardEvent, CardResult, CardSettings, CardTicket};

/// The events that wait for the application, and how they are answered without it.
pub(super) struct Cards {
    settings: Arc<CardSettings>,
    awaited: AwaitedCards<Owed>,
}

/// What is owed to the platform for an event that waits for the application.
struct Owed {
    ack: OwedAck,
    since: Instant,
}

impl Cards {
    pub(super) fn new(settings: Arc<CardSettings>) -> Self {
        Self {
            settings,
            awaited: AwaitedCards::default(),
        }
    }
}

impl<A> Feishu<A> {
    /// What the application is asked about this event, if it is one that it is asked about. It may have waited unread for
    /// so long.
    pub(super) fn card_event(
        &self,
        event: &NewEvent,
        unread_for: Duration,
        now: Instant,
    ) -> Option<Box<CardEvent>> {
        if !event
            .event_type
            .as_deref()
            .is_some_and(answer::wants_result)
        {
            return None;
        }
        let deadline = self.cards.as_ref()?.settings.deadline;
        CardEvent::of(event, now + deadline.saturating_sub(unread_for))
    }

    /// How many events wait for the application.
    pub(super) fn cards_awaited(&self) -> usize {
        self.cards.as_ref().map_or(0, |cards| cards.awaited.len())
    }

    /// When the time of the next of them is up.
    pub(super) fn poll_cards(&self) -> Option<Instant> {
        self.cards.as_ref()?.awaited.poll_timeout()
    }

    /// A card event that an application claims is durable. Where there is neither time nor room to ask, it is answered by
    /// default: an application that is stuck must not fill the window, or the bot's other events would have to wait.
    pub(super) fn ask_application<P: DurableProof>(
        &mut self,
        echo: Echo,
        proof: P,
        event: Box<CardEvent>,
        since: Instant,
        now: Instant,
    ) {
        let ticket = CardTicket::new(event.due, proof.ticket(), proof.seq());
        let is_repeat = proof.repeat().is_some();
        let ack = OwedAck::of(echo, proof);
        let owed = Owed { ack, since };
        let has_room = self.recording.may_hold(self.cards_awaited());
        match &mut self.cards {
            Some(cards) if has_room && event.due > now => {
                let is_asked = cards.awaited.is_asked(ticket.seq());
                cards.awaited.insert(ticket, owed);
                let size_bytes = event.payload.len();
                self.recording.hold(ticket.number(), size_bytes, now);
                if !is_asked {
                    self.transport.act(Action::AskApplication {
                        ticket,
                        is_repeat,
                        event,
                    });
                }
            }
            Some(_) | None => self.answer_by_default(owed, now),
        }
    }

    /// The application answered, or has nothing to say, or none claims the event. Repeats that wait beside the event get the same.
    pub(super) fn card_answered(&mut self, ticket: CardTicket, result: &CardResult, now: Instant) {
        let Some(cards) = &mut self.cards else {
            return;
        };
        if !cards.awaited.contains(ticket) {
            match result {
                CardResult::Answered(_) => {}
                // Its time was up before. A repeat that waits now has a question of its own, or waits for its own time.
                CardResult::Unanswered | CardResult::Unclaimed => return,
            }
            let late = Action::CardSettled(CardOutcome::Late);
            self.transport.act(late);
        }
        while let Some(owed) = self.release_card(|cards| cards.take(ticket.seq())) {
            match result {
                CardResult::Answered(result_json) => {
                    let waited = self.answer_with(owed, result_json, now);
                    let answered = CardOutcome::Answered(waited);
                    self.transport.act(Action::CardSettled(answered));
                }
                CardResult::Unanswered => self.answer_by_default(owed, now),
                CardResult::Unclaimed => self.answer_as_any_event(owed, now),
            }
        }
    }

    fn answer_as_any_event(&mut self, owed: Owed, now: Instant) {
        let waited = now.saturating_duration_since(owed.since);
        self.transport.counts.count_wait(waited);
        self.transport.counts.acked += 1;
        let answer = Answer::without_result(owed.ack);
        self.transport.outbox.answer(&answer, waited);
        let unclaimed = Action::CardSettled(CardOutcome::Unclaimed);
        self.transport.act(unclaimed);
    }

    /// Those whose time is up are answered by default.
    pub(super) fn end_late_cards(&mut self, now: Instant) {
        while let Some(owed) = self.release_card(|cards| cards.expire(now)) {
            self.answer_by_default(owed, now);
        }
    }

    /// Nothing can be waited for any more: all are answered by default.
    pub(super) fn end_all_cards(&mut self, now: Instant) {
        while let Some(owed) = self.release_card(AwaitedCards::pop) {
            self.answer_by_default(owed, now);
        }
    }

    /// Frees the place of the event that `next` takes out.
    fn release_card(
        &mut self,
        next: impl FnOnce(&mut AwaitedCards<Owed>) -> Option<(CardTicket, Owed)>,
    ) -> Option<Owed> {
        let cards = self.cards.as_mut()?;
        let (ticket, owed) = next(&mut cards.awaited)?;
        self.recording.release(ticket.number());
        Some(owed)
    }

    fn answer_by_default(&mut self, owed: Owed, now: Instant) {
        // Without settings no event is taken for a card event.
        let settings = self.cards.as_ref().map(|cards| Arc::clone(&cards.settings));
        let settings = settings.unwrap_or_default();
        let waited = self.answer_with(owed, &settings.default_result, now);
        let defaulted = CardOutcome::Defaulted(waited);
        self.transport.act(Action::CardSettled(defaulted));
    }

    /// Answers with this result. Returns how long the event waited for that.
    fn answer_with(&mut self, owed: Owed, result_json: &[u8], now: Instant) -> Duration {
        let waited = now.saturating_duration_since(owed.since);
        self.transport.counts.acked += 1;
        let answer = Answer::with_result(owed.ack, result_json);
        self.transport.outbox.answer(&answer, waited);
        waited
    }
}
