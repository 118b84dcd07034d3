//! The messages that users see from bots. A stream is one message with its latest content.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::AttemptId;
use crate::transcript::EarlierText;
use crate::wall_clock::WallClock;

/// Most earlier texts of one stream that are kept.
const EARLIER_KEPT: usize = 100;

/// A message in a chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The bot that sent it.
    pub bot: String,
    /// `chatid` of the group, or the user of the single chat.
    pub chat: String,
    /// How the bot sent it.
    pub via: Via,
    /// `msgtype`; a stream stays `stream` when it is finished.
    pub msgtype: String,
    /// The member named like the type, as last sent. Each frame of a stream replaces the one before.
    pub content: Value,
    /// The texts that stood there before, oldest first. The newest are kept.
    #[serde(default)]
    pub earlier: Vec<EarlierText>,
    /// How many earlier texts are not kept, since there were too many.
    #[serde(default)]
    pub earlier_left_out: u64,
    /// Number of its frames: 1, or more for a stream.
    pub frames: u64,
    /// Whether it is complete. Only a stream can be unfinished.
    pub finished: bool,
    /// Milliseconds since 1970 of the first frame.
    pub at_ms: u64,
    /// Milliseconds since 1970 of the last frame.
    pub changed_at_ms: u64,
}

impl Shown {
    /// Its text: `content.content`, or nothing.
    pub fn text(&self) -> &str {
        let text = self.content.get("content").and_then(Value::as_str);
        text.unwrap_or_default()
    }
}

/// How a message was sent to its chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// `aibot_respond_msg` to the callback with this `req_id`.
    Reply(String),
    /// `aibot_respond_welcome_msg`.
    Welcome(String),
    /// `aibot_respond_update_msg`: the new state of a card.
    Update(String),
    /// `aibot_send_msg`.
    Send,
    /// An HTTP POST to the callback's `response_url`.
    ResponseUrl,
}

/// A stream of one callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) first: Instant,
    pub(crate) finished: bool,
    number: u64,
}

/// The newest messages, and the streams among them.
#[derive(Debug, Default)]
pub(crate) struct Chats {
    shown: VecDeque<Shown>,
    /// Number of the front one.
    first: u64,
    streams: HashMap<(AttemptId, String), Stream>,
}

impl Chats {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Shown> {
        self.shown.iter()
    }

    /// Adds a message and returns its number.
    pub(crate) fn show(&mut self, shown: Shown, limit: usize) -> u64 {
        let number = self.first + self.shown.len() as u64;
        self.shown.push_back(shown);
        while self.shown.len() > limit {
            self.shown.pop_front();
            self.first += 1;
        }
        number
    }

    pub(crate) fn stream(&self, of: AttemptId, id: &str) -> Option<Stream> {
        self.streams.get(&(of, id.to_owned())).copied()
    }

    pub(crate) fn start(
        &mut self,
        of: AttemptId,
        id: &str,
        number: u64,
        now: Instant,
        finished: bool,
    ) {
        let stream = Stream {
            first: now,
            finished,
            number,
        };
        self.streams.insert((of, id.to_owned()), stream);
    }

    /// Replaces what a stream shows.
    pub(crate) fn refresh(
        &mut self,
        of: AttemptId,
        id: &str,
        content: &Value,
        finished: bool,
        now_ms: u64,
    ) {
        let Some(stream) = self.streams.get_mut(&(of, id.to_owned())) else {
            return;
        };
        stream.finished |= finished;
        let index = stream.number.checked_sub(self.first);
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(shown) = index.and_then(|index| self.shown.get_mut(index)) {
            let text = shown.text().to_owned();
            shown.content = content.clone();
            if text != shown.text() {
                shown.earlier.push(EarlierText {
                    text,
                    until_ms: now_ms,
                });
            }
            if shown.earlier.len() > EARLIER_KEPT {
                shown.earlier.remove(0);
                shown.earlier_left_out += 1;
            }
            shown.frames += 1;
            shown.finished |= finished;
            shown.changed_at_ms = now_ms;
        }
    }
}

/// A message of one frame, as it is at its start.
pub(crate) fn first_frame(
    bot: &str,
    chat: &str,
    via: Via,
    msgtype: &str,
    content: &Value,
    at: (WallClock, Instant),
) -> Shown {
    let at_ms = at.0.unix_ms(at.1);
    Shown {
        bot: bot.to_owned(),
        chat: chat.to_owned(),
        via,
        msgtype: msgtype.to_owned(),
        content: content.clone(),
        earlier: Vec::new(),
        earlier_left_out: 0,
        frames: 1,
        finished: true,
        at_ms,
        changed_at_ms: at_ms,
    }
}
