//! Messages as the answers of the Open API have them.

use serde_json::{Value, json};

use super::standing::{Bundled, StandingMessage};
use crate::ids::{hex32, scramble};
use crate::message::tenant_key;
use crate::transcript::ChatAuthor;

/// The constant content of a bundle.
pub(crate) const BUNDLE: &str = "Merged and Forwarded Message";

impl StandingMessage {
    /// `items` of the call that reads it: the message, and the messages of a bundle behind it.
    pub(crate) fn items(&self, name_of: &dyn Fn(&str) -> String) -> Vec<Value> {
        let mut items = vec![self.item(name_of)];
        for (nth, bundled) in self.bundle.iter().enumerate() {
            let id = format!("{}_{nth}", self.message_id);
            match bundled {
                Bundled::Text(text) => items.push(self.bundled(&id, &self.message_id, text)),
                Bundled::Bundle(texts) => {
                    let mut inner = self.bundled(&id, &self.message_id, "");
                    inner["msg_type"] = json!("merge_forward");
                    inner["body"]["content"] = json!(BUNDLE);
                    items.push(inner);
                    let texts = texts.iter().enumerate();
                    items
                        .extend(texts.map(|(inner, text)| {
                            self.bundled(&format!("{id}_{inner}"), &id, text)
                        }));
                }
            }
        }
        items
    }

    /// The message as answers have it.
    pub(crate) fn item(&self, name_of: &dyn Fn(&str) -> String) -> Value {
        let content = if self.recalled_ms.is_some() {
            "This message was recalled"
        } else if self.bundle.is_empty() {
            &self.echo
        } else {
            // Here the constant is bare and no JSON.
            BUNDLE
        };
        let mut item = self.bare(&self.message_id, content);
        item["msg_type"] = json!(self.msg_type);
        item["deleted"] = json!(self.recalled_ms.is_some());
        item["updated"] = json!(self.edits > 0);
        item["update_time"] = json!(self.changed_ms.to_string());
        let ids = [
            ("root_id", &self.root_id),
            ("parent_id", &self.parent_id),
            ("thread_id", &self.thread_id),
        ];
        for (name, id) in ids {
            if let Some(id) = id {
                item[name] = json!(id);
            }
        }
        if !self.mentions.is_empty() {
            let mentions = self.mentions.iter().map(|mention| {
                let name = match mention.name.as_str() {
                    "" => name_of(&mention.open_id),
                    name => name.to_owned(),
                };
                json!({ "key": mention.key, "id": mention.open_id, "id_type": "open_id", "name": name,
                    "tenant_key": tenant_key() })
            });
            item["mentions"] = mentions.collect();
        }
        item
    }

    fn bundled(&self, id: &str, within: &str, text: &str) -> Value {
        let mut item = self.bare(id, &json!({ "text": text }).to_string());
        item["upper_message_id"] = json!(within);
        // What is forwarded comes from another chat.
        let source = self
            .chat
            .bytes()
            .fold(1, |hash, byte| scramble(hash ^ u64::from(byte)));
        item["chat_id"] = json!(format!("oc_{}", hex32(source, scramble(source))));
        item
    }

    fn bare(&self, id: &str, content: &str) -> Value {
        let time = self.created_ms.to_string();
        let (sender, id_type, sender_type) = match &self.author {
            ChatAuthor::Person(person) => (person, "open_id", "user"),
            ChatAuthor::OtherBot(bot) => (bot, "open_id", "app"),
            ChatAuthor::Bot(app) => (app, "app_id", "app"),
        };
        json!({
            "message_id": id,
            "msg_type": "text",
            "create_time": time,
            "update_time": time,
            "deleted": false,
            "updated": false,
            "chat_id": self.chat,
            "sender": {
                "id": sender, "id_type": id_type, "sender_type": sender_type, "tenant_key": tenant_key(),
            },
            "body": { "content": content },
        })
    }
}
