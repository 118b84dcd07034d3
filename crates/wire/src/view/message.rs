//! Messages: text, mentions, attachments, what is quoted, and reactions.

use bytestring::ByteString;
use serde::Serialize;

use super::person::PersonIds;

/// A message. Of events that are only about a message, most members are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessageView {
    /// `om_...` of Feishu and Lark, `msgid` of WeCom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ByteString>,
    /// The platform's word: `text`, `post`, `image`, `mixed`, ...
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub message_type: Option<ByteString>,
    /// The text with its white space. Mentions stand in it as the platform writes them: `@_user_1` of Feishu and Lark,
    /// `@Name` of WeCom. Rich text has a line per row. Absent if the message has no text or it could not be read; empty
    /// if it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<ByteString>,
    /// Who is mentioned, in the platform's order. WeCom names nobody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Whether a bot is mentioned. Of Feishu and Lark: a mention says that it is of a bot; which one cannot be told
    /// without the bot's own `open_id`, and a mention without `mentioned_type` counts as no bot's. `@_all` mentions no
    /// bot. Of WeCom: every group message, because the platform sends only those that mention the bot, and no other
    /// message. Present in messages, absent in events that are only about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions_bot: Option<bool>,
    /// Files, images and what else hangs on the message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Box<QuotedMessage>>,
    /// The topic it belongs to: `omt_...`. WeCom has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<ByteString>,
    /// The first message of the chain of answers. WeCom has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<ByteString>,
    /// When it was written or withdrawn, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_ms: Option<i64>,
}

/// Somebody who is mentioned in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mention {
    /// How the mention stands in the text: `@_user_1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<ByteString>,
    /// What is mentioned.
    pub kind: MentionKind,
    /// The id to keep, see [`Person`](super::Person).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ByteString>,
    /// All ids that the payload has.
    #[serde(skip_serializing_if = "PersonIds::is_empty")]
    pub ids: PersonIds,
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ByteString>,
}

/// What a [`Mention`] is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionKind {
    /// A user.
    User,
    /// A bot, this one or another.
    Bot,
    /// All members of the chat: `@_all`.
    Everyone,
    /// The payload does not tell.
    Unknown,
}

/// Something that hangs on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// What it is.
    pub kind: AttachmentKind,
    /// The platform's key of it, for its download call or its id (Feishu, Lark).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<ByteString>,
    /// Where to load it, for 5 minutes (WeCom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<ByteString>,
    /// The key that decrypts what `url` gives, in base64 (WeCom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aes_key: Option<ByteString>,
    /// The name of the file or place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ByteString>,
    /// How long a sound or a film is, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The image key of a film's cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover_key: Option<ByteString>,
}

/// What an [`Attachment`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A voice message.
    Audio,
    /// A film.
    Video,
    /// A sticker.
    Sticker,
    /// A place.
    Location,
    /// A chat that is shown to others; `key` is its id.
    SharedChat,
    /// A user who is shown to others; `key` is the id.
    SharedUser,
}

/// The message that another one answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QuotedMessage {
    /// Its id (Feishu, Lark). WeCom sends the content instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ByteString>,
    /// Its type (WeCom).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub message_type: Option<ByteString>,
    /// Its text (WeCom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<ByteString>,
    /// What hangs on it (WeCom).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// An emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The platform's word for it, such as `THUMBSUP`.
    pub emoji: ByteString,
}

impl Attachment {
    pub(super) fn new(kind: AttachmentKind) -> Attachment {
        Attachment {
            kind,
            key: None,
            url: None,
            aes_key: None,
            name: None,
            duration_ms: None,
            cover_key: None,
        }
    }
}
