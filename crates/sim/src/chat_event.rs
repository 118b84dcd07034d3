//! What people and bots do in chats, as the events that apps get: messages and clicks on cards.
//!
//! The members are those in the open platform's documentation; ids are invented where none is given.

mod standing;

use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::{hex32, scramble};
use crate::message::{INVENTED_TOKEN, event_words, tenant_key};
use crate::open_api::{BUNDLE, StandingMessage};
use crate::serde_forms::base64_bytes;
pub(crate) use standing::standing_of;

/// Who writes a message or clicks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatSender {
    /// A person, by their open id.
    Human(String),
    /// Another bot, by the open id that this app knows it by.
    Bot(String),
}

impl Default for ChatSender {
    fn default() -> Self {
        Self::Human("ou_00000000000000000000000000000a17".to_owned())
    }
}

/// An image or file of a person's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushedFile {
    /// How it is sent.
    pub kind: PushedFileKind,
    /// Its name.
    pub name: String,
    /// Its bytes, in JSON as base64.
    #[serde(with = "base64_bytes")]
    pub bytes: Bytes,
}

/// How an image or file is sent: the type of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushedFileKind {
    /// `image`.
    Image,
    /// `file`.
    File,
    /// `audio`.
    Audio,
    /// `media`, a video.
    Media,
}

impl PushedFileKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::File => "file",
            Self::Audio => "audio",
            Self::Media => "media",
        }
    }
}

/// A message in a chat: `im.message.receive_v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatMessage {
    /// `oc_…`.
    pub chat: String,
    /// Whether others than the sender and the bot are in the chat.
    pub group: bool,
    /// Who wrote it.
    pub sender: ChatSender,
    /// Its text.
    pub text: String,
    /// `om_…`; `None` invents one.
    pub message_id: Option<String>,
    /// Open ids that the text mentions as `@_user_1` and so on.
    pub mentions: Vec<String>,
    /// The message that it replies to.
    pub parent_id: Option<String>,
    /// The texts of the messages that it forwards. Then it is a bundle of them, and its own text is not used.
    pub forwarded: Vec<String>,
    /// The texts of a second bundle, which stands behind the others in the first one.
    pub forwarded_within: Vec<String>,
    /// The image or file that it is. Then its own text is not used.
    pub attachment: Option<PushedFile>,
}

impl Default for ChatMessage {
    fn default() -> Self {
        Self {
            chat: "oc_00000000000000000000000000000c01".to_owned(),
            group: false,
            sender: ChatSender::default(),
            text: "hello".to_owned(),
            message_id: None,
            mentions: Vec::new(),
            parent_id: None,
            forwarded: Vec::new(),
            forwarded_within: Vec::new(),
            attachment: None,
        }
    }
}

/// A click on a card: `card.action.trigger`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClickedCard {
    /// The chat of the card, `oc_…`.
    pub chat: String,
    /// The message that is the card, `om_…`; `None` invents one.
    pub message_id: Option<String>,
    /// The open id of who clicks.
    pub person: String,
    /// What the application gave the component.
    pub value: Value,
    /// The component: `button` or another.
    pub tag: String,
}

impl Default for ClickedCard {
    fn default() -> Self {
        Self {
            chat: "oc_00000000000000000000000000000c01".to_owned(),
            message_id: None,
            person: "ou_00000000000000000000000000000a17".to_owned(),
            value: json!({}),
            tag: "button".to_owned(),
        }
    }
}

/// The ids and the time that an event gets.
pub(crate) struct Invented {
    pub(crate) event_id: String,
    app: String,
    message_id: String,
    created_ms: u64,
    /// The same time on the other clock.
    at: Instant,
    /// The app's verification token.
    token: String,
}

impl Invented {
    /// Those of the event with this number.
    pub(crate) fn of(
        number: u64,
        seed: u64,
        app: &str,
        (created_ms, at): (u64, Instant),
        token: Option<&str>,
    ) -> Self {
        let (high, low) = event_words(number, seed);
        Self {
            event_id: hex32(high, low),
            app: app.to_owned(),
            message_id: format!("om_{}", hex32(scramble(low), high)),
            created_ms,
            at,
            token: token.unwrap_or(INVENTED_TOKEN).to_owned(),
        }
    }

    fn header(&self, event_type: &str, create_time: String) -> Value {
        json!({
            "event_id": self.event_id,
            "token": self.token,
            "create_time": create_time,
            "event_type": event_type,
            "tenant_key": tenant_key(),
            "app_id": self.app,
        })
    }
}

impl ChatMessage {
    /// The event, and the message as it stands in its chat.
    pub(crate) fn payload(&self, invented: &Invented) -> (Bytes, StandingMessage) {
        let message_id = self
            .message_id
            .clone()
            .unwrap_or_else(|| invented.message_id.clone());
        let (sender_type, open_id) = match &self.sender {
            ChatSender::Human(open_id) => ("user", open_id),
            ChatSender::Bot(open_id) => ("bot", open_id),
        };
        let time = invented.created_ms.to_string();
        let (message_type, content) = self.content(invented);
        let mut message = json!({
            "message_id": message_id,
            "create_time": time,
            "update_time": time,
            "chat_id": self.chat,
            "chat_type": if self.group { "group" } else { "p2p" },
            "message_type": message_type,
            "content": content.to_string(),
        });
        if let Some(parent) = &self.parent_id {
            message["parent_id"] = json!(parent);
            message["root_id"] = json!(parent);
        }
        if !self.mentions.is_empty() {
            let mentions = self.mentions.iter().enumerate().map(|(index, open_id)| {
                json!({
                    "key": format!("@_user_{}", index + 1),
                    "id": { "open_id": open_id, "union_id": open_id.replacen("ou_", "on_", 1), "user_id": null },
                    "name": format!("Person {}", index + 1),
                    "tenant_key": tenant_key(),
                })
            });
            message["mentions"] = mentions.collect();
        }
        let event = json!({
            "schema": "2.0",
            "header": invented.header("im.message.receive_v1", time),
            "event": {
                "sender": {
                    "sender_id": { "open_id": open_id, "union_id": open_id.replacen("ou_", "on_", 1), "user_id": null },
                    "sender_type": sender_type,
                    "tenant_key": tenant_key(),
                },
                "message": message,
            },
        });
        let payload = Bytes::from(event.to_string());
        let content = content.to_string();
        (
            payload,
            self.standing(message_id, (message_type, content), invented),
        )
    }

    fn key_of(&self, attachment: &PushedFile, invented: &Invented) -> String {
        match attachment.kind {
            PushedFileKind::Image => format!("img_v2_{}", invented.event_id),
            _ => format!("file_v2_{}", invented.event_id),
        }
    }

    fn is_bundle(&self) -> bool {
        !self.forwarded.is_empty() || !self.forwarded_within.is_empty()
    }

    /// The type, and the content of the event: that of a bundle is wrapped in an object.
    fn content(&self, invented: &Invented) -> (&'static str, Value) {
        if let Some(attachment) = &self.attachment {
            let key = self.key_of(attachment, invented);
            let content = match attachment.kind {
                PushedFileKind::Image => json!({ "image_key": key }),
                PushedFileKind::File => json!({ "file_key": key, "file_name": attachment.name }),
                PushedFileKind::Audio => json!({ "file_key": key, "duration": 1_000 }),
                PushedFileKind::Media => json!({ "file_key": key, "image_key": key,
                    "file_name": attachment.name, "duration": 1_000 }),
            };
            return (attachment.kind.as_str(), content);
        }
        if self.is_bundle() {
            ("merge_forward", json!({ "content": BUNDLE }))
        } else {
            ("text", json!({ "text": self.text }))
        }
    }
}

impl ClickedCard {
    /// The card that is clicked on.
    pub(crate) fn card_id<'a>(&'a self, invented: &'a Invented) -> &'a str {
        self.message_id.as_ref().unwrap_or(&invented.message_id)
    }

    pub(crate) fn payload(&self, invented: &Invented) -> Bytes {
        let message_id = self.message_id.as_ref().unwrap_or(&invented.message_id);
        // Card callbacks have microseconds.
        let header = invented.header(
            "card.action.trigger",
            (invented.created_ms * 1_000).to_string(),
        );
        let event = json!({
            "schema": "2.0",
            "header": header,
            "event": {
                "operator": {
                    "tenant_key": tenant_key(),
                    "open_id": self.person,
                    "union_id": self.person.replacen("ou_", "on_", 1),
                },
                "token": format!("c-{}", invented.event_id),
                "action": { "value": self.value, "tag": self.tag },
                "host": "im_message",
                "context": { "open_message_id": message_id, "open_chat_id": self.chat },
            },
        });
        Bytes::from(event.to_string())
    }

    /// The flat body of the old generation.
    pub(crate) fn old_payload(&self, invented: &Invented) -> Bytes {
        let message_id = self.message_id.as_ref().unwrap_or(&invented.message_id);
        let body = json!({
            "open_id": self.person,
            "user_id": "a1b2c3d4",
            "open_message_id": message_id,
            "open_chat_id": self.chat,
            "tenant_key": tenant_key(),
            "token": format!("c-{}", invented.event_id),
            "action": { "value": self.value, "tag": self.tag, "timezone": "Asia/Shanghai" },
        });
        Bytes::from(body.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use longwire_wire::envelope::Envelope;

    fn invented() -> Invented {
        Invented {
            event_id: "e1".to_owned(),
            app: "cli_a".to_owned(),
            message_id: "om_1".to_owned(),
            created_ms: 1_767_225_601_321,
            at: Instant::now(),
            token: "vt".to_owned(),
        }
    }

    #[test]
    fn a_message_is_an_event_of_its_chat() {
        let message = ChatMessage {
            sender: ChatSender::Bot("ou_b".to_owned()),
            mentions: vec!["ou_a".to_owned()],
            ..ChatMessage::default()
        };
        let (payload, standing) = message.payload(&invented());
        let envelope = Envelope::parse(&payload).expect("an event");
        assert_eq!(&*envelope.event_type, "im.message.receive_v1");
        assert_eq!(
            (&*standing.message_id, &*standing.chat),
            ("om_1", &*message.chat)
        );
        let event: Value = serde_json::from_slice(&payload).expect("json");
        assert_eq!(event["event"]["sender"]["sender_type"], "bot");
        let mention = &event["event"]["message"]["mentions"][0];
        assert_eq!(
            (&mention["key"], &mention["id"]["open_id"]),
            (&json!("@_user_1"), &json!("ou_a"))
        );
    }

    #[test]
    fn a_click_is_an_event_of_its_card() {
        let payload = ClickedCard::default().payload(&invented());
        let envelope = Envelope::parse(&payload).expect("an event");
        assert_eq!(&*envelope.event_type, "card.action.trigger");
        assert_eq!(envelope.created_ms, Some(1_767_225_601_321));
    }
}
