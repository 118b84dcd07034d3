//! The members of an event's JSON that an envelope is made of.
//!
//! They are read by [`crate::members`], so a member of an unexpected type counts as absent.

use serde::de::MapAccess;

use crate::members::{Members, Object, Text, members, skip};

/// The top level.
#[derive(Default)]
pub(crate) struct Document<'a> {
    pub(crate) header: Option<EventHeader<'a>>,
    pub(crate) event: Event<'a>,
    pub(crate) uuid: Text<'a>,
    pub(crate) ts: Text<'a>,
    pub(crate) encrypted: bool,
}

/// The member `header`, or in schema 1.0 the same facts from their other places.
#[derive(Default)]
pub(crate) struct EventHeader<'a> {
    pub(crate) event_id: Text<'a>,
    pub(crate) event_type: Text<'a>,
    pub(crate) created: Text<'a>,
    pub(crate) app_id: Text<'a>,
    pub(crate) tenant_key: Text<'a>,
}

/// The member `event`: all members, of any event type, that an envelope needs.
#[derive(Default)]
pub(crate) struct Event<'a> {
    event_type: Text<'a>,
    app_id: Text<'a>,
    tenant_key: Text<'a>,
    chat_id: Text<'a>,
    open_chat_id: Text<'a>,
    message_id: Text<'a>,
    recall_time: Text<'a>,
    message: Message<'a>,
    context: Context<'a>,
}

impl<'a> Event<'a> {
    /// The header of an event of schema 1.0, which has half of these members inside the event.
    pub(crate) fn about_v1(&self, uuid: Text<'a>, ts: Text<'a>) -> EventHeader<'a> {
        EventHeader {
            event_id: uuid,
            event_type: self.event_type.clone(),
            created: ts,
            app_id: self.app_id.clone(),
            tenant_key: self.tenant_key.clone(),
        }
    }

    /// The members in which a chat id may stand, the most reliable first.
    pub(crate) fn chats(&self) -> [&Text<'a>; 4] {
        [
            &self.message.chat_id,
            &self.chat_id,
            &self.open_chat_id,
            &self.context.open_chat_id,
        ]
    }

    /// Message id and revision, for the types with one event per message and revision. Reactions are not among them,
    /// because a user can add, remove and add the same emoji.
    pub(crate) fn message_facts(&self, event_type: &str) -> Option<(&Text<'a>, &Text<'a>)> {
        match event_type {
            "im.message.receive_v1" => {
                let message = &self.message;
                let revision = match message.update_time.as_str() {
                    Some(_) => &message.update_time,
                    None => &message.create_time,
                };
                Some((&message.message_id, revision))
            }
            "im.message.recalled_v1" => Some((&self.message_id, &self.recall_time)),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Message<'a> {
    message_id: Text<'a>,
    chat_id: Text<'a>,
    create_time: Text<'a>,
    update_time: Text<'a>,
}

/// The place where a card was clicked.
#[derive(Default)]
struct Context<'a> {
    open_chat_id: Text<'a>,
}

impl<'a> Members<'a> for Document<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "header" => Object(self.header) = map.next_value()?,
            "event" => self.event = map.next_value()?,
            "uuid" => self.uuid = map.next_value()?,
            "ts" => self.ts = map.next_value()?,
            "encrypt" => {
                self.encrypted = true;
                skip(map)?;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

members! {
    EventHeader {
        "event_id" => event_id,
        "event_type" => event_type,
        "create_time" => created,
        "app_id" => app_id,
        "tenant_key" => tenant_key,
    }
    Event {
        "type" => event_type,
        "app_id" => app_id,
        "tenant_key" => tenant_key,
        "chat_id" => chat_id,
        "open_chat_id" => open_chat_id,
        "message_id" => message_id,
        "recall_time" => recall_time,
        "message" => message,
        "context" => context,
    }
    Message {
        "message_id" => message_id,
        "chat_id" => chat_id,
        "create_time" => create_time,
        "update_time" => update_time,
    }
    Context {
        "open_chat_id" => open_chat_id,
    }
}
