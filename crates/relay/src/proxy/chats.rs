//! Which chat a message is in, as far as events and answers have told.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use longwire_installation::PublicId;
use serde::Deserialize;

/// Messages that are remembered. One that is forgotten is paced by itself.
const MOST: usize = 8 * 1024;
/// Longer ids are no ids. Real ones have some 40 letters.
const MOST_ID_BYTES: usize = 128;

/// Which chat a message is in.
#[derive(Debug, Default)]
pub(crate) struct Chats(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    chats: HashMap<(PublicId, Arc<str>), Arc<str>>,
    oldest: VecDeque<(PublicId, Arc<str>)>,
}

impl Chats {
    /// The chat of a message of this bot.
    pub(crate) fn of(&self, bot: PublicId, message: &str) -> Option<Arc<str>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.chats.get(&(bot, message.into())).cloned()
    }

    /// A message is in a chat.
    pub(crate) fn learn(&self, bot: PublicId, message: &str, chat: &str) {
        if message.len() > MOST_ID_BYTES || chat.len() > MOST_ID_BYTES {
            return;
        }
        let key = (bot, Arc::<str>::from(message));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.chats.insert(key.clone(), chat.into()).is_none() {
            known.oldest.push_back(key);
        }
        while known.oldest.len() > MOST {
            if let Some(oldest) = known.oldest.pop_front() {
                known.chats.remove(&oldest);
            }
        }
    }

    /// What an event tells.
    pub(crate) fn learn_from_event(&self, bot: PublicId, payload: &[u8]) {
        if let Ok(Event {
            event: EventBody {
                message: Some(message),
            },
        }) = serde_json::from_slice(payload)
        {
            self.learn(bot, &message.message_id, &message.chat_id);
        }
    }
}

#[derive(Deserialize)]
struct Event {
    event: EventBody,
}

#[derive(Deserialize)]
struct EventBody {
    message: Option<MessageIds>,
}

/// Where a message is.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageIds {
    pub(crate) message_id: String,
    pub(crate) chat_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learnt_is_one_bots_and_bounded() {
        let chats = Chats::default();
        let bot = PublicId::from_bytes([1; 16]);
        let event =
            br#"{"schema":"2.0","event":{"message":{"message_id":"om_1","chat_id":"oc_1","x":1}}}"#;
        chats.learn_from_event(bot, event);
        chats.learn_from_event(bot, br#"{"event":{"action":{}}}"#);
        chats.learn_from_event(bot, b"garbage");
        assert_eq!(chats.of(bot, "om_1").as_deref(), Some("oc_1"));
        assert_eq!(chats.of(PublicId::from_bytes([2; 16]), "om_1"), None);
        for number in 0..MOST {
            chats.learn(bot, &format!("om_x{number}"), "oc_2");
        }
        assert_eq!(chats.of(bot, "om_1"), None);
        let known = chats.0.lock().expect("not poisoned");
        assert_eq!((known.chats.len(), known.oldest.len()), (MOST, MOST));
    }
}
