//! The calls that make a card entity, stream a text into it and change its settings, or all of it.

use std::time::{Duration, Instant};

use longwire_wire::open_api::message_code;
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal, too_often};
use crate::api_call::ApiCall;
use crate::ids::scramble;
use crate::open_api::{Admitted, Caller, CardEntity, CardRefusal, ChangeHead, RateLimit, RateOf};
use crate::state::PlatformState;

/// For how long a card takes streamed texts: 10 minutes.
const STREAMING: Duration = Duration::from_secs(600);

impl PlatformState {
    pub(super) fn card_create(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let data = match (text("type"), text("data")) {
            (Some("card_json"), Some(data)) => data.to_owned(),
            (Some("template"), Some(data)) => template(data),
            _ => return bad_field("data"),
        };
        let card = match CardEntity::create(&caller.app, &data, asked.now) {
            Ok(card) => card,
            Err(refused) => return card_refusal(refused),
        };
        let number = scramble(self.settings.seed ^ scramble(self.open_api.next_id() ^ (1 << 62)));
        let card_id = format!("7{:018}", number % 1_000_000_000_000_000_000);
        self.open_api.cards.add(card_id.clone(), card);
        done(json!({ "card_id": card_id }))
    }

    /// Streams the whole text so far.
    pub(super) fn card_content(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let open_for = self.settings.scaled(STREAMING);
        let element = asked.route.part;
        self.card_change(caller, asked, |card, body| {
            let Some(text) = body.get("content").and_then(Value::as_str) else {
                return Err(Refused::Field("content"));
            };
            card.stream(element, text, open_for, asked.now)?;
            Ok(())
        })
    }

    pub(super) fn card_settings(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        self.card_change(caller, asked, |card, body| {
            let settings = inner(body, "settings")?;
            card.set(&settings, asked.now)?;
            Ok(())
        })
    }

    pub(super) fn card_replace(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        self.card_change(caller, asked, |card, body| {
            let data = body.pointer("/card/data").and_then(Value::as_str);
            let data = data.ok_or(Refused::Field("card"))?;
            let data = match body.pointer("/card/type").and_then(Value::as_str) {
                Some("template") => template(data),
                _ => data.to_owned(),
            };
            card.replace(&data, asked.now)?;
            Ok(())
        })
    }

    /// Makes one change, if its sequence and its rate allow it, and shows it.
    pub(super) fn card_change(
        &mut self,
        caller: &Caller,
        asked: Asked<'_>,
        change: impl FnOnce(&mut CardEntity, &Value) -> Result<(), Refused>,
    ) -> ApiReply {
        let card_id = asked.route.id;
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let Some(sequence) = body.get("sequence").and_then(Value::as_i64) else {
            return bad_field("sequence");
        };
        let head = ChangeHead {
            app: &caller.app,
            sequence,
            uuid: body.get("uuid").and_then(Value::as_str),
        };
        let Some(card) = self.open_api.cards.get_mut(card_id) else {
            return card_refusal(CardRefusal {
                code: 200_740,
                msg: "The card does not exist",
            });
        };
        match card.admit(head, asked.now) {
            Ok(Admitted::New) => {}
            Ok(Admitted::Repeat) => return done(json!({})),
            Err(refused) => return card_refusal(refused),
        }
        let budgets = self.settings.call_budgets;
        let per_second = match asked.route.call {
            // One sentence of the documentation exempts streaming.
            ApiCall::CardContent => 0,
            _ => budgets.card_changes_per_second,
        };
        let limit = RateLimit::per_second(per_second);
        let of = RateOf::Card(card_id.to_owned());
        if let Err(reached) = self.open_api.rates.admit(of, limit, asked.now) {
            return too_often(reached);
        }
        match change(card, &body) {
            Err(Refused::Card(refused)) => card_refusal(refused),
            Err(Refused::Field(field)) => bad_field(field),
            Ok(()) => {
                card.made(head);
                self.show_card(card_id, asked.now);
                done(json!({}))
            }
        }
    }

    /// Whether a message may show this card: it exists, is the app's own, and is shown nowhere yet.
    pub(super) fn check_sendable(&self, caller: &Caller, card_id: &str) -> Result<(), ApiReply> {
        let (code, why) = match self.open_api.cards.get(card_id) {
            None => (200_740, "card not exist"),
            Some(card) if card.app != caller.app => (300_311, "card of another app"),
            Some(card) if card.message_id.is_some() => (200_220, "card has been sent"),
            Some(_) => return Ok(()),
        };
        let msg = format!("Failed to create card content, ext=ErrCode: {code}; ErrMsg: {why}; ");
        Err(refusal(400, message_code::CARD_CONTENT, &msg))
    }

    /// A message shows this card from now on.
    pub(super) fn card_is_shown(&mut self, card_id: &str, message_id: &str, now: Instant) {
        if let Some(card) = self.open_api.cards.get_mut(card_id) {
            card.message_id = Some(message_id.to_owned());
            // What it says at first replaces nothing.
            if let Some(message) = self.open_api.messages.get_mut(message_id) {
                message.text = card.text();
            }
        }
        self.show_card(card_id, now);
    }

    fn show_card(&mut self, card_id: &str, now: Instant) {
        let now_ms = self.moment(now).unix_ms;
        let Some(card) = self.open_api.cards.get(card_id) else {
            return;
        };
        let message_id = card.message_id.as_deref();
        if let Some(message) = message_id.and_then(|id| self.open_api.messages.get_mut(id)) {
            message.is_streaming = card.is_streaming();
            message.show(card.text(), now_ms);
        }
    }
}

/// Why a change is refused.
#[derive(Debug)]
pub(super) enum Refused {
    Card(CardRefusal),
    Field(&'static str),
}

impl From<CardRefusal> for Refused {
    fn from(refusal: CardRefusal) -> Self {
        Self::Card(refusal)
    }
}

pub(super) fn card_refusal(refused: CardRefusal) -> ApiReply {
    refusal(400, refused.code, refused.msg)
}

/// JSON within a member: a text with it, as documented, or the value itself.
pub(super) fn inner(body: &Value, member: &'static str) -> Result<Value, Refused> {
    match body.get(member) {
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| Refused::Field(member)),
        Some(value) => Ok(value.clone()),
        None => Err(Refused::Field(member)),
    }
}

/// A card that says which template it would be.
fn template(data: &str) -> String {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let id = data.get("template_id").and_then(Value::as_str);
    let text = format!("[template {}]", id.unwrap_or_default());
    json!({ "schema": "2.0", "body": { "elements": [{ "tag": "markdown", "content": text }] } })
        .to_string()
}
