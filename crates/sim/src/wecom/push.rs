//! The callbacks that can be pushed: all kinds that the platform has, and some that it does not have.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wecom::media::Media;

/// A callback to push.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// Its content.
    pub content: Content,
    /// The user and the chat it comes from.
    pub chat: Chat,
    /// `msgid`; `None` invents one. The `msgid` of an earlier push repeats its message.
    pub msgid: Option<String>,
    /// `headers.req_id`; `None` invents one. Replies under a given id are possible too.
    pub req_id: Option<String>,
    /// `create_time` in seconds since 1970; `None` is now.
    pub create_time: Option<i64>,
    /// The content that the user quotes.
    pub quote: Option<Content>,
    /// Members of `body` to replace or add, or with `null` to leave out.
    pub body: Map<String, Value>,
}

impl Push {
    /// A callback with this content, in the single chat of user `zhangsan`.
    pub fn of(content: Content) -> Self {
        Self {
            content,
            ..Self::default()
        }
    }

    /// A text message.
    pub fn text(text: &str) -> Self {
        Self::of(Content::Text(text.to_owned()))
    }

    /// An event of this type without further members.
    pub fn event(eventtype: &str) -> Self {
        Self::of(Content::Event {
            eventtype: eventtype.to_owned(),
            detail: None,
        })
    }

    /// A generated text message whose frame has about this many bytes.
    pub fn made_up(bytes: usize) -> Self {
        Self::of(Content::MadeUp { bytes })
    }

    /// The same in this chat.
    pub fn in_chat(mut self, chat: Chat) -> Self {
        self.chat = chat;
        self
    }

    /// The same under this `msgid`.
    pub fn with_msgid(mut self, msgid: &str) -> Self {
        self.msgid = Some(msgid.to_owned());
        self
    }

    /// The same under this `req_id`.
    pub fn with_req_id(mut self, req_id: &str) -> Self {
        self.req_id = Some(req_id.to_owned());
        self
    }

    /// The same quoting this.
    pub fn quoting(mut self, quote: Content) -> Self {
        self.quote = Some(quote);
        self
    }

    /// The same with a member of `body` replaced, added or (`null`) left out.
    pub fn with_body(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }
}

impl From<Content> for Push {
    fn from(content: Content) -> Self {
        Self::of(content)
    }
}

/// Where a callback comes from. In JSON `{"user": "zhangsan"}` or `{"user": "lisi", "group": "wrGROUPxyz"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// `from.userid`.
    pub user: String,
    /// `chatid` of a group; `None` is the single chat with the user.
    #[serde(default)]
    pub group: Option<String>,
}

impl Chat {
    /// The single chat with a user.
    pub fn single(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            group: None,
        }
    }

    /// A group, in which this user speaks.
    pub fn group(chatid: &str, user: &str) -> Self {
        Self {
            user: user.to_owned(),
            group: Some(chatid.to_owned()),
        }
    }

    /// What names the chat in `aibot_send_msg`.
    pub fn key(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.user)
    }
}

impl Default for Chat {
    fn default() -> Self {
        Self::single("zhangsan")
    }
}

/// The content of a callback. Its JSON is the name in snake case with the value: `{"text": "hi"}`,
/// `{"event": {"eventtype": "enter_chat"}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A text message whose frame has about this many bytes. If the push has no other values, it is made from a template
    /// and comes from one of 64 users.
    MadeUp {
        /// Size of the frame. Smaller ones than a short message needs become that.
        bytes: usize,
    },
    /// A text message.
    Text(String),
    /// An image.
    Image(Media),
    /// A file.
    File(Media),
    /// A video.
    Video(Media),
    /// Texts and images in one message.
    Mixed(Vec<Content>),
    /// A voice message, transcribed.
    Voice(String),
    /// An event, with the member of `event` named like its type.
    Event {
        /// `event.eventtype`.
        eventtype: String,
        /// Its details.
        #[serde(default)]
        detail: Option<Value>,
    },
    /// A message of any type, also one that does not exist: `msgtype` and the member of that name.
    Other {
        /// `msgtype`.
        msgtype: String,
        /// The member.
        value: Value,
    },
    /// This text is the whole frame, valid or not. The push's ids are used in the ledger only.
    Raw(String),
}

impl Content {
    /// A pressed button or a submitted choice of a template card: `template_card_event`.
    pub fn card_event(task_id: &str, event_key: &str) -> Self {
        Self::Event {
            eventtype: "template_card_event".to_owned(),
            detail: Some(serde_json::json!({
                "card_type": "button_interaction", "event_key": event_key, "task_id": task_id,
            })),
        }
    }

    /// A rating of a reply whose `feedback.id` was `id`: 1 like, 2 dislike, 3 withdrawn.
    pub fn feedback(id: &str, kind: u32) -> Self {
        Self::Event {
            eventtype: "feedback_event".to_owned(),
            detail: Some(serde_json::json!({"id": id, "type": kind})),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::MadeUp { bytes: 1024 }
    }
}
