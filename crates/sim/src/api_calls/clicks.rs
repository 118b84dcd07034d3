//! Clicks on cards: what the answer to one shows, and the call that changes the card afterwards.

use std::time::Instant;

use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, bare_refusal, success};
use crate::open_api::{Caller, Content, Memory, StandingMessage, Unusable};
use crate::state::PlatformState;
use crate::transcript::{ChatAuthor, ChatClick};

/// A click as it was pushed.
#[derive(Debug)]
pub(crate) struct NewClick<'a> {
    pub(crate) app: &'a str,
    /// The update credential.
    pub(crate) token: &'a str,
    pub(crate) message_id: &'a str,
    pub(crate) chat: &'a str,
    pub(crate) person: &'a str,
    pub(crate) value: &'a Value,
}

impl PlatformState {
    /// A person clicks on a card. A card that nobody sent stands there from now on.
    pub(crate) fn card_clicked(&mut self, click: &NewClick<'_>, now: Instant) {
        let at = self.moment(now);
        if self.open_api.messages.get(click.message_id).is_none() {
            let author = ChatAuthor::Bot(click.app.to_owned());
            let (id, chat) = (click.message_id.to_owned(), click.chat.to_owned());
            let mut card = StandingMessage::new(id, chat, author, at);
            "interactive".clone_into(&mut card.msg_type);
            "[card]".clone_into(&mut card.text);
            card.memory = Memory::IdOnly;
            self.open_api.messages.add(card, self.settings.keep_records);
        }
        if let Some(message) = self.open_api.messages.get_mut(click.message_id) {
            message.click(ChatClick {
                person: click.person.to_owned(),
                value: click.value.clone(),
                at_ms: at.unix_ms,
                toast: None,
                is_answered: false,
            });
        }
        let born = (now, at.unix_ms);
        self.open_api
            .credentials
            .give(click.token, click.app, click.message_id, born);
    }

    /// The click with this credential was answered: its toast is seen, and its card takes the place of the old one.
    pub(crate) fn click_answered(&mut self, token: &str, answer: Option<&[u8]>, now: Instant) {
        let now_ms = self.moment(now).unix_ms;
        let Some((message_id, clicked_ms)) = self.open_api.credentials.answer(token) else {
            return;
        };
        let Some(message) = self.open_api.messages.get_mut(&message_id) else {
            return;
        };
        let answer = answer.and_then(|answer| serde_json::from_slice::<Value>(answer).ok());
        let answer = answer.unwrap_or_default();
        let toast = answer.pointer("/toast/content").and_then(Value::as_str);
        let mut clicks = message.clicks.iter_mut().rev();
        let clicked = clicks.find(|click| click.at_ms == clicked_ms && !click.is_answered);
        if let Some(click) = clicked {
            click.is_answered = true;
            click.toast = toast.map(str::to_owned);
        }
        // The old generation's answer is the card itself.
        let is_old = answer.get("elements").is_some() || answer.get("i18n_elements").is_some();
        let old = is_old.then_some(&answer);
        if let Some(card) = answer.get("card").or(old) {
            let card = match card.get("type").and_then(Value::as_str) {
                Some("raw") => card.get("data").unwrap_or(card),
                _ => card,
            };
            message.change(&card.to_string(), Content::of_card(card), now_ms);
        }
    }

    /// Changes the card after the click was answered.
    pub(super) fn delayed_update(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let Ok(body) = serde_json::from_slice::<Value>(&asked.request.body) else {
            return bare_refusal(400, 100_030, "The body is not JSON");
        };
        let Some(card) = body.get("card").filter(|card| card.is_object()) else {
            return bad_field("card");
        };
        let token = body
            .get("token")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let spent = self
            .open_api
            .credentials
            .spend(token, &caller.app, asked.now);
        let message_id = match spent {
            Ok(message_id) => message_id,
            // What an update before the answer gets is not documented; it changes nothing.
            Err(Unusable::Unknown | Unusable::NotYet) => {
                return bare_refusal(400, 300_020, "invalid token");
            }
            Err(Unusable::Expired) => return bare_refusal(400, 300_030, "token expired"),
            Err(Unusable::UsedUp) => {
                return bare_refusal(400, 300_040, "token used more than 2 times");
            }
            Err(Unusable::OtherApp) => return bare_refusal(400, 200_310, "card of another app"),
        };
        let now_ms = self.moment(asked.now).unix_ms;
        match self.open_api.messages.get_mut(&message_id) {
            Some(message) if message.recalled_ms.is_some() => {
                bare_refusal(400, 200_000, "the message is recalled")
            }
            Some(message) => {
                message.change(&card.to_string(), Content::of_card(card), now_ms);
                success(json!({ "code": 0, "msg": "ok" }))
            }
            None => success(json!({ "code": 0, "msg": "ok" })),
        }
    }
}
