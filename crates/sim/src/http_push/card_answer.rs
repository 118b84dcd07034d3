//! Judges the answers to card callbacks, by the codes that the platform shows to users and in its console.
//!
//! What it does with unknown members and with an empty body is not documented; [`CardAnswerRules`] says which way.

use serde_json::{Map, Value};

use super::push::ClickedSchema;
use crate::http_ledger::CardVerdict;
use crate::settings::CardAnswerRules;

/// No error.
pub(super) const OK: u32 = 0;
/// No answer in time.
pub(super) const LATE: u32 = 200_341;
/// No TCP connection.
pub(super) const NO_CONNECTION: u32 = 200_342;
/// The host's name is not known.
pub(super) const NO_NAME: u32 = 200_343;
/// Another status than 200.
const STATUS: u32 = 200_671;
/// A body of another shape.
const SHAPE: u32 = 200_672;
/// A card that cannot be shown.
const CARD: u32 = 200_673;
/// A card of schema 1.0 in place of one of 2.0.
const SCHEMA: u32 = 200_830;

/// Components of cards, of both schemas.
const COMPONENTS: [&str; 38] = [
    "a",
    "action",
    "at",
    "audio",
    "button",
    "chart",
    "checker",
    "collapsible_panel",
    "column",
    "column_set",
    "custom_icon",
    "date_picker",
    "div",
    "form",
    "hr",
    "img",
    "img_combination",
    "input",
    "interactive_container",
    "lark_md",
    "markdown",
    "multi_select_person",
    "multi_select_static",
    "note",
    "overflow",
    "person",
    "person_list",
    "picker_datetime",
    "picker_time",
    "plain_text",
    "repeat",
    "select_img",
    "select_person",
    "select_static",
    "standard_icon",
    "table",
    "text",
    "text_tag",
];
/// Members whose entries are components.
const COMPONENT_LISTS: [&str; 4] = ["elements", "columns", "actions", "card_elements"];
const TOAST_TYPES: [&str; 4] = ["info", "success", "warning", "error"];
/// Members of the old generation's answer, which is the card itself.
const OLD_CARD_MEMBERS: [&str; 9] = [
    "config",
    "header",
    "elements",
    "i18n_elements",
    "i18n_header",
    "card_link",
    "open_ids",
    "toast",
    "msg",
];

/// A verdict with this code and nothing to show.
pub(super) fn error(code: u32) -> CardVerdict {
    CardVerdict {
        code,
        ..CardVerdict::default()
    }
}

/// The generation of a card callback, with what its answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CardGeneration {
    New(ClickedSchema),
    Old,
}

/// Judges an answer that came in time.
pub(super) fn judge(
    generation: CardGeneration,
    status: u16,
    body: &[u8],
    rules: CardAnswerRules,
) -> CardVerdict {
    if status != 200 {
        return error(STATUS);
    }
    if body.is_empty() && rules == CardAnswerRules::Lenient {
        return CardVerdict::default();
    }
    let Ok(answer) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return error(SHAPE);
    };
    let judged = match generation {
        CardGeneration::New(schema) => of_new(&answer, schema, rules),
        CardGeneration::Old => of_old(&answer, rules),
    };
    judged.unwrap_or_else(error)
}

fn of_new(
    answer: &Map<String, Value>,
    clicked: ClickedSchema,
    rules: CardAnswerRules,
) -> Result<CardVerdict, u32> {
    const MEMBERS: [&str; 3] = ["toast", "card", "inline"];
    only(answer, &MEMBERS, rules)?;
    if answer
        .get("inline")
        .is_some_and(|inline| !inline.is_object())
    {
        return Err(SHAPE);
    }
    let toast = toast(answer)?;
    let Some(card) = answer.get("card") else {
        return Ok(CardVerdict {
            toast,
            ..CardVerdict::default()
        });
    };
    let data = card.get("data").and_then(Value::as_object).ok_or(SHAPE)?;
    match card.get("type").and_then(Value::as_str) {
        Some("raw") => raw_card(data, clicked)?,
        Some("template") => template(data)?,
        _ => return Err(SHAPE),
    }
    Ok(CardVerdict {
        code: OK,
        toast,
        card_changed: true,
    })
}

fn of_old(answer: &Map<String, Value>, rules: CardAnswerRules) -> Result<CardVerdict, u32> {
    if answer.get("type").and_then(Value::as_str) == Some("template") {
        template(answer.get("data").and_then(Value::as_object).ok_or(CARD)?)?;
        return Ok(CardVerdict {
            card_changed: true,
            ..CardVerdict::default()
        });
    }
    only(answer, &OLD_CARD_MEMBERS, rules)?;
    let toast = toast(answer)?;
    let has_components = |name: &str| answer.contains_key(name);
    let card_changed = has_components("elements") || has_components("i18n_elements");
    if !components(answer) {
        return Err(CARD);
    }
    Ok(CardVerdict {
        code: OK,
        toast,
        card_changed,
    })
}

fn only(answer: &Map<String, Value>, members: &[&str], rules: CardAnswerRules) -> Result<(), u32> {
    let known = answer.keys().all(|key| members.contains(&key.as_str()));
    if known || rules == CardAnswerRules::Lenient {
        return Ok(());
    }
    Err(SHAPE)
}

fn toast(answer: &Map<String, Value>) -> Result<Option<String>, u32> {
    let Some(toast) = answer.get("toast") else {
        return Ok(None);
    };
    let toast = toast.as_object().ok_or(SHAPE)?;
    if let Some(kind) = toast.get("type") {
        let known = kind
            .as_str()
            .is_some_and(|kind| TOAST_TYPES.contains(&kind));
        if !known {
            return Err(SHAPE);
        }
    }
    let content = match toast.get("content") {
        Some(content) => Some(content.as_str().ok_or(SHAPE)?.to_owned()),
        None => None,
    };
    if content.is_none() && !toast.get("i18n").is_some_and(Value::is_object) {
        return Err(SHAPE);
    }
    Ok(content)
}

fn raw_card(card: &Map<String, Value>, clicked: ClickedSchema) -> Result<(), u32> {
    let is_second = card.get("schema").and_then(Value::as_str) == Some("2.0");
    match (clicked, is_second) {
        (ClickedSchema::V2, false) => return Err(SCHEMA),
        (ClickedSchema::V1, true) => return Err(CARD),
        (ClickedSchema::V2, true) | (ClickedSchema::V1, false) => {}
    }
    let holder = if is_second {
        card.get("body").and_then(Value::as_object)
    } else {
        Some(card)
    };
    let has_list = holder.is_some_and(|holder| {
        holder.get("elements").is_some_and(Value::is_array)
            || holder.get("i18n_elements").is_some_and(Value::is_object)
    });
    if has_list && components(card) {
        Ok(())
    } else {
        Err(CARD)
    }
}

fn template(data: &Map<String, Value>) -> Result<(), u32> {
    match data.get("template_id").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => Ok(()),
        _ => Err(CARD),
    }
}

/// Whether every entry of every list of components has a tag that exists.
fn are_components(value: &Value) -> bool {
    match value {
        Value::Object(object) => components(object),
        Value::Array(list) => list.iter().all(are_components),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn components(object: &Map<String, Value>) -> bool {
    object.iter().all(|(key, value)| {
        let is_list = COMPONENT_LISTS.contains(&key.as_str());
        let tags = value.as_array().filter(|_| is_list);
        let good = |entry: &Value| {
            let tag = entry.get("tag").and_then(Value::as_str);
            tag.is_some_and(|tag| COMPONENTS.contains(&tag))
        };
        tags.is_none_or(|tags| tags.iter().all(good)) && are_components(value)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NEW: CardGeneration = CardGeneration::New(ClickedSchema::V2);

    fn code(generation: CardGeneration, answer: &Value) -> u32 {
        let body = answer.to_string();
        judge(generation, 200, body.as_bytes(), CardAnswerRules::Strict).code
    }

    #[test]
    fn answers_of_the_new_generation() {
        let check = |answer: Value, wanted: u32| assert_eq!(code(NEW, &answer), wanted, "{answer}");
        check(json!({}), OK);
        check(json!({"toast": {"type": "info", "content": "hi"}}), OK);
        check(json!({"toast": {"i18n": {"en_us": "hi"}}}), OK);
        check(json!({"toast": {"type": "loud", "content": "hi"}}), SHAPE);
        check(json!({"toast": {}}), SHAPE);
        check(json!({"toast": "hi"}), SHAPE);
        check(json!({"inline": {"title": "a page"}}), OK);
        check(
            json!({"card": {"type": "template", "data": {"template_id": "AAq"}}}),
            OK,
        );
        check(json!({"card": {"type": "template", "data": {}}}), CARD);
        check(
            json!({"card": {"type": "raw", "data": {"schema": "2.0"}}}),
            CARD,
        );
        check(json!({"card": {"type": "other", "data": {}}}), SHAPE);
        check(json!({"card": {"type": "raw"}}), SHAPE);
        let deep = json!({"schema": "2.0", "body": {"elements": [
            {"tag": "form", "elements": [{"tag": "nope"}]}]}});
        check(json!({"card": {"type": "raw", "data": deep}}), CARD);
        check(json!([]), SHAPE);
    }

    #[test]
    fn a_card_keeps_its_schema() {
        let first = json!({"card": {"type": "raw", "data": {"elements": [{"tag": "hr"}]}}});
        assert_eq!(code(NEW, &first), SCHEMA);
        assert_eq!(code(CardGeneration::New(ClickedSchema::V1), &first), OK);
    }

    #[test]
    fn answers_of_the_old_generation() {
        let check = |answer: Value, wanted: u32| {
            assert_eq!(code(CardGeneration::Old, &answer), wanted, "{answer}");
        };
        check(json!({}), OK);
        check(json!({"msg": "success"}), OK);
        check(json!({"config": {}, "elements": [{"tag": "div"}]}), OK);
        check(json!({"elements": [{"tag": "nope"}]}), CARD);
        check(
            json!({"type": "template", "data": {"template_id": "AAq"}}),
            OK,
        );
        check(json!({"card": {"type": "raw", "data": {}}}), SHAPE);
    }

    #[test]
    fn what_is_not_documented_is_a_switch() {
        let lenient = |body: &[u8]| judge(NEW, 200, body, CardAnswerRules::Lenient).code;
        assert_eq!(lenient(b""), OK);
        assert_eq!(lenient(br#"{"status":"ok"}"#), OK);
        let strict = |body: &[u8]| judge(NEW, 200, body, CardAnswerRules::Strict).code;
        assert_eq!(strict(b""), SHAPE);
        assert_eq!(strict(br#"{"status":"ok"}"#), SHAPE);
    }
}
