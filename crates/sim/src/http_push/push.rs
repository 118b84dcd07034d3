//! What can be pushed over HTTP, and how it can be wrong.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::push::Payload;
use crate::serde_forms::millis;

/// A request to push to a request URL. Without fields it is a message of 1 KiB.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpPush {
    /// The event. Card callbacks go to the URL for callbacks and are not repeated.
    pub payload: Payload,
    /// The event's id in the ledger, if the payload has none that it should have there.
    pub event_id: Option<String>,
    /// How it is signed, and for a click which body it has.
    pub scheme: HttpPushScheme,
    /// What is wrong with the request, in every try.
    pub flaw: Option<HttpPushFlaw>,
    /// So many further posts of the same event at the same time. The platform may do that.
    pub duplicates: u16,
    /// How long the first try waits, in milliseconds.
    #[serde(with = "millis")]
    pub delay: Duration,
    /// Which ways the event takes.
    pub roads: Roads,
    /// The schema of the card that was clicked on, which the answer has to keep.
    pub clicked_schema: ClickedSchema,
}

impl HttpPush {
    /// A push of this payload.
    pub fn of(payload: Payload) -> Self {
        Self {
            payload,
            ..Self::default()
        }
    }

    /// The same with something wrong.
    pub fn flawed(mut self, flaw: HttpPushFlaw) -> Self {
        self.flaw = Some(flaw);
        self
    }
}

impl From<Payload> for HttpPush {
    fn from(payload: Payload) -> Self {
        Self::of(payload)
    }
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpPushScheme {
    /// Events and new card callbacks: SHA-256 with the encrypt key, the body encrypted if there is one.
    #[default]
    Event,
    /// Old card callbacks: SHA-1 with the verification token, never encrypted. A click has the old, flat body.
    OldCard,
}

/// The ways of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Roads {
    /// HTTP alone.
    #[default]
    Http,
    /// HTTP and a long connection of the app, with the same event id. The platform is not known to do it, but an app
    /// whose mode is being changed may see it.
    Both,
}

/// The schema of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClickedSchema {
    /// 1.0.
    #[serde(rename = "1.0")]
    V1,
    /// 2.0.
    #[default]
    #[serde(rename = "2.0")]
    V2,
}

/// Something wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpPushFlaw {
    /// The signature is one of another key.
    WrongSignature,
    /// Time, nonce and signature are missing.
    NoSignature,
    /// The signature is that of the other generation of callbacks.
    OtherScheme,
    /// One byte of the body was changed after it was signed.
    Tampered,
    /// Half of the body was cut off after it was signed.
    Truncated,
    /// The body is encrypted with another key. It is signed with the right one.
    WrongCipherKey,
    /// Body and signature are made with another encrypt key, as if the console had a new one.
    WrongKey,
    /// The body is in clear, although there is an encrypt key.
    InClear,
    /// The first `token` of the body that is the verification token is another one.
    WrongToken,
    /// The time in the header is so many seconds ago. A negative number is in the future.
    StaleTimestamp {
        /// Seconds.
        seconds: i64,
    },
    /// The header has this text for a time, correctly signed.
    Timestamp {
        /// Any text without line breaks.
        text: String,
    },
}
