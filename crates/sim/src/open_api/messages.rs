//! The messages of all chats, those of bots and those of people.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::standing::StandingMessage;
use crate::transcript::Transcript;

/// For how long a `uuid` is remembered.
const UUID_WINDOW: Duration = Duration::from_secs(3_600);

/// A message that a bot sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotMessage {
    /// `om_…`.
    pub message_id: String,
    /// The app that sent it.
    pub app: String,
    /// The chat it stands in.
    pub chat: String,
    /// The message that it replies to.
    pub in_reply_to: Option<String>,
    /// `text` or another type.
    pub msg_type: String,
    /// The text of a text message.
    pub text: Option<String>,
    /// Its content as it was sent, or last changed.
    pub content: String,
    /// The `uuid` of the call.
    pub uuid: Option<String>,
    /// How many calls asked for it: more than one if its `uuid` was used again.
    pub calls: u32,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// The newest messages, found by their ids.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    all: VecDeque<StandingMessage>,
    /// How many messages were dropped from the front.
    dropped: u64,
    /// By id, the number of the message.
    numbers: HashMap<String, u64>,
    /// By app and `uuid`, the number of the message.
    uuids: HashMap<(String, String), u64>,
}

impl Messages {
    /// Adds the newest message and keeps at most `limit`. One whose id is there already takes its place.
    pub(crate) fn add(&mut self, message: StandingMessage, limit: usize) {
        if let Some(there) = self.get_mut(&message.message_id) {
            *there = message;
            return;
        }
        let number = self.dropped + self.all.len() as u64;
        if let (Some(uuid), Some(app)) = (&message.uuid, message.app()) {
            self.uuids.insert((app.to_owned(), uuid.clone()), number);
        }
        self.numbers.insert(message.message_id.clone(), number);
        self.all.push_back(message);
        while self.all.len() > limit {
            if let Some(oldest) = self.all.pop_front() {
                self.dropped += 1;
                self.numbers.remove(&oldest.message_id);
                if let (Some(uuid), Some(app)) = (&oldest.uuid, oldest.app()) {
                    let key = (app.to_owned(), uuid.clone());
                    // A later message may have used the `uuid` again.
                    if self.uuids.get(&key).is_some_and(|of| *of < self.dropped) {
                        self.uuids.remove(&key);
                    }
                }
            }
        }
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.dropped)?).ok()
    }

    pub(crate) fn get(&self, message_id: &str) -> Option<&StandingMessage> {
        self.all.get(self.index(*self.numbers.get(message_id)?)?)
    }

    pub(crate) fn get_mut(&mut self, message_id: &str) -> Option<&mut StandingMessage> {
        let index = self.index(*self.numbers.get(message_id)?)?;
        self.all.get_mut(index)
    }

    /// The message that was sent for this `uuid` within the hour.
    pub(crate) fn earlier(
        &mut self,
        app: &str,
        uuid: &str,
        now: Instant,
    ) -> Option<&mut StandingMessage> {
        let number = self.uuids.get(&(app.to_owned(), uuid.to_owned()))?;
        let index = self.index(*number)?;
        let sent = self.all.get_mut(index)?;
        let is_young = now.saturating_duration_since(sent.created) < UUID_WINDOW;
        is_young.then_some(sent)
    }

    /// The messages of one chat or thread, oldest first.
    pub(crate) fn of<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a StandingMessage> {
        let is_there = move |message: &&StandingMessage| {
            message.chat == place || message.thread_id.as_deref() == Some(place)
        };
        self.all.iter().filter(is_there)
    }

    pub(crate) fn transcript(&self, chat: &str) -> Transcript {
        Transcript {
            chat: chat.to_owned(),
            messages: self.of(chat).map(StandingMessage::line).collect(),
        }
    }

    pub(crate) fn of_bots(&self, app: Option<&str>) -> Vec<BotMessage> {
        let of_bots = self.all.iter().filter_map(|message| {
            let of = message
                .app()
                .filter(|of| app.is_none_or(|app| app == *of))?;
            let text = (message.msg_type == "text").then(|| said(&message.content));
            Some(BotMessage {
                message_id: message.message_id.clone(),
                app: of.to_owned(),
                chat: message.chat.clone(),
                in_reply_to: message.parent_id.clone(),
                msg_type: message.msg_type.clone(),
                text: text.flatten(),
                content: message.content.clone(),
                uuid: message.uuid.clone(),
                calls: message.calls,
                at_ms: message.created_ms,
            })
        });
        of_bots.collect()
    }
}

/// `text` of the content, as it was sent.
fn said(content: &str) -> Option<String> {
    let content: serde_json::Value = serde_json::from_str(content).ok()?;
    content.get("text")?.as_str().map(str::to_owned)
}
