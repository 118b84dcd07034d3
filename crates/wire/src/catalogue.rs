//! The types of events that applications can receive: what each means, a sample of its payload, and its JSON Schema.
//!
//! An event of a type that is not listed is delivered all the same, as kind `other` where its meaning is not known. The
//! lists are tables of text; [`EventType::sample`] fills ids and times into them, [`EventType::schema`] puts a schema
//! together from one definition per kind.

mod feishu;
mod longwire;
mod sample;
mod schema;
mod wecom;

use crate::view::{EventKind, Family};

pub use self::sample::SampleFacts;

/// One type of events.
#[derive(Debug)]
pub struct EventType {
    /// The `type` of the envelope: `feishu.im.message.receive_v1`. Events of Lark have the types of Feishu.
    pub name: &'static str,
    /// Whose payload it has.
    pub family: Family,
    /// The kind in the view.
    pub kind: EventKind,
    /// What happened, in a sentence.
    pub english: &'static str,
    /// The same in Chinese.
    pub chinese: &'static str,
    /// The part of the payload that is of this type alone, with `$` words where ids and times go.
    payload: Payload,
}

/// How a sample is put together.
#[derive(Debug)]
enum Payload {
    /// The member `event` of an event of schema 2.0.
    FeishuV2(&'static str),
    /// The member `event` of an event of schema 1.0.
    FeishuV1(&'static str),
    /// The whole of a card callback of the old generation, which has no envelope.
    FeishuFlat(&'static str),
    /// The member `body` of a frame.
    Wecom(&'static str),
    /// The whole.
    Whole(&'static str),
    /// Bytes that cannot be read.
    Broken(&'static str),
}

impl EventType {
    /// The type in the record, without the platform; `None` for payloads that could not be read. Types of longwire itself
    /// are recorded under their whole name.
    pub fn record_type(&self) -> Option<&'static str> {
        match (&self.payload, self.family) {
            (Payload::Broken(_), _) => None,
            (_, Family::Longwire) => Some(self.name),
            (_, Family::Feishu | Family::Wecom) => Some(self.short_name()),
        }
    }

    /// The name without the platform.
    fn short_name(&self) -> &'static str {
        self.name
            .split_once('.')
            .map_or(self.name, |(_, rest)| rest)
    }

    /// The first word of the name.
    pub fn platform(&self) -> &'static str {
        match self.family {
            Family::Feishu => "feishu",
            Family::Wecom => "wecom",
            Family::Longwire => "longwire",
        }
    }
}

/// All types, by platform.
pub fn list() -> impl Iterator<Item = &'static EventType> {
    feishu::TYPES
        .iter()
        .chain(&wecom::TYPES)
        .chain(&longwire::TYPES)
}

/// The type of that name.
pub fn find(name: &str) -> Option<&'static EventType> {
    list().find(|known| known.name == name)
}

#[cfg(test)]
mod tests;
