//! The calls that add, list and take back reactions.

use longwire_wire::open_api::message_code;
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal};
use super::messages::author_of;
use crate::ids::{hex32, scramble};
use crate::open_api::Caller;
use crate::state::PlatformState;
use crate::transcript::{ChatAuthor, ChatReaction};

/// Longest name of an emoji. The platform's are shorter.
const EMOJI_CHARS: usize = 40;

impl PlatformState {
    pub(super) fn react_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let emoji = body.pointer("/reaction_type/emoji_type");
        let Some(emoji) = emoji.and_then(Value::as_str) else {
            return bad_field("reaction_type");
        };
        let is_named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if emoji.is_empty() || emoji.len() > EMOJI_CHARS || !emoji.bytes().all(is_named) {
            return refusal(400, 231_001, "The reaction type is invalid.");
        }
        let number = scramble(self.settings.seed ^ scramble(!self.open_api.next_id()));
        let reaction = ChatReaction {
            reaction_id: hex32(number, scramble(number)),
            emoji: emoji.to_owned(),
            author: author_of(caller),
            at_ms: self.moment(asked.now).unix_ms,
            removed_at_ms: None,
        };
        match self.standing_mut(asked.route.id, asked.now) {
            Some(message) if message.recalled_ms.is_some() => {
                refusal(400, 231_003, "The message is not found.")
            }
            Some(message) => {
                let answer = told(&reaction);
                message.react(reaction);
                done(answer)
            }
            // A double that keeps no messages still says that it took one.
            None => done(told(&reaction)),
        }
    }

    pub(super) fn reactions_call(&self, message_id: &str) -> ApiReply {
        let Some(message) = self.open_api.messages.get(message_id) else {
            return refusal(400, message_code::DELETED, "The message is not found.");
        };
        let reactions = message.reactions.iter();
        let standing = reactions.filter(|reaction| reaction.removed_at_ms.is_none());
        let items: Vec<Value> = standing.map(told).collect();
        done(json!({ "items": items, "has_more": false, "page_token": "" }))
    }

    pub(super) fn unreact_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let now_ms = self.moment(asked.now).unix_ms;
        let Some(message) = self.open_api.messages.get_mut(asked.route.id) else {
            return refusal(400, 231_003, "The message is not found.");
        };
        let mut reactions = message.reactions.iter_mut();
        let found = reactions.find(|reaction| {
            reaction.reaction_id == asked.route.part && reaction.removed_at_ms.is_none()
        });
        match found {
            None => refusal(400, 231_010, "The reaction id is invalid."),
            Some(reaction) if reaction.author != author_of(caller) => {
                refusal(400, 231_007, "The reaction is not the operator's.")
            }
            Some(reaction) => {
                reaction.removed_at_ms = Some(now_ms);
                done(told(reaction))
            }
        }
    }
}

fn told(reaction: &ChatReaction) -> Value {
    let (id, kind) = match &reaction.author {
        ChatAuthor::Bot(app) => (app, "app"),
        ChatAuthor::Person(person) | ChatAuthor::OtherBot(person) => (person, "user"),
    };
    json!({
        "reaction_id": reaction.reaction_id,
        "operator": { "operator_id": id, "operator_type": kind },
        "action_time": reaction.at_ms.to_string(),
        "reaction_type": { "emoji_type": reaction.emoji },
    })
}
