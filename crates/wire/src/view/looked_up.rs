//! What the platform was asked for beside an event: the message that is quoted or forwarded, and the name of the sender.
//!
//! An event of Feishu or Lark has ids alone. What an application wants to know of them is looked up after the event was
//! acknowledged. Where that fails, the reason stands in the place of the fact, so that an event is never held back by it.

use bytestring::ByteString;
use serde::Serialize;

use super::message::{Attachment, Mention};
use super::person::Person;

/// The deepest level of a bundle of forwarded messages that is shown. A bundle may hold bundles.
pub const FORWARDED_LEVELS: usize = 4;
/// The most messages of a bundle that are shown.
pub const FORWARDED_MESSAGES: usize = 100;
/// The longest text of one message that is shown, in bytes.
pub const FOUND_TEXT_BYTES: usize = 16 * 1024;

/// The same of a message in a bundle.
pub const FORWARDED_TEXT_BYTES: usize = 2 * 1024;

/// A message that the platform was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FoundMessage {
    /// `om_...`; WeCom gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ByteString>,
    /// The platform's word: `text`, `merge_forward`, ...
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub message_type: Option<ByteString>,
    /// Its text, cut to [`FOUND_TEXT_BYTES`], in a bundle to [`FORWARDED_TEXT_BYTES`]. A card's text is what the platform shows of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<ByteString>,
    /// Who is mentioned, in the platform's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// What hangs on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<Person>,
    /// When it was written, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_ms: Option<i64>,
    /// The messages of a bundle, in the platform's order, down to [`FORWARDED_LEVELS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<FoundMessage>,
    /// How many messages of the bundle are not shown: those beyond [`FORWARDED_MESSAGES`] and below [`FORWARDED_LEVELS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<usize>,
}

/// The name that a person shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonName {
    /// The name.
    pub name: ByteString,
}

/// Why something is not known. It stands in the place of the fact: `{"unavailable": "timeout"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unavailable {
    /// The platform did not answer in time, or somebody waits for the answer to the event and could not wait longer.
    Timeout,
    /// The platform has no such message or person.
    NotFound,
    /// The message was withdrawn.
    Recalled,
    /// The app may not know it: a scope is missing, the bot is not in the chat, or the person is out of the app's range.
    NoPermission,
    /// The platform has no call for it: WeCom tells no names.
    NotSupported,
    /// The platform limits how often the app asks, or too many lookups wait.
    RateLimited,
    /// The bot is stopped or was removed, so nobody could ask.
    NotRunning,
    /// The platform could not be reached, or answered something else.
    Failed,
}

impl Unavailable {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::NotFound,
        Self::Recalled,
        Self::NoPermission,
        Self::NotSupported,
        Self::RateLimited,
        Self::NotRunning,
        Self::Failed,
    ];

    /// The word in JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NotFound => "not_found",
            Self::Recalled => "recalled",
            Self::NoPermission => "no_permission",
            Self::NotSupported => "not_supported",
            Self::RateLimited => "rate_limited",
            Self::NotRunning => "not_running",
            Self::Failed => "failed",
        }
    }
}

/// A fact, or why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LookedUp<T> {
    /// The fact.
    Known(T),
    /// Why it is not known.
    Unknown(Placeholder),
}

/// What stands in the place of a fact that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Placeholder {
    /// Why.
    #[serde(serialize_with = "write_label")]
    pub unavailable: Unavailable,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn write_label<S: serde::Serializer>(why: &Unavailable, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(why.label())
}

impl<T> LookedUp<T> {
    /// The fact, or its placeholder.
    pub fn of(outcome: Result<T, Unavailable>) -> Self {
        match outcome {
            Ok(fact) => Self::Known(fact),
            Err(unavailable) => Self::Unknown(Placeholder { unavailable }),
        }
    }
}

/// What was looked up for one event: the member `expanded` of its data. What was not asked for, or does not belong to the
/// event, is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExpandedView {
    /// The message that it answers. Of a bundle of forwarded messages the bundle itself, with its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<LookedUp<Box<FoundMessage>>>,
    /// The name of whoever did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<LookedUp<PersonName>>,
}

impl ExpandedView {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.quoted.is_none() && self.sender.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_and_a_placeholder_in_json() {
        let name = PersonName {
            name: ByteString::from_static("Ann"),
        };
        let expanded = ExpandedView {
            quoted: Some(LookedUp::of(Err(Unavailable::NotFound))),
            sender: Some(LookedUp::of(Ok(name))),
        };
        let json = serde_json::to_value(&expanded).expect("texts are json");
        let expected =
            serde_json::json!({"quoted": {"unavailable": "not_found"}, "sender": {"name": "Ann"}});
        assert_eq!(json, expected);
        assert!(!expanded.is_empty() && ExpandedView::default().is_empty());
    }
}
