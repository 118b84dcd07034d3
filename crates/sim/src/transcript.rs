//! What a person sees in a chat: every message in the order of its sending, as it stands now and as it stood before.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The messages of one chat, oldest first. Old ones are dropped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// The chat.
    pub chat: String,
    /// Its messages.
    pub messages: Vec<ChatLine>,
}

impl Transcript {
    /// The texts that stand, in order, with who wrote them: `person: hello`, `bot: hi`. Recalled messages are left out.
    pub fn lines(&self) -> Vec<String> {
        let standing = self.messages.iter();
        let standing = standing.filter(|message| message.recalled_at_ms.is_none());
        standing.map(ChatLine::line).collect()
    }

    /// The messages of bots, recalled ones too.
    pub fn of_bots(&self) -> impl Iterator<Item = &ChatLine> {
        let messages = self.messages.iter();
        messages.filter(|message| matches!(message.author, ChatAuthor::Bot(_)))
    }

    /// The message with this id.
    pub fn message(&self, message_id: &str) -> Option<&ChatLine> {
        let mut messages = self.messages.iter();
        messages.find(|message| message.message_id == message_id)
    }
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatAuthor {
    /// A person, by open id or user id.
    Person(String),
    /// The bot of this app, or the WeCom bot with this id.
    Bot(String),
    /// A bot of another app, by its open id.
    OtherBot(String),
}

/// A message of a chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatLine {
    /// `om_…`, or the `msgid` of a WeCom callback; empty where the platform gives none.
    pub message_id: String,
    /// Who wrote it.
    pub author: ChatAuthor,
    /// The platform's type: `text`, `post`, `interactive`, `image`, `file`, `stream`, …
    pub msg_type: String,
    /// The text that a person reads: that of a text or card, or `[image]`, `[file report.pdf]`.
    pub text: String,
    /// The content as the platform keeps it.
    pub content: Value,
    /// The texts that stood there before, oldest first: edits, and the states of a streamed card.
    pub earlier: Vec<EarlierText>,
    /// How many earlier texts are not kept, since there were too many.
    pub earlier_left_out: u64,
    /// The message that it replies to.
    pub in_reply_to: Option<String>,
    /// Its thread, `omt_…`.
    pub thread: Option<String>,
    /// The file or image in it.
    pub file: Option<ChatFile>,
    /// Reactions, those that were taken back too.
    pub reactions: Vec<ChatReaction>,
    /// Clicks on it, if it is a card.
    pub clicks: Vec<ChatClick>,
    /// Whether its text is still being streamed.
    pub is_streaming: bool,
    /// The only person who sees it.
    pub only_for: Option<String>,
    /// When it was recalled, milliseconds since 1970.
    pub recalled_at_ms: Option<u64>,
    /// When it was sent, milliseconds since 1970.
    pub at_ms: u64,
    /// When it last changed, milliseconds since 1970.
    pub changed_at_ms: u64,
}

impl ChatLine {
    /// A line of this type that says nothing yet.
    pub(crate) fn new(msg_type: &str, at_ms: u64) -> Self {
        Self {
            message_id: String::new(),
            author: ChatAuthor::Person(String::new()),
            msg_type: msg_type.to_owned(),
            text: String::new(),
            content: Value::Null,
            earlier: Vec::new(),
            earlier_left_out: 0,
            in_reply_to: None,
            thread: None,
            file: None,
            reactions: Vec::new(),
            clicks: Vec::new(),
            is_streaming: false,
            only_for: None,
            recalled_at_ms: None,
            at_ms,
            changed_at_ms: at_ms,
        }
    }

    fn line(&self) -> String {
        let who = match &self.author {
            ChatAuthor::Person(_) => "person",
            ChatAuthor::Bot(_) => "bot",
            ChatAuthor::OtherBot(_) => "other bot",
        };
        format!("{who}: {}", self.text)
    }

    /// All texts that stood there, the present one last.
    pub fn states(&self) -> Vec<&str> {
        let earlier = self.earlier.iter().map(|state| state.text.as_str());
        earlier.chain([self.text.as_str()]).collect()
    }
}

/// A text that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierText {
    /// The text.
    pub text: String,
    /// Until when it stood, milliseconds since 1970.
    pub until_ms: u64,
}

/// A file or image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFile {
    /// `img_…` or `file_…`.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatReaction {
    /// Its id.
    pub reaction_id: String,
    /// The emoji's name, such as `Typing`.
    pub emoji: String,
    /// Who reacted.
    pub author: ChatAuthor,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// When it was taken back.
    pub removed_at_ms: Option<u64>,
}

/// A click on a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatClick {
    /// Who clicked.
    pub person: String,
    /// What the application gave the component.
    pub value: Value,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// The toast of the answer.
    pub toast: Option<String>,
    /// Whether the click was answered in time.
    pub is_answered: bool,
}
