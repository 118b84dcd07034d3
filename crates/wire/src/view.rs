//! What an application wants to know of an event, in one shape for Feishu, Lark and WeCom.
//!
//! [`EventView::of`] reads the payload that was recorded. It never fails: what it does not know is of kind `other`, and
//! what it cannot read is of kind `unparsed`. The serde form of an [`EventView`] is the `data` of the envelope that
//! applications receive, without `raw`. Absent facts are absent members.
//!
//! ```text
//! payload ─▶ (repaired, if it is nearly JSON) ─▶ feishu | wecom | operational ─▶ EventView
//!                                                   └─▶ content: text and attachments of a message
//! ```
//!
//! Texts are slices of the payload where its JSON has no escapes. A text is never trimmed and never filtered here.

mod card;
mod click;
mod feishu;
mod looked_up;
mod message;
mod operation;
mod person;
mod wecom;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

pub use self::card::{CardClick, Feedback, JsonText, Menu, UrlPreview, Verdict};
pub use self::click::{ClickIdentity, click_identity};
pub use self::looked_up::{
    ExpandedView, FORWARDED_LEVELS, FORWARDED_MESSAGES, FORWARDED_TEXT_BYTES, FOUND_TEXT_BYTES,
    FoundMessage, LookedUp, PersonName, Placeholder, Unavailable,
};
pub use self::message::{
    Attachment, AttachmentKind, Mention, MentionKind, MessageView, QuotedMessage, Reaction,
};
pub use self::operation::Operation;
pub use self::person::{Person, PersonIds, PersonKind};

use crate::repair;

/// Which shape a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// An event of Feishu or Lark, schema 1.0 or 2.0.
    Feishu,
    /// A frame of WeCom: a message or an event.
    Wecom,
    /// An operational event of longwire itself, see [`Operation`].
    Longwire,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody wrote a message.
    Message,
    /// A message was withdrawn.
    MessageRecalled,
    /// Messages were read; [`EventView::message_ids`] says which.
    MessageRead,
    /// An emoji was put on a message, or taken off.
    Reaction,
    /// Somebody clicked on a card, or chose or typed something in it.
    CardAction,
    /// The platform asks for the preview of a link.
    UrlPreview,
    /// A user or the bot came into a group or left it.
    Membership,
    /// A group changed or was disbanded.
    Chat,
    /// A user opened the chat with the bot.
    EnterChat,
    /// A user chose an entry of the bot's menu.
    Menu,
    /// A user judged an answer of the bot.
    Feedback,
    /// longwire reports about itself.
    Operation,
    /// Any other event. Its facts are in the payload alone.
    Other,
    /// The payload could not be read.
    Unparsed,
    /// The payload is no longer kept: its hash is, or it was erased. What kind it was stands in the type of the event.
    Withheld,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::Message,
        Self::MessageRecalled,
        Self::MessageRead,
        Self::Reaction,
        Self::CardAction,
        Self::UrlPreview,
        Self::Membership,
        Self::Chat,
        Self::EnterChat,
        Self::Menu,
        Self::Feedback,
        Self::Operation,
        Self::Other,
        Self::Unparsed,
        Self::Withheld,
    ];

    /// The word in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::MessageRecalled => "message_recalled",
            Self::MessageRead => "message_read",
            Self::Reaction => "reaction",
            Self::CardAction => "card_action",
            Self::UrlPreview => "url_preview",
            Self::Membership => "membership",
            Self::Chat => "chat",
            Self::EnterChat => "enter_chat",
            Self::Menu => "menu",
            Self::Feedback => "feedback",
            Self::Operation => "operation",
            Self::Other => "other",
            Self::Unparsed => "unparsed",
            Self::Withheld => "withheld",
        }
    }
}

/// What was done, for the kinds that have several actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventAction {
    /// A reaction was put on.
    Created,
    /// A reaction was taken off.
    Deleted,
    /// Somebody came into a group.
    Added,
    /// Somebody left a group or was removed from it.
    Removed,
    /// An invitation into a group was taken back.
    Withdrawn,
    /// The facts of a group changed.
    Updated,
    /// A group was disbanded.
    Disbanded,
    /// Another program took the bot's connection.
    Displaced,
    /// The platform refuses the bot.
    Refused,
    /// The bot is connected again.
    Live,
    /// The bot has had no connection for long, or never heard an event.
    Deaf,
    /// A consumer was paused.
    Paused,
    /// A consumer resumed.
    Resumed,
    /// A consumer was stopped, until an operator resumes it.
    Stopped,
    /// A consumer is behind.
    Lagging,
    /// Events that a consumer has not done go soon.
    Expiring,
    /// Events went before a consumer had done them.
    Expired,
    /// The store records nothing, or is slow.
    Degraded,
    /// The store records again.
    Recovered,
    /// A person let the app act for them.
    Authorized,
    /// A person's authorization did not come about.
    AuthorizationFailed,
    /// A person has to authorize again.
    AuthorizationExpired,
}

impl EventAction {
    /// The word in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Withdrawn => "withdrawn",
            Self::Updated => "updated",
            Self::Disbanded => "disbanded",
            Self::Displaced => "displaced",
            Self::Refused => "refused",
            Self::Live => "live",
            Self::Deaf => "deaf",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Stopped => "stopped",
            Self::Lagging => "lagging",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Degraded => "degraded",
            Self::Recovered => "recovered",
            Self::Authorized => "authorized",
            Self::AuthorizationFailed => "authorization_failed",
            Self::AuthorizationExpired => "authorization_expired",
        }
    }
}

/// The chat that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatView {
    /// `oc_...` of Feishu and Lark; of WeCom the group's id, in a direct chat the user's id. Case matters.
    pub id: ByteString,
    /// Absent where the payload does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ChatKind>,
    /// The name of the group, in the events that carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ByteString>,
}

/// How many people a chat has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// One user and the bot.
    Direct,
    /// Several users, also in a group of topics.
    Group,
}

/// The facts of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventView {
    /// What happened.
    pub kind: EventKind,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<EventAction>,
    /// The chat it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatView>,
    /// Who did it: the author, the reader, whoever clicked or invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<Person>,
    /// Who came or left, of a membership.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Person>,
    /// The message that it is or is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageView>,
    /// The messages that were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_ids: Vec<ByteString>,
    /// The reaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// The click on a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<CardClick>>,
    /// The link whose preview is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_preview: Option<UrlPreview>,
    /// The entry of the menu.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub menu: Option<Menu>,
    /// The judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// What longwire reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Box<Operation>>,
}

impl EventView {
    /// The view of a recorded payload. `event_type` is that of the record; `None` marks a payload that could not be read.
    ///
    /// The texts of the view are slices of `payload` and keep its buffer alive. A payload that is nearly JSON is repaired
    /// before it is read, as [`Envelope`](crate::envelope::Envelope) does.
    pub fn of(family: Family, event_type: Option<&str>, payload: &Bytes) -> EventView {
        let Some(event_type) = event_type else {
            return Self::bare(EventKind::Unparsed);
        };
        let read = |text: ByteString| match family {
            Family::Feishu => feishu::read(event_type, &text),
            Family::Wecom => wecom::read(event_type, &text),
            Family::Longwire => operation::read(event_type, &text),
        };
        ByteString::try_from(payload.clone())
            .ok()
            .and_then(read)
            .or_else(|| repair::repaired(payload).and_then(|text| read(text.into())))
            .unwrap_or_else(|| Self::bare(EventKind::Unparsed))
    }

    /// The view of an event whose payload is no longer kept.
    #[must_use]
    pub fn withheld() -> EventView {
        Self::bare(EventKind::Withheld)
    }

    /// Whether a person did it, also one who hides the name. A program's doing, the platform's, and that of somebody the
    /// payload does not name is none: an answer to it may begin a loop between bots.
    pub fn is_by_person(&self) -> bool {
        let sender = self.sender.as_ref();
        sender.is_some_and(|sender| sender.kind.is_person())
    }

    /// Whether a bot or an app did it: this bot itself, or another one.
    pub fn is_by_program(&self) -> bool {
        let sender = self.sender.as_ref();
        sender.is_some_and(|sender| sender.kind.is_program())
    }

    /// A view without facts.
    fn bare(kind: EventKind) -> EventView {
        EventView {
            kind,
            action: None,
            chat: None,
            sender: None,
            members: Vec::new(),
            message: None,
            message_ids: Vec::new(),
            reaction: None,
            card: None,
            url_preview: None,
            menu: None,
            feedback: None,
            operation: None,
        }
    }
}

#[cfg(test)]
mod tests;
