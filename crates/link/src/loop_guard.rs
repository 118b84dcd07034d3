//! Ends a loop of replies between bots.
//!
//! Two bots that answer each other in one chat would never stop, and the platform would limit both. A reply to a person
//! cannot begin a loop. So only replies to others are counted, per bot and chat: more than ten within a minute pause
//! every reply of the bot in that chat for a while.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use longwire_installation::InstallationId;

/// Whose message is answered.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum AnsweredSender {
    /// A person.
    Human,
    /// A bot, an app, the platform, or somebody unknown.
    Other,
}

/// The limits of a [`LoopGuard`].
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LoopLimits {
    /// Replies to others than people that one bot may send in one chat within `within`.
    pub replies: usize,
    /// The span in which they are counted.
    pub within: Duration,
    /// How long replies pause after one too many.
    pub pause: Duration,
    /// Most chats that are remembered. Beyond it the chat whose last reply or pause is oldest is forgotten.
    pub chats: usize,
}

impl Default for LoopLimits {
    /// Ten a minute: a conversation of people with two bots stays below it, and a loop passes it within seconds. After ten
    /// minutes the other side of a loop has usually ended it.
    fn default() -> Self {
        Self {
            replies: 10,
            within: Duration::from_secs(60),
            pause: Duration::from_secs(10 * 60),
            chats: 4096,
        }
    }
}

/// Whether a reply may be sent.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum LoopVerdict {
    /// It may.
    Allowed,
    /// It must not: this bot's replies in this chat pause.
    Paused {
        /// When they end to.
        until: Instant,
        /// Whether this reply began the pause.
        is_first: bool,
    },
}

type Chat = (InstallationId, Box<str>);

/// What is remembered of one chat.
#[derive(Clone, Debug)]
enum Recent {
    /// The latest counted replies, oldest first; never empty.
    Replies(VecDeque<Instant>),
    Paused {
        until: Instant,
    },
}

/// Counts the replies of all bots.
#[derive(Clone, Debug, Default)]
pub struct LoopGuard {
    limits: LoopLimits,
    chats: BTreeMap<Chat, Recent>,
}

impl LoopGuard {
    /// With these limits.
    #[must_use]
    pub fn new(limits: LoopLimits) -> Self {
        Self {
            limits,
            chats: BTreeMap::new(),
        }
    }

    /// A bot is about to reply in a chat. What is allowed counts.
    pub fn admit(
        &mut self,
        installation: InstallationId,
        chat: &str,
        answered: AnsweredSender,
        now: Instant,
    ) -> LoopVerdict {
        if self.chats.is_empty() && answered == AnsweredSender::Human {
            return LoopVerdict::Allowed;
        }
        let key = (installation, Box::from(chat));
        if let Some(recent) = self.chats.get(&key)
            && recent.is_quiet(&self.limits, now)
        {
            self.chats.remove(&key);
        }
        if let Some(Recent::Paused { until }) = self.chats.get(&key) {
            return LoopVerdict::Paused {
                until: *until,
                is_first: false,
            };
        }
        if answered == AnsweredSender::Human {
            return LoopVerdict::Allowed;
        }
        self.count(key, now)
    }

    fn count(&mut self, key: Chat, now: Instant) -> LoopVerdict {
        self.make_room(&key, now);
        let recent = self
            .chats
            .entry(key)
            .or_insert_with(|| Recent::Replies(VecDeque::new()));
        let Recent::Replies(replies) = recent else {
            // A pause was ruled out by the caller.
            return LoopVerdict::Allowed;
        };
        while replies
            .front()
            .is_some_and(|first| now.saturating_duration_since(*first) >= self.limits.within)
        {
            replies.pop_front();
        }
        if replies.len() < self.limits.replies {
            replies.push_back(now);
            return LoopVerdict::Allowed;
        }
        let until = now + self.limits.pause;
        *recent = Recent::Paused { until };
        LoopVerdict::Paused {
            until,
            is_first: true,
        }
    }

    /// Forgets quiet chats, and then the oldest one, if there is no room for a new chat.
    fn make_room(&mut self, key: &Chat, now: Instant) {
        if self.chats.len() < self.limits.chats || self.chats.contains_key(key) {
            return;
        }
        let limits = self.limits;
        self.chats
            .retain(|_, recent| !recent.is_quiet(&limits, now));
        if self.chats.len() >= limits.chats {
            let oldest = self.chats.iter().min_by_key(|(_, recent)| recent.last());
            if let Some(oldest) = oldest.map(|(chat, _)| chat.clone()) {
                self.chats.remove(&oldest);
            }
        }
    }

    /// How many chats are remembered.
    #[must_use]
    pub fn chats(&self) -> usize {
        self.chats.len()
    }
}

impl Recent {
    /// When something happened last, or will: the last counted reply, or the end of the pause.
    fn last(&self) -> Option<Instant> {
        match self {
            Self::Replies(replies) => replies.back().copied(),
            Self::Paused { until } => Some(*until),
        }
    }

    /// Whether nothing of it matters any more.
    fn is_quiet(&self, limits: &LoopLimits, now: Instant) -> bool {
        match self {
            Self::Replies(replies) => replies
                .back()
                .is_none_or(|last| now.saturating_duration_since(*last) >= limits.within),
            Self::Paused { until } => *until <= now,
        }
    }
}

#[cfg(test)]
mod tests;
