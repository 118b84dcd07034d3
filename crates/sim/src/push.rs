//! The events that can be pushed, and how they are cut into fragments.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::chat_event::{ChatMessage, ClickedCard};
use crate::serde_forms::payload;

/// One push, counted from 1. Its repeats keep the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PushId(pub u64);

/// An event to push.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// The event.
    pub payload: Payload,
    /// The event's id in the ledger. `None` takes `header.event_id` or `uuid` of the payload, or an invented id if the
    /// payload has neither.
    pub event_id: Option<String>,
    /// Frame header `type`.
    pub header_type: HeaderType,
    /// How the payload is cut; `None` cuts above the simulator's `fragment_bytes`, in order.
    pub fragments: Option<FragmentPlan>,
    /// Frame headers to replace or add, or with `null` to leave out. They are for hostile metadata such as `sum` =
    /// `50000000`. An ACK has to echo them.
    pub headers: BTreeMap<String, Option<String>>,
}

impl Push {
    /// A push of this payload.
    pub fn of(payload: impl Into<Bytes>) -> Self {
        Self {
            payload: Payload::Given(payload.into()),
            ..Self::default()
        }
    }

    /// A generated `im.message.receive_v1` of about this many bytes.
    pub fn made_up(bytes: usize) -> Self {
        Self {
            payload: Payload::MadeUp { bytes },
            ..Self::default()
        }
    }

    /// A message in a chat.
    pub fn message(message: ChatMessage) -> Self {
        Self {
            payload: Payload::Message(message),
            ..Self::default()
        }
    }

    /// A click on a card. It is not repeated; what the client answers stands decoded in the record of the push.
    pub fn card_click(click: ClickedCard) -> Self {
        Self {
            payload: Payload::CardClick(click),
            ..Self::default()
        }
    }

    /// The same push, cut like this.
    pub fn in_fragments(mut self, plan: FragmentPlan) -> Self {
        self.fragments = Some(plan);
        self
    }

    /// The same push with a frame header replaced, added or (`None`) left out.
    pub fn with_header(mut self, key: &str, value: Option<&str>) -> Self {
        self.headers
            .insert(key.to_owned(), value.map(str::to_owned));
        self
    }
}

impl From<Bytes> for Push {
    fn from(payload: Bytes) -> Self {
        Self::of(payload)
    }
}

impl From<Vec<u8>> for Push {
    fn from(payload: Vec<u8>) -> Self {
        Self::of(payload)
    }
}

impl From<String> for Push {
    fn from(payload: String) -> Self {
        Self::of(payload)
    }
}

/// The payload of a push. In JSON `{"given": <any JSON or a string with the text>}`, `{"made_up": {"bytes": 1024}}`,
/// `{"message": {"text": "hello"}}` or `{"card_click": {"value": {"action": "approve"}}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// These bytes.
    Given(#[serde(with = "payload")] Bytes),
    /// A text message to the bot with fresh ids.
    MadeUp {
        /// Size of the JSON. Smaller ones than an empty message needs become that.
        bytes: usize,
    },
    /// A message in a chat, with fresh ids where it names none.
    Message(ChatMessage),
    /// A click on a card.
    CardClick(ClickedCard),
}

impl Default for Payload {
    fn default() -> Self {
        Self::MadeUp { bytes: 1024 }
    }
}

/// Frame header `type` of a data frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderType {
    /// `event`, also for card callbacks of schema 2.0.
    #[default]
    Event,
    /// `card`, what apps get whose callback subscription is not on the long connection.
    Card,
}

impl HeaderType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Card => "card",
        }
    }
}

/// How a payload is cut and in which order its pieces are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FragmentPlan {
    /// Bytes per piece; `None` is the simulator's `fragment_bytes`.
    pub size_bytes: Option<usize>,
    /// Order of sending.
    pub order: Order,
    /// These `seq` are sent twice in a row.
    pub duplicate: Vec<usize>,
    /// These `seq` are not sent.
    pub drop: Vec<usize>,
    /// After all others the piece sent last is sent again.
    pub repeat_last: bool,
    /// `duplicate`, `drop` and `repeat_last` apply to every attempt; otherwise to the first attempt only.
    pub every_attempt: bool,
}

impl FragmentPlan {
    /// Pieces of this size in order.
    pub fn of_size(bytes: usize) -> Self {
        Self {
            size_bytes: Some(bytes),
            ..Self::default()
        }
    }
}

/// Order in which fragments are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// `seq` 0 first.
    #[default]
    InOrder,
    /// `seq` 0 last.
    Reversed,
    /// Drawn from the simulator's seed.
    Shuffled,
}
