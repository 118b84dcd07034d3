//! What the Open API keeps: tenant tokens, the messages of bots, and what is known of chats.

mod messages;
mod people;
mod tokens;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

pub use messages::BotMessage;
use messages::Sent;
use people::People;
pub(crate) use people::{Agreement, Unspendable};
use tokens::Token;

use crate::chat_event::StandingMessage;

/// Tokens, messages and what is known of chats.
#[derive(Debug, Default)]
pub(crate) struct OpenApi {
    tokens: Vec<Token>,
    messages: VecDeque<Sent>,
    /// How many messages were dropped from the front.
    dropped: u64,
    /// By app and `uuid`, the number of the message.
    uuids: HashMap<(String, String), u64>,
    recalled: HashSet<String>,
    /// The messages that were pushed with their text; the oldest are forgotten.
    standing: HashMap<String, StandingMessage>,
    known: VecDeque<String>,
    people: People,
    /// When the latest messages of a chat were sent.
    rates: HashMap<String, VecDeque<Instant>>,
    /// How many calls there were.
    pub(crate) calls: u64,
}

impl OpenApi {
    /// A person's message stands in its chat.
    pub(crate) fn knows(&mut self, message: StandingMessage, limit: usize) {
        let message_id = message.message_id.clone();
        if self.standing.insert(message_id.clone(), message).is_none() {
            self.known.push_back(message_id);
        }
        while self.known.len() > limit {
            if let Some(oldest) = self.known.pop_front() {
                self.standing.remove(&oldest);
            }
        }
    }

    /// Forgets messages and chats. Tokens stay.
    pub(crate) fn forget_messages(&mut self) {
        *self = Self {
            tokens: std::mem::take(&mut self.tokens),
            people: std::mem::take(&mut self.people),
            calls: self.calls,
            ..Self::default()
        };
    }

    pub(crate) fn recall(&mut self, message_id: &str) {
        self.recalled.insert(message_id.to_owned());
    }

    pub(crate) fn is_recalled(&self, message_id: &str) -> bool {
        self.recalled.contains(message_id)
    }

    /// The chat of a message that was pushed with its text.
    pub(crate) fn chat_of(&self, message_id: &str) -> Option<&str> {
        let message = self.standing.get(message_id);
        message.map(|message| message.chat.as_str())
    }

    /// A message that was pushed with its text.
    pub(crate) fn standing(&self, message_id: &str) -> Option<&StandingMessage> {
        self.standing.get(message_id)
    }
}
