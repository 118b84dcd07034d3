//! The older calls: cards that one person sees, and a message to many people.

use std::borrow::Cow;

use longwire_wire::open_api::MessageRequest;
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal, success};
use super::changes::{deleted, parameter_refusal};
use super::destinations::Destination;
use super::messages::author_of;
use crate::ids::{hex32, scramble};
use crate::open_api::{Caller, Content};
use crate::state::PlatformState;

/// Most receivers of one kind.
const RECEIVERS_MOST: usize = 200;

impl PlatformState {
    /// A card in a group that one person sees.
    pub(super) fn ephemeral_send(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let Some(chat) = text("chat_id") else {
            return bad_field("chat_id");
        };
        let kinds = ["open_id", "user_id", "email"].into_iter();
        let person = kinds.filter_map(|kind| Some((kind, text(kind)?))).next();
        let Some((kind, person)) = person else {
            return bad_field("open_id");
        };
        let Some(card) = body.get("card").filter(|card| card.is_object()) else {
            return bad_field("card");
        };
        let person = self.open_api.directory.open_id_of(kind, person);
        if self.open_api.directory.is_topic_chat(chat) {
            return refusal(400, 18_053, "the chat takes no ephemeral card");
        }
        let message = MessageRequest {
            receive_id: None,
            msg_type: Cow::Borrowed("interactive"),
            content: Cow::Owned(card.to_string()),
            uuid: None,
            reply_in_thread: false,
        };
        let destination = Destination {
            chat: chat.to_owned(),
            parent: None,
        };
        let read = Content::of_card(card);
        match self.stand(caller, &message, read, destination, asked.now) {
            Err(refused) => refused,
            Ok(message_id) => {
                if let Some(message) = self.open_api.messages.get_mut(&message_id) {
                    message.only_for = Some(person);
                }
                done(json!({ "message_id": message_id }))
            }
        }
    }

    pub(super) fn ephemeral_delete(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let Some(id) = body.get("message_id").and_then(Value::as_str) else {
            return bad_field("message_id");
        };
        let now_ms = self.moment(asked.now).unix_ms;
        match self.open_api.messages.get_mut(id) {
            Some(message) if message.only_for.is_some() && message.author == author_of(caller) => {
                message.recalled_ms = Some(now_ms);
                success(json!({ "code": 0, "msg": "success" }))
            }
            _ => deleted(),
        }
    }

    /// A message in the direct chats of many people. Those who are out of range are named in the answer.
    pub(super) fn batch_send(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let Some(msg_type) = body.get("msg_type").and_then(Value::as_str) else {
            return bad_field("msg_type");
        };
        let content = body.get("content").or_else(|| body.get("card"));
        let content = content.map(Value::to_string).unwrap_or_default();
        if Content::read(msg_type, &content).is_none() {
            return parameter_refusal();
        }
        let mut invalid = json!({ "invalid_department_ids": [] });
        for (kind, list, bad) in [
            ("open_id", "open_ids", "invalid_open_ids"),
            ("user_id", "user_ids", "invalid_user_ids"),
            ("union_id", "union_ids", "invalid_union_ids"),
        ] {
            let ids = body.get(list).and_then(Value::as_array).cloned();
            let ids = ids.unwrap_or_default();
            if ids.len() > RECEIVERS_MOST {
                return bad_field(list);
            }
            let mut refused = Vec::new();
            for id in ids.iter().filter_map(Value::as_str) {
                let person = self.open_api.directory.open_id_of(kind, id);
                if self.open_api.directory.is_in_reach(&person) {
                    self.send_to(caller, &person, (msg_type, &content), asked);
                } else {
                    refused.push(id.to_owned());
                }
            }
            invalid[bad] = json!(refused);
        }
        let number = scramble(self.open_api.next_id());
        invalid["message_id"] = json!(format!("bm-{}", hex32(number, scramble(number))));
        success(json!({ "code": 0, "msg": "ok", "data": invalid }))
    }

    fn send_to(
        &mut self,
        caller: &Caller,
        person: &str,
        (msg_type, content): (&str, &str),
        asked: Asked<'_>,
    ) {
        let message = MessageRequest {
            receive_id: None,
            msg_type: Cow::Borrowed(msg_type),
            content: Cow::Borrowed(content),
            uuid: None,
            reply_in_thread: false,
        };
        let destination = Destination {
            chat: self.open_api.directory.direct_chat(&caller.app, person),
            parent: None,
        };
        if let Some(read) = Content::read(msg_type, content) {
            // A file that the app may not send is missed by everybody alike, and the call has no word for it.
            let _ = self.stand(caller, &message, read, destination, asked.now);
        }
    }
}
