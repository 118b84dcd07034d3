//! Clicks on cards and first visits of a chat: the application answers them over the connection within seconds, under the
//! id of the callback.
//!
//! Nothing is owed to the platform for them: they are recorded like every other event, and without an answer of the
//! application nothing is sent. The platform repeats none of them, so a repeat is not asked about.

use std::time::{Duration, Instant};

use bytestring::ByteString;
use longwire_wire::event::{DurableProof, NewEvent};
use longwire_wire::wecom::{self, Command, limit};
use serde_json::value::RawValue;

use super::requests::Waiter;
use super::{Phase, Wecom};
use crate::requests::RequestKind;
use crate::session::action::{Action, CardOutcome};
use crate::session::cards::{CardEvent, CardResult, CardTicket};
use crate::session::input::Surroundings;

/// How much sooner than the platform's limit the application's answer has to be here, so that it is there in time.
const ON_THE_WAY: Duration = Duration::from_millis(500);

/// About how many events of one connection the application is asked at a time. Each keeps its bytes meanwhile.
const MOST_ASKED: usize = 64;

/// How an event is answered that waits for the application.
#[derive(Debug)]
pub(super) struct Answerable {
    req_id: ByteString,
    command: Command,
    since: Instant,
}

/// The command that answers an event of this type, and how long after the event the platform takes it.
fn answering(event_type: &str) -> Option<(Command, Duration)> {
    match event_type {
        "event.template_card_event" => Some((Command::RespondUpdate, limit::CARD_UPDATE)),
        "event.enter_chat" => Some((Command::RespondWelcome, limit::WELCOME)),
        _ => None,
    }
}

impl<A> Wecom<A> {
    /// An event is durable that waited for that since `since`. If it is one that the application answers, it is asked now.
    pub(super) fn ask_application<P: DurableProof>(
        &mut self,
        event: &NewEvent,
        proof: &P,
        since: Instant,
        around: Surroundings,
    ) {
        let Surroundings { now, unix_ms, .. } = around;
        let event_type = event.event_type.as_deref();
        let Some((command, limit)) = event_type.and_then(answering) else {
            return;
        };
        let Some(req_id) = event.trace_id.clone() else {
            return;
        };
        let is_first = proof.repeat().is_none();
        if !matches!(self.phase, Phase::Open) || !self.is_subscribed || !is_first {
            return;
        }
        // An event that the store refused at first is offered again, and `since` is then the time of that. The wall clock
        // knows of the receipt, but may have been set since.
        let by_clock = u64::try_from(unix_ms - event.received_ms).unwrap_or(0);
        let age = (now.saturating_duration_since(since)).max(Duration::from_millis(by_clock));
        let due = now + (limit - ON_THE_WAY).saturating_sub(age);
        if due <= now || self.cards.len() >= MOST_ASKED {
            return self.settle_card(CardOutcome::Unanswered);
        }
        let Some(event) = CardEvent::of(event, due) else {
            return;
        };
        let ticket = CardTicket::new(due, proof.ticket(), proof.seq());
        let answerable = Answerable {
            req_id,
            command,
            since,
        };
        self.cards.insert(ticket, answerable);
        self.transport.act(Action::AskApplication {
            ticket,
            is_repeat: false,
            event,
        });
    }

    /// The application answered, or has nothing to say.
    pub(super) fn card_answered(&mut self, ticket: CardTicket, result: &CardResult, now: Instant) {
        let Some((_, answerable)) = self.cards.take(ticket.seq()) else {
            match result {
                CardResult::Answered(_) => self.settle_card(CardOutcome::Late),
                CardResult::Unanswered | CardResult::Unclaimed => {}
            }
            return;
        };
        let body = match result {
            CardResult::Answered(body) => serde_json::from_slice::<&RawValue>(body),
            CardResult::Unanswered => return self.settle_card(CardOutcome::Unanswered),
            CardResult::Unclaimed => return self.settle_card(CardOutcome::Unclaimed),
        };
        match body {
            Ok(body) => self.respond(&answerable, body, now),
            Err(_) => {
                self.transport.malformed("card_answer_not_json", 0);
                self.settle_card(CardOutcome::Unanswered);
            }
        }
    }

    fn respond(&mut self, answerable: &Answerable, body: &RawValue, now: Instant) {
        let Answerable {
            req_id,
            command,
            since,
        } = answerable;
        let waited = now.saturating_duration_since(*since);
        self.settle_card(CardOutcome::Answered(waited));
        let frame = wecom::command(*command, req_id, body).into();
        self.submit(req_id, RequestKind::Respond, frame, Waiter::Card, now);
    }

    /// Those whose time is up are not answered.
    pub(super) fn end_late_cards(&mut self, now: Instant) {
        while self.cards.expire(now).is_some() {
            self.settle_card(CardOutcome::Unanswered);
        }
    }

    fn settle_card(&mut self, outcome: CardOutcome) {
        self.transport.act(Action::CardSettled(outcome));
    }
}
