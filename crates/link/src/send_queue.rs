//! The order in which one bot's outgoing messages are sent: one under way per chat, paced, tried again, bounded.
//!
//! ```text
//! offer ─▶ waiting, per chat ─▶ poll_send ─▶ (the owner asks the platform) ─▶ handle_outcome ─▶ over, or waiting again
//!                    └─▶ poll_expired: not sent in time
//! ```
//!
//! The messages of one chat are sent in the order they were offered, each after the answer to the one before. A message
//! that is tried again stays the first of its chat. The platform limits a chat and an app, so a limited chat waits alone,
//! and a limited app waits as a whole.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The limits of a [`SendQueue`].
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SendLimits {
    /// Most messages that wait or are under way.
    pub messages: usize,
    /// Most messages that are under way at once, each in another chat.
    pub under_way: usize,
    /// Distance of two messages in one chat.
    pub chat_pause: Duration,
    /// How often a message is tried that got no answer or met a busy platform. What the platform limits is not counted.
    pub tries: u32,
    /// Pause after the first try without success; it doubles. Also the first pause of a limit that names no time.
    pub retry_pause: Duration,
    /// How long a message is tried or waits. Then its last failure is its answer.
    pub patience: Duration,
}

impl Default for SendLimits {
    /// Feishu takes 5 messages a second per chat from all its bots together; at 4, others have room. An app has 50 calls a
    /// second, which 8 under way do not reach.
    fn default() -> Self {
        Self {
            messages: 100,
            under_way: 8,
            chat_pause: Duration::from_millis(250),
            tries: 3,
            retry_pause: Duration::from_millis(500),
            patience: Duration::from_secs(60),
        }
    }
}

/// What came of a try.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum SendOutcome {
    /// Sent, or refused for good.
    Over,
    /// It may be tried again: the platform was busy, or it is not known whether it was sent.
    Again,
    /// The chat has too many messages.
    ChatLimited,
    /// The app calls too often.
    AppLimited {
        /// The platform's word on how long to wait. It is believed up to [`SendLimits::patience`], because a number that is
        /// too large must not silence the bot.
        retry_after: Option<Duration>,
    },
}

/// A message under way, to be given back with its outcome.
#[derive(Debug)]
pub struct Sending<T> {
    /// What is sent.
    pub message: T,
    chat: Arc<str>,
    /// In the order of offers.
    number: u64,
    tries: u32,
    limited: u32,
    until: Instant,
}

/// The messages of one chat. It exists while there are any, or while its pause lasts.
#[derive(Debug)]
struct ChatLane<T> {
    waiting: VecDeque<Sending<T>>,
    is_under_way: bool,
    not_before: Instant,
}

/// The outgoing messages of one bot.
#[derive(Debug)]
pub struct SendQueue<T> {
    limits: SendLimits,
    chats: BTreeMap<Arc<str>, ChatLane<T>>,
    waiting: usize,
    under_way: usize,
    offered: u64,
    /// The app is limited until then.
    not_before: Option<Instant>,
}

impl<T> SendQueue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: SendLimits) -> Self {
        Self {
            limits,
            chats: BTreeMap::new(),
            waiting: 0,
            under_way: 0,
            offered: 0,
            not_before: None,
        }
    }

    /// Takes a message for a chat, or gives it back if the queue is full.
    pub fn offer(&mut self, chat: &str, message: T, now: Instant) -> Result<(), T> {
        if self.waiting + self.under_way >= self.limits.messages {
            return Err(message);
        }
        self.forget_quiet(now);
        let chat: Arc<str> = match self.chats.get_key_value(chat) {
            Some((chat, _)) => Arc::clone(chat),
            None => Arc::from(chat),
        };
        self.offered += 1;
        let sending = Sending {
            message,
            chat: Arc::clone(&chat),
            number: self.offered,
            tries: 0,
            limited: 0,
            until: now + self.limits.patience,
        };
        let lane = self.chats.entry(chat).or_insert_with(|| ChatLane {
            waiting: VecDeque::new(),
            is_under_way: false,
            not_before: now,
        });
        lane.waiting.push_back(sending);
        self.waiting += 1;
        Ok(())
    }

    /// The next message to send now: of the chats that may send, the one that was offered first.
    pub fn poll_send(&mut self, now: Instant) -> Option<Sending<T>> {
        if self.under_way >= self.limits.under_way || self.not_before.is_some_and(|at| now < at) {
            return None;
        }
        self.not_before = None;
        let ready = self.chats.values_mut().filter_map(|lane| {
            let is_ready = !lane.is_under_way && lane.not_before <= now;
            let number = lane.waiting.front()?.number;
            is_ready.then_some((number, lane))
        });
        let (_, lane) = ready.min_by_key(|(number, _)| *number)?;
        let mut sending = lane.waiting.pop_front()?;
        sending.tries += 1;
        lane.is_under_way = true;
        self.waiting -= 1;
        self.under_way += 1;
        Some(sending)
    }

    /// A try is over. Returns the message if nothing more is done about it; otherwise it waits for its next try.
    pub fn handle_outcome(
        &mut self,
        mut sending: Sending<T>,
        outcome: SendOutcome,
        now: Instant,
    ) -> Option<T> {
        self.under_way = self.under_way.saturating_sub(1);
        let next = self.next_try(&mut sending, outcome, now);
        let Some(lane) = self.chats.get_mut(&sending.chat) else {
            // Not of this queue.
            return Some(sending.message);
        };
        lane.is_under_way = false;
        lane.not_before = now + self.limits.chat_pause;
        match next {
            // The pause holds for the messages behind it, even where this one is given up.
            Next::Chat(at) => lane.not_before = lane.not_before.max(at),
            Next::App(at) => self.not_before = self.not_before.max(Some(at)),
            Next::Over => return Some(sending.message),
        }
        let at = lane.not_before.max(self.not_before.unwrap_or(now));
        if at >= sending.until {
            return Some(sending.message);
        }
        lane.waiting.push_front(sending);
        self.waiting += 1;
        None
    }

    fn next_try(&self, sending: &mut Sending<T>, outcome: SendOutcome, now: Instant) -> Next {
        match outcome {
            SendOutcome::Over => Next::Over,
            SendOutcome::Again if sending.tries >= self.limits.tries => Next::Over,
            SendOutcome::Again => Next::Chat(now + self.pause(sending.tries)),
            SendOutcome::ChatLimited => {
                sending.tries -= 1;
                sending.limited += 1;
                Next::Chat(now + self.pause(sending.limited))
            }
            SendOutcome::AppLimited { retry_after } => {
                sending.tries -= 1;
                sending.limited += 1;
                let pause = retry_after.unwrap_or_else(|| self.pause(sending.limited));
                Next::App(now + pause.min(self.limits.patience))
            }
        }
    }

    /// The pause after this many failures.
    fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(8);
        self.limits.retry_pause.saturating_mul(1 << doublings)
    }

    /// A message that was not sent in time.
    pub fn poll_expired(&mut self, now: Instant) -> Option<T> {
        for lane in self.chats.values_mut() {
            // One that is tried again is older than those behind it.
            let is_expired = lane.waiting.front().is_some_and(|first| first.until <= now);
            if is_expired && let Some(expired) = lane.waiting.pop_front() {
                self.waiting -= 1;
                return Some(expired.message);
            }
        }
        None
    }

    /// Gives up everything that waits. What is under way stays so.
    pub fn take_waiting(&mut self) -> Vec<T> {
        self.waiting = 0;
        let lanes = self.chats.values_mut();
        let waiting = lanes.flat_map(|lane| lane.waiting.drain(..));
        waiting.map(|sending| sending.message).collect()
    }

    /// When to poll again.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let is_full = self.under_way >= self.limits.under_way;
        let lanes = self.chats.values().filter_map(|lane| {
            let until = lane.waiting.front()?.until;
            if lane.is_under_way || is_full {
                return Some(until);
            }
            let ready = lane
                .not_before
                .max(self.not_before.unwrap_or(lane.not_before));
            Some(ready.min(until))
        });
        lanes.min()
    }

    /// How many messages wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many messages are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting + self.under_way == 0
    }

    fn forget_quiet(&mut self, now: Instant) {
        self.chats.retain(|_, lane| {
            lane.is_under_way || !lane.waiting.is_empty() || lane.not_before > now
        });
    }
}

/// What follows a try.
enum Next {
    Over,
    /// The chat waits until then.
    Chat(Instant),
    /// Every chat waits until then.
    App(Instant),
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
