//! Checks the members `card` and `inline` of an answer.

use serde_json::{Map, Value};

use super::toast::{check_text, check_translations, escaped, present};
use super::{CardAnswerError, CardFault};

/// The largest card, in bytes of compact JSON: 30 KB, the documented limit for a card that is sent (error 230025). That of
/// an answer is not documented on its own; the larger reading of "KB" is taken.
pub const CARD_BYTES: usize = 30 * 1024;

/// The version of a card's JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardSchema {
    /// `elements` or `i18n_elements` at top level.
    V1,
    /// `"schema":"2.0"` and `body`.
    V2,
}

/// Components that give a form its values. Those need a name.
const FORM_COMPONENTS: [&str; 11] = [
    "button",
    "input",
    "select_static",
    "multi_select_static",
    "select_person",
    "multi_select_person",
    "date_picker",
    "picker_time",
    "picker_datetime",
    "checker",
    "select_img",
];

const DATA: &str = "/card/data";

fn error(pointer: &str, fault: CardFault) -> CardAnswerError {
    CardAnswerError::new(pointer, fault)
}

fn object<'a>(pointer: &str, value: &'a Value) -> Result<&'a Map<String, Value>, CardAnswerError> {
    let fault = match value {
        Value::Object(object) => return Ok(object),
        Value::String(_) if pointer == DATA => CardFault::JsonInString,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            CardFault::Type {
                expected: "an object",
            }
        }
    };
    Err(error(pointer, fault))
}

/// Checks the member `card`, and says of which schema its card is; `None` for a template.
pub(super) fn check(card: &Value) -> Result<Option<CardSchema>, CardAnswerError> {
    let card = object("/card", card)?;
    let missing = |member| error("/card", CardFault::Missing { member });
    let kind = present(card.get("type")).ok_or(missing("type"))?;
    let data = present(card.get("data")).ok_or(missing("data"));
    match kind.as_str() {
        Some("raw") => check_raw(object(DATA, data?)?).map(Some),
        Some("template") => check_template(object(DATA, data?)?).map(|()| None),
        _ => {
            let words = "raw and template";
            Err(error("/card/type", CardFault::Word { words }))
        }
    }
}

fn check_template(data: &Map<String, Value>) -> Result<(), CardAnswerError> {
    let id = present(data.get("template_id"));
    let member = "template_id";
    let id = id.ok_or(error(DATA, CardFault::Missing { member }))?;
    check_text("/card/data/template_id", id)?;
    if let Some(version) = present(data.get("template_version_name")) {
        check_text("/card/data/template_version_name", version)?;
    }
    if let Some(variables) = present(data.get("template_variable")) {
        object("/card/data/template_variable", variables)?;
    }
    check_size(data)
}

fn check_raw(data: &Map<String, Value>) -> Result<CardSchema, CardAnswerError> {
    let schema = match present(data.get("schema")).map(Value::as_str) {
        Some(Some("2.0")) => CardSchema::V2,
        None | Some(Some("1.0")) => CardSchema::V1,
        Some(_) => {
            let words = "\"2.0\" and \"1.0\"";
            return Err(error("/card/data/schema", CardFault::Word { words }));
        }
    };
    let missing = |member| Err(error(DATA, CardFault::Missing { member }));
    match schema {
        CardSchema::V2 => match present(data.get("body")) {
            Some(body) => drop(object("/card/data/body", body)?),
            None => return missing("body"),
        },
        CardSchema::V1 => {
            let has = |member: &str| present(data.get(member)).is_some();
            if !has("elements") && !has("i18n_elements") {
                if has("body") {
                    return Err(error(DATA, CardFault::SchemaNotNamed));
                }
                return missing("elements or i18n_elements");
            }
        }
    }
    check_size(data)?;
    for (name, value) in data {
        check_forms(&format!("{DATA}/{}", escaped(name)), value, false)?;
    }
    Ok(schema)
}

fn check_size(data: &Map<String, Value>) -> Result<(), CardAnswerError> {
    let len = serde_json::to_vec(data).map_or(0, |json| json.len());
    if len > CARD_BYTES {
        let max = CARD_BYTES;
        return Err(error(DATA, CardFault::TooLarge { len, max }));
    }
    Ok(())
}

/// Looks for components without a name within forms. The JSON reader bounds the depth.
fn check_forms(pointer: &str, value: &Value, in_form: bool) -> Result<(), CardAnswerError> {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                check_forms(&format!("{pointer}/{index}"), value, in_form)?;
            }
        }
        Value::Object(members) => {
            let tag = members.get("tag").and_then(Value::as_str);
            let is_component = tag.is_some_and(|tag| FORM_COMPONENTS.contains(&tag));
            let name = members.get("name").and_then(Value::as_str);
            if in_form && is_component && name.is_none_or(str::is_empty) {
                return Err(error(pointer, CardFault::NoName));
            }
            for (name, value) in members {
                let pointer = format!("{pointer}/{}", escaped(name));
                check_forms(&pointer, value, in_form || tag == Some("form"))?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// Checks the member `inline` of a link's preview.
pub(super) fn check_inline(inline: &Value) -> Result<(), CardAnswerError> {
    let inline = object("/inline", inline)?;
    let title = present(inline.get("title"));
    let titles = present(inline.get("i18n_title"));
    if let Some(title) = title {
        check_text("/inline/title", title)?;
    }
    if let Some(titles) = titles {
        check_translations("/inline/i18n_title", titles)?;
    }
    if title.is_none() && titles.is_none() {
        let member = "title or i18n_title";
        return Err(error("/inline", CardFault::Missing { member }));
    }
    if let Some(key) = present(inline.get("image_key")) {
        check_text("/inline/image_key", key)?;
    }
    if let Some(urls) = present(inline.get("url")) {
        for (name, url) in object("/inline/url", urls)? {
            if let Some(url) = present(Some(url)) {
                check_text(&format!("/inline/url/{}", escaped(name)), url)?;
            }
        }
    }
    Ok(())
}
