//! Callbacks: the messages and events that the platform sends. This file reads their facts and their identity, and
//! leaves the rest of the frame alone.

use bytes::Bytes;
use bytestring::ByteString;

use super::FrameError;
use super::document::Document;
use crate::envelope::milliseconds;
use crate::identity::Identity;

/// A message or an event. The platform wants no acknowledgement and never resends: a callback that is not recorded now
/// is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The id that a reply must carry, on this connection only. It is opaque; absent if the callback cannot be answered.
    pub req_id: Option<ByteString>,
    /// Message or event, from the frame's command.
    pub kind: CallbackKind,
    /// The facts that recording and routing need.
    pub facts: Facts,
    /// The frame as it was received; always a JSON object. A frame that was nearly JSON is repaired: control characters
    /// within strings are escaped, half surrogate pairs and parts of characters replaced by U+FFFD, a byte-order mark
    /// before it and NULs behind it removed.
    pub payload: Bytes,
}

/// The command of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallbackKind {
    /// `aibot_msg_callback`
    Message,
    /// `aibot_event_callback`
    Event,
}

/// The type of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChatType {
    /// One user and the bot.
    Single,
    /// Several users. The bot receives only messages that mention it.
    Group,
}

impl ChatType {
    /// The value of `chattype` in callbacks.
    pub fn name(self) -> &'static str {
        match self {
            ChatType::Single => "single",
            ChatType::Group => "group",
        }
    }

    /// The value of `chat_type` in `aibot_send_msg`.
    pub fn number(self) -> u32 {
        match self {
            ChatType::Single => 1,
            ChatType::Group => 2,
        }
    }

    fn parse(name: &str) -> Option<ChatType> {
        match name {
            "single" => Some(ChatType::Single),
            "group" => Some(ChatType::Group),
            _ => None,
        }
    }
}

/// The facts of one callback. Texts are slices of its payload if the JSON has no escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The platform's id, the same if the callback comes twice. It can be any text and is often Base64.
    pub msgid: Option<ByteString>,
    /// The bot it was sent to.
    pub bot_id: Option<ByteString>,
    /// `chatid` in a group, the user's id elsewhere. Every message has one, some events do not. Case matters.
    pub chat_id: Option<ByteString>,
    /// The user who wrote or clicked.
    pub user_id: Option<ByteString>,
    /// The type of the chat.
    pub chat_type: Option<ChatType>,
    /// `message.` and the message type or `event.` and the event type, such as `message.text` and `event.enter_chat`.
    /// `event` alone if the event type is absent.
    pub type_name: ByteString,
    /// Time of the callback in milliseconds since 1970. The platform writes seconds; messages often have no time.
    pub created_ms: Option<i64>,
}

impl Callback {
    pub(super) fn of(
        kind: CallbackKind,
        document: Document<'_>,
        text: &ByteString,
    ) -> Result<Callback, FrameError> {
        let req_id = document.headers.req_id.0.keep(text);
        let body = document.body.0.ok_or(FrameError::NoBody)?;
        let msgtype = body.msgtype.as_str().ok_or(FrameError::NoMsgType)?;
        let type_name = match kind {
            CallbackKind::Message => message_type(msgtype),
            CallbackKind::Event => event_type(body.event.eventtype.as_str()),
        };
        let chat_type = body.chattype.as_str().and_then(ChatType::parse);
        let user_id = body.from.userid.keep(text);
        let chat_id = match chat_type {
            Some(ChatType::Single) => user_id.clone(),
            Some(ChatType::Group) => body.chatid.keep(text),
            None => body.chatid.keep(text).or_else(|| user_id.clone()),
        };
        if kind == CallbackKind::Message && chat_id.is_none() {
            return Err(FrameError::NoChat);
        }
        let facts = Facts {
            msgid: body.msgid.keep(text),
            bot_id: body.aibotid.keep(text),
            chat_id,
            user_id,
            chat_type,
            type_name,
            created_ms: body.create_time.as_str().and_then(milliseconds),
        };
        Ok(Callback {
            req_id,
            kind,
            facts,
            payload: text.clone().into_bytes(),
        })
    }

    /// Whether another connection has subscribed for the bot. This connection then gets no more callbacks.
    pub fn is_displacement(&self) -> bool {
        self.facts.type_name == DISPLACEMENT
    }

    /// The keys by which the callback is recognised if it comes twice. They are made of `msgid` alone; without it, an
    /// event's of type, time and request id, and a message's of its bytes.
    pub fn identity(&self) -> Identity {
        let facts = &self.facts;
        match (&facts.msgid, self.kind, &self.req_id) {
            (Some(msgid), _, _) => Identity::of_msgid(msgid),
            (None, CallbackKind::Event, Some(req_id)) => {
                Identity::of_occurrence(&facts.type_name, facts.created_ms, req_id)
            }
            (None, _, req_id) => Identity::unparsed(req_id.as_deref(), &self.payload),
        }
    }
}

const DISPLACEMENT: &str = "event.disconnected_event";

/// The type name of a message. The documented types cost no allocation.
fn message_type(msgtype: &str) -> ByteString {
    ByteString::from_static(match msgtype {
        "text" => "message.text",
        "image" => "message.image",
        "mixed" => "message.mixed",
        "voice" => "message.voice",
        "file" => "message.file",
        "video" => "message.video",
        other => return format!("message.{other}").into(),
    })
}

fn event_type(eventtype: Option<&str>) -> ByteString {
    ByteString::from_static(match eventtype {
        Some("enter_chat") => "event.enter_chat",
        Some("template_card_event") => "event.template_card_event",
        Some("feedback_event") => "event.feedback_event",
        Some("disconnected_event") => DISPLACEMENT,
        Some(other) => return format!("event.{other}").into(),
        None => "event",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wecom::Incoming;

    fn parse(text: &str) -> Result<Incoming, FrameError> {
        Incoming::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn callback(text: &str) -> Callback {
        match parse(text) {
            Ok(Incoming::Callback(callback)) => callback,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn message(body: &str) -> Callback {
        callback(&format!(
            r#"{{"cmd":"aibot_msg_callback","headers":{{"req_id":"r"}},"body":{body}}}"#
        ))
    }

    #[test]
    fn members_come_in_any_order_and_the_last_of_a_name_counts() {
        let text = r#"{"body":{"msgtype":"image","msgid":"m","from":{"userid":"u"},"msgtype":"text"},"headers":{"req_id":"r"},"cmd":"aibot_msg_callback"}"#;
        let callback = callback(text);
        assert_eq!(callback.facts.type_name, "message.text");
        assert_eq!(callback.facts.chat_id.as_deref(), Some("u"));
        assert_eq!(callback.payload, text);
    }

    #[test]
    fn a_chat_is_the_group_or_else_the_user() {
        let chat = |body: &str| message(body).facts.chat_id;
        let check = |body, expected| assert_eq!(chat(body).as_deref(), Some(expected), "{body}");
        check(
            r#"{"msgtype":"text","chattype":"group","chatid":"G","from":{"userid":"u"}}"#,
            "G",
        );
        check(
            r#"{"msgtype":"text","chattype":"single","chatid":"G","from":{"userid":"u"}}"#,
            "u",
        );
        check(
            r#"{"msgtype":"text","chatid":"G","from":{"userid":"u"}}"#,
            "G",
        );
        check(r#"{"msgtype":"text","from":{"userid":"u"}}"#, "u");
    }

    /// If a group without an id were taken for its sender, a reply to the group would go to one member.
    #[test]
    fn a_group_without_an_id_is_not_its_sender() {
        let text = r#"{"cmd":"aibot_msg_callback","body":{"msgtype":"text","chattype":"group","from":{"userid":"u"}}}"#;
        assert!(matches!(parse(text), Err(FrameError::NoChat)));
    }

    #[test]
    fn times_are_seconds() {
        let body = r#"{"msgtype":"text","from":{"userid":"u"},"create_time":1760000001}"#;
        assert_eq!(message(body).facts.created_ms, Some(1_760_000_001_000));
    }

    #[test]
    fn a_msgid_is_recognised_under_another_req_id_and_nothing_else_matters() {
        let body = r#"{"msgid":"a\/b","msgtype":"text","from":{"userid":"u"}}"#;
        let first = message(body);
        let second = message(r#"{"msgtype":"image","from":{"userid":"v"},"msgid":"a/b"}"#);
        assert_eq!(first.identity(), second.identity());
        let other = message(r#"{"msgid":"a/c","msgtype":"text","from":{"userid":"u"}}"#);
        assert_ne!(first.identity(), other.identity());
        assert_eq!(first.identity().message, None);
    }

    #[test]
    fn events_without_msgid_are_told_apart_by_what_they_have() {
        let event = |req_id: &str, kind: &str, time: u64| {
            callback(&format!(
                r#"{{"cmd":"aibot_event_callback","headers":{{"req_id":"{req_id}"}},"body":{{"msgtype":"event","create_time":{time},"event":{{"eventtype":"{kind}"}}}}}}"#
            ))
            .identity()
        };
        let first = event("r", "enter_chat", 1_760_000_001);
        assert_eq!(first, event("r", "enter_chat", 1_760_000_001));
        assert_ne!(first, event("s", "enter_chat", 1_760_000_001));
        assert_ne!(first, event("r", "feedback_event", 1_760_000_001));
        assert_ne!(first, event("r", "enter_chat", 1_760_000_002));
    }

    #[test]
    fn messages_without_msgid_are_told_apart_by_their_bytes() {
        let first = message(r#"{"msgtype":"text","from":{"userid":"u"}}"#);
        let second = message(r#"{"msgtype":"text", "from":{"userid":"u"}}"#);
        assert_eq!(first.identity(), first.clone().identity());
        assert_ne!(first.identity(), second.identity());
    }

    #[test]
    fn only_the_event_displaces() {
        let displaced = callback(
            r#"{"cmd":"aibot_event_callback","body":{"msgtype":"event","event":{"eventtype":"disconnected_event"}}}"#,
        );
        assert!(displaced.is_displacement());
        let quoted = message(
            r#"{"msgtype":"disconnected_event","from":{"userid":"u"},"event":{"eventtype":"disconnected_event"}}"#,
        );
        assert!(!quoted.is_displacement());
    }
}
