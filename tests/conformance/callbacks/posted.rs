//! One request, and what each receiver makes of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use longwire_wire::callback::{self, Callback, CallbackHeaders, CallbackKeys, ReplayWindow};
use serde::Serialize;
use serde_json::{Value, json};

use crate::sdk::Sdk;

/// That of the golden vectors.
const WINDOW: ReplayWindow = ReplayWindow::within(Duration::from_secs(300));

/// A request, the secrets of the bot that receives it, and the time.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    /// Which of an SDK's handlers it is for.
    pub(super) handler: Handler,
    pub(super) keys: Keys,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
    /// Seconds since 1970.
    pub(super) now_s: i64,
}

/// The handlers of an SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Handler {
    /// Events, and cards of the new generation.
    Event,
    /// Cards of the old generation.
    Card,
}

/// An empty text is an absent secret.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
pub(super) struct Keys {
    pub(super) encrypt_key: String,
    pub(super) verification_token: String,
}

/// Under the names that the Python handler looks for, in this case.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Headers {
    #[serde(rename = "X-Lark-Request-Timestamp")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    #[serde(rename = "X-Lark-Request-Nonce")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<String>,
    #[serde(rename = "X-Lark-Signature")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
}

/// The types that an SDK is asked to handle. One type of the vectors is left to nobody.
const TYPES: [&str; 9] = [
    "im.message.receive_v1",
    "im.message.recalled_v1",
    "im.message.reaction.created_v1",
    "im.chat.member.bot.added_v1",
    "im.chat.access_event.bot_p2p_chat_entered_v1",
    "p2p_chat_create",
    "app_ticket",
    "card.action.trigger",
    "url.preview.get",
];

impl Posted {
    /// What `wire` makes of it, in the words of the drivers.
    pub(super) fn ours(&self) -> String {
        let Keys {
            encrypt_key,
            verification_token,
        } = &self.keys;
        let keys = CallbackKeys {
            verification_token: Some(verification_token),
            encrypt_key: Some(encrypt_key),
        };
        fn bytes(text: &Option<String>) -> Option<&[u8]> {
            text.as_ref().map(String::as_bytes)
        }
        let headers = CallbackHeaders {
            timestamp: bytes(&self.headers.timestamp),
            nonce: bytes(&self.headers.nonce),
            signature: bytes(&self.headers.signature),
        };
        let body = Bytes::from(self.body.clone());
        match callback::read(&keys, &headers, &body, self.now_s * 1000, WINDOW) {
            Ok(Callback::Challenge { answer }) => {
                let answer: Value = serde_json::from_slice(&answer).expect("JSON");
                let text = answer["challenge"].as_str().expect("a text");
                format!("challenge: {text}")
            }
            Ok(Callback::Event(event) | Callback::Card { event, .. }) => {
                format!("event: {}", event.event_type.as_deref().unwrap_or("none"))
            }
            Err(_) => "refused".to_owned(),
        }
    }

    fn case(&self) -> Value {
        json!({
            "handler": self.handler,
            "keys": self.keys,
            "headers": self.headers,
            "body": STANDARD.encode(&self.body),
            "types": TYPES,
        })
    }
}

/// What the SDK makes of each request; `None` if it is not installed.
pub(super) fn theirs(sdk: Sdk, requests: &[&Posted]) -> Option<Vec<String>> {
    let cases: Vec<Value> = requests.iter().map(|request| request.case()).collect();
    let program = match sdk {
        Sdk::Python => "callbacks/receive.py",
        Sdk::Node => "callbacks/receive.cjs",
    };
    let said = sdk.ask(program, &cases)?;
    assert_eq!(said.len(), requests.len());
    let said = said.iter().map(|line| serde_json::from_str(line));
    Some(said.collect::<Result<_, _>>().expect("each line is a text"))
}
