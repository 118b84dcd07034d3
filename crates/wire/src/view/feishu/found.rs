//! Reads the answer to the call for one message: the message, or a bundle with all that is in it.
//!
//! The members differ from those of the event: `msg_type`, `body.content`, `sender.id`, and a mention's `id` is a text. Source:
//! the documentation of `im/v1/messages/:message_id`. Of a bundle the call gives the bundle first and then all messages in it,
//! at any depth; `upper_message_id` names the bundle that a message lies in.

use bytestring::ByteString;
use serde_json::Value;

use super::content;
use crate::envelope::milliseconds;
use crate::repair;
use crate::view::looked_up::{
    FORWARDED_LEVELS, FORWARDED_MESSAGES, FORWARDED_TEXT_BYTES, FOUND_TEXT_BYTES, FoundMessage,
    Unavailable,
};
use crate::view::{Mention, MentionKind, Person, PersonIds, PersonKind};

impl FoundMessage {
    /// Reads the body of a successful answer.
    ///
    /// # Errors
    /// Why there is no message in it: it was withdrawn, or the platform has none.
    pub fn of_answer(body: &[u8]) -> Result<Self, Unavailable> {
        let value: Value = repair::from_slice(body).map_err(|_| Unavailable::Failed)?;
        let items = value.pointer("/data/items").and_then(Value::as_array);
        let items = items.map(Vec::as_slice).unwrap_or_default();
        let (first, others) = items.split_first().ok_or(Unavailable::NotFound)?;
        if first.get("deleted").and_then(Value::as_bool) == Some(true) {
            return Err(Unavailable::Recalled);
        }
        let mut message = one(first, FOUND_TEXT_BYTES);
        let mut bundle = Bundle {
            items: &others[..others.len().min(FORWARDED_MESSAGES)],
            shown: Vec::new(),
        };
        message.forwarded = bundle.below(text(first, "message_id"), 1);
        let left_out = others.len() - bundle.shown.len();
        message.left_out = (left_out > 0).then_some(left_out);
        Ok(message)
    }
}

/// The messages of a bundle.
struct Bundle<'a> {
    items: &'a [Value],
    /// Which of them have their place, so that none has two, whatever the ids say.
    shown: Vec<usize>,
}

impl Bundle<'_> {
    /// The messages that lie directly in the bundle `upper`, each with those below it.
    fn below(&mut self, upper: Option<&str>, level: usize) -> Vec<FoundMessage> {
        let mut found = Vec::new();
        if level > FORWARDED_LEVELS || upper.is_none() {
            return found;
        }
        for (at, item) in self.items.iter().enumerate() {
            if text(item, "upper_message_id") == upper && !self.shown.contains(&at) {
                self.shown.push(at);
                let mut message = one(item, FORWARDED_TEXT_BYTES);
                message.forwarded = self.below(text(item, "message_id"), level + 1);
                found.push(message);
            }
        }
        found
    }
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str().filter(|text| !text.is_empty())
}

fn one(item: &Value, text_bytes: usize) -> FoundMessage {
    let own = |member: &str| text(item, member).map(ByteString::from);
    let message_type = own("msg_type");
    let content = item.pointer("/body/content").and_then(Value::as_str);
    let content = content.map(|content| {
        let of_type = message_type.as_deref().unwrap_or_default();
        content::read(of_type, &ByteString::from(content))
    });
    let content = content.unwrap_or_default();
    FoundMessage {
        id: own("message_id"),
        message_type,
        text: content.text.map(|text| cut(text, text_bytes)),
        mentions: mentions(item),
        attachments: content.attachments,
        sender: item.get("sender").map(sender),
        created_ms: text(item, "create_time").and_then(milliseconds),
        forwarded: Vec::new(),
        left_out: None,
    }
}

/// The text up to the limit, at a character's end.
fn cut(text: ByteString, most: usize) -> ByteString {
    if text.len() <= most {
        return text;
    }
    let mut ends = (0..=most).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text.slice_ref(&text[..end.unwrap_or(0)])
}

fn sender(value: &Value) -> Person {
    let kind = PersonKind::of(text(value, "sender_type"));
    let id = text(value, "id").map(ByteString::from);
    match text(value, "id_type") {
        Some("open_id") => Person::with_ids(kind, with_open_id(id), None),
        _ => Person::program(kind, id),
    }
}

fn with_open_id(open_id: Option<ByteString>) -> PersonIds {
    PersonIds {
        open_id,
        ..PersonIds::default()
    }
}

fn mentions(item: &Value) -> Vec<Mention> {
    let mentions = item.get("mentions").and_then(Value::as_array);
    let mentions = mentions.into_iter().flatten();
    let read = mentions
        .filter(|mention| mention.is_object())
        .map(|mention| {
            let own = |member: &str| text(mention, member).map(ByteString::from);
            let (id, id_type) = (own("id"), text(mention, "id_type"));
            let is_app = id_type == Some("app_id");
            Mention {
                key: own("key"),
                kind: match (is_app, id.as_deref()) {
                    (true, _) => MentionKind::Bot,
                    (false, Some("all")) => MentionKind::Everyone,
                    (false, _) => MentionKind::Unknown,
                },
                ids: match is_app {
                    true => PersonIds::default(),
                    false => with_open_id(id.clone()),
                },
                id,
                name: own("name"),
            }
        });
    read.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(items: &Value) -> Result<Value, Unavailable> {
        let body = json!({"code": 0, "msg": "success", "data": {"items": items}}).to_string();
        let found = FoundMessage::of_answer(body.as_bytes());
        found.map(|message| serde_json::to_value(message).expect("texts are json"))
    }

    #[test]
    fn a_message() {
        let item = json!({
            "message_id": "om_1", "msg_type": "text", "create_time": "1767225602000", "deleted": false,
            "sender": {"id": "ou_1", "id_type": "open_id", "sender_type": "user", "tenant_key": "t"},
            "body": {"content": "{\"text\":\"@_user_1 hi\"}"},
            "mentions": [{"key": "@_user_1", "id": "ou_2", "id_type": "open_id", "name": "Ben"}, 7],
        });
        let expected = json!({
            "id": "om_1", "type": "text", "text": "@_user_1 hi", "created_ms": 1_767_225_602_000_i64,
            "sender": {"kind": "user", "id": "ou_1", "ids": {"open_id": "ou_1"}},
            "mentions": [{"key": "@_user_1", "kind": "unknown", "id": "ou_2", "ids": {"open_id": "ou_2"}, "name": "Ben"}],
        });
        assert_eq!(read(&json!([item])), Ok(expected));
    }

    #[test]
    fn a_bundle_keeps_its_tree() {
        let child = |id: &str, upper: &str, of_type: &str, content: &str| {
            json!({
                "message_id": id, "upper_message_id": upper, "msg_type": of_type,
                "body": {"content": content}, "sender": {"id": "cli_1", "id_type": "app_id", "sender_type": "app"},
            })
        };
        let bundle = "Merged and Forwarded Message";
        let items = json!([
            {"message_id": "om_0", "msg_type": "merge_forward", "body": {"content": bundle}},
            child("om_1", "om_0", "text", r#"{"text":"one"}"#),
            child("om_2", "om_0", "merge_forward", bundle),
            child("om_3", "om_2", "text", r#"{"text":"three"}"#),
            child("om_9", "om_elsewhere", "text", r#"{"text":"nine"}"#),
        ]);
        let sender = json!({"kind": "app", "id": "cli_1"});
        let text = |id: &str, text: &str| json!({"id": id, "type": "text", "text": text, "sender": sender});
        let expected = json!({
            "id": "om_0", "type": "merge_forward", "left_out": 1,
            "forwarded": [
                text("om_1", "one"),
                {"id": "om_2", "type": "merge_forward", "sender": sender, "forwarded": [text("om_3", "three")]},
            ],
        });
        assert_eq!(read(&items), Ok(expected));
    }

    #[test]
    fn a_bundle_is_bounded_in_depth_and_number() {
        let mut items = vec![json!({"message_id": "om_0", "msg_type": "merge_forward"})];
        for level in 1..=6 {
            items.push(json!({"message_id": format!("om_{level}"), "upper_message_id": format!("om_{}", level - 1)}));
        }
        let found = read(&json!(items)).expect("a bundle");
        assert_eq!(found["left_out"], 2);
        let mut many = vec![json!({"message_id": "om_0"})];
        many.extend((1..=300).map(|_| json!({"message_id": "om_1", "upper_message_id": "om_0"})));
        let found = read(&json!(many)).expect("a bundle");
        assert_eq!(found["left_out"], 300 - FORWARDED_MESSAGES);
        // A bundle that lies in itself is shown once.
        let own = vec![json!({"message_id": "om_1", "upper_message_id": "om_1"}); 80];
        let found = read(&json!(own)).expect("a message");
        assert!(found.to_string().matches("om_1").count() <= 80);
    }

    #[test]
    fn what_is_no_message() {
        assert_eq!(read(&json!([])), Err(Unavailable::NotFound));
        assert_eq!(read(&json!("x")), Err(Unavailable::NotFound));
        let recalled = json!([{"message_id": "om_1", "deleted": true}]);
        assert_eq!(read(&recalled), Err(Unavailable::Recalled));
        assert_eq!(FoundMessage::of_answer(b"<html>"), Err(Unavailable::Failed));
        let odd = json!([{"message_id": 7, "msg_type": [], "body": {"content": "\"x"}, "sender": 1, "mentions": {}}]);
        let sender = json!({"sender": {"kind": "unknown"}});
        assert_eq!(read(&odd), Ok(sender));
        let long = json!([{"msg_type": "text", "body": {"content": json!({"text": "ä".repeat(10_000)}).to_string()}}]);
        let text = read(&long).expect("a message");
        assert_eq!(text["text"].as_str().map(str::len), Some(FOUND_TEXT_BYTES));
    }
}
