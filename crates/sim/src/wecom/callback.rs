//! A pushed callback and the text of its frame.

use longwire_platform_server::wecom::{EVENT_CALLBACK, MESSAGE_CALLBACK, callback_frame};
use serde_json::{Map, Value, json};

use crate::wecom::media::Media;
use crate::wecom::push::{Content, Push};

/// A push with its frame, except the `req_id`, which each delivery has of its own.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) push: Push,
    pub(crate) allowed_reply: AllowedReply,
    pub(crate) msgid: String,
    /// When it was pushed, milliseconds since 1970.
    pub(crate) pushed_ms: u64,
    body: Map<String, Value>,
}

/// The values that are invented for a push.
pub(crate) struct Invented {
    pub(crate) msgid: String,
    pub(crate) created_ms: u64,
    pub(crate) response_url: String,
}

/// The reply that a callback allows under its `req_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedReply {
    Message,
    EnterChat,
    CardEvent,
    /// No reply is allowed.
    OtherEvent,
}

impl AllowedReply {
    fn of(content: &Content) -> Self {
        match content {
            Content::Event { eventtype, .. } => match eventtype.as_str() {
                "enter_chat" => Self::EnterChat,
                "template_card_event" => Self::CardEvent,
                _ => Self::OtherEvent,
            },
            _ => Self::Message,
        }
    }
}

impl Callback {
    /// Makes the callback of a push; `link` serves a file and gives the members that point to it.
    pub(crate) fn new(
        push: Push,
        bot: &str,
        invented: Invented,
        link: &mut dyn FnMut(&Media) -> Value,
    ) -> Self {
        let allowed_reply = AllowedReply::of(&push.content);
        let msgid = push.msgid.clone().unwrap_or(invented.msgid);
        let chat = &push.chat;
        let mut body = Map::new();
        body.insert("msgid".into(), json!(msgid));
        let created = push
            .create_time
            .map_or(json!(invented.created_ms / 1_000), |at| json!(at));
        body.insert("create_time".into(), created);
        body.insert("aibotid".into(), json!(bot));
        if let Some(group) = &chat.group {
            body.insert("chatid".into(), json!(group));
        }
        let chattype = if chat.group.is_some() {
            "group"
        } else {
            "single"
        };
        body.insert("chattype".into(), json!(chattype));
        body.insert("from".into(), json!({"userid": chat.user}));
        if matches!(
            allowed_reply,
            AllowedReply::Message | AllowedReply::CardEvent
        ) {
            body.insert("response_url".into(), json!(invented.response_url));
        }
        put(&mut body, &push.content, link);
        if let Some(quote) = &push.quote {
            let mut quoted = Map::new();
            put(&mut quoted, quote, link);
            body.insert("quote".into(), Value::Object(quoted));
        }
        for (key, value) in &push.body {
            match value {
                Value::Null => body.remove(key),
                value => body.insert(key.clone(), value.clone()),
            };
        }
        Self {
            push,
            allowed_reply,
            msgid,
            pushed_ms: invented.created_ms,
            body,
        }
    }

    /// The text of the frame under this `req_id`.
    pub(crate) fn text(&self, req_id: &str) -> String {
        if let Content::Raw(text) = &self.push.content {
            return text.clone();
        }
        let cmd = match self.allowed_reply {
            AllowedReply::Message => MESSAGE_CALLBACK,
            _ => EVENT_CALLBACK,
        };
        callback_frame(cmd, req_id, &json!(self.body).to_string())
    }
}

/// `msgtype` and the member of that name.
fn put(body: &mut Map<String, Value>, content: &Content, link: &mut dyn FnMut(&Media) -> Value) {
    let (msgtype, value) = match content {
        Content::MadeUp { bytes } => {
            let filling = b"the quick brown fox ".iter().cycle().take(*bytes);
            let text: String = filling.map(|byte| char::from(*byte)).collect();
            ("text", json!({"content": text}))
        }
        Content::Text(text) => ("text", json!({"content": text})),
        Content::Image(media) => ("image", link(media)),
        Content::File(media) => ("file", link(media)),
        Content::Video(media) => ("video", link(media)),
        Content::Mixed(items) => {
            let mut msg_item = Vec::new();
            for item in items {
                let mut members = Map::new();
                put_item(&mut members, item, link);
                msg_item.push(Value::Object(members));
            }
            ("mixed", json!({"msg_item": msg_item}))
        }
        Content::Voice(text) => ("voice", json!({"content": text})),
        Content::Event { eventtype, detail } => {
            let mut event = Map::new();
            event.insert("eventtype".into(), json!(eventtype));
            if let Some(detail) = detail {
                event.insert(eventtype.clone(), detail.clone());
            }
            ("event", Value::Object(event))
        }
        Content::Other { msgtype, value } => (msgtype.as_str(), value.clone()),
        // A raw text is a whole frame and never a part of one.
        Content::Raw(_) => return,
    };
    body.insert("msgtype".into(), json!(msgtype));
    body.insert(msgtype.into(), value);
}

/// An item of a mixed message. The platform does not nest mixed messages; a nested one is written empty.
fn put_item(
    members: &mut Map<String, Value>,
    item: &Content,
    link: &mut dyn FnMut(&Media) -> Value,
) {
    if !matches!(item, Content::Mixed(_)) {
        put(members, item, link);
    }
}

/// The frame that tells a connection that a newer one holds its bot.
pub(crate) fn disconnected(bot: &str, req_id: &str, created_s: u64) -> String {
    let body = json!({
        "msgid": format!("EV_{req_id}"), "create_time": created_s, "aibotid": bot,
        "msgtype": "event", "event": {"eventtype": "disconnected_event"},
    });
    callback_frame(EVENT_CALLBACK, req_id, &body.to_string())
}
