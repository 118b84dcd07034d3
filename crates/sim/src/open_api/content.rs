//! What a person reads in the content of a message, and how the platform gives it back.

use serde_json::{Value, json};

use super::card_text;

/// A mention in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// `@_user_1` and so on.
    pub(crate) key: String,
    pub(crate) open_id: String,
    pub(crate) name: String,
}

/// The content of a message that a bot sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// What a person reads.
    pub(crate) text: String,
    /// `body.content` of answers.
    pub(crate) echo: String,
    pub(crate) mentions: Vec<Mention>,
    /// The key of its image or file.
    pub(crate) resource: Option<String>,
    /// The card entity that it shows.
    pub(crate) card_id: Option<String>,
}

impl Content {
    /// Reads the content of a message of this type; `None` if it is not what the type needs.
    pub(crate) fn read(msg_type: &str, content: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(content).ok()?;
        let member = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let plain = |text: String, resource: Option<String>| Self {
            text,
            echo: content.to_owned(),
            resource,
            ..Self::default()
        };
        match msg_type {
            "text" => Some(Self::of_text(&member("text")?)),
            "post" => Self::of_post(&value),
            "image" => Some(plain("[image]".to_owned(), Some(member("image_key")?))),
            "file" | "audio" | "media" | "sticker" => {
                Some(plain(format!("[{msg_type}]"), Some(member("file_key")?)))
            }
            "interactive" => value.is_object().then(|| Self::of_card(&value)),
            "share_chat" => Some(plain(format!("[chat {}]", member("chat_id")?), None)),
            "share_user" => Some(plain(format!("[contact {}]", member("user_id")?), None)),
            "system" => value
                .is_object()
                .then(|| plain("[divider]".to_owned(), None)),
            _ => None,
        }
    }

    /// A text, whose `<at user_id="…">name</at>` become mentions.
    fn of_text(text: &str) -> Self {
        let (mut shown, mut echo, mut mentions) = (String::new(), String::new(), Vec::new());
        let mut rest = text;
        while let Some((before, at)) = rest.split_once("<at user_id=\"") {
            let Some((id, (name, after))) = at
                .split_once("\">")
                .and_then(|(id, inner)| Some((id, inner.split_once("</at>")?)))
            else {
                break;
            };
            shown.push_str(before);
            echo.push_str(before);
            if id == "all" {
                shown.push_str("@all");
                echo.push_str("@_all");
            } else {
                let key = format!("@_user_{}", mentions.len() + 1);
                shown.push('@');
                shown.push_str(name);
                echo.push_str(&key);
                mentions.push(Mention {
                    key,
                    open_id: id.to_owned(),
                    name: name.to_owned(),
                });
            }
            rest = after;
        }
        shown.push_str(rest);
        echo.push_str(rest);
        Self {
            text: shown,
            echo: json!({ "text": echo }).to_string(),
            mentions,
            ..Self::default()
        }
    }

    /// A post: the first locale, its title and its rows.
    fn of_post(value: &Value) -> Option<Self> {
        let locales = value.as_object()?;
        // Some clients leave the locale out, and the platform takes that.
        let post = if locales.contains_key("content") {
            value
        } else {
            locales.values().find(|locale| locale.is_object())?
        };
        let title = post.get("title").and_then(Value::as_str).unwrap_or("");
        let rows = post.get("content")?.as_array()?;
        let mut lines: Vec<String> = Vec::new();
        if !title.is_empty() {
            lines.push(title.to_owned());
        }
        let mut echoed = Vec::new();
        for row in rows {
            let nodes = row.as_array()?;
            lines.push(nodes.iter().map(node_text).collect());
            echoed.push(nodes.iter().map(node_echo).collect::<Vec<_>>());
        }
        let key = rows.iter().filter_map(Value::as_array).flatten();
        let key = key.filter_map(|node| node.get("image_key").or_else(|| node.get("file_key")));
        let resource = key.filter_map(Value::as_str).next().map(str::to_owned);
        Some(Self {
            text: lines.join("\n"),
            echo: json!({ "title": title, "content": echoed }).to_string(),
            resource,
            ..Self::default()
        })
    }

    /// A card: its JSON, a template, or a card entity, whose text the caller knows.
    pub(crate) fn of_card(card: &Value) -> Self {
        let data = |name: &str| {
            card.pointer(&format!("/data/{name}"))
                .and_then(Value::as_str)
        };
        match card.get("type").and_then(Value::as_str) {
            Some("card") => Self {
                card_id: data("card_id").map(str::to_owned),
                echo: echo_of(&[]),
                ..Self::default()
            },
            Some("template") => {
                let text = format!("[template {}]", data("template_id").unwrap_or_default());
                Self {
                    echo: echo_of(std::slice::from_ref(&text)),
                    text,
                    ..Self::default()
                }
            }
            _ => {
                let texts = card_text::texts(card);
                Self {
                    echo: echo_of(&texts),
                    text: texts.join("\n"),
                    ..Self::default()
                }
            }
        }
    }
}

/// The lossy rendering of a card that answers have.
fn echo_of(texts: &[String]) -> String {
    let rows = texts
        .iter()
        .map(|text| json!([{ "tag": "text", "text": text.replace("**", "") }]));
    let mut rows: Vec<Value> = rows.collect();
    if rows.is_empty() {
        rows.push(json!([{ "tag": "text", "text": "" }]));
    }
    json!({ "title": null, "elements": rows }).to_string()
}

fn node_text(node: &Value) -> String {
    let member = |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default();
    match member("tag") {
        "at" => format!("@{}", member("user_name")),
        "img" => "[image]".to_owned(),
        "media" => "[media]".to_owned(),
        "emotion" => format!("[{}]", member("emoji_type")),
        "hr" => "---".to_owned(),
        _ => member("text").to_owned(),
    }
}

/// A node as answers have it: with `style`, and `md` as text.
fn node_echo(node: &Value) -> Value {
    let text = node.get("text").and_then(Value::as_str).unwrap_or_default();
    match node.get("tag").and_then(Value::as_str) {
        Some("md") => {
            let is_bold = text.len() > 4 && text.starts_with("**") && text.ends_with("**");
            let style = if is_bold { json!(["bold"]) } else { json!([]) };
            json!({ "tag": "text", "text": text.replace("**", ""), "style": style })
        }
        Some("text" | "a") => {
            let mut echoed = node.clone();
            if node.get("style").is_none() {
                echoed["style"] = json!([]);
            }
            echoed
        }
        _ => node.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_reads() {
        let check = |msg_type, content: Value, expected: Option<&str>| {
            let read = Content::read(msg_type, &content.to_string());
            let text = read.as_ref().map(|read| read.text.as_str());
            assert_eq!(text, expected, "{msg_type} {content}");
        };
        let at = r#"<at user_id="ou_1">Ann</at> and <at user_id="all"></at>: x < y"#;
        check("text", json!({ "text": at }), Some("@Ann and @all: x < y"));
        check(
            "text",
            json!({ "text": "<at user_id=\"ou_1" }),
            Some("<at user_id=\"ou_1"),
        );
        check("text", json!({}), None);
        check("image", json!({ "image_key": "img_1" }), Some("[image]"));
        check("file", json!({}), None);
        check("nonsense", json!({}), None);
        check(
            "post",
            json!({ "zh_cn": { "title": "T", "content": [[{ "tag": "text", "text": "a" },
            { "tag": "at", "user_name": "Ann" }], [{ "tag": "md", "text": "**b**" }]] } }),
            Some("T\na@Ann\n**b**"),
        );
        check(
            "interactive",
            json!({ "elements": [{ "tag": "markdown", "content": "hi" }] }),
            Some("hi"),
        );
        check("interactive", json!([]), None);
    }

    #[test]
    fn mentions_get_keys() {
        let content = json!({ "text": "<at user_id=\"ou_1\">Ann</at> done" }).to_string();
        let read = Content::read("text", &content).expect("a text");
        assert_eq!(read.echo, r#"{"text":"@_user_1 done"}"#);
        assert_eq!(read.mentions[0].open_id, "ou_1");
    }
}
