//! The texts of a card, top to bottom.

use serde_json::Value;

/// Members that are walked, in the order in which a card shows them.
const SHOWN: [&str; 14] = [
    "header",
    "title",
    "subtitle",
    "i18n_elements",
    "zh_cn",
    "body",
    "text",
    "elements",
    "columns",
    "fields",
    "rows",
    "actions",
    "extra",
    "placeholder",
];
/// Tags whose `content` is a text.
const TEXTS: [&str; 4] = ["markdown", "plain_text", "lark_md", "text"];
/// How deep components may be nested. The platform's own limit is far lower.
const DEEPEST: usize = 32;

/// The texts of a card of either schema.
pub(crate) fn texts(card: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(card, 0, &mut found);
    found
}

fn walk(value: &Value, depth: usize, found: &mut Vec<String>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(entries) => entries
            .iter()
            .for_each(|entry| walk(entry, depth + 1, found)),
        Value::Object(members) => {
            let tag = members.get("tag").and_then(Value::as_str);
            let content = members.get("content").and_then(Value::as_str);
            if let Some(content) = content.filter(|text| !text.is_empty())
                && tag.is_none_or(|tag| TEXTS.contains(&tag))
            {
                found.push(content.to_owned());
            }
            if tag == Some("img") {
                found.push("[image]".to_owned());
            }
            for member in SHOWN {
                if let Some(inner) = members.get(member) {
                    walk(inner, depth + 1, found);
                }
            }
        }
        _ => {}
    }
}

/// The component with this `element_id`.
pub(crate) fn element<'a>(value: &'a mut Value, id: &str) -> Option<&'a mut Value> {
    if value.get("element_id").and_then(Value::as_str) == Some(id) {
        return Some(value);
    }
    match value {
        Value::Array(entries) => entries.iter_mut().find_map(|entry| element(entry, id)),
        Value::Object(members) => members.values_mut().find_map(|member| element(member, id)),
        _ => None,
    }
}

/// How many components there are.
pub(crate) fn elements(value: &Value) -> usize {
    match value {
        Value::Array(entries) => entries.iter().map(elements).sum(),
        Value::Object(members) => {
            usize::from(members.contains_key("tag")) + members.values().map(elements).sum::<usize>()
        }
        _ => 0,
    }
}

/// Takes the component with this `element_id` out of the list it stands in, or puts others in its place or beside it.
pub(crate) fn splice(value: &mut Value, id: &str, place: Place, new: &[Value]) -> bool {
    if let Value::Array(entries) = value {
        let at = entries
            .iter()
            .position(|entry| entry.get("element_id").and_then(Value::as_str) == Some(id));
        if let Some(at) = at {
            let range = match place {
                Place::Instead => at..at + 1,
                Place::Before => at..at,
                Place::After => at + 1..at + 1,
            };
            entries.splice(range, new.iter().cloned());
            return true;
        }
    }
    match value {
        Value::Array(entries) => entries
            .iter_mut()
            .any(|entry| splice(entry, id, place, new)),
        Value::Object(members) => members
            .values_mut()
            .any(|member| splice(member, id, place, new)),
        _ => false,
    }
}

/// Where new components go, seen from one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Instead,
    Before,
    After,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_in_order() {
        let card = json!({
            "schema": "2.0",
            "header": { "title": { "tag": "plain_text", "content": "Title" } },
            "config": { "summary": { "content": "not shown" } },
            "body": { "elements": [
                { "tag": "markdown", "element_id": "a", "content": "**one**" },
                { "tag": "column_set", "columns": [{ "tag": "column", "elements": [
                    { "tag": "button", "element_id": "b", "text": { "tag": "plain_text", "content": "Press" } } ] }] },
                { "tag": "img", "img_key": "img_1" },
            ] },
        });
        assert_eq!(texts(&card), ["Title", "**one**", "Press", "[image]"]);
        let old = json!({ "elements": [{ "tag": "div", "text": { "tag": "lark_md", "content": "old" } }] });
        assert_eq!(texts(&old), ["old"]);
        let mut card = card;
        element(&mut card, "a").expect("there")["content"] = json!("two");
        assert!(splice(&mut card, "b", Place::Instead, &[]));
        assert!(!splice(&mut card, "b", Place::After, &[]));
        assert_eq!(texts(&card), ["Title", "two", "[image]"]);
    }
}
