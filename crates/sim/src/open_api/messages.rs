//! The messages of bots.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::OpenApi;

/// For how long a `uuid` is remembered.
const UUID_WINDOW: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);

/// A message that a bot sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotMessage {
    /// `om_…`.
    pub message_id: String,
    /// The app that sent it.
    pub app: String,
    /// The chat it stands in, or the person who got it.
    pub chat: String,
    /// The message that it replies to.
    pub in_reply_to: Option<String>,
    /// `text` or another type.
    pub msg_type: String,
    /// The text of a text message.
    pub text: Option<String>,
    /// Its content as it was sent.
    pub content: String,
    /// The `uuid` of the call.
    pub uuid: Option<String>,
    /// How many calls asked for it: more than one if its `uuid` was used again.
    pub calls: u32,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// A message, and when.
#[derive(Debug)]
pub(super) struct Sent {
    message: BotMessage,
    at: Instant,
}

impl OpenApi {
    pub(crate) fn messages(&self, app: Option<&str>) -> Vec<BotMessage> {
        let messages = self.messages.iter().map(|sent| &sent.message);
        messages
            .filter(|message| app.is_none_or(|app| message.app == app))
            .cloned()
            .collect()
    }

    /// The message that was sent for this `uuid` within the hour.
    pub(crate) fn earlier(
        &mut self,
        app: &str,
        uuid: &str,
        now: Instant,
    ) -> Option<&mut BotMessage> {
        let number = self.uuids.get(&(app.to_owned(), uuid.to_owned()))?;
        let index = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        let sent = self.messages.get_mut(index)?;
        let is_young = now.saturating_duration_since(sent.at) < UUID_WINDOW;
        is_young.then_some(&mut sent.message)
    }

    /// Whether one more message fits into the chat's second.
    pub(crate) fn admit(&mut self, chat: &str, limit: usize, now: Instant) -> bool {
        if limit == 0 {
            return true;
        }
        let latest = self.rates.entry(chat.to_owned()).or_default();
        while latest
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= SECOND)
        {
            latest.pop_front();
        }
        let fits = latest.len() < limit;
        if fits {
            latest.push_back(now);
        }
        fits
    }

    pub(crate) fn keep(&mut self, message: BotMessage, limit: usize, now: Instant) {
        if let Some(uuid) = &message.uuid {
            let number = self.dropped + self.messages.len() as u64;
            self.uuids
                .insert((message.app.clone(), uuid.clone()), number);
        }
        self.messages.push_back(Sent { message, at: now });
        while self.messages.len() > limit {
            if let Some(Sent { message, .. }) = self.messages.pop_front() {
                self.dropped += 1;
                if let Some(uuid) = message.uuid {
                    self.uuids.remove(&(message.app, uuid));
                }
            }
        }
    }
}
