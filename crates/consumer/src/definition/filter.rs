//! Reading a filter.

use longwire_installation::Platform;
use longwire_wire::view::{ChatKind, PersonKind};

use super::fault::{DefinitionFault, FaultCode};
use super::members::Member;
use crate::filter::{DataPattern, EventFilter, PatternFault, TypePattern};

/// The most elements of a condition.
const MOST: usize = 256;

pub(super) const CHAT_TYPES: [(&str, ChatKind); 2] =
    [("direct", ChatKind::Direct), ("group", ChatKind::Group)];

impl EventFilter {
    /// Reads the conditions of a filter. Unknown members are mistakes.
    pub fn read(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Self> {
        read(value, faults)
    }
}

pub(super) fn read(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<EventFilter> {
    let mut members = value.members(faults)?;
    let types = members.optional("types", |value, faults| value.list(MOST, read_type, faults));
    let installations = members.optional("installations", |value, faults| {
        value.list(MOST, |value, faults| value.parsed(faults), faults)
    });
    let platforms = members.optional("platforms", |value, faults| {
        let words: Vec<_> = Platform::ALL
            .iter()
            .map(|one| (one.label(), *one))
            .collect();
        value.list(MOST, |value, faults| value.word(&words, faults), faults)
    });
    let chats = members.optional("chats", |value, faults| {
        let chat = |value: Member<'_>, faults: &mut _| value.short_text(faults).map(Box::from);
        value.list(MOST, chat, faults)
    });
    let chat_type = members.optional("chat_type", |value, faults| value.word(&CHAT_TYPES, faults));
    let senders = members.optional("senders", |value, faults| {
        let words = PersonKind::ALL.map(|kind| (kind.label(), kind));
        value.list(MOST, |value, faults| value.word(&words, faults), faults)
    });
    let mentions_bot = members.optional("mentions_bot", |value, faults| value.bool(faults));
    let trim_empty = members.optional("trim_empty", |value, faults| value.bool(faults));
    let data = members.optional("data", read_data);
    members.refuse_others();
    Some(EventFilter {
        types: types.unwrap_or_default(),
        installations: installations.unwrap_or_default(),
        platforms: platforms.unwrap_or_default(),
        chats: chats.unwrap_or_default(),
        chat_type,
        senders: senders.unwrap_or_default(),
        mentions_bot,
        trim_empty: trim_empty.unwrap_or(false),
        data,
    })
}

fn read_type(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<TypePattern> {
    let text = value.short_text(faults)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-*".contains(&b);
    if !text.bytes().all(allowed) {
        let detail =
            "a type belongs here, in which `*` stands for any text, such as `feishu.im.message.*`";
        return value.fault(FaultCode::InvalidValue, detail, faults);
    }
    let first = text.split(['.', '*']).next().unwrap_or_default();
    let begins = ["feishu", "wecom", "longwire"];
    let whole = text.as_bytes().get(first.len()) != Some(&b'*');
    if (whole && !begins.contains(&first)) || !begins.iter().any(|word| word.starts_with(first)) {
        let detail =
            "no type begins so: types begin with `feishu.` (also Lark's), `wecom.` or `longwire.`";
        return value.fault(FaultCode::InvalidValue, detail, faults);
    }
    Some(TypePattern::new(text))
}

fn read_data(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<DataPattern> {
    if !value.value.is_object() {
        let detail = "an object belongs here: the members of `data` that an event has to have";
        return value.fault(FaultCode::WrongType, detail, faults);
    }
    let (code, detail) = match DataPattern::new(value.value) {
        Ok(pattern) => return Some(pattern),
        Err(PatternFault::TooDeep) => (
            FaultCode::OutOfRange,
            "at most 16 levels of objects and lists",
        ),
        Err(PatternFault::TooLarge) => (FaultCode::OutOfRange, "at most 256 values in all"),
        Err(PatternFault::NoChoice) => (
            FaultCode::InvalidValue,
            "a list asks for any of its values, and an empty one has none",
        ),
    };
    value.fault(code, detail, faults)
}
