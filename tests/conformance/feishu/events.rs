//! Payloads to push, in the shapes of the platform's events of schema 2.0.

use serde_json::{Value, json};

use super::news::News;

/// A text message to the bot.
pub(crate) struct Message {
    pub(crate) event_id: String,
    pub(crate) message_id: String,
    /// JSON of its own, as the platform has it.
    pub(crate) content: String,
    chat: String,
}

impl Message {
    pub(crate) fn of(name: &str, text: &str) -> Self {
        Self {
            event_id: format!("ev_{name}"),
            message_id: format!("om_{name}"),
            content: json!({ "text": text }).to_string(),
            chat: "oc_1".to_owned(),
        }
    }

    pub(crate) fn in_chat(self, chat: &str) -> Self {
        Self {
            chat: chat.to_owned(),
            ..self
        }
    }

    /// What a driver tells when its handler gets it.
    pub(crate) fn told(&self) -> News {
        News::Event {
            event_id: self.event_id.clone(),
            message_id: self.message_id.clone(),
            content: self.content.clone(),
        }
    }

    pub(crate) fn payload(&self) -> String {
        json!({
            "schema": "2.0",
            "header": header(&self.event_id, "im.message.receive_v1"),
            "event": {
                "sender": { "sender_id": { "open_id": "ou_1" }, "sender_type": "user", "tenant_key": "t1" },
                "message": {
                    "message_id": self.message_id,
                    "create_time": "1767225600000",
                    "chat_id": self.chat,
                    "chat_type": "p2p",
                    "message_type": "text",
                    "content": self.content,
                },
            },
        })
        .to_string()
    }
}

/// A press of a card's button.
pub(crate) fn card_action(event_id: &str, value: &Value) -> String {
    json!({
        "schema": "2.0",
        "header": header(event_id, "card.action.trigger"),
        "event": {
            "operator": { "tenant_key": "t1", "open_id": "ou_1" },
            "token": "c-1",
            "action": { "value": value, "tag": "button" },
            "host": "im_message",
            "context": { "open_message_id": "om_card", "open_chat_id": "oc_1" },
        },
    })
    .to_string()
}

/// What the drivers' card handlers return.
pub(crate) fn card_result() -> Value {
    json!({
        "toast": { "type": "success", "content": "已批准" },
        "card": { "type": "raw", "data": { "elements": [{ "tag": "hr" }] } },
    })
}

fn header(event_id: &str, event_type: &str) -> Value {
    json!({
        "event_id": event_id,
        "event_type": event_type,
        "create_time": "1767225600000",
        "token": "",
        "app_id": super::stage::APP,
        "tenant_key": "t1",
    })
}
