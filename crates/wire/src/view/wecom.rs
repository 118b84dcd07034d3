//! Reads the frames of WeCom's intelligent robots: messages and events.

mod fields;

use bytestring::ByteString;
use serde_json::{Map, Value};

use self::fields::{Body, CardEvent, Content, Document, FeedbackEvent};
use super::{
    Attachment, AttachmentKind, CardClick, ChatKind, ChatView, EventKind, EventView, Feedback,
    JsonText, MessageView, Person, PersonIds, PersonKind, QuotedMessage, Verdict,
};
use crate::envelope::milliseconds;
use crate::members::{Object, Text};

/// The view of a frame; `None` if `payload` is no JSON object.
pub(super) fn read(event_type: &str, payload: &ByteString) -> Option<EventView> {
    let Object(document) = serde_json::from_str::<Object<Document<'_>>>(payload).ok()?;
    let body = document?.body;
    let reader = Reading { payload };
    let kind = meaning(event_type);
    let mut view = EventView {
        chat: reader.chat(&body),
        sender: reader.sender(&body),
        ..EventView::bare(kind)
    };
    match kind {
        EventKind::Message => view.message = Some(reader.message(&body)),
        EventKind::CardAction => view.card = Some(Box::new(reader.card(&body))),
        EventKind::Feedback => view.feedback = Some(reader.feedback(&body.event.feedback)),
        EventKind::MessageRecalled
        | EventKind::MessageRead
        | EventKind::Reaction
        | EventKind::UrlPreview
        | EventKind::Membership
        | EventKind::Chat
        | EventKind::EnterChat
        | EventKind::Menu
        | EventKind::Operation
        | EventKind::Other
        | EventKind::Unparsed
        | EventKind::Withheld => {}
    }
    Some(view)
}

/// What the type name of a callback means, see [`Facts::type_name`](crate::wecom::Facts::type_name).
fn meaning(event_type: &str) -> EventKind {
    match event_type {
        "event.enter_chat" => EventKind::EnterChat,
        "event.template_card_event" => EventKind::CardAction,
        "event.feedback_event" => EventKind::Feedback,
        message if message.starts_with("message.") => EventKind::Message,
        _ => EventKind::Other,
    }
}

/// The text whose slices the view is made of.
struct Reading<'p> {
    payload: &'p ByteString,
}

impl Reading<'_> {
    fn keep(&self, text: &Text<'_>) -> Option<ByteString> {
        text.keep(self.payload)
    }

    /// The chat, found as [`Facts::chat_id`](crate::wecom::Facts::chat_id) is.
    fn chat(&self, body: &Body<'_>) -> Option<ChatView> {
        let user = || self.keep(&body.from);
        let group = || self.keep(&body.chatid);
        let (id, kind) = match body.chattype.as_str() {
            Some("single") => (user(), Some(ChatKind::Direct)),
            Some("group") => (group(), Some(ChatKind::Group)),
            _ => (group().or_else(user), None),
        };
        Some(ChatView {
            id: id?,
            kind,
            name: None,
        })
    }

    fn sender(&self, body: &Body<'_>) -> Option<Person> {
        let user_id = Some(self.keep(&body.from)?);
        let ids = PersonIds {
            user_id,
            ..PersonIds::default()
        };
        Some(Person::with_ids(PersonKind::User, ids, None))
    }

    fn message(&self, body: &Body<'_>) -> MessageView {
        let content = &body.content;
        let quoted = body.quote.as_ref().map(|quote| {
            Box::new(QuotedMessage {
                id: None,
                message_type: self.keep(&quote.msgtype),
                text: self.text(quote),
                attachments: self.attachments(quote),
            })
        });
        MessageView {
            id: self.keep(&body.msgid),
            message_type: self.keep(&content.msgtype),
            text: self.text(content),
            mentions: Vec::new(),
            mentions_bot: Some(body.chattype.as_str() == Some("group")),
            attachments: self.attachments(content),
            quoted,
            thread: None,
            root: None,
            created_ms: body.create_time.as_str().and_then(milliseconds),
        }
    }

    /// The text of a text message, of a voice message, which comes written down, or of the parts of a mixed one, each on
    /// its line.
    fn text(&self, content: &Content<'_>) -> Option<ByteString> {
        match content.msgtype.as_str()? {
            "text" => Some(self.keep(&content.text.content).unwrap_or_default()),
            "voice" => self.keep(&content.voice.content),
            "mixed" => {
                let items = content.mixed.0.iter().filter_map(|item| item.0.as_ref());
                let texts: Vec<&str> = items
                    .filter_map(|item| item.text.content.as_str())
                    .collect();
                Some(texts.join("\n").into())
            }
            _ => None,
        }
    }

    fn attachments(&self, content: &Content<'_>) -> Vec<Attachment> {
        let mut found = Vec::new();
        for (media, kind) in [
            (&content.image, AttachmentKind::Image),
            (&content.voice, AttachmentKind::Audio),
            (&content.file, AttachmentKind::File),
            (&content.video, AttachmentKind::Video),
        ] {
            if let Some(url) = self.keep(&media.url) {
                found.push(Attachment {
                    url: Some(url),
                    aes_key: self.keep(&media.aeskey),
                    ..Attachment::new(kind)
                });
            }
        }
        let items = content.mixed.0.iter().filter_map(|item| item.0.as_ref());
        found.extend(items.flat_map(|item| self.attachments(item)));
        found
    }

    /// A click. The documents put its facts into a member of the event, the official SDK's types into the event itself.
    fn card(&self, body: &Body<'_>) -> CardClick {
        let (nested, flat) = (&body.event.card, &body.event.flat);
        let fact = |nested: &Text<'_>, flat: &Text<'_>| self.keep(nested).or(self.keep(flat));
        let key = fact(&nested.event_key, &flat.event_key);
        CardClick {
            task_id: fact(&nested.task_id, &flat.task_id),
            tag: fact(&nested.card_type, &flat.card_type),
            value: key.map(|key| JsonText::of(&Value::from(&*key))),
            form: form(nested).or_else(|| form(flat)),
            has_update_token: body.response_url.as_str().is_some(),
            ..CardClick::default()
        }
    }

    fn feedback(&self, event: &FeedbackEvent<'_>) -> Feedback {
        let reasons = event.reasons.0.iter();
        Feedback {
            id: self.keep(&event.id),
            verdict: match event.verdict.as_str() {
                Some("1") => Verdict::Like,
                Some("2") => Verdict::Dislike,
                Some("3") => Verdict::Withdrawn,
                _ => Verdict::Unknown,
            },
            text: self.keep(&event.content),
            reasons: reasons
                .filter_map(|reason| reason.as_str()?.parse().ok())
                .collect(),
        }
    }
}

/// Each question's key with the list of its chosen options.
fn form(card: &CardEvent<'_>) -> Option<JsonText> {
    let items = card.selected.0.iter().filter_map(|item| item.0.as_ref());
    let answers: Map<String, Value> = items
        .filter_map(|item| {
            let options = item.options.0.iter().filter_map(Text::as_str);
            let options: Vec<Value> = options.map(Value::from).collect();
            Some((item.question.as_str()?.to_owned(), Value::Array(options)))
        })
        .collect();
    (!answers.is_empty()).then(|| JsonText::of(&Value::Object(answers)))
}
