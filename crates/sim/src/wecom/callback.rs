//! A callback as it is pushed, and the text of its frame.

use serde_json::{Map, Value, json};

use crate::wecom::push::{Content, Push};

/// A push with what was invented for it.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) push: Push,
    pub(crate) msgid: String,
    pub(crate) created_s: i64,
    pub(crate) response_url: String,
}

/// What a callback lets bots do with its `req_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    EnterChat,
    CardEvent,
    /// Takes no reply.
    OtherEvent,
}

impl Callback {
    pub(crate) fn kind(&self) -> Kind {
        match &self.push.content {
            Content::Event { eventtype, .. } => match eventtype.as_str() {
                "enter_chat" => Kind::EnterChat,
                "template_card_event" => Kind::CardEvent,
                _ => Kind::OtherEvent,
            },
            _ => Kind::Message,
        }
    }

    /// The text of the frame under this `req_id`.
    pub(crate) fn text(&self, bot: &str, req_id: &str) -> String {
        if let Content::Raw(text) = &self.push.content {
            return text.clone();
        }
        let chat = &self.push.chat;
        let mut body = Map::new();
        body.insert("msgid".into(), json!(self.msgid));
        body.insert("create_time".into(), json!(self.created_s));
        body.insert("aibotid".into(), json!(bot));
        if let Some(group) = &chat.group {
            body.insert("chatid".into(), json!(group));
        }
        let kind = if chat.group.is_some() {
            "group"
        } else {
            "single"
        };
        body.insert("chattype".into(), json!(kind));
        body.insert("from".into(), json!({"userid": chat.user}));
        if matches!(self.kind(), Kind::Message | Kind::CardEvent) {
            body.insert("response_url".into(), json!(self.response_url));
        }
        put(&mut body, &self.push.content);
        if let Some(quote) = &self.push.quote {
            let mut quoted = Map::new();
            put(&mut quoted, quote);
            body.insert("quote".into(), Value::Object(quoted));
        }
        for (key, value) in &self.push.body {
            match value {
                Value::Null => body.remove(key),
                value => body.insert(key.clone(), value.clone()),
            };
        }
        let cmd = match self.kind() {
            Kind::Message => "aibot_msg_callback",
            _ => "aibot_event_callback",
        };
        json!({"cmd": cmd, "headers": {"req_id": req_id}, "body": body}).to_string()
    }
}

/// `msgtype` and the member of that name.
fn put(body: &mut Map<String, Value>, content: &Content) {
    let (msgtype, value) = match content {
        Content::MadeUp { bytes } => {
            let filling = b"the quick brown fox ".iter().cycle().take(*bytes);
            let text: String = filling.map(|byte| char::from(*byte)).collect();
            ("text", json!({"content": text}))
        }
        Content::Text(text) => ("text", json!({"content": text})),
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
        // A raw text is a frame of its own and never a part of one.
        Content::Raw(_) => return,
    };
    body.insert("msgtype".into(), json!(msgtype));
    body.insert(msgtype.into(), value);
}

/// The frame that tells a connection that a newer one holds its bot.
pub(crate) fn disconnected(bot: &str, req_id: &str, created_s: u64) -> String {
    json!({
        "cmd": "aibot_event_callback",
        "headers": {"req_id": req_id},
        "body": {
            "msgid": format!("EV_{req_id}"), "create_time": created_s, "aibotid": bot,
            "msgtype": "event", "event": {"eventtype": "disconnected_event"},
        },
    })
    .to_string()
}
