//! The content of a message of Feishu or Lark: JSON in a string, with a shape for each message type.

use std::borrow::Cow;

use bytestring::ByteString;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::members::{List, Members, Object, Text, skip};
use crate::repair;
use crate::view::{Attachment, AttachmentKind};

/// How the mention of all members stands in a text.
pub(super) const EVERYONE: &str = "@_all";

/// What a content says.
#[derive(Default)]
pub(super) struct Content {
    pub(super) text: Option<ByteString>,
    pub(super) attachments: Vec<Attachment>,
}

impl Content {
    pub(super) fn of_text(text: Option<ByteString>) -> Content {
        Content {
            text,
            attachments: Vec::new(),
        }
    }

    /// Whether all members are mentioned. A text that merely shows these letters cannot be told apart.
    pub(super) fn mentions_everyone(&self) -> bool {
        let text = self.text.as_deref().unwrap_or_default();
        text.contains(EVERYONE)
    }
}

/// Reads `content`, repaired if it is nearly JSON. What cannot be read has neither text nor attachments.
pub(super) fn read(message_type: &str, content: &ByteString) -> Content {
    if let Some(read) = read_json(message_type, content) {
        return read;
    }
    let repaired = repair::repaired(content.as_bytes()).map(ByteString::from);
    repaired
        .and_then(|content| read_json(message_type, &content))
        .unwrap_or_default()
}

fn read_json(message_type: &str, content: &ByteString) -> Option<Content> {
    let Object(parts) = serde_json::from_str::<Object<Parts<'_>>>(content).ok()?;
    let parts = parts?;
    let keep = |text: &Text<'_>| text.keep(content);
    let attachment = |kind, key: Option<ByteString>| Attachment {
        key,
        name: keep(&parts.file_name).or_else(|| keep(&parts.name)),
        duration_ms: parts.duration.as_str().and_then(|text| text.parse().ok()),
        ..Attachment::new(kind)
    };
    let one = |kind, key| Content {
        text: None,
        attachments: vec![attachment(kind, key)],
    };
    let file_key = || keep(&parts.file_key);
    Some(match message_type {
        "text" => Content::of_text(Some(keep(&parts.text).unwrap_or_default())),
        "post" => rich_text(&parts.title, parts.content),
        "interactive" => rich_text(&parts.title, parts.elements),
        "image" => one(AttachmentKind::Image, keep(&parts.image_key)),
        "file" => one(AttachmentKind::File, file_key()),
        "folder" => one(AttachmentKind::Folder, file_key()),
        "audio" => one(AttachmentKind::Audio, file_key()),
        "media" => {
            let mut video = attachment(AttachmentKind::Video, file_key());
            video.cover_key = keep(&parts.image_key);
            Content {
                text: None,
                attachments: vec![video],
            }
        }
        "sticker" => one(AttachmentKind::Sticker, file_key()),
        "location" => one(AttachmentKind::Location, None),
        "share_chat" => one(AttachmentKind::SharedChat, keep(&parts.chat_id)),
        "share_user" => one(AttachmentKind::SharedUser, keep(&parts.user_id)),
        _ => Content::of_text(keep(&parts.text)),
    })
}

/// The text of a post or a card: the title and each row on a line of its own. Its images and films are attachments; a
/// row of nothing else is no line.
fn rich_text(title: &Text<'_>, rows: Option<&RawValue>) -> Content {
    let mut lines: Vec<String> = title.as_str().map(str::to_owned).into_iter().collect();
    let mut attachments = Vec::new();
    for row in list::<&RawValue>(rows) {
        let nodes: Vec<Object<Node<'_>>> = if row.get().starts_with('[') {
            list(Some(row))
        } else {
            serde_json::from_str(row.get()).into_iter().collect()
        };
        let nodes: Vec<Node<'_>> = nodes.into_iter().filter_map(|node| node.0).collect();
        let before = attachments.len();
        attachments.extend(nodes.iter().filter_map(Node::attachment));
        if nodes.is_empty() || attachments.len() - before < nodes.len() {
            lines.push(nodes.iter().map(Node::text).collect());
        }
    }
    Content {
        text: Some(lines.join("\n").into()),
        attachments,
    }
}

/// The elements of an array; none of any other value.
fn list<'a, T: serde::Deserialize<'a>>(raw: Option<&'a RawValue>) -> Vec<T> {
    raw.and_then(|raw| serde_json::from_str::<List<T>>(raw.get()).ok())
        .unwrap_or_default()
        .0
}

/// The members of all contents.
#[derive(Default)]
struct Parts<'a> {
    text: Text<'a>,
    title: Text<'a>,
    content: Option<&'a RawValue>,
    elements: Option<&'a RawValue>,
    image_key: Text<'a>,
    file_key: Text<'a>,
    file_name: Text<'a>,
    duration: Text<'a>,
    chat_id: Text<'a>,
    user_id: Text<'a>,
    name: Text<'a>,
}

/// A piece of rich text.
#[derive(Default)]
struct Node<'a> {
    tag: Text<'a>,
    text: Text<'a>,
    href: Text<'a>,
    user_id: Text<'a>,
    user_name: Text<'a>,
    emoji_type: Text<'a>,
    image_key: Text<'a>,
    file_key: Text<'a>,
}

impl Node<'_> {
    fn text(&self) -> Cow<'_, str> {
        let text = match self.tag.as_str() {
            Some("at") => self.user_id.as_str().map(|id| match id {
                "all" => EVERYONE,
                id => id,
            }),
            Some("emotion") => {
                let emoji = self.emoji_type.as_str().unwrap_or_default();
                return format!("[{emoji}]").into();
            }
            Some("hr") => Some("---"),
            _ => self.text.as_str().or(self.href.as_str()),
        };
        text.or(self.user_name.as_str()).unwrap_or_default().into()
    }

    fn attachment(&self) -> Option<Attachment> {
        // The content is a short-lived text of its own, so a slice of it would save nothing.
        let own = |text: &Text<'_>| text.as_str().map(ByteString::from);
        match self.tag.as_str()? {
            "img" => Some(Attachment {
                key: own(&self.image_key),
                ..Attachment::new(AttachmentKind::Image)
            }),
            "media" => Some(Attachment {
                key: own(&self.file_key),
                cover_key: own(&self.image_key),
                ..Attachment::new(AttachmentKind::Video)
            }),
            _ => None,
        }
    }
}

impl<'a> Members<'a> for Parts<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "text" => self.text = map.next_value()?,
            "title" => self.title = map.next_value()?,
            "content" => self.content = map.next_value()?,
            "elements" => self.elements = map.next_value()?,
            "image_key" => self.image_key = map.next_value()?,
            "file_key" => self.file_key = map.next_value()?,
            "file_name" => self.file_name = map.next_value()?,
            "duration" => self.duration = map.next_value()?,
            "chat_id" => self.chat_id = map.next_value()?,
            "user_id" => self.user_id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Node<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "tag" => self.tag = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "href" => self.href = map.next_value()?,
            "user_id" => self.user_id = map.next_value()?,
            "user_name" => self.user_name = map.next_value()?,
            "emoji_type" => self.emoji_type = map.next_value()?,
            "image_key" => self.image_key = map.next_value()?,
            "file_key" => self.file_key = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
