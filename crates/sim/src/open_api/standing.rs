//! A message as it stands in its chat.

use std::time::Instant;

use serde_json::json;

use super::content::{Content, Mention};
use crate::transcript::{ChatAuthor, ChatClick, ChatFile, ChatLine, ChatReaction, EarlierText};

/// Most earlier texts of one message that are kept: a stream of 10 minutes with a state each 2 s.
const EARLIER_KEPT: usize = 300;
/// Most reactions of one message that are kept, and most clicks.
const REACTIONS_KEPT: usize = 200;

/// A message with what happened to it.
#[derive(Debug)]
pub(crate) struct StandingMessage {
    pub(crate) message_id: String,
    pub(crate) chat: String,
    pub(crate) author: ChatAuthor,
    pub(crate) msg_type: String,
    /// The content as it was sent.
    pub(crate) content: String,
    /// `body.content` of answers.
    pub(crate) echo: String,
    /// What a person reads.
    pub(crate) text: String,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) root_id: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) thread_id: Option<String>,
    /// Messages of a bundle: their texts, or another bundle.
    pub(crate) bundle: Vec<Bundled>,
    pub(crate) uuid: Option<String>,
    /// How many calls asked for it.
    pub(crate) calls: u32,
    pub(crate) created: Instant,
    pub(crate) created_ms: u64,
    pub(crate) changed_ms: u64,
    /// How often it was edited with PUT.
    pub(crate) edits: u32,
    earlier: Vec<EarlierText>,
    earlier_left_out: u64,
    pub(crate) recalled_ms: Option<u64>,
    pub(crate) reactions: Vec<ChatReaction>,
    pub(crate) clicks: Vec<ChatClick>,
    pub(crate) file: Option<ChatFile>,
    pub(crate) card_id: Option<String>,
    pub(crate) is_streaming: bool,
    pub(crate) only_for: Option<String>,
    pub(crate) memory: Memory,
}

/// Whether the platform knows what a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    Whole,
    /// A message of made-up traffic, or one that was never pushed: it has an id and a chat only.
    IdOnly,
}

/// A message within a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bundled {
    Text(String),
    Bundle(Vec<String>),
}

impl StandingMessage {
    pub(crate) fn new(message_id: String, chat: String, author: ChatAuthor, at: Moment) -> Self {
        Self {
            message_id,
            chat,
            author,
            msg_type: "text".to_owned(),
            content: String::new(),
            echo: String::new(),
            text: String::new(),
            mentions: Vec::new(),
            root_id: None,
            parent_id: None,
            thread_id: None,
            bundle: Vec::new(),
            uuid: None,
            calls: 1,
            created: at.instant,
            created_ms: at.unix_ms,
            changed_ms: at.unix_ms,
            edits: 0,
            earlier: Vec::new(),
            earlier_left_out: 0,
            recalled_ms: None,
            reactions: Vec::new(),
            clicks: Vec::new(),
            file: None,
            card_id: None,
            is_streaming: false,
            only_for: None,
            memory: Memory::Whole,
        }
    }

    /// The same message with this content.
    pub(crate) fn saying(mut self, msg_type: &str, content: &str, read: Content) -> Self {
        self.msg_type = msg_type.to_owned();
        self.content = content.to_owned();
        self.echo = read.echo;
        self.text = read.text;
        self.mentions = read.mentions;
        self.card_id = read.card_id;
        self
    }

    /// Puts another content in the place of the present one.
    pub(crate) fn change(&mut self, content: &str, read: Content, now_ms: u64) {
        self.content = content.to_owned();
        self.echo = read.echo;
        self.mentions = read.mentions;
        self.show(read.text, now_ms);
    }

    /// Puts another text in the place of the present one, which is kept.
    pub(crate) fn show(&mut self, text: String, now_ms: u64) {
        self.changed_ms = now_ms;
        if text == self.text {
            return;
        }
        let earlier = EarlierText {
            text: std::mem::replace(&mut self.text, text),
            until_ms: now_ms,
        };
        self.earlier.push(earlier);
        if self.earlier.len() > EARLIER_KEPT {
            // The first one tells how it began.
            self.earlier.remove(1);
            self.earlier_left_out += 1;
        }
    }

    pub(crate) fn react(&mut self, reaction: ChatReaction) {
        self.reactions.push(reaction);
        if self.reactions.len() > REACTIONS_KEPT {
            self.reactions.remove(0);
        }
    }

    pub(crate) fn click(&mut self, click: ChatClick) {
        self.clicks.push(click);
        if self.clicks.len() > REACTIONS_KEPT {
            self.clicks.remove(0);
        }
    }

    /// The app whose bot wrote it.
    pub(crate) fn app(&self) -> Option<&str> {
        match &self.author {
            ChatAuthor::Bot(app) => Some(app),
            ChatAuthor::Person(_) | ChatAuthor::OtherBot(_) => None,
        }
    }

    pub(crate) fn root(&self) -> &str {
        self.root_id.as_deref().unwrap_or(&self.message_id)
    }

    /// What a person sees of it.
    pub(crate) fn line(&self) -> ChatLine {
        ChatLine {
            message_id: self.message_id.clone(),
            author: self.author.clone(),
            msg_type: self.msg_type.clone(),
            text: self.text.clone(),
            content: serde_json::from_str(&self.content).unwrap_or_else(|_| json!(self.content)),
            earlier: self.earlier.clone(),
            earlier_left_out: self.earlier_left_out,
            in_reply_to: self.parent_id.clone(),
            thread: self.thread_id.clone(),
            file: self.file.clone(),
            reactions: self.reactions.clone(),
            clicks: self.clicks.clone(),
            is_streaming: self.is_streaming,
            only_for: self.only_for.clone(),
            recalled_at_ms: self.recalled_ms,
            at_ms: self.created_ms,
            changed_at_ms: self.changed_ms,
        }
    }
}

/// One time on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    pub(crate) unix_ms: u64,
}
