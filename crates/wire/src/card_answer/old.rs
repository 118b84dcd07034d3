//! Rewrites an answer for callbacks of the old generation.
//!
//! Their answer is flat: the members of the new card stand beside `toast` at top level, or `type` and `data` of a template.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Why an answer cannot be written for a callback of the old generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OldAnswerError {
    /// The bytes are not an answer that [`CardAnswer`](super::CardAnswer) has checked.
    #[error("this is no checked answer to a click")]
    Unchecked,
    /// A card of schema 2.0. The old generation is that of cards of schema 1.0, and a card keeps its schema.
    #[error("a card of the old generation cannot be replaced by one of schema 2.0")]
    SchemaNotOld,
    /// A member of the card would be read as something else where it stands beside the toast.
    #[error("the card has a member {member:?}, which means something else in an old answer")]
    Collision {
        /// Its name.
        member: &'static str,
    },
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    toast: Option<&'a RawValue>,
    #[serde(borrow)]
    card: Option<Card<'a>>,
}

#[derive(Deserialize)]
struct Card<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// The members that an old answer reads as its own.
const OWN: [&str; 3] = ["toast", "type", "data"];

/// The flat form of an answer of the shape [`CardClick`](super::AnswerShape::CardClick), as [`CardAnswer`](super::CardAnswer)
/// checked it. What the application wrote goes out as it was written.
pub fn old_card_answer(answer: &[u8]) -> Result<Bytes, OldAnswerError> {
    let unchecked = |_| OldAnswerError::Unchecked;
    let answer: Answer<'_> = serde_json::from_slice(answer).map_err(unchecked)?;
    let mut members = Vec::new();
    if let Some(toast) = answer.toast {
        members.push(format!("\"toast\":{}", toast.get()));
    }
    match answer.card {
        None => {}
        Some(Card { r#type, data }) if r#type == "template" => {
            members.push(format!("\"type\":\"template\",\"data\":{}", data.get()));
        }
        Some(Card { data, .. }) => members.extend(members_of_card(data.get())?),
    }
    Ok(format!("{{{}}}", members.join(",")).into())
}

/// The members of a card of schema 1.0 without the braces around them; `None` of an empty one.
fn members_of_card(card: &str) -> Result<Option<String>, OldAnswerError> {
    let members: BTreeMap<Cow<'_, str>, Value> =
        serde_json::from_str(card).map_err(|_| OldAnswerError::Unchecked)?;
    if members.get("schema").and_then(Value::as_str) == Some("2.0") {
        return Err(OldAnswerError::SchemaNotOld);
    }
    if let Some(member) = OWN.into_iter().find(|own| members.contains_key(*own)) {
        return Err(OldAnswerError::Collision { member });
    }
    let inside = card
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let inside = inside.ok_or(OldAnswerError::Unchecked)?.trim();
    Ok((!inside.is_empty()).then(|| inside.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::card_answer::{AnswerShape, CardAnswer};

    fn check(answer: &Value, expected: Result<Value, OldAnswerError>) {
        let answer = CardAnswer::parse(AnswerShape::CardClick, answer.to_string().as_bytes());
        let old = old_card_answer(answer.expect("a documented answer").json());
        let old = old.map(|json| serde_json::from_slice::<Value>(&json).expect("JSON"));
        assert_eq!(old, expected);
    }

    #[test]
    fn an_answer_becomes_flat() {
        let toast = json!({"type": "info", "content": "done", "i18n": {"zh_cn": "好"}});
        let card = json!({
            "config": {"update_multi": true},
            "header": {"title": {"tag": "plain_text", "content": "Approved"}},
            "elements": [],
        });
        let template = json!({"template_id": "t", "template_variable": {"a": 1}});
        check(&json!({}), Ok(json!({})));
        check(&json!({"toast": toast}), Ok(json!({"toast": toast})));
        check(
            &json!({"card": {"type": "raw", "data": card}}),
            Ok(card.clone()),
        );
        let mut both = card.clone();
        both["toast"] = toast.clone();
        check(
            &json!({"toast": toast, "card": {"type": "raw", "data": card}}),
            Ok(both),
        );
        check(
            &json!({"card": {"type": "template", "data": template}}),
            Ok(json!({"type": "template", "data": template})),
        );
    }

    #[test]
    fn what_the_old_generation_cannot_say() {
        check(
            &json!({"card": {"type": "raw", "data": {"schema": "2.0", "body": {}}}}),
            Err(OldAnswerError::SchemaNotOld),
        );
        for member in ["toast", "type", "data"] {
            let mut card = json!({"elements": []});
            card[member] = json!("x");
            check(
                &json!({"card": {"type": "raw", "data": card}}),
                Err(OldAnswerError::Collision { member }),
            );
        }
    }

    #[test]
    fn what_nobody_checked_goes_nowhere() {
        for bytes in [&b"[]"[..], b"", b"{\"card\":{}}", b"{\"card\":7}", b"\xff"] {
            assert_eq!(old_card_answer(bytes), Err(OldAnswerError::Unchecked));
        }
    }
}
