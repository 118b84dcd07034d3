//! The members of an event's JSON that an envelope is made of.
//!
//! They are read by [`crate::members`], so a member of an unexpected type counts as absent.

use serde::de::MapAccess;

use crate::members::{Members, Object, Text, skip};

/// The top level.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) header: Option<EventHeader<'a>>,
    pub(super) event: Option<Event<'a>>,
    pub(super) uuid: Text<'a>,
    pub(super) ts: Text<'a>,
    pub(super) encrypted: bool,
}

impl<'a> Document<'a> {
    /// `None` if the text is JSON, but no object.
    pub(super) fn read(text: &'a str) -> Result<Option<Document<'a>>, serde_json::Error> {
        let Object(document) = serde_json::from_str(text)?;
        Ok(document)
    }
}

/// The member `header`, or in schema 1.0 the same facts from their other places.
#[derive(Default)]
pub(super) struct EventHeader<'a> {
    pub(super) event_id: Text<'a>,
    pub(super) event_type: Text<'a>,
    pub(super) created: Text<'a>,
    pub(super) app_id: Text<'a>,
    pub(super) tenant_key: Text<'a>,
}

/// The member `event`: all members, of any event type, that an envelope needs.
#[derive(Default)]
pub(super) struct Event<'a> {
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
    pub(super) fn about_v1(&self, uuid: Text<'a>, ts: Text<'a>) -> EventHeader<'a> {
        EventHeader {
            event_id: uuid,
            event_type: self.event_type.clone(),
            created: ts,
            app_id: self.app_id.clone(),
            tenant_key: self.tenant_key.clone(),
        }
    }

    /// The members in which a chat id may stand, the most reliable first.
    pub(super) fn chats(&self) -> [&Text<'a>; 4] {
        [
            &self.message.chat_id,
            &self.chat_id,
            &self.open_chat_id,
            &self.context.open_chat_id,
        ]
    }

    /// Message id and revision, for the types with one event per message and revision. Reactions are not among them,
    /// because a user can add, remove and add the same emoji.
    pub(super) fn message_facts(&self, event_type: &str) -> Option<(&Text<'a>, &Text<'a>)> {
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
            "event" => Object(self.event) = map.next_value()?,
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

impl<'a> Members<'a> for EventHeader<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "event_id" => self.event_id = map.next_value()?,
            "event_type" => self.event_type = map.next_value()?,
            "create_time" => self.created = map.next_value()?,
            "app_id" => self.app_id = map.next_value()?,
            "tenant_key" => self.tenant_key = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Event<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "type" => self.event_type = map.next_value()?,
            "app_id" => self.app_id = map.next_value()?,
            "tenant_key" => self.tenant_key = map.next_value()?,
            "chat_id" => self.chat_id = map.next_value()?,
            "open_chat_id" => self.open_chat_id = map.next_value()?,
            "message_id" => self.message_id = map.next_value()?,
            "recall_time" => self.recall_time = map.next_value()?,
            "message" => self.message = map.next_value::<Object<_>>()?.0.unwrap_or_default(),
            "context" => self.context = map.next_value::<Object<_>>()?.0.unwrap_or_default(),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Message<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "message_id" => self.message_id = map.next_value()?,
            "chat_id" => self.chat_id = map.next_value()?,
            "create_time" => self.create_time = map.next_value()?,
            "update_time" => self.update_time = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Context<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "open_chat_id" => self.open_chat_id = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
