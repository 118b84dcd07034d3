//! Takes callbacks: reads them, has them recorded, asks the application about card events, and counts what became of each.
//!
//! All of it is done by whoever awaits [`Fleet::callback`], on the thread of that request: no actor is involved, and a flood of
//! callbacks costs the threads of the connections nothing. What is in hand is bounded for each bot.

mod asking;
mod counting;
mod recording;

use super::Fleet;
use crate::bot::Bot;
use crate::callbacks::{
    CallbackAnswer, CallbackOutcome, CallbackRejection, CallbackVerdict, IncomingCallback,
    OwedCallback, RecordFailure, Room,
};
use crate::clock::now;
use bytes::Bytes;
use bytestring::ByteString;
use longwire_installation::{Desired, InstallationId, Platform};
use longwire_store::{CallbackSecrets, InstallationRecord};
use longwire_wire::callback::{Callback, CallbackEvent, CallbackKeys, CardGeneration, read};
use longwire_wire::event::NewEvent;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::Instant;

/// Windows of a connection that the callbacks of a bot may have in hand. They come over any number of connections, and a bot
/// that gets all its events by them has as many in hand as it has on all its long connections otherwise.
const WINDOWS: usize = 4;

/// What a callback turned out to be.
enum Understood {
    Challenge(Bytes),
    Event(CallbackEvent),
    Card(CardGeneration, CallbackEvent),
}

impl Fleet {
    /// Takes a callback to a bot: records it, and asks the application about a card event. It is done within the time that
    /// the platform waits: an event within `timing.answer_budget`, a card event within the deadline of cards.
    ///
    /// Whoever drops the future leaves an event that is recorded, or not; the platform repeats it.
    pub async fn callback(
        &self,
        installation: InstallationId,
        incoming: IncomingCallback<'_>,
    ) -> CallbackOutcome {
        let Some(entry) = self.bots.get(installation) else {
            let rejection = CallbackRejection::UnknownInstallation;
            return self.reject_callback(None, rejection, incoming.now_ms);
        };
        let now_ms = incoming.now_ms;
        match self.take_callback(&entry.bot, incoming).await {
            Ok(outcome) => outcome,
            Err(rejection) => {
                self.count_callback(
                    Some(&entry.bot),
                    CallbackVerdict::Rejected(&rejection),
                    now_ms,
                );
                CallbackOutcome::Rejected(rejection)
            }
        }
    }

    /// Counts a callback that was not even read: of a bot, or of nobody.
    pub fn reject_callback(
        &self,
        installation: Option<InstallationId>,
        rejection: CallbackRejection,
        now_ms: i64,
    ) -> CallbackOutcome {
        let entry = installation.and_then(|id| self.bots.get(id));
        let bot = entry.as_ref().map(|entry| &*entry.bot);
        self.count_callback(bot, CallbackVerdict::Rejected(&rejection), now_ms);
        CallbackOutcome::Rejected(rejection)
    }

    /// When the last request came that could have been a callback, in milliseconds since 1970.
    #[must_use]
    pub fn last_callback_ms(&self) -> Option<i64> {
        self.context.totals.callbacks.last_ms()
    }

    async fn take_callback(
        &self,
        bot: &Arc<Bot>,
        incoming: IncomingCallback<'_>,
    ) -> Result<CallbackOutcome, CallbackRejection> {
        let record = bot.record();
        let (card, event) = match self.read_callback(bot, &record, &incoming)? {
            Understood::Challenge(answer) => {
                self.count_callback(Some(bot), CallbackVerdict::Challenged, incoming.now_ms);
                return Ok(CallbackOutcome::Challenged(answer));
            }
            Understood::Event(event) => (None, event),
            Understood::Card(generation, event) => (Some(generation), event),
        };
        let app_id = event.app_id.as_ref();
        if app_id.is_some_and(|app_id| **app_id != *record.app_id) {
            return Err(CallbackRejection::ForeignApp);
        }
        if record.desired == Desired::Stop {
            return Err(CallbackRejection::Stopped);
        }
        let (since, now_ms) = (incoming.since, incoming.now_ms);
        let trace_id = incoming.trace_id.map(ByteString::from);
        let event = event.into_new_event(0, now_ms, trace_id);
        self.count_received(bot, &event);
        let taken = self.take_event(bot, event, card, since, now_ms).await;
        let answer = taken.map_err(|failure| {
            self.count_unrecorded(bot, failure, now_ms);
            CallbackRejection::Unrecorded(failure)
        })?;
        Ok(CallbackOutcome::Recorded(answer))
    }

    /// Has an event recorded, and makes its answer.
    async fn take_event(
        &self,
        bot: &Arc<Bot>,
        event: NewEvent,
        card: Option<CardGeneration>,
        since: Instant,
        now_ms: i64,
    ) -> Result<CallbackAnswer, RecordFailure> {
        let room = bot
            .callbacks()
            .take_room(event.payload.len(), self.callback_room());
        let room = room.ok_or(RecordFailure::Overload)?;
        let question = card.and_then(|_| self.card_event(bot, &event, since));
        let receipt = self
            .record_callback(bot, event, room.has_others, since)
            .await?;
        self.count_recorded(bot, &receipt, now_ms);
        Ok(match (card, question) {
            (None, _) => {
                self.context
                    .totals
                    .callback_answered(now().saturating_duration_since(since));
                CallbackAnswer::recorded(receipt)
            }
            (Some(_), None) => CallbackAnswer::without_result(OwedCallback::of(receipt)),
            (Some(generation), Some(question)) => {
                let owed = OwedCallback::of(receipt);
                self.card_answer(bot, owed, question, generation, since)
                    .await
            }
        })
    }

    /// What the bytes are, if they are the platform's.
    fn read_callback(
        &self,
        bot: &Bot,
        record: &Arc<InstallationRecord>,
        incoming: &IncomingCallback<'_>,
    ) -> Result<Understood, CallbackRejection> {
        if record.platform == Platform::Wecom {
            return Err(CallbackRejection::UnknownInstallation);
        }
        let store = &self.context.store;
        let secrets = bot
            .callbacks()
            .secrets(record, |record| store.open_callback_secrets(record));
        let secrets = secrets.map_err(|_| CallbackRejection::SecretsSealed)?;
        let IncomingCallback {
            headers,
            body,
            now_ms,
            window,
            ..
        } = incoming;
        let callback = read(&keys(&secrets), headers, body, *now_ms, *window);
        Ok(match callback.map_err(CallbackRejection::Refused)? {
            Callback::Challenge { answer } => Understood::Challenge(answer),
            Callback::Event(event) => Understood::Event(event),
            Callback::Card { generation, event } => Understood::Card(generation, event),
        })
    }

    fn callback_room(&self) -> Room {
        Room {
            events: self.context.window_events * WINDOWS,
            bytes: self.context.window_bytes * WINDOWS,
        }
    }
}

fn keys(secrets: &CallbackSecrets) -> CallbackKeys<'_> {
    let CallbackSecrets {
        verification_token,
        encrypt_key,
    } = secrets;
    CallbackKeys {
        verification_token: verification_token.as_ref().map(SecretString::expose_secret),
        encrypt_key: encrypt_key.as_ref().map(SecretString::expose_secret),
    }
}
