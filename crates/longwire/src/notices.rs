//! Says operational events in a chat, through one of the bots.
//!
//! It follows the operational events that the store records, whoever records them, and sends at most one message per
//! subject and minute. A message that cannot be sent is logged and given up: the event is in the log. It makes no event of
//! its own, and of the bot that says the notices only that it is live again is said.

mod pace;
mod text;

use std::time::Instant;

use longwire_fleet::{AnsweredSender, Fleet, IdempotencyKey, ReplyOrder, ReplyTo};
use longwire_store::{NewEvent, Store};
use longwire_wire::view::{EventAction, EventView, Family, Operation};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::config::{NoticeLanguage, NoticesSection};
use pace::NoticePace;

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
    installation: String,
    chat: String,
    language: NoticeLanguage,
}

/// A notice that waits for its time.
struct Notice {
    text: String,
    key: IdempotencyKey,
}

impl Notices {
    /// Starts what the configuration asks for. Inside an actix system.
    pub(crate) fn start(section: &NoticesSection, store: &Store, fleet: &Fleet) -> Option<Self> {
        let (installation, chat) = section.target()?;
        let speaker = Speaker {
            fleet: fleet.clone(),
            installation: installation.to_string(),
            chat: chat.to_owned(),
            language: section.language,
        };
        let events = store.follow_operational();
        Some(Self(actix_rt::spawn(speaker.follow(events))))
    }
}

impl Speaker {
    async fn follow(self, mut events: Receiver<NewEvent>) {
        let mut pace = NoticePace::new();
        loop {
            while let Some(notice) = pace.poll(now()) {
                self.say(notice).await;
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
                    if let Some((subject, notice)) = self.notice_of(&event) {
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

    /// What is said of an event, and about whom; none if nothing is.
    fn notice_of(&self, event: &NewEvent) -> Option<(String, Notice)> {
        let event_type = event.event_type.as_deref()?;
        let view = EventView::of(Family::Longwire, Some(event_type), &event.payload);
        let operation: Operation = *view.operation?;
        let about = operation.installation.as_deref();
        let about = about.and_then(|id| self.fleet.installation(id));
        let is_its_own = about
            .as_ref()
            .is_some_and(|bot| bot.name == self.installation);
        if is_its_own && view.action != Some(EventAction::Live) {
            return None;
        }
        let named = operation
            .installation
            .as_deref()
            .or(operation.consumer.as_deref());
        // Events about nobody in particular are told apart by what happened, so that a recovery replaces no trouble.
        let subject = named.unwrap_or(event_type).to_owned();
        let name = about.as_ref().map(|bot| bot.name.as_str());
        let text = text::notice(self.language, event_type, &operation, name);
        let key = IdempotencyKey::new(format!("notice-{}", event.identity.event));
        let key = key.expect("a prefix and 32 digits are below 50 characters");
        Some((subject, Notice { text, key }))
    }

    async fn say(&self, Notice { text, key }: Notice) {
        let name = &self.installation;
        let Some(installation) = self.fleet.installation_id(name) else {
            let text =
                "no notice was sent: there is no such installation; change notices.installation";
            tracing::warn!(installation = name, "{text}");
            return;
        };
        let order = ReplyOrder {
            installation,
            chat: self.chat.clone(),
            // Nobody is answered, so no loop can begin.
            answered: AnsweredSender::Human,
            to: ReplyTo::Nothing,
            text,
            key,
        };
        if let Err(error) = self.fleet.reply(order).await {
            let next_step = error.next_step();
            tracing::warn!(installation = name, %error, next_step, "a notice was not sent");
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
