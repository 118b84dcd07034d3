//! The messages of people and other bots as they stand in their chats.

use std::time::Instant;

use serde_json::Value;

use super::{ChatMessage, ChatSender, Invented, PushedFileKind};
use crate::open_api::{
    Bundled, Content, FileKind, Mention, Moment, StandingMessage, StoredFile, image_type,
};
use crate::transcript::{ChatAuthor, ChatFile};

impl ChatMessage {
    /// The message as it stands in its chat.
    pub(super) fn standing(
        &self,
        message_id: String,
        (message_type, content): (&str, String),
        invented: &Invented,
    ) -> StandingMessage {
        let author = match &self.sender {
            ChatSender::Human(open_id) => ChatAuthor::Person(open_id.clone()),
            ChatSender::Bot(open_id) => ChatAuthor::OtherBot(open_id.clone()),
        };
        let at = Moment {
            instant: invented.at,
            unix_ms: invented.created_ms,
        };
        let mut standing = StandingMessage::new(message_id, self.chat.clone(), author, at);
        message_type.clone_into(&mut standing.msg_type);
        standing.echo.clone_from(&content);
        standing.content = content;
        standing.text = self.text.clone();
        if let Some(attachment) = &self.attachment {
            standing.text = match attachment.kind {
                PushedFileKind::Image => "[image]".to_owned(),
                kind => format!("[{} {}]", kind.as_str(), attachment.name),
            };
            standing.file = Some(ChatFile {
                key: self.key_of(attachment, invented),
                name: attachment.name.clone(),
                size_bytes: attachment.bytes.len() as u64,
            });
        }
        if self.is_bundle() {
            let texts = self.forwarded.iter().chain(&self.forwarded_within);
            standing.text = texts.cloned().collect::<Vec<_>>().join("\n");
            let bundled = self.forwarded.iter().cloned().map(Bundled::Text);
            standing.bundle = bundled.collect();
            if !self.forwarded_within.is_empty() {
                let within = Bundled::Bundle(self.forwarded_within.clone());
                standing.bundle.push(within);
            }
        }
        standing.parent_id.clone_from(&self.parent_id);
        standing.root_id.clone_from(&self.parent_id);
        let mentions = self.mentions.iter().enumerate();
        let mentions = mentions.map(|(nth, open_id)| Mention {
            key: format!("@_user_{}", nth + 1),
            open_id: open_id.clone(),
            // Whoever reads it knows the name.
            name: String::new(),
        });
        standing.mentions = mentions.collect();
        standing
    }

    /// The image or file of the message, with its key.
    pub(crate) fn file(&self, invented: &Invented) -> Option<(String, StoredFile)> {
        let attachment = self.attachment.as_ref()?;
        let (kind, content_type) = match attachment.kind {
            PushedFileKind::Image => {
                let found = image_type(&attachment.bytes);
                (FileKind::Image, found.unwrap_or("image/png"))
            }
            PushedFileKind::Audio => (FileKind::File("opus".to_owned()), "audio/ogg"),
            PushedFileKind::Media => (FileKind::File("mp4".to_owned()), "video/mp4"),
            PushedFileKind::File => {
                let kind = FileKind::File("stream".to_owned());
                (kind, "application/octet-stream")
            }
        };
        let file = StoredFile {
            app: None,
            name: attachment.name.clone(),
            kind,
            content_type,
            bytes: attachment.bytes.clone(),
        };
        Some((self.key_of(attachment, invented), file))
    }
}

/// The message of an event that was pushed as it is, and whether it is in a group; `None` if it is another event.
pub(crate) fn standing_of(payload: &[u8], at: Instant) -> Option<(StandingMessage, bool)> {
    let event: Value = serde_json::from_slice(payload).ok()?;
    if event.pointer("/header/event_type")? != "im.message.receive_v1" {
        return None;
    }
    let text = |path: &str| event.pointer(path).and_then(Value::as_str);
    let message = |member: &str| text(&format!("/event/message/{member}"));
    let sender = text("/event/sender/sender_id/open_id").unwrap_or_default();
    let author = match text("/event/sender/sender_type") {
        Some("bot" | "app") => ChatAuthor::OtherBot(sender.to_owned()),
        _ => ChatAuthor::Person(sender.to_owned()),
    };
    let at = Moment {
        instant: at,
        unix_ms: message("create_time")
            .and_then(|ms| ms.parse().ok())
            .unwrap_or(0),
    };
    let (id, chat) = (
        message("message_id")?.to_owned(),
        message("chat_id")?.to_owned(),
    );
    let (msg_type, content) = (message("message_type")?, message("content")?);
    let standing = StandingMessage::new(id, chat, author, at);
    let read = Content::read(msg_type, content).unwrap_or_else(|| Content {
        text: format!("[{msg_type}]"),
        echo: content.to_owned(),
        ..Content::default()
    });
    let mut standing = standing.saying(msg_type, content, read);
    standing.parent_id = message("parent_id").map(str::to_owned);
    standing.root_id = message("root_id").map(str::to_owned);
    standing.thread_id = message("thread_id").map(str::to_owned);
    Some((standing, message("chat_type") != Some("p2p")))
}
