//! Fills the ids and times into a sample.

use serde_json::{Map, Value, json};

use super::{EventType, Payload};

/// What a sample is about. Each text may be any; the defaults look like the platforms' and are invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFacts {
    /// The platform's id of the event. Two samples with one id are one event to the gateway.
    pub event_id: String,
    /// The message that it is or is about.
    pub message_id: String,
    /// The chat. In a direct chat of WeCom the user's id stands for it.
    pub chat_id: String,
    /// The user who acts: `open_id` of Feishu, user id of WeCom.
    pub user_id: String,
    /// The app or bot that receives it.
    pub app_id: String,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
}

impl SampleFacts {
    /// Facts with invented ids; those of the event and the message contain `number`.
    pub fn numbered(number: u64, at_ms: i64) -> SampleFacts {
        SampleFacts {
            event_id: format!("{number:032x}"),
            message_id: format!("om_{number:032x}"),
            chat_id: "oc_5ad7c8a1f0c94d7c8f3f2b1e0a9d8c7b".to_owned(),
            user_id: "ou_2c1f0e9d8b7a69584736251403f2e1d0".to_owned(),
            app_id: "cli_a1b2c3d4e5f60718".to_owned(),
            at_ms,
        }
    }

    /// What stands for a `$` word; `None` if it is no such word.
    fn value(&self, word: &str) -> Option<Value> {
        Some(match word {
            "$event" => self.event_id.as_str().into(),
            "$message" => self.message_id.as_str().into(),
            "$chat" => self.chat_id.as_str().into(),
            "$user" => self.user_id.as_str().into(),
            "$app" => self.app_id.as_str().into(),
            "$ms" => self.at_ms.to_string().into(),
            "$us" => (i128::from(self.at_ms) * 1000).to_string().into(),
            "$seconds" => (self.at_ms.div_euclid(1000)).to_string().into(),
            "$unix" => self.at_ms.div_euclid(1000).into(),
            _ => return None,
        })
    }

    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.value(text) {
                    *value = filled;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.fill(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.fill(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl EventType {
    /// A payload as the platform sends it, with these facts.
    pub fn sample(&self, facts: &SampleFacts) -> Vec<u8> {
        let read = |text| -> Value {
            serde_json::from_str(text).expect("each sample of the catalogue is JSON, by its test")
        };
        let mut payload = match self.payload {
            Payload::FeishuV2(event) => json!({
                "schema": "2.0",
                "header": {
                    "event_id": "$event",
                    "event_type": self.short_name(),
                    // Callbacks have microseconds.
                    "create_time": if event.contains("\"context\"") { "$us" } else { "$ms" },
                    "token": "",
                    "app_id": "$app",
                    "tenant_key": TENANT_KEY,
                },
                "event": read(event),
            }),
            Payload::FeishuV1(event) => {
                let mut event = members(read(event));
                event.insert("type".to_owned(), self.short_name().into());
                event.insert("app_id".to_owned(), "$app".into());
                event.insert("tenant_key".to_owned(), TENANT_KEY.into());
                json!({
                    "uuid": "$event",
                    "token": "",
                    "ts": "$seconds",
                    "type": "event_callback",
                    "event": event,
                })
            }
            Payload::Wecom(body) => {
                let mut body = members(read(body));
                let is_event = body.get("msgtype") == Some(&Value::from("event"));
                body.insert("msgid".to_owned(), "$event".into());
                body.insert("aibotid".to_owned(), "$app".into());
                body.insert("create_time".to_owned(), "$unix".into());
                json!({
                    "cmd": if is_event { "aibot_event_callback" } else { "aibot_msg_callback" },
                    "headers": {"req_id": "$event"},
                    "body": body,
                })
            }
            Payload::FeishuFlat(payload) | Payload::Whole(payload) => read(payload),
            Payload::Broken(bytes) => return bytes.as_bytes().to_vec(),
        };
        facts.fill(&mut payload);
        payload.to_string().into_bytes()
    }
}

const TENANT_KEY: &str = "166a5f39d4c7c0d0";

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
