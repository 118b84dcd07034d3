//! What delivery needs of the fleet: whose an installation is, a way to reply in a chat, and the clicks that wait for an answer.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use longwire_delivery::{
    AskedAnswer, AskedCard, AskedEvent, ChatReplies, ChatReply, ChatReplyFailed, ChatReplyOutcome,
    Deliveries, EventLookups, InstallationFacts, InstallationNames, LookupOutcome,
};
use longwire_fleet::{
    AnsweredSender, CardBroker, CardQuestion, Fleet, IdempotencyKey, ReplyOrder, ReplyTo,
    WecomCallbackKind,
};
use longwire_installation::{InstallationId, Platform};
use longwire_store::InstallationRecord;
use longwire_wire::view::{FoundMessage, PersonKind, PersonName};
use serde::Deserialize;

/// The names of installations, as the fleet knows them. One that is removed keeps its last name for this process: events of it
/// may still be on their way.
pub(crate) struct FleetNames {
    fleet: Fleet,
    known: RwLock<HashMap<InstallationId, Known>>,
}

#[derive(Clone)]
struct Known {
    record: Arc<InstallationRecord>,
    facts: Arc<InstallationFacts>,
}

impl Known {
    fn of(record: Arc<InstallationRecord>) -> Self {
        let facts = Arc::new(InstallationFacts {
            public_id: record.public_id,
            name: record.name.clone(),
            platform: record.platform,
            space: record.space.clone(),
        });
        Self { record, facts }
    }
}

impl FleetNames {
    /// Knows these from the start: delivery begins with what an earlier process left, before the fleet has taken up its
    /// installations.
    pub(crate) fn new(fleet: Fleet, records: Vec<InstallationRecord>) -> Self {
        let known = records.into_iter().map(|record| {
            let known = Known::of(Arc::new(record));
            (known.record.id, known)
        });
        Self {
            fleet,
            known: RwLock::new(known.collect()),
        }
    }

    fn known(&self, id: InstallationId) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }
}

impl InstallationNames for FleetNames {
    fn facts(&self, id: InstallationId) -> Option<Arc<InstallationFacts>> {
        let known = self.known(id);
        let record = self.fleet.record(id);
        match (known, record) {
            (Some(known), Some(record)) if Arc::ptr_eq(&known.record, &record) => Some(known.facts),
            (_, Some(record)) => {
                let known = Known::of(record);
                let facts = Arc::clone(&known.facts);
                let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
                all.insert(id, known);
                Some(facts)
            }
            (known, None) => known.map(|known| known.facts),
        }
    }
}

/// Replies go through the bot whose event is answered.
pub(crate) struct FleetReplies(pub(crate) Fleet);

impl ChatReplies for FleetReplies {
    fn reply(&self, reply: ChatReply) -> ChatReplyOutcome {
        let fleet = self.0.clone();
        Box::pin(async move {
            let order = order(reply).map_err(|why| ChatReplyFailed(why.to_owned()))?;
            match fleet.reply(order).await {
                Ok(_) => Ok(()),
                Err(error) => {
                    let next_step = error.next_step();
                    Err(ChatReplyFailed(format!("{error}; {next_step}")))
                }
            }
        })
    }
}

/// What events have ids of only is looked up through the bot that received them.
pub(crate) struct FleetLookups(pub(crate) Fleet);

impl EventLookups for FleetLookups {
    fn message(&self, bot: InstallationId, message_id: &str) -> LookupOutcome<FoundMessage> {
        let (fleet, message_id) = (self.0.clone(), message_id.to_owned());
        Box::pin(async move {
            let found = fleet.look_up_message(bot, &message_id).await;
            found.map_err(|error| error.unavailable())
        })
    }

    fn person(&self, bot: InstallationId, open_id: &str) -> LookupOutcome<PersonName> {
        let (fleet, open_id) = (self.0.clone(), open_id.to_owned());
        Box::pin(async move {
            let name = fleet.look_up_person(bot, &open_id).await;
            let name = name.map(|name| PersonName { name: name.into() });
            name.map_err(|error| error.unavailable())
        })
    }
}

/// The head of a frame of WeCom.
#[derive(Deserialize)]
struct WecomFrame {
    headers: WecomHeaders,
}

#[derive(Deserialize)]
struct WecomHeaders {
    req_id: String,
}

/// What the fleet is asked, or why the event takes no reply.
fn order(reply: ChatReply) -> Result<ReplyOrder, &'static str> {
    let to = match reply.platform {
        Platform::Feishu | Platform::Lark => {
            let message_id = reply.message_id.as_ref();
            let message_id = message_id.ok_or("only a message can be replied to")?;
            ReplyTo::FeishuMessage {
                message_id: message_id.to_string(),
            }
        }
        Platform::Wecom => {
            let kind = match reply.event_type.as_deref() {
                Some("event.enter_chat") => WecomCallbackKind::EnterChat,
                Some(event_type) if event_type.starts_with("message.") => {
                    WecomCallbackKind::Message
                }
                Some(_) | None => return Err("only a message can be replied to"),
            };
            let frame: Result<WecomFrame, _> = serde_json::from_slice(&reply.payload);
            let frame = frame.map_err(|_| "the platform's frame has no req_id to reply to")?;
            ReplyTo::WecomCallback {
                req_id: frame.headers.req_id,
                kind,
                received_ms: reply.received_ms,
                chat_id: reply.chat.as_ref().map(ToString::to_string),
            }
        }
    };
    let answered = match reply.sender {
        Some(PersonKind::User | PersonKind::Anonymous) => AnsweredSender::Human,
        Some(PersonKind::Bot | PersonKind::App | PersonKind::System | PersonKind::Unknown)
        | None => AnsweredSender::Other,
    };
    let key = IdempotencyKey::new(reply.key);
    Ok(ReplyOrder {
        installation: reply.installation,
        chat: reply.chat.map(|chat| chat.to_string()).unwrap_or_default(),
        answered,
        to,
        text: reply.text,
        key: key.map_err(|_| "the key of the reply is too long")?,
    })
}

/// Clicks are asked of consumers, as soon as delivery runs.
#[derive(Default)]
pub(crate) struct CardsOfConsumers(OnceLock<Deliveries>);

impl CardsOfConsumers {
    /// From now on these are asked.
    pub(crate) fn ask(&self, deliveries: Deliveries) {
        // Delivery starts once.
        let _ = self.0.set(deliveries);
    }
}

impl CardBroker for CardsOfConsumers {
    fn claims(&self, installation: InstallationId) -> bool {
        let deliveries = self.0.get();
        deliveries.is_some_and(|deliveries| deliveries.claims_cards(installation))
    }

    fn ask(&self, question: CardQuestion) {
        // Dropping the question answers it by default.
        let Some(deliveries) = self.0.get() else {
            return;
        };
        let event = AskedEvent {
            platform: question.platform,
            event_type: question.event_type,
            chat: question.chat,
            payload: question.payload,
        };
        let reply = question.reply;
        let answer = move |answer| match answer {
            AskedAnswer::Result(result) => reply.answer(result),
            AskedAnswer::Nobody => reply.unclaimed(),
        };
        let card = AskedCard::new(
            question.installation,
            question.seq,
            question.due,
            event,
            answer,
        );
        deliveries.ask_card(card);
    }
}
