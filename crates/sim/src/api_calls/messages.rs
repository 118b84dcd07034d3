//! The calls that send a message and reply to one.

use std::time::Instant;

use longwire_wire::open_api::{MessageRequest, TEXT_REQUEST_BYTES, code, message_code};
use serde_json::{Value, json};

use super::answers::{ApiReply, refusal, scripted, success};
use super::token_refusal;
use crate::behaviour::{Behaviour, Occasion};
use crate::http::HttpRequest;
use crate::ids::{hex32, scramble};
use crate::message::{chat_of, number_of, tenant_key};
use crate::open_api::BotMessage;
use crate::state::PlatformState;

/// Where a message goes.
struct Destination {
    chat: String,
    in_reply_to: Option<String>,
}

impl PlatformState {
    pub(super) fn send_call(&mut self, request: &HttpRequest, now: Instant) -> ApiReply {
        let kind = request.query("receive_id_type").unwrap_or_default();
        let known = ["open_id", "union_id", "user_id", "email", "chat_id"];
        let has_kind = known.contains(&&*kind);
        self.message_call(request, now, |_, asked| {
            let receiver = asked.receive_id.as_deref().filter(|id| !id.is_empty());
            match receiver {
                Some(receiver) if has_kind => Ok(Destination {
                    chat: receiver.to_owned(),
                    in_reply_to: None,
                }),
                _ => Err(refusal(400, code::FIELD_INVALID, "field validation failed")),
            }
        })
    }

    pub(super) fn reply_call(
        &mut self,
        request: &HttpRequest,
        message_id: &str,
        now: Instant,
    ) -> ApiReply {
        self.message_call(request, now, |state, _| {
            if state.open_api.is_recalled(message_id) {
                let msg = "The message is recalled.";
                return Err(refusal(400, message_code::RECALLED, msg));
            }
            let generated = || {
                let number = number_of(message_id, state.settings.seed);
                chat_of(number.unwrap_or(0), state.generator.chats())
            };
            let chat = state.open_api.chat_of(message_id).map(str::to_owned);
            Ok(Destination {
                chat: chat.unwrap_or_else(generated),
                in_reply_to: Some(message_id.to_owned()),
            })
        })
    }

    fn message_call(
        &mut self,
        request: &HttpRequest,
        now: Instant,
        destination: impl FnOnce(&Self, &MessageRequest<'_>) -> Result<Destination, ApiReply>,
    ) -> ApiReply {
        self.ledger.message_calls += 1;
        let app = match self.open_api.app_of(request.header("authorization"), now) {
            Ok(app) => app,
            Err(refused) => return token_refusal(refused),
        };
        let mut instead = None;
        match self.scripts.take(Occasion::Message, &app) {
            Some(Behaviour::MessageRefuse {
                http,
                code,
                msg,
                reset_s,
                scopes,
            }) => return scripted(http, code, &msg, reset_s, &scopes),
            Some(Behaviour::MessageHang) => return ApiReply::Hang,
            Some(Behaviour::MessageHttp { status }) => return ApiReply::Page { status },
            Some(Behaviour::MessageUnanswered) => instead = Some(ApiReply::Hang),
            Some(Behaviour::MessageReset) => instead = Some(ApiReply::Reset),
            _ => {}
        }
        let Ok(asked) = MessageRequest::parse(&request.body) else {
            return refusal(400, code::FIELD_INVALID, "field validation failed");
        };
        let reply = self.take_message(&app, &asked, request.body.len(), destination, now);
        instead.unwrap_or(reply)
    }

    fn take_message(
        &mut self,
        app: &str,
        asked: &MessageRequest<'_>,
        body_bytes: usize,
        destination: impl FnOnce(&Self, &MessageRequest<'_>) -> Result<Destination, ApiReply>,
        now: Instant,
    ) -> ApiReply {
        if body_bytes > TEXT_REQUEST_BYTES {
            let msg = "The length of the message content reaches its limit.";
            return refusal(400, message_code::TOO_LONG, msg);
        }
        let content: Option<Value> = serde_json::from_str(&asked.content).ok();
        let text = content.as_ref().and_then(|content| content.get("text"));
        let text = text.and_then(Value::as_str).map(str::to_owned);
        if content.is_none() || (asked.msg_type == "text" && text.is_none()) {
            let msg = "Your request contains an invalid request parameter.";
            return refusal(400, message_code::PARAMETER, msg);
        }
        if let Some(uuid) = &asked.uuid
            && let Some(earlier) = self.open_api.earlier(app, uuid, now)
        {
            earlier.calls += 1;
            let answer = success_of(earlier);
            self.ledger.message_repeats += 1;
            return answer;
        }
        let destination = match destination(self, asked) {
            Ok(destination) => destination,
            Err(refused) => return refused,
        };
        let limit = self.settings.chat_messages_per_second;
        if !self.open_api.admit(&destination.chat, limit, now) {
            let msg = "This operation triggers the frequency limit, ext=chat rate limit";
            return refusal(400, message_code::CHAT_RATE_LIMITED, msg);
        }
        self.ledger.messages_sent += 1;
        let number = scramble(self.settings.seed ^ self.open_api.calls);
        let message = BotMessage {
            message_id: format!("om_{}", hex32(number, scramble(number))),
            app: app.to_owned(),
            chat: destination.chat,
            in_reply_to: destination.in_reply_to,
            msg_type: asked.msg_type.clone().into_owned(),
            text,
            content: asked.content.clone().into_owned(),
            uuid: asked.uuid.clone().map(std::borrow::Cow::into_owned),
            calls: 1,
            at_ms: self.wall_clock.unix_ms(now),
        };
        let answer = success_of(&message);
        self.open_api.keep(message, self.settings.keep_records, now);
        answer
    }
}

fn success_of(message: &BotMessage) -> ApiReply {
    let time = message.at_ms.to_string();
    let mut data = json!({
        "message_id": message.message_id,
        "msg_type": message.msg_type,
        "create_time": time,
        "update_time": time,
        "deleted": false,
        "updated": false,
        "chat_id": message.chat,
        "sender": {
            "id": message.app,
            "id_type": "app_id",
            "sender_type": "app",
            "tenant_key": tenant_key(),
        },
        "body": { "content": message.content },
    });
    if let Some(parent) = &message.in_reply_to {
        data["root_id"] = json!(parent);
        data["parent_id"] = json!(parent);
    }
    success(json!({ "code": 0, "msg": "success", "data": data }))
}
