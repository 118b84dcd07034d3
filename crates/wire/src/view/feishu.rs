//! Reads events of Feishu and Lark, schema 1.0 and 2.0, and the flat callbacks of old cards.
//!
//! The event's type says the kind. Chat and sender are looked for in all places where any event has them, so that an
//! event of a type that is not known has them too.

mod content;
mod fields;
mod found;

use bytestring::ByteString;

use self::fields::{Action, Document, Event, Ids, Message, Someone};
use super::{
    CardClick, ChatKind, ChatView, EventAction, EventKind, EventView, JsonText, Mention,
    MentionKind, Menu, MessageView, Person, PersonIds, PersonKind, QuotedMessage, Reaction,
    UrlPreview,
};
use crate::callback::OLD_CARD_TYPE;
use crate::envelope::milliseconds;
use crate::members::{Object, Text};

/// The view of an event; `None` if `payload` is no JSON object.
pub(super) fn read(event_type: &str, payload: &ByteString) -> Option<EventView> {
    let event = match event_type {
        OLD_CARD_TYPE => serde_json::from_str::<Object<Event<'_>>>(payload).ok()?.0?,
        _ => {
            let document = serde_json::from_str::<Object<Document<'_>>>(payload);
            document.ok()?.0?.event
        }
    };
    let (kind, action) = meaning(event_type);
    let reader = Reading { payload };
    let mut view = EventView {
        action,
        chat: reader.chat(kind, &event),
        sender: reader.sender(&event),
        ..EventView::bare(kind)
    };
    match kind {
        EventKind::Message => view.message = Some(reader.message(&event)),
        EventKind::MessageRecalled => view.message = reader.mentioned_message(&event),
        EventKind::MessageRead => {
            let ids = event.message_ids.0.iter();
            view.message_ids = ids.filter_map(|id| id.keep(payload)).collect();
        }
        EventKind::Reaction => {
            view.message = reader.mentioned_message(&event);
            let emoji = event.emoji_type.keep(payload);
            view.reaction = emoji.map(|emoji| Reaction { emoji });
        }
        EventKind::Membership => view.members = reader.members(event_type, &event),
        EventKind::CardAction => view.card = Some(Box::new(reader.card(&event))),
        EventKind::UrlPreview => {
            view.url_preview = event.context.url.keep(payload).map(|url| UrlPreview {
                url,
                message_id: event.context.message_id.keep(payload),
            });
        }
        EventKind::Menu => {
            view.menu = event.event_key.keep(payload).map(|key| Menu { key });
        }
        EventKind::Chat
        | EventKind::EnterChat
        | EventKind::Feedback
        | EventKind::Operation
        | EventKind::Other
        | EventKind::Unparsed
        | EventKind::Withheld => {}
    }
    Some(view)
}

/// The bot itself came or left, in schema 2.0 and 1.0.
const BOT_MEMBERSHIPS: [&str; 4] = [
    "im.chat.member.bot.added_v1",
    "im.chat.member.bot.deleted_v1",
    "add_bot",
    "remove_bot",
];

/// What a type means. The second name of a pair is that of schema 1.0.
fn meaning(event_type: &str) -> (EventKind, Option<EventAction>) {
    use EventAction::{Added, Created, Deleted, Disbanded, Removed, Updated, Withdrawn};
    let (kind, action) = match event_type {
        "im.message.receive_v1" | "message" => return (EventKind::Message, None),
        "im.message.recalled_v1" => return (EventKind::MessageRecalled, None),
        "im.message.message_read_v1" | "message_read" => return (EventKind::MessageRead, None),
        "card.action.trigger" | OLD_CARD_TYPE => return (EventKind::CardAction, None),
        "url.preview.get" => return (EventKind::UrlPreview, None),
        "application.bot.menu_v6" => return (EventKind::Menu, None),
        "im.chat.access_event.bot_p2p_chat_entered_v1" | "p2p_chat_create" => {
            return (EventKind::EnterChat, None);
        }
        "im.message.reaction.created_v1" => (EventKind::Reaction, Created),
        "im.message.reaction.deleted_v1" => (EventKind::Reaction, Deleted),
        "im.chat.member.bot.added_v1" | "add_bot" => (EventKind::Membership, Added),
        "im.chat.member.bot.deleted_v1" | "remove_bot" => (EventKind::Membership, Removed),
        "im.chat.member.user.added_v1" | "add_user_to_chat" => (EventKind::Membership, Added),
        "im.chat.member.user.deleted_v1" | "remove_user_from_chat" => {
            (EventKind::Membership, Removed)
        }
        "im.chat.member.user.withdrawn_v1" | "revoke_add_user_from_chat" => {
            (EventKind::Membership, Withdrawn)
        }
        "im.chat.updated_v1" => (EventKind::Chat, Updated),
        "im.chat.disbanded_v1" | "chat_disband" => (EventKind::Chat, Disbanded),
        _ => return (EventKind::Other, None),
    };
    (kind, Some(action))
}

/// The text whose slices the view is made of.
struct Reading<'p> {
    payload: &'p ByteString,
}

impl Reading<'_> {
    fn keep(&self, text: &Text<'_>) -> Option<ByteString> {
        text.keep(self.payload)
    }

    /// The chat, looked for in the order of [`Envelope::chat`](crate::envelope::Envelope::chat).
    fn chat(&self, kind: EventKind, event: &Event<'_>) -> Option<ChatView> {
        let id = [
            &event.message.chat_id,
            &event.chat_id,
            &event.open_chat_id,
            &event.context.chat_id,
        ]
        .into_iter()
        .find_map(|id| self.keep(id))?;
        let word = event.message.chat_type.as_str();
        let word = word.or(event.flat.chat_type.as_str());
        let chat_kind = match (word, kind) {
            (Some("p2p" | "private"), _) => Some(ChatKind::Direct),
            (Some("group" | "topic_group"), _) => Some(ChatKind::Group),
            (_, EventKind::EnterChat) => Some(ChatKind::Direct),
            (_, EventKind::Membership | EventKind::Chat) => Some(ChatKind::Group),
            _ => None,
        };
        let name = self.keep(&event.name);
        Some(ChatView {
            id,
            kind: chat_kind,
            name: name.or_else(|| self.keep(&event.new_name)),
        })
    }

    /// Whoever wrote, read, clicked or invited. Only messages tell what the author is; the others are users, except for
    /// a reaction of an app.
    fn sender(&self, event: &Event<'_>) -> Option<Person> {
        if event.operator_type.as_str() == Some("app") {
            let app_id = self.keep(&event.app_id);
            return Some(Person::program(PersonKind::App, app_id));
        }
        if let Some(sender) = &event.sender {
            let kind = PersonKind::of(sender.kind.as_str());
            return Some(self.person(kind, sender));
        }
        let operator = Some(&event.operator).into_iter();
        let others = event.reader.iter().chain(operator).chain([&event.own]);
        others
            .map(|someone| self.person(PersonKind::User, someone))
            .find(|person| person.id.is_some())
    }

    fn person(&self, kind: PersonKind, someone: &Someone<'_>) -> Person {
        let name = self.keep(&someone.name);
        Person::with_ids(kind, self.ids(&someone.ids), name)
    }

    fn ids(&self, ids: &Ids<'_>) -> PersonIds {
        PersonIds {
            open_id: self.keep(&ids.open_id),
            union_id: self.keep(&ids.union_id),
            user_id: self.keep(&ids.user_id),
        }
    }

    fn members(&self, event_type: &str, event: &Event<'_>) -> Vec<Person> {
        if BOT_MEMBERSHIPS.contains(&event_type) {
            return vec![Person::program(PersonKind::Bot, None)];
        }
        let users = event.users.0.iter().filter_map(|user| user.0.as_ref());
        users
            .map(|user| self.person(PersonKind::User, user))
            .collect()
    }

    /// A message of schema 2.0, or of 1.0, which has the same members directly in the event.
    fn message(&self, event: &Event<'_>) -> MessageView {
        let message = match event.message.message_id.as_str() {
            Some(_) => &event.message,
            None => &event.flat,
        };
        let message_type = self.keep(&message.message_type);
        let of_type = message_type.as_deref().unwrap_or_default();
        let content = match self.keep(&message.content) {
            Some(content) => content::read(of_type, &content),
            None => content::Content::of_text(self.keep(&message.text)),
        };
        let mut mentions = self.mentions(message);
        let mentions_bot = message.is_mention == Some(true)
            || mentions
                .iter()
                .any(|mention| mention.kind == MentionKind::Bot);
        if content.mentions_everyone() {
            mentions.push(everyone());
        }
        let quoted = self.keep(&message.parent_id).map(|id| {
            Box::new(QuotedMessage {
                id: Some(id),
                ..QuotedMessage::default()
            })
        });
        MessageView {
            id: self.keep(&message.message_id),
            message_type,
            text: content.text,
            mentions,
            mentions_bot: Some(mentions_bot),
            attachments: content.attachments,
            quoted,
            thread: self.keep(&message.thread_id),
            root: self.keep(&message.root_id),
            created_ms: message.create_time.as_str().and_then(milliseconds),
        }
    }

    fn mentions(&self, message: &Message<'_>) -> Vec<Mention> {
        let mentions = message.mentions.0.iter();
        mentions
            .filter_map(|mention| mention.0.as_ref())
            .map(|mention| {
                let ids = self.ids(&mention.ids);
                Mention {
                    key: self.keep(&mention.key),
                    kind: match mention.kind.as_str() {
                        Some("user") => MentionKind::User,
                        Some("bot" | "app") => MentionKind::Bot,
                        _ => MentionKind::Unknown,
                    },
                    id: ids.first().cloned(),
                    ids,
                    name: self.keep(&mention.name),
                }
            })
            .collect()
    }

    /// The message that a recall or a reaction is about.
    fn mentioned_message(&self, event: &Event<'_>) -> Option<MessageView> {
        Some(MessageView {
            id: Some(self.keep(&event.flat.message_id)?),
            created_ms: event.recall_time.as_str().and_then(milliseconds),
            ..MessageView::default()
        })
    }

    fn card(&self, event: &Event<'_>) -> CardClick {
        let action: &Action<'_> = &event.action;
        let json = |raw: Option<&serde_json::value::RawValue>| {
            raw.map(|raw| JsonText::new(self.payload.slice_ref(raw.get())))
        };
        let options = action.options.0.iter();
        let message_id = self.keep(&event.context.message_id);
        CardClick {
            message_id: message_id.or_else(|| self.keep(&event.flat.message_id)),
            task_id: None,
            tag: self.keep(&action.tag),
            name: self.keep(&action.name),
            value: json(action.value),
            form: json(action.form_value),
            input: self.keep(&action.input_value),
            option: self.keep(&action.option),
            options: options.filter_map(|option| self.keep(option)).collect(),
            checked: action.checked,
            timezone: self.keep(&action.timezone),
            host: self.keep(&event.host),
            has_update_token: event.token.as_str().is_some(),
        }
    }
}

/// `@_all`, which has no entry among the mentions.
fn everyone() -> Mention {
    Mention {
        key: Some(ByteString::from_static(content::EVERYONE)),
        kind: MentionKind::Everyone,
        id: None,
        ids: PersonIds::default(),
        name: None,
    }
}
