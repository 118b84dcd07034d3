//! The members of a body that say what it is and whether it is the platform's.
//!
//! They are read in the same pass as the members of the envelope, by [`crate::members`]. A body that is nearly JSON is
//! repaired before it is read, as an event of a long connection is, so that one character costs no event.

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::{CallbackRefusal, Clear};
use crate::envelope::{Document, EventHeader};
use crate::members::{Members, Object, StrictText, Text, read_object, skip};
use crate::repair;

/// The top level of a body, encrypted or in clear.
#[derive(Default)]
pub(super) struct Body<'a> {
    /// `encrypt`, if there is such a member.
    pub(super) encrypt: Option<StrictText<'a>>,
    kind: Text<'a>,
    pub(super) challenge: StrictText<'a>,
    /// The verification token, or of an old card the credential to update it.
    pub(super) token: StrictText<'a>,
    /// `header.token`
    pub(super) header_token: StrictText<'a>,
    has_schema: bool,
    /// `action` of an old card.
    pub(super) action: Option<&'a RawValue>,
    /// `open_chat_id` of an old card.
    pub(super) open_chat_id: Text<'a>,
    /// `tenant_key` of an old card.
    pub(super) tenant_key: Text<'a>,
    /// The members of an event.
    pub(super) envelope: Document<'a>,
}

/// What a body in clear is.
pub(super) enum Shape {
    /// The console asks whether the address is ours.
    Challenge,
    /// An event of schema 1.0.
    V1,
    /// An event or a new card callback of schema 2.0.
    V2,
    /// A card callback of the old generation.
    OldCard,
    /// None of these.
    Unknown,
}

impl Body<'_> {
    /// An event is recognised as the official clients do it: schema 2.0 by `schema`, 1.0 by `uuid`. What is left and has an
    /// `action` is an old card.
    pub(super) fn shape(&self) -> Shape {
        let kind = self.kind.as_str();
        if kind == Some("url_verification") {
            Shape::Challenge
        } else if self.has_schema || self.envelope.header.is_some() {
            Shape::V2
        } else if self.envelope.uuid.as_str().is_some() || kind == Some("event_callback") {
            Shape::V1
        } else if self.action.is_some_and(|raw| raw.get().starts_with('{')) {
            Shape::OldCard
        } else {
            Shape::Unknown
        }
    }
}

/// Reads `payload` and hands on what was read, and the text it was read from.
pub(super) fn with_body<R>(
    payload: &Bytes,
    then: impl FnOnce(Clear<'_>) -> R,
) -> Result<R, CallbackRefusal> {
    if let Ok(text) = ByteString::try_from(payload.clone())
        && let Ok(body) = read_object(&text)
    {
        let body = body.ok_or(CallbackRefusal::NotAnObject)?;
        let text = Some(&text);
        return Ok(then(Clear {
            payload,
            text,
            body,
        }));
    }
    let repaired = repair::repaired(payload).ok_or(CallbackRefusal::NotJson)?;
    let body = read_object(&repaired).map_err(|_| CallbackRefusal::NotJson)?;
    Ok(then(Clear {
        payload,
        text: None,
        body: body.ok_or(CallbackRefusal::NotAnObject)?,
    }))
}

/// `header` of schema 2.0, with the token in it.
#[derive(Default)]
struct Header<'a> {
    facts: EventHeader<'a>,
    token: StrictText<'a>,
}

impl<'a> Members<'a> for Body<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "encrypt" => self.encrypt = Some(map.next_value()?),
            "type" => self.kind = map.next_value()?,
            "challenge" => self.challenge = map.next_value()?,
            "token" => self.token = map.next_value()?,
            "schema" => {
                self.has_schema = true;
                skip(map)?;
            }
            "header" => {
                let Object(header): Object<Header<'a>> = map.next_value()?;
                let (facts, token) = match header {
                    Some(Header { facts, token }) => (Some(facts), token),
                    None => (None, StrictText::default()),
                };
                self.envelope.header = facts;
                self.header_token = token;
            }
            "action" => self.action = Some(map.next_value()?),
            "open_chat_id" => self.open_chat_id = map.next_value()?,
            "tenant_key" => self.tenant_key = map.next_value()?,
            _ => self.envelope.take(key, map)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Header<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "token" => self.token = map.next_value()?,
            _ => self.facts.take(key, map)?,
        }
        Ok(())
    }
}
