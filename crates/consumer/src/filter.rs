//! Which events a consumer wants.
//!
//! An event passes if it meets every condition. A condition about a fact that the event lacks is not met. The cheap conditions
//! come first: those on what the record knows, then those on the view, then those on `data` as JSON. The view and the JSON are
//! asked for only if a condition needs them.

mod json;

use longwire_installation::{Platform, PublicId};
use longwire_wire::view::{ChatKind, EventKind, EventView, PersonKind};
use serde_json::Value;

use crate::envelope::type_prefix;
use crate::glob::Glob;

pub(crate) use self::json::{DataPattern, PatternFault};

/// What the record says of an event, for an [`EventFilter`].
#[derive(Copy, Clone, Debug)]
pub struct RecordFacts<'a> {
    /// The platform; none for events of longwire itself.
    pub platform: Option<Platform>,
    /// The type in the record; none for a payload that could not be read.
    pub event_type: Option<&'a str>,
    /// Whose it is.
    pub installation: Option<PublicId>,
    /// Its chat.
    pub chat: Option<&'a str>,
}

/// The conditions of a consumer. The default lets everything pass. Made by
/// [`ConsumerDefinition::parse`](crate::ConsumerDefinition::parse).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFilter {
    pub(crate) types: Vec<TypePattern>,
    pub(crate) installations: Vec<PublicId>,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) chats: Vec<Box<str>>,
    pub(crate) chat_type: Option<ChatKind>,
    pub(crate) senders: Vec<PersonKind>,
    pub(crate) mentions_bot: Option<bool>,
    pub(crate) trim_empty: bool,
    pub(crate) data: Option<DataPattern>,
}

/// A pattern of the attribute `type`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypePattern {
    pub(crate) text: Box<str>,
    glob: Glob,
}

impl TypePattern {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            glob: Glob::new(text),
        }
    }
}

impl EventFilter {
    /// The same, of these installations alone. An empty list means all.
    #[must_use]
    pub fn of_installations(mut self, installations: Vec<PublicId>) -> Self {
        self.installations = installations;
        self
    }

    /// The installations that it names; none for those of all.
    #[must_use]
    pub fn installations(&self) -> &[PublicId] {
        &self.installations
    }

    /// Whether an event passes. `view` gives its view, and `data` the member `data` of its envelope; each is called once at
    /// most, and not at all if no condition needs it.
    pub fn passes<'v>(
        &self,
        facts: &RecordFacts<'_>,
        view: impl FnOnce() -> &'v EventView,
        data: impl FnOnce() -> &'v Value,
    ) -> bool {
        self.record_passes(facts)
            && (!self.needs_view() || self.view_passes(view()))
            && self
                .data
                .as_ref()
                .is_none_or(|pattern| pattern.matches(data()))
    }

    /// Whether events of this installation may pass, as far as it and its platform tell.
    #[must_use]
    pub fn concerns(&self, installation: PublicId, platform: Platform) -> bool {
        one_of(&self.installations, Some(&installation)) && one_of(&self.platforms, Some(&platform))
    }

    /// Whether events of this type, as the platform calls it, may pass, as far as the type tells.
    #[must_use]
    pub fn takes_type(&self, platform: Platform, event_type: &str) -> bool {
        let facts = RecordFacts {
            platform: Some(platform),
            event_type: Some(event_type),
            installation: None,
            chat: None,
        };
        self.types.is_empty() || self.type_passes(&facts)
    }

    fn record_passes(&self, facts: &RecordFacts<'_>) -> bool {
        one_of(&self.platforms, facts.platform.as_ref())
            && one_of(&self.installations, facts.installation.as_ref())
            && (self.chats.is_empty()
                || facts
                    .chat
                    .is_some_and(|chat| self.chats.iter().any(|one| **one == *chat)))
            && (self.types.is_empty() || self.type_passes(facts))
    }

    fn type_passes(&self, facts: &RecordFacts<'_>) -> bool {
        let prefix = facts.platform.map(type_prefix);
        match (prefix, facts.event_type) {
            (None, Some(whole)) => self.types.iter().any(|one| one.glob.matches(whole)),
            (prefix, event_type) => {
                let (prefix, event_type) = (
                    prefix.unwrap_or("longwire"),
                    event_type.unwrap_or("unparsed"),
                );
                let whole = TypeText::new(prefix, event_type);
                self.types
                    .iter()
                    .any(|one| one.glob.matches(whole.as_str()))
            }
        }
    }

    /// Whether a condition needs the view.
    fn needs_view(&self) -> bool {
        self.chat_type.is_some()
            || !self.senders.is_empty()
            || self.mentions_bot.is_some()
            || self.trim_empty
    }

    fn view_passes(&self, view: &EventView) -> bool {
        let chat = view.chat.as_ref().and_then(|chat| chat.kind);
        let sender = view.sender.as_ref().map(|sender| sender.kind);
        let mentions = view
            .message
            .as_ref()
            .and_then(|message| message.mentions_bot);
        (self.chat_type.is_none() || chat == self.chat_type)
            && one_of(&self.senders, sender.as_ref())
            && (self.mentions_bot.is_none() || mentions == self.mentions_bot)
            && !(self.trim_empty && is_blank(view))
    }
}

/// Whether the fact is one of those that are wanted; an empty list wants all.
fn one_of<T: PartialEq>(wanted: &[T], fact: Option<&T>) -> bool {
    wanted.is_empty() || fact.is_some_and(|fact| wanted.contains(fact))
}

/// Whether it is a message whose text has nothing but white space, and that has nothing else.
fn is_blank(view: &EventView) -> bool {
    let text = view
        .message
        .as_ref()
        .filter(|message| message.attachments.is_empty());
    let text = text.and_then(|message| message.text.as_ref());
    view.kind == EventKind::Message && text.is_some_and(|text| text.trim().is_empty())
}

/// The attribute `type` of an event, on the stack where it is short.
enum TypeText {
    Short([u8; SHORT], usize),
    Long(String),
}

/// Room for the types of all events that are known.
const SHORT: usize = 96;

impl TypeText {
    fn new(prefix: &str, event_type: &str) -> Self {
        let length = prefix.len() + 1 + event_type.len();
        if length > SHORT {
            return Self::Long(format!("{prefix}.{event_type}"));
        }
        let mut bytes = [0; SHORT];
        bytes[..prefix.len()].copy_from_slice(prefix.as_bytes());
        bytes[prefix.len()] = b'.';
        bytes[prefix.len() + 1..length].copy_from_slice(event_type.as_bytes());
        Self::Short(bytes, length)
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short(bytes, length) => {
                std::str::from_utf8(&bytes[..*length]).expect("two texts and a dot are a text")
            }
            Self::Long(text) => text,
        }
    }
}

#[cfg(test)]
mod tests;
