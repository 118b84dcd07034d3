//! Says operational events in chats, through bots: to the operators, and to a consumer's owner that it is behind.
//!
//! It follows the operational events that the store records, whoever records them, and sends at most one message per
//! subject and minute. A message that cannot be sent is logged and given up: the event is in the log. It makes no event of
//! its own, and of the bot that says the notices only that it is live again is said.

mod pace;
mod text;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use longwire_delivery::Deliveries;
use longwire_fleet::{AnsweredSender, Fleet, IdempotencyKey, ReplyOrder, ReplyTo};
use longwire_store::{NewEvent, Store};
use longwire_wire::view::{EventAction, EventView, Family, Operation};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::config::{NoticeLanguage, NoticesSection};
use pace::NoticePace;

/// The event that a consumer has used a part of its patience.
const LAGGING: &str = "longwire.consumer.lagging";

/// Notices are said until this is dropped.
pub(crate) struct Notices(JoinHandle<()>);

impl Drop for Notices {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What says the notices.
struct Speaker {
    fleet: Fleet,
    consumers: Arc<OnceLock<Deliveries>>,
    /// Where the operators are told of everything, if anywhere.
    operators: Option<Audience>,
    language: NoticeLanguage,
}

/// Who is told.
#[derive(Clone)]
struct Audience {
    /// The name or the public id of the bot that says it.
    installation: String,
    chat: String,
}

/// A notice that waits for its time.
struct Notice {
    to: Audience,
    text: String,
    key: IdempotencyKey,
}

impl Notices {
    /// Starts what the configuration asks for, and what owners of consumers ask for as soon as there are `consumers`. Inside an
    /// actix system.
    pub(crate) fn start(
        section: &NoticesSection,
        store: &Store,
        fleet: &Fleet,
        consumers: &Arc<OnceLock<Deliveries>>,
    ) -> Self {
        let operators = section.target().map(|(installation, chat)| Audience {
            installation: installation.to_string(),
            chat: chat.to_owned(),
        });
        let speaker = Speaker {
            fleet: fleet.clone(),
            consumers: Arc::clone(consumers),
            operators,
            language: section.language,
        };
        let events = store.follow_operational();
        Self(actix_rt::spawn(speaker.follow(events)))
    }
}

impl Speaker {
    async fn follow(self, mut events: Receiver<NewEvent>) {
        let mut pace = NoticePace::new();
        loop {
            while let Some(notice) = pace.poll(now()) {
                // One bot that is slow holds up no other. The pace bounds how many are under way.
                actix_rt::spawn(say(self.fleet.clone(), notice));
            }
            let due = pace.poll_timeout();
            let timeout = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                event = events.recv() => event,
                () = timeout => continue,
            };
            match event {
                Ok(event) => {
                    for (subject, notice) in self.notices_of(&event) {
                        pace.offer(subject, notice, now());
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(
                        missed,
                        "too many operational events at once; the oldest are not said in the chat"
                    );
                }
                // The store is gone.
                Err(RecvError::Closed) => return,
            }
            let dropped = pace.take_dropped();
            if dropped > 0 {
                tracing::warn!(
                    dropped,
                    "too many bots and consumers in trouble; not all are said in the chat"
                );
            }
        }
    }

    /// What is said of an event, and about whom.
    fn notices_of(&self, event: &NewEvent) -> impl Iterator<Item = (String, Notice)> {
        let event_type = event.event_type.as_deref().unwrap_or_default();
        let view = EventView::of(Family::Longwire, Some(event_type), &event.payload);
        let operation = view.operation.as_deref();
        let to_operators =
            operation.and_then(|of| self.to_operators(event, event_type, of, view.action));
        let to_owner = operation.and_then(|of| self.to_owner(event, event_type, of));
        to_operators.into_iter().chain(to_owner)
    }

    fn to_operators(
        &self,
        event: &NewEvent,
        event_type: &str,
        operation: &Operation,
        action: Option<EventAction>,
    ) -> Option<(String, Notice)> {
        let to = self.operators.as_ref()?;
        let about = operation.installation.as_deref();
        let about = about.and_then(|id| self.fleet.installation(id));
        let is_its_own = about
            .as_ref()
            .is_some_and(|bot| bot.name == to.installation);
        if is_its_own && action != Some(EventAction::Live) {
            return None;
        }
        let named = operation
            .installation
            .as_deref()
            .or(operation.consumer.as_deref());
        // Events about nobody in particular are told apart by what happened, so that a recovery replaces no trouble.
        let subject = named.unwrap_or(event_type).to_owned();
        let name = about.as_ref().map(|bot| bot.name.as_str());
        let text = text::notice(self.language, event_type, operation, name);
        let to = to.clone();
        let key = key("notice", event);
        Some((subject, Notice { to, text, key }))
    }

    /// What the owner of a consumer that lags is told, where the definition names a chat and a bot of the same space.
    fn to_owner(
        &self,
        event: &NewEvent,
        event_type: &str,
        operation: &Operation,
    ) -> Option<(String, Notice)> {
        if event_type != LAGGING {
            return None;
        }
        // The id of such an event begins with the consumer's space.
        let (space, _) = event.event_id.as_deref()?.split_once('/')?;
        let name = operation.consumer.as_deref()?;
        let consumer = self.consumers.get()?.consumer(&space.parse().ok()?, name)?;
        let wanted = consumer.definition.notices.as_ref()?;
        let installation = wanted.installation.to_string();
        let bot = self.fleet.installation_id(&installation);
        let record = bot.and_then(|bot| self.fleet.record(bot));
        if record.is_none_or(|record| record.space != consumer.space) {
            tracing::warn!(
                consumer = name,
                installation,
                "no notice was sent to the owner: its space has no such installation; change the consumer's notices"
            );
            return None;
        }
        let text = text::to_owner(self.language, operation, name);
        let to = Audience {
            installation,
            chat: wanted.chat.to_string(),
        };
        let key = key("owner", event);
        Some((format!("{space}/{name}"), Notice { to, text, key }))
    }
}

async fn say(fleet: Fleet, Notice { to, text, key }: Notice) {
    let name = &to.installation;
    let Some(installation) = fleet.installation_id(name) else {
        let text = "no notice was sent: there is no such installation; change notices.installation";
        tracing::warn!(installation = name, "{text}");
        return;
    };
    let order = ReplyOrder {
        installation,
        chat: to.chat,
        // Nobody is answered, so no loop can begin.
        answered: AnsweredSender::Human,
        to: ReplyTo::Nothing,
        text,
        key,
    };
    if let Err(error) = fleet.notify(order).await {
        let next_step = error.next_step();
        tracing::warn!(installation = name, %error, next_step, "a notice was not sent");
    }
}

/// The same for each try of one notice about one event.
fn key(prefix: &str, event: &NewEvent) -> IdempotencyKey {
    let key = IdempotencyKey::new(format!("{prefix}-{}", event.identity.event));
    key.expect("a prefix and 32 digits are below 50 characters")
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
