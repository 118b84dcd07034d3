//! The envelope of an event: CloudEvents 1.0 in JSON, one shape on every road.
//!
//! The text of an event has two parts. [`EventText`] is the same for all consumers and attempts, is made once and shared. The
//! head differs: [`AttemptFacts`] says what an attempt has to tell. An attribute that has nothing to say is absent.
//!
//! ```text
//! {"redelivered":true,"recordedage":12,          head: {, or with what the attempt tells
//!  "specversion":"1.0","id":"evt_…", … "data":{…,"raw":{…}}}      EventText
//! ```

mod batch;
mod trace;

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use longwire_installation::{Platform, PublicId};
use longwire_wire::event::Seq;
use longwire_wire::view::{EventView, ExpandedView};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event_id::EventId;
use crate::timestamp;

pub use self::batch::{BatchId, write_batch};

/// The media type of one event.
pub const EVENT_MEDIA_TYPE: &str = "application/cloudevents+json";
/// The media type of a batch.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// What the envelope of a recorded event is made of.
#[derive(Clone, Copy, Debug)]
pub struct EventFacts<'a> {
    /// Its public id.
    pub id: EventId,
    /// Its number.
    pub seq: Seq,
    /// Whose it is; none for an event about the process itself.
    pub installation: Option<PublicId>,
    /// The platform it came from; none for events of longwire itself.
    pub platform: Option<Platform>,
    /// The type in the record; none for a payload that could not be read.
    pub event_type: Option<&'a str>,
    /// The chat in the record.
    pub chat: Option<&'a str>,
    /// When it happened, or else when it was recorded, in milliseconds since 1970.
    pub time_ms: i64,
    /// The view of its payload.
    pub view: &'a EventView,
    /// What was looked up for it, for those who asked for that. A thin envelope has nothing of it.
    pub expanded: Option<&'a ExpandedView>,
    /// The platform's bytes.
    pub payload: &'a [u8],
    /// What is left of them, if they are no longer kept.
    pub withheld: Option<Withheld>,
}

/// What is left of a payload that is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Its hash.
    Hashed {
        /// The SHA-256 of the platform's bytes.
        sha256: [u8; 32],
        /// How many they were.
        size_bytes: u64,
    },
    /// Nothing: a person whom it named asked for that.
    Erased {
        /// When, in milliseconds since 1970.
        at_ms: i64,
    },
}

/// The attribute `type` of an event: the platform, then what the record calls it. Lark's events have Feishu's types.
#[must_use]
pub fn envelope_type(platform: Option<Platform>, event_type: Option<&str>) -> String {
    let prefix = platform.map_or("longwire", type_prefix);
    match event_type {
        // The record has the types of our own events whole.
        Some(event_type) if platform.is_none() => event_type.to_owned(),
        Some(event_type) => format!("{prefix}.{event_type}"),
        None => format!("{prefix}.unparsed"),
    }
}

/// The first word of the types of a platform's events.
pub(crate) fn type_prefix(platform: Platform) -> &'static str {
    match platform {
        Platform::Feishu | Platform::Lark => "feishu",
        Platform::Wecom => "wecom",
    }
}

/// The part of an event's envelope that is the same for everybody. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventText(Bytes);

/// How much of an event an application receives.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The view and the platform's bytes.
    #[default]
    Whole,
    /// What happened and ids: no text, no name, no payload.
    Thin,
}

impl EventText {
    /// The shared part of an event's envelope.
    #[must_use]
    pub fn new(facts: &EventFacts<'_>, detail: Detail) -> Self {
        let mut out = String::with_capacity(1_024 + facts.payload.len());
        write_attributes(facts, &mut out);
        out.push_str(",\"data\":");
        match detail {
            Detail::Whole => write_whole(facts, &mut out),
            Detail::Thin => push_json(&Thin::of(facts.view), &mut out),
        }
        out.push('}');
        Self(out.into())
    }

    /// The text, from the first shared attribute to the closing brace.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

fn write_attributes(facts: &EventFacts<'_>, out: &mut String) {
    let text = "writing to a string cannot fail";
    write!(
        out,
        "\"specversion\":\"1.0\",\"id\":\"{}\",\"source\":\"",
        facts.id
    )
    .expect(text);
    match facts.installation {
        Some(installation) => write!(out, "/installations/{installation}").expect(text),
        None => out.push('/'),
    }
    out.push_str("\",\"type\":");
    push_json(&envelope_type(facts.platform, facts.event_type), out);
    if let Some(chat) = facts.chat {
        out.push_str(",\"subject\":");
        push_json(&chat, out);
    }
    out.push_str(",\"time\":\"");
    timestamp::write(facts.time_ms, out);
    out.push_str("\",\"datacontenttype\":\"application/json\"");
    if let Some(installation) = facts.installation {
        write!(out, ",\"installationid\":\"{installation}\"").expect(text);
    }
    if let Some(platform) = facts.platform {
        write!(out, ",\"platform\":\"{}\"", platform.label()).expect(text);
    }
    write!(out, ",\"seq\":{},\"traceparent\":\"", facts.seq).expect(text);
    trace::write(facts.id, out);
    out.push('"');
}

/// The view, with what was looked up under `expanded`, and with the platform's bytes under `raw`, or under `raw_base64` if they
/// are no JSON.
fn write_whole(facts: &EventFacts<'_>, out: &mut String) {
    push_json(facts.view, out);
    // A view is an object with at least its kind.
    out.pop();
    if let Some(expanded) = facts.expanded.filter(|expanded| !expanded.is_empty()) {
        out.push_str(",\"expanded\":");
        push_json(expanded, out);
    }
    if let Some(withheld) = facts.withheld {
        write_withheld(withheld, out);
        return;
    }
    match serde_json::from_slice::<&RawValue>(facts.payload) {
        Ok(raw) => {
            out.push_str(",\"raw\":");
            out.push_str(raw.get());
        }
        Err(_) => {
            out.push_str(",\"raw_base64\":\"");
            STANDARD.encode_string(facts.payload, out);
            out.push('"');
        }
    }
    out.push('}');
}

/// What is left, as the last member of `data`.
fn write_withheld(withheld: Withheld, out: &mut String) {
    let text = "writing to a string cannot fail";
    match withheld {
        Withheld::Hashed { sha256, size_bytes } => {
            out.push_str(",\"hashed\":{\"sha256\":\"");
            for byte in sha256 {
                write!(out, "{byte:02x}").expect(text);
            }
            write!(out, "\",\"bytes\":{size_bytes}}}}}").expect(text);
        }
        Withheld::Erased { at_ms } => {
            out.push_str(",\"erased\":{\"at\":\"");
            timestamp::write(at_ms, out);
            out.push_str("\"}}");
        }
    }
}

fn push_json(value: &impl Serialize, out: &mut String) {
    let json = serde_json::to_string(value).expect("texts, numbers and JSON values are JSON");
    out.push_str(&json);
}

/// The ids of an event.
#[derive(Serialize)]
struct Thin<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<ThinId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<ThinId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<ThinId<'a>>,
}

#[derive(Serialize)]
struct ThinId<'a> {
    id: &'a str,
}

impl<'a> Thin<'a> {
    fn of(view: &'a EventView) -> Self {
        let sender = view.sender.as_ref().and_then(|sender| sender.id.as_ref());
        let message = view
            .message
            .as_ref()
            .and_then(|message| message.id.as_ref());
        let card = view.card.as_ref().and_then(|card| card.message_id.as_ref());
        Self {
            kind: view.kind.label(),
            action: view.action.map(|action| action.label()),
            chat: view.chat.as_ref().map(|chat| ThinId { id: &chat.id }),
            sender: sender.map(|id| ThinId { id }),
            message: message.or(card).map(|id| ThinId { id }),
        }
    }
}

/// What an attempt has to tell beside the event.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptFacts {
    /// Whether the application may have had the event before.
    pub redelivered: bool,
    /// The event that this one may repeat, such as an earlier click on the same button.
    pub possible_duplicate_of: Option<EventId>,
    /// The time between recording and this attempt; told from one second on.
    pub age: Duration,
    /// Whether the event is older than the consumer wants.
    pub is_stale: bool,
    /// Numbers of the log before the event that retention took before the application had them; told if there are any.
    pub gap_before: u64,
}

impl AttemptFacts {
    /// Writes the head: `{`, and the attributes with a comma behind each. With an [`EventText`] behind it, it is an envelope.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if self.redelivered {
            out.extend_from_slice(b"\"redelivered\":true,");
        }
        if let Some(earlier) = self.possible_duplicate_of {
            out.extend_from_slice(format!("\"possibleduplicateof\":\"{earlier}\",").as_bytes());
        }
        if self.age.as_secs() > 0 {
            // A CloudEvents integer has 32 bits.
            let seconds = self.age.as_secs().min(i32::MAX.unsigned_abs().into());
            out.extend_from_slice(format!("\"recordedage\":{seconds},").as_bytes());
        }
        if self.is_stale {
            out.extend_from_slice(b"\"stale\":true,");
        }
        if self.gap_before > 0 {
            let events = self.gap_before.min(i32::MAX.unsigned_abs().into());
            out.extend_from_slice(format!("\"gapbefore\":{events},").as_bytes());
        }
    }
}

/// Writes the envelope of one event.
pub fn write_event(text: &EventText, attempt: &AttemptFacts, out: &mut Vec<u8>) {
    out.reserve(text.0.len() + 128);
    attempt.write(out);
    out.extend_from_slice(&text.0);
}

/// The header and attribute `traceparent` of an event.
#[must_use]
pub fn traceparent(id: EventId) -> String {
    let mut out = String::with_capacity(trace::LENGTH);
    trace::write(id, &mut out);
    out
}

#[cfg(test)]
mod tests;
