//! What the Open API keeps: tokens, messages, files, cards, and what is known of bots, people and chats.
//!
//! Everything is bounded: messages by the settings, the rest by a constant beside it. Its own clock can be put forward, so
//! that tests see tokens and streams end.

mod card_rules;
mod card_text;
mod cards;
mod content;
mod credentials;
mod directory;
mod files;
mod items;
mod messages;
mod people;
mod rates;
mod standing;
mod tokens;

use std::time::{Duration, Instant};

pub(crate) use card_rules::CardRefusal;
pub(crate) use card_text::Place;
pub(crate) use cards::{Admitted, CardEntity, Cards, ChangeHead, ElementChange};
pub(crate) use content::{Content, Mention};
pub(crate) use credentials::{Credentials, Unusable};
use directory::Directory;
pub(crate) use files::{FileKind, Files, StoredFile, image_type};
pub(crate) use items::BUNDLE;
pub use messages::BotMessage;
use messages::Messages;
use people::People;
pub(crate) use people::{Agreement, Unspendable};
pub(crate) use rates::{RateLimit, RateOf, Rates, TooOften};
pub(crate) use standing::{Bundled, Memory, Moment, StandingMessage};
use tokens::Token;
pub(crate) use tokens::{Caller, TokenKind};

/// Everything that the Open API keeps.
#[derive(Debug, Default)]
pub(crate) struct OpenApi {
    tokens: Vec<Token>,
    pub(crate) messages: Messages,
    pub(crate) files: Files,
    pub(crate) cards: Cards,
    pub(crate) credentials: Credentials,
    pub(crate) directory: Directory,
    people: People,
    pub(crate) rates: Rates,
    /// How many calls there were.
    pub(crate) calls: u64,
    /// How many ids were made.
    ids: u64,
    /// How far the clock was put forward.
    ahead: Duration,
}

impl OpenApi {
    /// The time of tokens, files, cards and messages.
    pub(crate) fn now(&self, now: Instant) -> Instant {
        now + self.ahead
    }

    /// Puts the clock forward.
    pub(crate) fn pass_time(&mut self, by: Duration) {
        self.ahead += by;
    }

    /// The number of the next id.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Forgets messages, files, cards and rates. Tokens and profiles stay.
    pub(crate) fn forget_messages(&mut self) {
        *self = Self {
            tokens: std::mem::take(&mut self.tokens),
            people: std::mem::take(&mut self.people),
            directory: std::mem::take(&mut self.directory),
            calls: self.calls,
            ids: self.ids,
            ahead: self.ahead,
            ..Self::default()
        };
    }
}
