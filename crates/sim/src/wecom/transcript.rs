//! What a person sees in a WeCom chat: the messages that were pushed, and those of bots.

use serde_json::{Value, json};

use crate::transcript::{ChatAuthor, ChatFile, ChatLine, Transcript};
use crate::wecom::callback::Callback;
use crate::wecom::push::Content;
use crate::wecom::record::CallbackSource;
use crate::wecom::req_id::attempt_of;
use crate::wecom::shown::{Shown, Via};
use crate::wecom::state::PlatformState;

impl PlatformState {
    /// The chat that `chat` names: `chatid` of a group, or the user of a single chat. Events and made-up traffic are no
    /// messages that anybody wrote.
    pub(crate) fn transcript(&self, chat: &str) -> Transcript {
        let tracked = self.records.numbers(None);
        let tracked = tracked.filter_map(|number| self.records.get(number));
        let pushed = tracked.filter_map(|tracked| match &tracked.body {
            CallbackSource::Built(callback) if callback.push.chat.key() == chat => {
                line_of_callback(callback)
            }
            CallbackSource::Built(_) | CallbackSource::MadeUp { .. } => None,
        });
        let shown = self.chats.all().filter(|shown| shown.chat == chat);
        let mut messages: Vec<ChatLine> = pushed.collect();
        messages.extend(shown.map(|shown| self.line_of(shown)));
        // A person's message of the same millisecond came first, as the sort is stable.
        messages.sort_by_key(|message| message.at_ms);
        Transcript {
            chat: chat.to_owned(),
            messages,
        }
    }

    fn line_of(&self, shown: &Shown) -> ChatLine {
        let in_reply_to = match &shown.via {
            Via::Reply(req_id) | Via::Welcome(req_id) | Via::Update(req_id) => {
                self.msgid_under(req_id)
            }
            Via::Send | Via::ResponseUrl => None,
        };
        let media_id = shown.content.get("media_id").and_then(Value::as_str);
        let uploaded = media_id.and_then(|id| {
            let mut files = self.uploads.files().into_iter();
            files.find(|file| file.media_id == id)
        });
        let file = uploaded.map(|file| ChatFile {
            key: file.media_id,
            name: file.file_name,
            size_bytes: file.bytes.len() as u64,
        });
        ChatLine {
            author: ChatAuthor::Bot(shown.bot.clone()),
            text: match &file {
                Some(file) => format!("[{} {}]", shown.msgtype, file.name),
                None => text_of(&shown.msgtype, &shown.content),
            },
            content: shown.content.clone(),
            earlier: shown.earlier.clone(),
            earlier_left_out: shown.earlier_left_out,
            in_reply_to,
            file,
            is_streaming: !shown.finished,
            changed_at_ms: shown.changed_at_ms,
            ..ChatLine::new(&shown.msgtype, shown.at_ms)
        }
    }

    /// `msgid` of the callback under this `req_id`.
    fn msgid_under(&self, req_id: &str) -> Option<String> {
        let given = self.given_req_ids.get(req_id).copied();
        let delivery = given.or_else(|| attempt_of(req_id, self.settings.seed))?;
        Some(self.record(delivery.push)?.msgid)
    }
}

fn line_of_callback(callback: &Callback) -> Option<ChatLine> {
    let content = &callback.push.content;
    let (msgtype, text) = match content {
        Content::Event { .. } | Content::Raw(_) | Content::MadeUp { .. } => return None,
        Content::Text(text) => ("text", text.clone()),
        Content::Voice(text) => ("voice", text.clone()),
        Content::Image(_) => ("image", "[image]".to_owned()),
        Content::File(_) => ("file", "[file]".to_owned()),
        Content::Video(_) => ("video", "[video]".to_owned()),
        Content::Mixed(items) => ("mixed", items.iter().map(text_in).collect::<String>()),
        Content::Other { msgtype, value } => (msgtype.as_str(), text_of(msgtype, value)),
    };
    let media = match content {
        Content::Image(media) | Content::File(media) | Content::Video(media) => Some(media),
        _ => None,
    };
    let file = media.map(|media| ChatFile {
        key: String::new(),
        name: media.file_name.clone().unwrap_or_default(),
        size_bytes: media.bytes.len() as u64,
    });
    Some(ChatLine {
        message_id: callback.msgid.clone(),
        author: ChatAuthor::Person(callback.push.chat.user.clone()),
        content: json!({ "content": text }),
        text: match &file {
            Some(file) if !file.name.is_empty() => format!("[{msgtype} {}]", file.name),
            _ => text,
        },
        file,
        ..ChatLine::new(msgtype, callback.pushed_ms)
    })
}

fn text_in(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        _ => "[image]".to_owned(),
    }
}

/// What is read of the member named like the type.
fn text_of(msgtype: &str, content: &Value) -> String {
    let text = |path: &str| content.pointer(path).and_then(Value::as_str);
    match text("/content") {
        Some(text) => text.to_owned(),
        None => {
            let parts = ["/main_title/title", "/main_title/desc", "/sub_title_text"];
            let parts: Vec<&str> = parts.into_iter().filter_map(text).collect();
            if parts.is_empty() {
                format!("[{msgtype}]")
            } else {
                parts.join("\n")
            }
        }
    }
}
