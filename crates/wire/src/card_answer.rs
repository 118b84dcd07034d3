//! What an application answers to a click on a card of Feishu or Lark, or to the question for a link's preview.
//!
//! The answer rides in the ACK of the event. The platform sends the event once and shows the user an error if the answer
//! is not what it expects. So [`CardAnswer::parse`] finds the mistake first, and says where it is and which code the
//! platform would have shown. A [`CardAnswer`] holds the documented members alone, each as the application wrote it.
//! An answer is refused only if the documents say that it is wrong.
//!
//! A platform that says more than this crate checks has the last word: components of a card are not checked, except for
//! their names within a form.
//!
//! A callback of the old generation, which comes over HTTP alone, is answered by a flat object. The application answers both
//! generations alike, and [`old_card_answer`] rewrites its answer.
//!
//! WeCom has no answer in an ACK. A click (`template_card_event`) is answered by the command
//! [`RespondUpdate`](crate::wecom::Command::RespondUpdate), the first entry of the day (`enter_chat`) by
//! [`RespondWelcome`](crate::wecom::Command::RespondWelcome): over the same connection, with the `req_id` of the event,
//! within 5 seconds ([`CARD_UPDATE`](crate::wecom::limit::CARD_UPDATE), [`WELCOME`](crate::wecom::limit::WELCOME)). The
//! application's answer is the body of that command, and [`check_body`](crate::wecom::check_body) checks it. Without an
//! answer nothing is sent, and the card stays as it is.

mod card;
mod error;
mod old;
mod toast;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::card::{CARD_BYTES, CardSchema};
pub use self::error::{CardAnswerError, CardFault};
pub use self::old::{OldAnswerError, old_card_answer};

use crate::answer;
use crate::callback::OLD_CARD_TYPE;

/// Which event is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerShape {
    /// `card.action.trigger`, and the old `card.action.trigger_v1`: `toast` and `card`, both optional.
    CardClick,
    /// `url.preview.get`: `inline` and `card`, both optional.
    UrlPreview,
}

impl AnswerShape {
    /// The shape of the answer to an event of this type; `None` if such an event takes no answer.
    pub fn of(event_type: &str) -> Option<AnswerShape> {
        match event_type {
            "card.action.trigger" | OLD_CARD_TYPE => Some(Self::CardClick),
            "url.preview.get" => Some(Self::UrlPreview),
            _ => None,
        }
    }

    /// The members that the answer may have.
    fn members(self) -> &'static str {
        match self {
            Self::CardClick => "toast and card",
            Self::UrlPreview => "inline and card",
        }
    }
}

/// A checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardAnswer {
    json: Bytes,
    schema: Option<CardSchema>,
}

/// The documented members, as they were written.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    toast: Option<&'a RawValue>,
    #[serde(borrow)]
    card: Option<&'a RawValue>,
    #[serde(borrow)]
    inline: Option<&'a RawValue>,
}

impl CardAnswer {
    /// The answer that changes nothing and shows nothing: `{}`.
    pub fn leave() -> CardAnswer {
        CardAnswer {
            json: Bytes::from_static(b"{}"),
            schema: None,
        }
    }

    /// Checks what an application answered.
    ///
    /// Members beside the documented ones are left out, because the platform's reaction to them is not documented. An
    /// object that has others alone, such as `{"status":"ok"}`, is refused. `null` counts as absent.
    pub fn parse(shape: AnswerShape, json: &[u8]) -> Result<CardAnswer, CardAnswerError> {
        let at_top = |fault| CardAnswerError::new("", fault);
        let text = std::str::from_utf8(json).map_err(|_| at_top(CardFault::NotJson))?;
        let tree: Value = serde_json::from_str(text).map_err(|_| at_top(CardFault::NotJson))?;
        let Value::Object(tree) = tree else {
            return Err(at_top(CardFault::NotAnObject));
        };
        // What is an object and JSON can be read again; a repeated member is the one mistake that is left.
        let raw: Members<'_> =
            serde_json::from_str(text).map_err(|_| at_top(CardFault::RepeatedMember))?;
        let (first, check): (_, fn(&Value) -> _) = match shape {
            AnswerShape::CardClick => (("toast", raw.toast), toast::check),
            AnswerShape::UrlPreview => (("inline", raw.inline), card::check_inline),
        };
        let mut kept = Vec::new();
        let mut schema = None;
        for (name, member) in [first, ("card", raw.card)] {
            let (Some(member), Some(value)) = (member, tree.get(name)) else {
                continue;
            };
            if name == "card" {
                schema = card::check(value)?;
            } else {
                check(value)?;
            }
            kept.push(format!("\"{name}\":{}", member.get()));
        }
        if kept.is_empty() && tree.values().any(|value| !value.is_null()) {
            return Err(at_top(CardFault::NothingKnown {
                members: shape.members(),
            }));
        }
        Ok(CardAnswer {
            json: format!("{{{}}}", kept.join(",")).into(),
            schema,
        })
    }

    /// Checks the new card against the schema of the card that was clicked, for whoever knows it: the event does not say.
    pub fn check_schema(&self, sent: CardSchema) -> Result<(), CardAnswerError> {
        match (sent, self.schema) {
            (CardSchema::V2, Some(CardSchema::V1)) => Err(CardAnswerError::new(
                "/card/data",
                CardFault::SchemaDowngrade,
            )),
            (CardSchema::V1 | CardSchema::V2, _) => Ok(()),
        }
    }

    /// The schema of the new card; `None` without a card and of a template.
    pub fn schema(&self) -> Option<CardSchema> {
        self.schema
    }

    /// The answer as JSON.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The payload of the ACK that carries the answer, see [`answer::with_data`].
    pub fn to_payload(&self) -> Vec<u8> {
        answer::with_data(&self.json)
    }
}

#[cfg(test)]
mod tests;
