//! The calls that edit a text, replace a card and recall a message.

use longwire_wire::open_api::message_code;
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal};
use super::messages::{author_of, chat_rate_refusal};
use crate::open_api::{Caller, Content, RateLimit, RateOf};
use crate::state::PlatformState;

/// How often a message may be edited.
const MOST_EDITS: u32 = 20;

impl PlatformState {
    /// PUT: another text or post.
    pub(super) fn edit_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id = asked.route.id;
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let Some(msg_type) = text("msg_type") else {
            return bad_field("msg_type");
        };
        let content = text("content").unwrap_or_default();
        let read = Content::read(msg_type, content);
        let read = read.filter(|_| msg_type == "text" || msg_type == "post");
        let Some(read) = read else {
            return parameter_refusal();
        };
        if let Err(refused) = self.may_change(caller, id, 230_071) {
            return refused;
        }
        let now_ms = self.moment(asked.now).unix_ms;
        let Some(message) = self.open_api.messages.get_mut(id) else {
            return deleted();
        };
        if message.msg_type != msg_type {
            return parameter_refusal();
        }
        if message.edits >= MOST_EDITS {
            let msg = "The message has reached the number of times it can be edited.";
            return refusal(400, message_code::AGGREGATED, msg);
        }
        message.edits += 1;
        message.change(content, read, now_ms);
        self.told(id)
    }

    /// PATCH: another card.
    pub(super) fn patch_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id = asked.route.id;
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let Some(content) = body.get("content").and_then(Value::as_str) else {
            return bad_field("content");
        };
        let Some(read) = Content::read("interactive", content) else {
            return parameter_refusal();
        };
        if let Err(refused) = self.may_change(caller, id, 230_071) {
            return refused;
        }
        let limit = RateLimit::per_second(self.settings.call_budgets.message_changes_per_second);
        let of = RateOf::Message(id.to_owned());
        if self.open_api.rates.admit(of, limit, asked.now).is_err() {
            return chat_rate_refusal();
        }
        let now_ms = self.moment(asked.now).unix_ms;
        let Some(message) = self.open_api.messages.get_mut(id) else {
            return deleted();
        };
        if message.msg_type != "interactive" || message.only_for.is_some() {
            return parameter_refusal();
        }
        message.change(content, read, now_ms);
        done(json!({}))
    }

    /// DELETE: nobody sees it any more.
    pub(super) fn recall_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id = asked.route.id;
        if let Err(refused) = self.may_change(caller, id, 230_026) {
            return refused;
        }
        let now_ms = self.moment(asked.now).unix_ms;
        if let Some(message) = self.open_api.messages.get_mut(id) {
            message.recalled_ms = Some(now_ms);
            message.is_streaming = false;
        }
        done(json!({}))
    }

    /// Whether the message stands and is the caller's own; `foreign` is the code if it is not.
    fn may_change(&self, caller: &Caller, id: &str, foreign: i64) -> Result<(), ApiReply> {
        let message = self.open_api.messages.get(id).ok_or_else(deleted)?;
        if message.recalled_ms.is_some() {
            return Err(refusal(
                400,
                message_code::RECALLED,
                "The message is recalled.",
            ));
        }
        if message.author != author_of(caller) {
            return Err(refusal(400, foreign, "The operator is not the sender."));
        }
        Ok(())
    }
}

/// There is no such message.
pub(super) fn deleted() -> ApiReply {
    let msg = "Action unavailable as the message has been deleted.";
    refusal(400, message_code::DELETED, msg)
}

pub(super) fn parameter_refusal() -> ApiReply {
    let msg = "Your request contains an invalid request parameter.";
    refusal(400, message_code::PARAMETER, msg)
}
