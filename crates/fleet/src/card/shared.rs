//! A card and what keeps it in memory.
//!
//! The cards of one bot lie in its [`Bot`], in one allocation, since there are thousands of bots; those of the actors
//! that exist once stand alone. Whoever writes to an actor holds its card this way and need not know which.

use super::{Card, Handling};
use crate::bot::Bot;
use crate::kind::ActorKind;
use crate::word::Word;
use std::ops::Deref;
use std::sync::Arc;

/// A card and what keeps it in memory. Cheap to clone.
#[derive(Clone)]
pub(crate) enum SharedCard {
    /// Of an actor that exists once.
    Alone(Arc<Card>),
    /// Of one of a bot's four actors.
    Of(Arc<Bot>, ActorKind),
}

impl SharedCard {
    pub(crate) fn alone(kind: ActorKind) -> Self {
        Self::Alone(Arc::new(Card::new(kind)))
    }

    /// Held while a message is handled; its end is recorded even when the handler panics.
    pub(crate) fn handling(self, word: Word) -> Handling {
        Handling::begin(self, word, true)
    }

    /// Held while the actor works on something that came by no mailbox: a timer, a read.
    pub(crate) fn working(self, word: Word) -> Handling {
        Handling::begin(self, word, false)
    }
}

impl Deref for SharedCard {
    type Target = Card;

    fn deref(&self) -> &Card {
        match self {
            Self::Alone(card) => card,
            Self::Of(bot, kind) => bot.card(*kind),
        }
    }
}
