//! The members of an event's JSON that a view is made of, those of all event types together.
//!
//! A member of an unexpected type counts as absent, see [`crate::members`].

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::members::{Flag, List, Members, Object, Text, skip};

/// The top level.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) event: Event<'a>,
}

/// The member `event`.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) message: Message<'a>,
    pub(super) chat_id: Text<'a>,
    pub(super) open_chat_id: Text<'a>,
    /// The members of a message that stand directly in the event: in schema 1.0, and in events about a message.
    pub(super) flat: Message<'a>,
    pub(super) sender: Option<Someone<'a>>,
    pub(super) reader: Option<Someone<'a>>,
    /// `operator` and `operator_id`.
    pub(super) operator: Someone<'a>,
    /// The ids that stand directly in the event: in reactions, and in schema 1.0.
    pub(super) own: Someone<'a>,
    pub(super) users: List<Object<Someone<'a>>>,
    pub(super) operator_type: Text<'a>,
    pub(super) app_id: Text<'a>,
    pub(super) message_ids: List<Text<'a>>,
    pub(super) emoji_type: Text<'a>,
    pub(super) recall_time: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) new_name: Text<'a>,
    pub(super) event_key: Text<'a>,
    pub(super) action: Action<'a>,
    pub(super) context: Context<'a>,
    pub(super) host: Text<'a>,
    pub(super) token: Text<'a>,
}

/// A message, or those of its members that an event has.
#[derive(Default)]
pub(super) struct Message<'a> {
    pub(super) message_id: Text<'a>,
    pub(super) root_id: Text<'a>,
    pub(super) parent_id: Text<'a>,
    pub(super) thread_id: Text<'a>,
    pub(super) create_time: Text<'a>,
    pub(super) chat_id: Text<'a>,
    pub(super) chat_type: Text<'a>,
    pub(super) message_type: Text<'a>,
    /// JSON in a string.
    pub(super) content: Text<'a>,
    pub(super) mentions: List<Object<Someone<'a>>>,
    /// Schema 1.0 has the text itself.
    pub(super) text: Text<'a>,
    /// Schema 1.0: whether the bot is mentioned.
    pub(super) is_mention: Option<bool>,
}

/// A user or bot, wherever an event has one: sender, reader, operator, member, mention.
#[derive(Default)]
pub(super) struct Someone<'a> {
    pub(super) ids: Ids<'a>,
    pub(super) name: Text<'a>,
    /// `sender_type`, `mentioned_type`.
    pub(super) kind: Text<'a>,
    /// The placeholder of a mention in the text.
    pub(super) key: Text<'a>,
}

#[derive(Default)]
pub(super) struct Ids<'a> {
    pub(super) open_id: Text<'a>,
    pub(super) union_id: Text<'a>,
    pub(super) user_id: Text<'a>,
}

/// What was done with a card.
#[derive(Default)]
pub(super) struct Action<'a> {
    pub(super) tag: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) value: Option<&'a RawValue>,
    pub(super) form_value: Option<&'a RawValue>,
    pub(super) input_value: Text<'a>,
    pub(super) option: Text<'a>,
    pub(super) options: List<Text<'a>>,
    pub(super) checked: Option<bool>,
    pub(super) timezone: Text<'a>,
}

/// Where a card or a link is.
#[derive(Default)]
pub(super) struct Context<'a> {
    pub(super) message_id: Text<'a>,
    pub(super) chat_id: Text<'a>,
    pub(super) url: Text<'a>,
}

/// `reaction_type`, which has one member.
#[derive(Default)]
struct ReactionType<'a>(Text<'a>);

/// `after_change` of a changed group.
#[derive(Default)]
struct AfterChange<'a>(Text<'a>);

impl<'a> Ids<'a> {
    /// Takes a value that is an object of ids or the id within the organisation.
    fn take_any(&mut self, raw: Option<&'a RawValue>) {
        let Some(raw) = raw.map(RawValue::get) else {
            return;
        };
        // A raw value is JSON, so neither reading fails; if it did, the ids would be absent.
        if raw.starts_with('{') {
            if let Ok(Object(Some(ids))) = serde_json::from_str::<Object<Ids<'a>>>(raw) {
                *self = ids;
            }
        } else if let Ok(user_id) = serde_json::from_str(raw) {
            self.user_id = user_id;
        }
    }
}

fn object<'a, T: Members<'a>, A: MapAccess<'a>>(map: &mut A) -> Result<Option<T>, A::Error> {
    Ok(map.next_value::<Object<T>>()?.0)
}

impl<'a> Members<'a> for Document<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "event" => self.event = object(map)?.unwrap_or_default(),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Event<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "message" => self.message = object(map)?.unwrap_or_default(),
            "chat_id" => self.chat_id = map.next_value()?,
            "open_chat_id" => self.open_chat_id = map.next_value()?,
            "sender" => self.sender = object(map)?,
            "reader" => self.reader = object(map)?,
            "operator" => self.operator = object(map)?.unwrap_or_default(),
            "operator_id" => self.operator.take(key, map)?,
            "user_id" | "open_id" | "union_id" | "employee_id" => self.own.take(key, map)?,
            "operator_open_id" => self.operator.ids.open_id = map.next_value()?,
            "operator_employee_id" => self.operator.ids.user_id = map.next_value()?,
            "operator_name" => self.operator.name = map.next_value()?,
            "users" => self.users = map.next_value()?,
            "operator_type" => self.operator_type = map.next_value()?,
            "app_id" => self.app_id = map.next_value()?,
            "message_id_list" | "open_message_ids" => self.message_ids = map.next_value()?,
            "reaction_type" => {
                self.emoji_type = object::<ReactionType<'a>, A>(map)?.unwrap_or_default().0;
            }
            "recall_time" => self.recall_time = map.next_value()?,
            "name" | "chat_name" => self.name = map.next_value()?,
            "after_change" => {
                self.new_name = object::<AfterChange<'a>, A>(map)?.unwrap_or_default().0;
            }
            "event_key" => self.event_key = map.next_value()?,
            "action" => self.action = object(map)?.unwrap_or_default(),
            "context" => self.context = object(map)?.unwrap_or_default(),
            "host" => self.host = map.next_value()?,
            "token" => self.token = map.next_value()?,
            _ => self.flat.take(key, map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Message<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "message_id" | "open_message_id" => self.message_id = map.next_value()?,
            "root_id" => self.root_id = map.next_value()?,
            "parent_id" => self.parent_id = map.next_value()?,
            "thread_id" => self.thread_id = map.next_value()?,
            "create_time" => self.create_time = map.next_value()?,
            "chat_id" => self.chat_id = map.next_value()?,
            "chat_type" => self.chat_type = map.next_value()?,
            "message_type" | "msg_type" => self.message_type = map.next_value()?,
            "content" => self.content = map.next_value()?,
            "mentions" => self.mentions = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "is_mention" => Flag(self.is_mention) = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Someone<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "open_id" | "union_id" | "employee_id" => self.ids.take(key, map)?,
            "sender_id" | "reader_id" | "operator_id" | "id" => {
                self.ids = object(map)?.unwrap_or_default();
            }
            "user_id" => self.ids.take_any(map.next_value()?),
            "name" | "operator_name" => self.name = map.next_value()?,
            "sender_type" | "mentioned_type" => self.kind = map.next_value()?,
            "key" => self.key = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Ids<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "open_id" => self.open_id = map.next_value()?,
            "union_id" => self.union_id = map.next_value()?,
            "user_id" | "employee_id" => self.user_id = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Action<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "tag" => self.tag = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "value" => self.value = map.next_value()?,
            "form_value" => self.form_value = map.next_value()?,
            "input_value" => self.input_value = map.next_value()?,
            "option" => self.option = map.next_value()?,
            "options" => self.options = map.next_value()?,
            "checked" => Flag(self.checked) = map.next_value()?,
            "timezone" => self.timezone = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Context<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "open_message_id" => self.message_id = map.next_value()?,
            "open_chat_id" => self.chat_id = map.next_value()?,
            "url" => self.url = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for ReactionType<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "emoji_type" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for AfterChange<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
