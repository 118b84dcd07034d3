//! What the JSON of a card entity has to be.

use serde_json::Value;

use super::card_text;

/// Longest card JSON.
const CARD_BYTES: usize = 30 * 1024;
/// Most components of a card.
pub(super) const CARD_ELEMENTS: usize = 200;

/// A change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CardRefusal {
    pub(crate) code: i64,
    pub(crate) msg: &'static str,
}

pub(super) const fn refused<T>(code: i64, msg: &'static str) -> Result<T, CardRefusal> {
    Err(CardRefusal { code, msg })
}

/// Reads a card entity.
pub(super) fn parse_card(data: &str) -> Result<Value, CardRefusal> {
    if data.len() > CARD_BYTES {
        return refused(200_860, "Card content exceeds the limit");
    }
    let Ok(json @ Value::Object(_)) = serde_json::from_str::<Value>(data) else {
        return refused(10_002, "The card is invalid");
    };
    if json.get("schema").and_then(Value::as_str) != Some("2.0") {
        return refused(300_303, "Only schema 2.0 is supported");
    }
    if json.pointer("/config/update_multi") == Some(&Value::Bool(false)) {
        return refused(300_302, "update_multi must be true");
    }
    if card_text::elements(&json) > CARD_ELEMENTS {
        return refused(300_305, "The number of elements exceeds the limit");
    }
    let mut ids = Vec::new();
    element_ids(&json, &mut ids);
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < count || !ids.iter().all(|id| is_element_id(id)) {
        return refused(300_301, "The element_id is invalid");
    }
    Ok(json)
}

fn element_ids<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(entries) => entries.iter().for_each(|entry| element_ids(entry, found)),
        Value::Object(members) => {
            found.extend(members.get("element_id").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| element_ids(member, found));
        }
        _ => {}
    }
}

/// A letter, then letters, digits and `_`, 20 at most.
fn is_element_id(id: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    id.len() <= 20
        && id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(is_inner)
}
