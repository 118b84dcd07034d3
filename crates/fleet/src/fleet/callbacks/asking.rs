//! Asks the application about a card event that came by a callback, and makes the answer.

use super::super::Fleet;
use crate::bot::Bot;
use crate::callbacks::{CallbackAnswer, OwedCallback};
use crate::cards::{CardAnswered, CardQuestion, CardReply};
use crate::clock::now;
use crate::context::FleetContext;
use bytes::Bytes;
use longwire_actor::Receives;
use longwire_link::session::{CardEvent, CardOutcome, CardResult, CardTicket};
use longwire_wire::callback::CardGeneration;
use longwire_wire::card_answer::old_card_answer;
use longwire_wire::event::NewEvent;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::time::timeout;

impl Fleet {
    /// What the application is asked about this event, if it is to be asked.
    pub(super) fn card_event(
        &self,
        bot: &Bot,
        event: &NewEvent,
        since: Instant,
    ) -> Option<CardEvent> {
        let settings = self.context.cards.settings()?;
        if !self.context.cards.claims(bot.id) {
            return None;
        }
        Some(CardEvent {
            event_type: event.event_type.clone()?,
            event_id: event.event_id.clone(),
            chat: event.chat.clone(),
            received_ms: event.received_ms,
            payload: event.payload.clone(),
            due: since + settings.deadline,
        })
    }

    /// The answer to a card event that is durable: the application's, or the default one at the deadline.
    pub(super) async fn card_answer(
        &self,
        bot: &Arc<Bot>,
        owed: OwedCallback,
        event: CardEvent,
        generation: CardGeneration,
        since: Instant,
    ) -> CallbackAnswer {
        let most = (self.callback_room().events / 2).max(1);
        let result = match bot.callbacks().ask(most) {
            Some(_asked) if event.due > now() => self.ask_about(bot, &owed, event).await,
            // Without time or room to ask it is answered by default.
            Some(_) | None => CardResult::Unanswered,
        };
        let waited = now().saturating_duration_since(since);
        let (outcome, json) = match result {
            CardResult::Answered(json) => (CardOutcome::Answered(waited), json),
            CardResult::Unanswered => (CardOutcome::Defaulted(waited), self.default_result()),
            CardResult::Unclaimed => (CardOutcome::Unclaimed, nothing()),
        };
        count(&self.context, bot, outcome);
        if let CardOutcome::Answered(_) | CardOutcome::Defaulted(_) = outcome {
            self.context.totals.card_answered(waited);
        }
        match generation {
            CardGeneration::New => CallbackAnswer::with_result(owed, json),
            CardGeneration::Old => match old_card_answer(&json) {
                Ok(flat) => CallbackAnswer::with_result(owed, flat),
                Err(_) => CallbackAnswer::without_result(owed),
            },
        }
    }

    fn default_result(&self) -> Bytes {
        let settings = self.context.cards.settings();
        // Without settings nobody is asked.
        settings.map_or_else(nothing, |settings| settings.default_result.clone())
    }

    async fn ask_about(&self, bot: &Arc<Bot>, owed: &OwedCallback, event: CardEvent) -> CardResult {
        let (answer, answered) = oneshot::channel();
        let (due, seq) = (event.due, owed.seq());
        let asker = AskingRequest {
            fleet: Arc::clone(&self.context),
            bot: Arc::clone(bot),
            answer: Mutex::new(Some(answer)),
        };
        let reply = CardReply::new(Arc::new(asker), CardTicket::alone(due, seq));
        let platform = bot.platform();
        let question = CardQuestion::new(bot.id, platform, owed.is_repeat(), event, reply);
        self.context.totals.cards.count_asked();
        bot.card_tally().count_asked();
        if let Err(panic) = self.context.cards.ask(question) {
            tracing::error!(
                name = %bot.record().name,
                installation = bot.public_id,
                seq = seq.0,
                panic,
                "a card event was not passed on to its application, and is answered by default"
            );
        }
        let left = due.saturating_duration_since(now());
        match timeout(left, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => CardResult::Unanswered,
        }
    }
}

/// A result that leaves the card as it is.
fn nothing() -> Bytes {
    Bytes::from_static(b"{}")
}

fn count(fleet: &FleetContext, bot: &Bot, outcome: CardOutcome) {
    fleet.totals.cards.count(outcome);
    bot.card_tally().count(outcome);
}

/// A request that waits for the application. Its time may be up, and its client may have gone.
struct AskingRequest {
    fleet: Arc<FleetContext>,
    bot: Arc<Bot>,
    answer: Mutex<Option<oneshot::Sender<CardResult>>>,
}

impl Receives<CardAnswered> for AskingRequest {
    fn deliver(&self, CardAnswered(_, result): CardAnswered) {
        let waiting = self
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let unused = match waiting {
            Some(waiting) => waiting.send(result).err(),
            None => Some(result),
        };
        if let Some(CardResult::Answered(_)) = unused {
            count(&self.fleet, &self.bot, CardOutcome::Late);
        }
    }
}
